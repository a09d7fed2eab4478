//! The routes of this crate, to be mounted below `/api`.

mod club;
mod erasure;
mod oversight;
mod own_account;
mod people;
mod person;
mod registering;
mod second_factor;
mod sessions;
mod signing_in;

use utoipa_actix_web::service_config::ServiceConfig;

/// Mounts all of them.
pub fn mount(config: &mut ServiceConfig<'_>) {
    config
        .service(signing_in::login)
        .service(signing_in::refresh)
        .service(signing_in::logout)
        .service(sessions::list_sessions)
        .service(sessions::end_session)
        .service(sessions::end_other_sessions)
        .service(registering::register)
        .service(registering::verify_email)
        .service(registering::resend_verification)
        .service(registering::set_up)
        .service(own_account::forgot_password)
        .service(own_account::reset_password)
        .service(own_account::change_password)
        .service(own_account::change_email)
        .service(second_factor::get_totp)
        .service(second_factor::begin_totp)
        .service(second_factor::confirm_totp)
        .service(second_factor::renew_recovery_codes)
        .service(second_factor::remove_totp)
        .service(people::list_users)
        .service(people::invite_user)
        .service(people::get_user)
        .service(people::patch_user)
        .service(people::give_roles)
        .service(people::give_address)
        .service(people::deactivate_user)
        .service(people::reactivate_user)
        .service(people::reset_password_of)
        .service(people::reset_totp_of)
        .service(erasure::export_own_data)
        .service(erasure::erase_user)
        .service(club::get_club)
        .service(club::patch_club)
        .service(oversight::list_audit)
        .service(oversight::list_jobs)
        .service(oversight::retry_job);
}
