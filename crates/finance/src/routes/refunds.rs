//! What members were paid back.

use actix_web::{get, post, web};
use chrono::NaiveDate;
use muster_auth::permissions::{KeepBooks, ReadStatements};
use muster_auth::{Can, Whom};
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{OnceBody, Params, PathOf, Reply};
use muster_kernel::page::Page;
use muster_kernel::{Minor, UserId};
use serde::{Deserialize, Serialize};

use super::{PageQuery, list_of_member};
use crate::accounts::Method;
use crate::charges::{Charge, ChargeId};
use crate::credits::{self, NewRefund};
use crate::{EntryId, Items};

/// Something that was paid back.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Refund)]
pub(super) struct RefundShown {
    id: ChargeId,
    version: i64,
    entry_id: EntryId,
    member_id: UserId,
    #[schema(example = 500)]
    amount: Minor,
    text: Option<String>,
    date: NaiveDate,
    /// Taken back.
    reversed: bool,
}

impl From<Charge> for RefundShown {
    fn from(paid_back: Charge) -> RefundShown {
        let Charge { id, entry_id, member_id, amount, text, date, is_reversed, .. } = paid_back;
        RefundShown { id, version: 1, entry_id, member_id, amount, text, date, reversed: is_reversed }
    }
}

/// What a member was paid back, the latest first.
#[utoipa::path(
    tag = "finance",
    params(("id" = String, Path, description = "The member, or `me`"), PageQuery),
    responses((status = 200, description = "A page of refunds", body = Page<RefundShown>)),
    extensions(("x-permission" = json!("statements.read")))
)]
#[get("/members/{id}/refunds")]
pub(super) async fn list_refunds(
    can: Can<ReadStatements>,
    PathOf(whom): PathOf<Whom>,
    Params(query): Params<PageQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    list_of_member(&db, (can, whom), query, Items::Refunds, |member, conn, page| {
        Ok(member.refunds(conn, page)?.into_iter().map(|row| (row.id.0, RefundShown::from(row))).collect())
    })
    .await
}

/// Credit to be paid back.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct RefundBody {
    #[schema(minimum = 1, example = 500)]
    amount: Minor,
    method: Method,
    /// Today unless it is given.
    date: Option<NaiveDate>,
    #[schema(min_length = 1, max_length = 200)]
    text: Option<String>,
}

/// Pay a member's credit back, or a part of it.
#[utoipa::path(
    tag = "finance",
    params(
        ("id" = String, Path, description = "The member, or `me`"),
        ("Idempotency-Key" = String, Header, description = "A key of your own making")
    ),
    request_body = RefundBody,
    responses(
        (status = 201, description = "What was paid back", body = RefundShown),
        (status = 409, description = "More than the credit, or the month is closed")
    ),
    extensions(("x-permission" = json!("books.keep")))
)]
#[post("/members/{id}/refunds")]
pub(super) async fn refund(
    can: Can<KeepBooks>,
    PathOf(whom): PathOf<Whom>,
    body: OnceBody<RefundBody>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let member = whom.of(&can);
    body.perform(&db, move |tx, body| {
        let new =
            NewRefund { amount: body.amount, method: body.method, date: body.date, text: body.text.clone() };
        let paid_back = credits::refund(tx, &can, member, &new)?;
        let location = format!("/api/finance/entries/{}", paid_back.entry_id);
        Ok(Reply::created(location, 1, &RefundShown::from(paid_back))?.about(member))
    })
    .await
}
