//! Coming to an account: registering, proving the address, setting the club up.

use actix_web::{post, web};
use chrono::NaiveDate;
use muster_kernel::Client;
use muster_kernel::audit::Origin;
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{Body, Reply};
use serde::{Deserialize, Serialize};

use crate::accounts::{FirstAdmin, Registration};
use crate::{Accounts, Password};

/// What somebody tells of themselves.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct Register {
    #[schema(min_length = 1, max_length = 80, example = "Anna")]
    first_name: String,
    #[schema(min_length = 1, max_length = 80, example = "Example")]
    last_name: String,
    #[schema(max_length = 254, example = "anna@example.org")]
    email: String,
    /// At least 8 characters, at most 71 bytes, neither common nor personal.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 71)]
    password: Password,
    date_of_birth: NaiveDate,
}

/// The same for everybody.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Registered {
    /// Always `sent`.
    verification: &'static str,
}

/// Register. The answer is the same whether the address has an account or not: its owner alone learns that.
#[utoipa::path(
    tag = "auth",
    request_body = Register,
    responses((status = 201, description = "A mail is on its way", body = Registered)),
    extensions(("x-public" = json!(true)))
)]
#[post("/auth/register")]
pub(super) async fn register(
    Body(body): Body<Register>,
    client: Client,
    origin: Origin,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    let Register { first_name, last_name, email, password, date_of_birth } = body;
    let registration = Registration { first_name, last_name, email, password, date_of_birth };
    accounts.register(&db, registration, client, origin).await?;
    Ok(Reply::plain(&Registered { verification: "sent" })?.status(201))
}

/// The token of a link.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct LinkToken {
    #[schema(max_length = 128)]
    token: String,
}

/// Prove an address with the token of the link that was sent there.
#[utoipa::path(
    tag = "auth",
    request_body = LinkToken,
    responses(
        (status = 204, description = "It is theirs"),
        (status = 422, description = "`token_invalid`: the link was used, is too old, or never was one")
    ),
    extensions(("x-public" = json!(true)))
)]
#[post("/auth/email/verify")]
pub(super) async fn verify_email(
    Body(body): Body<LinkToken>,
    origin: Origin,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    accounts.verify_address(&db, body.token, origin).await?;
    Ok(Reply::nothing())
}

/// An address.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct Address {
    #[schema(max_length = 254, example = "anna@example.org")]
    pub(super) email: String,
}

/// Have the link that proves an address sent once more. The answer is the same whatever the address.
#[utoipa::path(
    tag = "auth",
    request_body = Address,
    responses((status = 202, description = "If there is an address to prove, a mail is on its way")),
    extensions(("x-public" = json!(true)))
)]
#[post("/auth/email/verify/resend")]
pub(super) async fn resend_verification(
    Body(body): Body<Address>,
    client: Client,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    accounts.resend_verification(&db, &body.email, client).await?;
    Ok(Reply::nothing().status(202))
}

/// What the first admin tells of themselves.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct SetUp {
    #[schema(max_length = 128)]
    token: String,
    #[schema(min_length = 1, max_length = 80, example = "Anna")]
    first_name: String,
    #[schema(min_length = 1, max_length = 80, example = "Example")]
    last_name: String,
    #[schema(max_length = 254, example = "anna@example.org")]
    email: String,
    /// At least 8 characters, at most 71 bytes, neither common nor personal.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 71)]
    password: Password,
}

/// Make the first admin of an empty club, with the token of the link that the program printed.
#[utoipa::path(
    tag = "auth",
    request_body = SetUp,
    responses(
        (status = 201, description = "There is an admin, who can sign in"),
        (status = 422, description = "`token_invalid`: the link holds no longer, or there is an admin by now")
    ),
    extensions(("x-public" = json!(true)))
)]
#[post("/auth/setup")]
pub(super) async fn set_up(
    Body(body): Body<SetUp>,
    origin: Origin,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    let SetUp { token, first_name, last_name, email, password } = body;
    accounts.set_up(&db, token, FirstAdmin { first_name, last_name, email, password }, origin).await?;
    Ok(Reply::nothing().status(201))
}
