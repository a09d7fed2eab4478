//! One's own password and address.

use actix_web::{post, put, web};
use muster_kernel::Client;
use muster_kernel::audit::Origin;
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{Body, Reply};
use serde::Deserialize;

use super::registering::Address;
use crate::permissions::OwnAccount;
use crate::{Accounts, Can, Password};

/// Have a link sent with which a new password can be chosen. The answer is the same whatever the address.
#[utoipa::path(
    tag = "auth",
    request_body = Address,
    responses((status = 202, description = "If there is such an account, a mail is on its way")),
    extensions(("x-public" = json!(true)))
)]
#[post("/auth/password/forgot")]
pub(super) async fn forgot_password(
    Body(body): Body<Address>,
    client: Client,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    accounts.forgot_password(&db, &body.email, client).await?;
    Ok(Reply::nothing().status(202))
}

/// The token of a link, and a new password.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct NewPassword {
    #[schema(max_length = 128)]
    token: String,
    /// At least 8 characters, at most 71 bytes, neither common nor personal.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 71)]
    new_password: Password,
}

/// Choose a password with the token of a link: of a reset or of an invitation. All devices are signed out.
#[utoipa::path(
    tag = "auth",
    request_body = NewPassword,
    responses(
        (status = 204, description = "The password is the new one"),
        (status = 422, description = "`token_invalid`: the link was used, is too old, or never was one. `invalid_fields`: this cannot be a password; the link still holds")
    ),
    extensions(("x-public" = json!(true)))
)]
#[post("/auth/password/reset")]
pub(super) async fn reset_password(
    Body(body): Body<NewPassword>,
    origin: Origin,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    accounts.reset_password(&db, body.token, body.new_password, origin).await?;
    Ok(Reply::nothing())
}

/// The password of before and the one of from now on.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct PasswordChange {
    #[schema(value_type = String, format = Password, max_length = 1000)]
    old_password: Password,
    /// At least 8 characters, at most 71 bytes, neither common nor personal.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 71)]
    new_password: Password,
}

/// Change one's password. All other devices are signed out.
#[utoipa::path(
    tag = "auth",
    request_body = PasswordChange,
    responses((status = 204, description = "The password is the new one")),
    extensions(("x-permission" = json!("account.own")))
)]
#[put("/auth/password")]
pub(super) async fn change_password(
    can: Can<OwnAccount>,
    Body(body): Body<PasswordChange>,
    client: Client,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    accounts.change_password(&db, can, body.old_password, body.new_password, client).await?;
    Ok(Reply::nothing())
}

/// A new address, and the password as a proof.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct EmailChange {
    #[schema(max_length = 254, example = "anna@example.org")]
    new_email: String,
    #[schema(value_type = String, format = Password, max_length = 1000)]
    password: Password,
}

/// Change one's address: a link is sent to the new one, and it counts once the link was followed. The answer is the
/// same whether the new address has an account or not.
#[utoipa::path(
    tag = "auth",
    request_body = EmailChange,
    responses((status = 202, description = "A mail is on its way")),
    extensions(("x-permission" = json!("account.own")))
)]
#[put("/auth/email")]
pub(super) async fn change_email(
    can: Can<OwnAccount>,
    Body(body): Body<EmailChange>,
    client: Client,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    accounts.change_email(&db, can, &body.new_email, body.password, client).await?;
    Ok(Reply::nothing().status(202))
}
