//! What members were let off.

use actix_web::{get, post, web};
use chrono::NaiveDate;
use muster_auth::permissions::{KeepBooks, ReadBooks, ReadStatements};
use muster_auth::{Can, Whom};
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{OnceBody, Params, PathOf, Reply};
use muster_kernel::page::Page;
use muster_kernel::{Minor, UserId};
use serde::{Deserialize, Serialize};

use super::{PageQuery, list_of_member};
use crate::charges::ChargeId;
use crate::credits::{self, Credit, CreditId, NewWriteOff};
use crate::{EntryId, Items};

/// Something that a member was let off.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = WriteOff)]
pub(super) struct WriteOffShown {
    id: CreditId,
    version: i64,
    entry_id: EntryId,
    member_id: UserId,
    #[schema(example = 500)]
    amount: Minor,
    date: NaiveDate,
    /// For those who keep the books.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Taken back.
    reversed: bool,
}

impl From<Credit> for WriteOffShown {
    fn from(credit: Credit) -> WriteOffShown {
        let Credit { id, entry_id, member_id, amount, date, reason, is_reversed, .. } = credit;
        WriteOffShown { id, version: 1, entry_id, member_id, amount, date, reason, reversed: is_reversed }
    }
}

/// What a member was let off, the latest first.
#[utoipa::path(
    tag = "finance",
    params(("id" = String, Path, description = "The member, or `me`"), PageQuery),
    responses((status = 200, description = "A page of write-offs", body = Page<WriteOffShown>)),
    extensions(("x-permission" = json!("statements.read")))
)]
#[get("/members/{id}/write-offs")]
pub(super) async fn list_write_offs(
    can: Can<ReadStatements>,
    PathOf(whom): PathOf<Whom>,
    Params(query): Params<PageQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let keeps_books = can.actor().can::<ReadBooks>().is_ok();
    list_of_member(&db, (can, whom), query, Items::WriteOffs, move |member, conn, page| {
        let show = |row: Credit| match keeps_books {
            true => (row.id.0, WriteOffShown::from(row)),
            false => (row.id.0, WriteOffShown { reason: None, ..WriteOffShown::from(row) }),
        };
        Ok(member.write_offs(conn, page)?.into_iter().map(show).collect())
    })
    .await
}

/// A debt to be written off.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct WriteOffBody {
    #[schema(minimum = 1, example = 500)]
    amount: Minor,
    /// Of this charge; otherwise of the oldest.
    charge_id: Option<ChargeId>,
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// Let a member off something that they owe.
#[utoipa::path(
    tag = "finance",
    params(
        ("id" = String, Path, description = "The member, or `me`"),
        ("Idempotency-Key" = String, Header, description = "A key of your own making")
    ),
    request_body = WriteOffBody,
    responses(
        (status = 201, description = "What was written off", body = WriteOffShown),
        (status = 409, description = "More than is owed")
    ),
    extensions(("x-permission" = json!("books.keep")))
)]
#[post("/members/{id}/write-offs")]
pub(super) async fn write_off(
    can: Can<KeepBooks>,
    PathOf(whom): PathOf<Whom>,
    body: OnceBody<WriteOffBody>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let member = whom.of(&can);
    body.perform(&db, move |tx, body| {
        let new = NewWriteOff { amount: body.amount, charge_id: body.charge_id, reason: body.reason.clone() };
        let credit = credits::write_off(tx, &can, member, &new)?;
        let location = format!("/api/finance/entries/{}", credit.entry_id);
        Ok(Reply::created(location, 1, &WriteOffShown::from(credit))?.about(member))
    })
    .await
}
