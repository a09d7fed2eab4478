//! Class fees paid in advance.

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
use crate::prepaid::{self, Lot, LotId, LotRefund, NewLot, PrepaidFees};
use crate::{EntryId, Items};

/// Class fees that were paid for together.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = PrepaidLot)]
pub(super) struct LotShown {
    id: LotId,
    version: i64,
    entry_id: EntryId,
    member_id: UserId,
    #[schema(example = 10)]
    count: i32,
    used: i32,
    /// Reserved for bookings.
    reserved: i32,
    /// Expired, paid back, or never sold after all.
    lapsed: i32,
    #[schema(example = 9000)]
    amount: Minor,
    method: Method,
    date: NaiveDate,
    /// The last day on which they can be used; null: always.
    expires_on: Option<NaiveDate>,
}

impl From<Lot> for LotShown {
    fn from(lot: Lot) -> LotShown {
        let method = Method::of(lot.account);
        let Lot { id, entry_id, member_id, count, used, reserved, lapsed, amount, date, expires_on, .. } =
            lot;
        LotShown {
            id,
            version: 1,
            entry_id,
            member_id,
            count,
            used,
            reserved,
            lapsed,
            amount,
            method,
            date,
            expires_on,
        }
    }
}

/// The class fees that a member paid in advance, the latest first.
#[utoipa::path(
    tag = "finance",
    params(("id" = String, Path, description = "The member, or `me`"), PageQuery),
    responses((status = 200, description = "A page of lots", body = Page<LotShown>)),
    extensions(("x-permission" = json!("statements.read")))
)]
#[get("/members/{id}/prepaid-fees")]
pub(super) async fn list_lots(
    can: Can<ReadStatements>,
    PathOf(whom): PathOf<Whom>,
    Params(query): Params<PageQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    list_of_member(&db, (can, whom), query, Items::Lots, |member, conn, page| {
        Ok(member.lots(conn, page)?.into_iter().map(|row| (row.id.0, LotShown::from(row))).collect())
    })
    .await
}

/// Class fees to be paid in advance.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct LotBody {
    #[schema(minimum = 1, maximum = 1000, example = 10)]
    count: i32,
    /// For all of them.
    #[schema(minimum = 1, example = 9000)]
    amount: Minor,
    method: Method,
    /// The last day on which they can be used; always unless it is given.
    expires_on: Option<NaiveDate>,
    /// Today unless it is given.
    date: Option<NaiveDate>,
}

/// Sell a member class fees in advance.
#[utoipa::path(
    tag = "finance",
    params(
        ("id" = String, Path, description = "The member, or `me`"),
        ("Idempotency-Key" = String, Header, description = "A key of your own making")
    ),
    request_body = LotBody,
    responses(
        (status = 201, description = "The class fees", body = LotShown),
        (status = 409, description = "The month is closed")
    ),
    extensions(("x-permission" = json!("books.keep")))
)]
#[post("/members/{id}/prepaid-fees")]
pub(super) async fn sell_lot(
    can: Can<KeepBooks>,
    PathOf(whom): PathOf<Whom>,
    body: OnceBody<LotBody>,
    db: web::Data<Db>,
    fees: web::Data<PrepaidFees>,
) -> Result<Reply, Fault> {
    let (member, fees) = (whom.of(&can), fees.into_inner());
    body.perform(&db, move |tx, body| {
        let &LotBody { count, amount, method, expires_on, date } = body;
        let lot = fees.sell(tx, &can, member, &NewLot { count, amount, method, expires_on, date })?;
        let location = format!("/api/finance/entries/{}", lot.entry_id);
        Ok(Reply::created(location, 1, &LotShown::from(lot))?.about(member))
    })
    .await
}

/// How class fees are paid back.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct LotRefundBody {
    /// How many of those that are neither used nor reserved.
    #[schema(minimum = 1, maximum = 1000, example = 5)]
    count: i32,
    /// What they are worth, or less.
    #[schema(minimum = 1, example = 4500)]
    amount: Minor,
    method: Method,
    /// Today unless it is given.
    date: Option<NaiveDate>,
}

/// Pay back class fees of a lot that are neither used nor reserved. What they are worth beyond the amount is income.
#[utoipa::path(
    tag = "finance",
    params(
        ("id" = String, Path, description = "The member, or `me`"),
        ("lot_id" = LotId, Path, description = "The lot"),
        ("Idempotency-Key" = String, Header, description = "A key of your own making")
    ),
    request_body = LotRefundBody,
    responses(
        (status = 200, description = "The class fees", body = LotShown),
        (status = 409, description = "Nothing is left, they are worth less, or the month is closed")
    ),
    extensions(("x-permission" = json!("books.keep")))
)]
#[post("/members/{id}/prepaid-fees/{lot_id}/refund")]
pub(super) async fn refund_lot(
    can: Can<KeepBooks>,
    PathOf((whom, lot)): PathOf<(Whom, LotId)>,
    body: OnceBody<LotRefundBody>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let member = whom.of(&can);
    body.perform(&db, move |tx, body| {
        let &LotRefundBody { count, amount, method, date } = body;
        let lot = prepaid::refund(tx, &can, member, lot, &LotRefund { count, amount, method, date })?;
        Ok(Reply::of(1, &LotShown::from(lot))?.about(member))
    })
    .await
}
