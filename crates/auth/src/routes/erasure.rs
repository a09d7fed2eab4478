//! Taking one's data along, and erasing people.

use actix_web::{get, post, web};
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{Body, PathOf, Reply};

use super::people::Reason;
use super::person::UserShown;
use crate::permissions::{EraseUsers, OwnAccount};
use crate::{Accounts, Can, Whom};

/// All that the club knows of whoever asks, in one file.
#[utoipa::path(
    tag = "users",
    responses((status = 200, description = "A file: one object for each domain", body = serde_json::Value)),
    extensions(("x-permission" = json!("account.own")))
)]
#[get("/users/me/export")]
pub(super) async fn export_own_data(
    can: Can<OwnAccount>,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    let now = db.clock().now();
    let export = db.read(move |conn| accounts.export(conn, &can, now)).await?;
    Ok(Reply::plain(&export)?.file("my-data.json").secret())
}

/// Erase somebody, for good: names, contacts and logs go, the books keep amounts and ids.
#[utoipa::path(
    tag = "users",
    params(("id" = String, Path, description = "The person, or `me`")),
    request_body = Reason,
    responses(
        (status = 200, description = "What is left of them", body = UserShown),
        (status = 409, description = "`last_admin`: the club needs one. `open_balance`: settle, refund or write it off first. `invalid_state`: they were erased, or are the one who asks")
    ),
    extensions(("x-permission" = json!("users.erase")))
)]
#[post("/users/{id}/erase")]
pub(super) async fn erase_user(
    can: Can<EraseUsers>,
    PathOf(whom): PathOf<Whom>,
    Body(body): Body<Reason>,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    // It would name whoever is to be forgotten; it is taken, so that clients treat all actions alike, and not kept.
    body.checked()?;
    let id = whom.of(&can);
    let (user, roles) = db.write(move |tx| accounts.erase(tx, &can, id)).await?;
    Reply::of(user.version, &UserShown::new(user, roles))
}
