//! What members paid.

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
use crate::charges::ChargeId;
use crate::credits::{self, Credit, CreditId, NewPayment};
use crate::settling::Allocation;
use crate::{EntryId, Items};

/// What a payment settled.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Allocation)]
pub(super) struct AllocationShown {
    charge_id: ChargeId,
    amount: Minor,
}

/// A payment.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Payment)]
pub(super) struct PaymentShown {
    id: CreditId,
    version: i64,
    entry_id: EntryId,
    member_id: UserId,
    #[schema(example = 2500)]
    amount: Minor,
    method: Method,
    date: NaiveDate,
    reference: Option<String>,
    /// Which charges it settles, and how much of each.
    allocations: Vec<AllocationShown>,
    /// What of it is left for charges to come.
    credit: Minor,
    /// Taken back.
    reversed: bool,
}

impl PaymentShown {
    fn new(payment: Credit, all: &[Allocation]) -> PaymentShown {
        let settled = all.iter().filter(|allocation| allocation.credit_id == payment.id);
        PaymentShown {
            id: payment.id,
            version: 1,
            entry_id: payment.entry_id,
            member_id: payment.member_id,
            amount: payment.amount,
            method: Method::of(payment.account),
            date: payment.date,
            reference: payment.reference,
            allocations: settled
                .map(|a| AllocationShown { charge_id: a.charge_id, amount: a.amount })
                .collect(),
            credit: payment.rest,
            reversed: payment.is_reversed,
        }
    }
}

/// What a member paid, the latest first.
#[utoipa::path(
    tag = "finance",
    params(("id" = String, Path, description = "The member, or `me`"), PageQuery),
    responses((status = 200, description = "A page of payments", body = Page<PaymentShown>)),
    extensions(("x-permission" = json!("statements.read")))
)]
#[get("/members/{id}/payments")]
pub(super) async fn list_payments(
    can: Can<ReadStatements>,
    PathOf(whom): PathOf<Whom>,
    Params(query): Params<PageQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    list_of_member(&db, (can, whom), query, Items::Payments, |member, conn, page| {
        let (rows, allocations) = member.payments(conn, page)?;
        Ok(rows.into_iter().map(|row| (row.id.0, PaymentShown::new(row, &allocations))).collect())
    })
    .await
}

/// A payment to be taken.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct PaymentBody {
    #[schema(minimum = 1, example = 2500)]
    amount: Minor,
    method: Method,
    /// Today unless it is given.
    date: Option<NaiveDate>,
    /// Where it comes from: a line of a bank statement.
    #[schema(min_length = 1, max_length = 200)]
    reference: Option<String>,
}

/// Take a payment: it settles the oldest charges first, and says which. What is left stays as credit.
#[utoipa::path(
    tag = "finance",
    params(
        ("id" = String, Path, description = "The member, or `me`"),
        ("Idempotency-Key" = String, Header, description = "A key of your own making")
    ),
    request_body = PaymentBody,
    responses(
        (status = 201, description = "The payment", body = PaymentShown),
        (status = 409, description = "The month is closed")
    ),
    extensions(("x-permission" = json!("books.keep")))
)]
#[post("/members/{id}/payments")]
pub(super) async fn take_payment(
    can: Can<KeepBooks>,
    PathOf(whom): PathOf<Whom>,
    body: OnceBody<PaymentBody>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let member = whom.of(&can);
    body.perform(&db, move |tx, body| {
        let new = NewPayment {
            amount: body.amount,
            method: body.method,
            date: body.date,
            reference: body.reference.clone(),
        };
        let (payment, allocations) = credits::take_payment(tx, &can, member, &new)?;
        let location = format!("/api/finance/entries/{}", payment.entry_id);
        Ok(Reply::created(location, 1, &PaymentShown::new(payment, &allocations))?.about(member))
    })
    .await
}
