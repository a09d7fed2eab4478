//! One's own second factor.

use actix_web::{get, post, web};
use muster_kernel::Client;
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{Body, Reply};
use serde::{Deserialize, Serialize};

use crate::permissions::OwnAccount;
use crate::{Accounts, Can, Password};

/// How a second factor stands.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct SecondFactor {
    /// Whether a code is asked for at the sign-in.
    enabled: bool,
    /// Whether the club asks one of their roles. Without one they cannot act in those roles.
    required: bool,
    recovery_codes_left: i64,
}

/// How one's own second factor stands.
#[utoipa::path(
    tag = "auth",
    responses((status = 200, description = "How it stands", body = SecondFactor)),
    extensions(("x-permission" = json!("account.own")))
)]
#[get("/auth/totp")]
pub(super) async fn get_totp(can: Can<OwnAccount>, db: web::Data<Db>) -> Result<Reply, Fault> {
    let state = db.read(move |conn| Accounts::second_factor(conn, &can)).await?;
    let crate::FactorState { enabled, required, recovery_codes_left } = state;
    Reply::plain(&SecondFactor { enabled, required, recovery_codes_left })
}

/// One's password, as a proof.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct Proof {
    #[schema(value_type = String, format = Password, max_length = 1000)]
    password: Password,
}

/// What an app needs to make codes.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Enrolled {
    /// For those who type it.
    secret: String,
    /// For those who scan it: the content of a QR code.
    uri: String,
}

/// Begin setting up a second factor: a code every thirty seconds, made by an app. Nothing is asked until it is
/// confirmed.
#[utoipa::path(
    tag = "auth",
    request_body = Proof,
    responses(
        (status = 200, description = "What the app needs", body = Enrolled),
        (status = 409, description = "There is one already")
    ),
    extensions(("x-permission" = json!("account.own")))
)]
#[post("/auth/totp")]
pub(super) async fn begin_totp(
    can: Can<OwnAccount>,
    Body(body): Body<Proof>,
    client: Client,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    let begun = accounts.begin_second_factor(&db, can, body.password, client).await?;
    Ok(Reply::plain(&Enrolled { secret: begun.secret.to_base32().to_string(), uri: begun.uri })?.secret())
}

/// A code of the app.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct AppCode {
    #[schema(max_length = 64, example = "123456")]
    code: String,
}

/// Codes for when the app is lost.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct RecoveryCodes {
    /// Each is good for one sign-in. They are shown this once.
    recovery_codes: Vec<String>,
}

/// Confirm the second factor with a first code. From now on a code is asked for at the sign-in.
#[utoipa::path(
    tag = "auth",
    request_body = AppCode,
    responses((status = 200, description = "It is set up", body = RecoveryCodes)),
    extensions(("x-permission" = json!("account.own")))
)]
#[post("/auth/totp/confirm")]
pub(super) async fn confirm_totp(
    can: Can<OwnAccount>,
    Body(body): Body<AppCode>,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    let recovery_codes = accounts.confirm_second_factor(&db, can, body.code).await?;
    Ok(Reply::plain(&RecoveryCodes { recovery_codes })?.secret())
}

/// Get new recovery codes; the old ones hold no longer.
#[utoipa::path(
    tag = "auth",
    request_body = Proof,
    responses(
        (status = 200, description = "The new ones", body = RecoveryCodes),
        (status = 409, description = "There is no second factor")
    ),
    extensions(("x-permission" = json!("account.own")))
)]
#[post("/auth/totp/recovery-codes")]
pub(super) async fn renew_recovery_codes(
    can: Can<OwnAccount>,
    Body(body): Body<Proof>,
    client: Client,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    let recovery_codes = accounts.renew_recovery_codes(&db, can, body.password, client).await?;
    Ok(Reply::plain(&RecoveryCodes { recovery_codes })?.secret())
}

/// Take one's second factor away.
#[utoipa::path(
    tag = "auth",
    request_body = Proof,
    responses((status = 204, description = "No code is asked for any more")),
    extensions(("x-permission" = json!("account.own")))
)]
#[post("/auth/totp/remove")]
pub(super) async fn remove_totp(
    can: Can<OwnAccount>,
    Body(body): Body<Proof>,
    client: Client,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    accounts.remove_second_factor(&db, can, body.password, client).await?;
    Ok(Reply::nothing())
}
