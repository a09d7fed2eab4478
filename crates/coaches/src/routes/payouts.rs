//! Paying coaches.

use actix_web::{get, post, web};
use chrono::NaiveDate;
use muster_auth::permissions::{KeepCoachPay, ReadCoachPay};
use muster_auth::{Can, Whom};
use muster_finance::accounts::Method;
use muster_kernel::Minor;
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{OnceBody, Params, PathOf, Reply};
use muster_kernel::page::{Page, PageRequest};
use serde::{Deserialize, Serialize};

use super::PageQuery;
use crate::pay_lines::PayLine;
use crate::payouts::{self, Items, NewPayout, Payout, PayoutId};

/// A payout with the lines that it paid.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ItemisedPayout)]
struct PayoutShown {
    #[serde(flatten)]
    payout: Payout,
    /// The lines, the first thousand at most; none of a payout that was taken back.
    items: Vec<PayLine>,
    /// There are more, which are in `items_total`.
    more_items: bool,
}

impl From<(Payout, Items)> for PayoutShown {
    fn from((payout, items): (Payout, Items)) -> PayoutShown {
        PayoutShown { payout, items: items.lines, more_items: items.more }
    }
}

/// What a coach was paid, the latest first: oneself (`me`), treasurers and admins.
#[utoipa::path(
    tag = "coaches",
    params(("id" = String, Path, description = "The coach, or `me`"), PageQuery),
    responses((status = 200, description = "A page of payouts, without their lines", body = Page<Payout>)),
    extensions(("x-permission" = json!("coaches.read_pay")))
)]
#[get("/coaches/{id}/payouts")]
pub(super) async fn list_payouts(
    can: Can<ReadCoachPay>,
    PathOf(whom): PathOf<Whom>,
    Params(query): Params<PageQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let page = PageRequest::read("payouts", query.limit, query.cursor.as_deref())?;
    let id = whom.of(&can);
    let page = db
        .read::<_, Fault, _>(move |conn| {
            let total = match query.count {
                Some(true) => Some(payouts::count(conn, &can, id)?),
                _ => None,
            };
            let rows = payouts::list(conn, &can, id, &page)?;
            Ok(page.page(rows, |payout| payout.id.0, |payout| payout).with_total(total))
        })
        .await?;
    Reply::page(&page)
}

/// A payout to be made.
#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = NewPayout)]
struct PayoutBody {
    /// All that is due unless it is given.
    #[schema(value_type = Option<i64>, minimum = 1)]
    amount: Option<Minor>,
    method: Method,
    /// Today unless it is given. Of a day that has passed, only classes until then are paid.
    date: Option<NaiveDate>,
}

/// Pay a coach what is due, or a part of it. The answer is the itemised statement: `brought_forward`, and `items`, less
/// the amount, is `carried_forward`.
#[utoipa::path(
    tag = "coaches",
    params(
        ("id" = String, Path, description = "The coach, or `me`"),
        ("Idempotency-Key" = String, Header, description = "A key of your own making")
    ),
    request_body = PayoutBody,
    responses(
        (status = 201, description = "The payout", body = PayoutShown),
        (status = 409, description = "`invalid_state`: nothing is due. `exceeds_balance`: it is more than is. \
            `period_closed`: of this day")
    ),
    extensions(("x-permission" = json!("coaches.keep_pay")))
)]
#[post("/coaches/{id}/payouts")]
pub(super) async fn pay_out(
    can: Can<KeepCoachPay>,
    PathOf(whom): PathOf<Whom>,
    body: OnceBody<PayoutBody>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let id = whom.of(&can);
    body.perform(&db, move |tx, body| {
        let new = NewPayout { amount: body.amount, method: body.method, date: body.date };
        let shown = PayoutShown::from(payouts::pay(tx, &can, id, &new)?);
        let place = format!("/api/coaches/{id}/payouts/{}", shown.payout.id);
        Ok(Reply::created(place, shown.payout.version, &shown)?.about(id))
    })
    .await
}

/// A payout with the lines that it paid: oneself (`me`), treasurers and admins.
#[utoipa::path(
    tag = "coaches",
    params(
        ("id" = String, Path, description = "The coach, or `me`"),
        ("payout_id" = PayoutId, Path, description = "The payout")
    ),
    responses(
        (status = 200, description = "The payout", body = PayoutShown),
        (status = 304, description = "As you know it: `If-None-Match` has its ETag")
    ),
    extensions(("x-permission" = json!("coaches.read_pay")))
)]
#[get("/coaches/{id}/payouts/{payout_id}")]
pub(super) async fn get_payout(
    can: Can<ReadCoachPay>,
    PathOf((whom, payout)): PathOf<(Whom, PayoutId)>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let id = whom.of(&can);
    let shown = PayoutShown::from(db.read(move |conn| payouts::read(conn, &can, id, payout)).await?);
    Reply::of(shown.payout.version, &shown)
}

/// Why a payout is taken back.
#[derive(Deserialize, utoipa::ToSchema)]
struct ReversePayout {
    #[schema(min_length = 1, max_length = 500, example = "The bank sent it back")]
    reason: String,
}

/// Take a coach's latest payout back: what it paid is unpaid again.
#[utoipa::path(
    tag = "coaches",
    params(
        ("id" = String, Path, description = "The coach, or `me`"),
        ("payout_id" = PayoutId, Path, description = "The payout"),
        ("Idempotency-Key" = String, Header, description = "A key of your own making")
    ),
    request_body = ReversePayout,
    responses(
        (status = 200, description = "The payout that was taken back", body = PayoutShown),
        (status = 409, description = "It was taken back before, or is not the latest")
    ),
    extensions(("x-permission" = json!("coaches.keep_pay")))
)]
#[post("/coaches/{id}/payouts/{payout_id}/reverse")]
pub(super) async fn reverse_payout(
    can: Can<KeepCoachPay>,
    PathOf((whom, payout)): PathOf<(Whom, PayoutId)>,
    body: OnceBody<ReversePayout>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let id = whom.of(&can);
    body.perform(&db, move |tx, body| {
        let shown = PayoutShown::from(payouts::reverse(tx, &can, id, payout, &body.reason)?);
        Ok(Reply::of(shown.payout.version, &shown)?.about(id))
    })
    .await
}
