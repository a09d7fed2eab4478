//! The routes of this crate, to be mounted below `/api`.

mod guardians;
mod record;
mod shown;

use utoipa_actix_web::service_config::ServiceConfig;

/// Mounts all of them.
pub fn mount(config: &mut ServiceConfig<'_>) {
    config.service(record::get_member).service(guardians::set_guardians).service(guardians::add_dependant);
}
