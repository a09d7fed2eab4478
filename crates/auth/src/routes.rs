//! The routes of this crate, to be mounted below `/api`.

mod club;
mod oversight;
mod signing_in;

use utoipa_actix_web::service_config::ServiceConfig;

/// Mounts all of them.
pub fn mount(config: &mut ServiceConfig<'_>) {
    config
        .service(signing_in::login)
        .service(club::get_club)
        .service(club::patch_club)
        .service(oversight::list_audit)
        .service(oversight::list_jobs)
        .service(oversight::retry_job);
}
