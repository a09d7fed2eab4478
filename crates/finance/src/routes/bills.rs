//! What the club owes for things.

use actix_web::{get, patch, post, web};
use chrono::NaiveDate;
use muster_auth::Can;
use muster_auth::permissions::{KeepBooks, ReadBooks};
use muster_kernel::Minor;
use muster_kernel::db::{Conn, Db, DbResult};
use muster_kernel::fault::Fault;
use muster_kernel::http::{Body, IfMatch, OnceBody, Params, PathOf, Reply};
use muster_kernel::page::{Page, PageRequest};
use serde::{Deserialize, Deserializer, Serialize};

use crate::EntryId;
use crate::accounts::Method;
use crate::bills::{self, Bill, BillId, BillPayment, NewBill, NewBillPayment, Repeat, Which};

/// A payment of a bill.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = BillPayment)]
struct BillPaymentShown {
    /// Its entry, by which it can be taken back.
    entry_id: EntryId,
    amount: Minor,
    method: Method,
    date: NaiveDate,
    /// Taken back.
    reversed: bool,
}

/// What the club owes for a thing.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Bill)]
pub(super) struct BillShown {
    id: BillId,
    version: i64,
    entry_id: EntryId,
    #[schema(example = "City of Berlin")]
    payee: String,
    #[schema(example = 48000)]
    amount: Minor,
    /// What of it is not paid.
    open: Minor,
    #[schema(example = "hall")]
    category: String,
    #[schema(example = "Hall rent, November")]
    text: String,
    date: NaiveDate,
    due_on: NaiveDate,
    /// How often it comes again.
    repeat: Option<Repeat>,
    /// When it comes again.
    next_on: Option<NaiveDate>,
    /// The bill that this one comes of.
    repeats: Option<BillId>,
    /// Taken back.
    reversed: bool,
    payments: Vec<BillPaymentShown>,
}

impl BillShown {
    fn new(bill: Bill, all: &[BillPayment]) -> BillShown {
        let payment = |payment: &BillPayment| BillPaymentShown {
            entry_id: payment.entry_id,
            amount: payment.amount,
            method: Method::of(payment.account),
            date: payment.date,
            reversed: payment.is_reversed,
        };
        let payments = all.iter().filter(|payment| payment.bill_id == bill.id).map(payment).collect();
        BillShown {
            id: bill.id,
            version: bill.version,
            entry_id: bill.entry_id,
            payee: bill.payee,
            amount: bill.amount,
            open: bill.open,
            category: bill.category,
            text: bill.text,
            date: bill.date,
            due_on: bill.due_on,
            repeat: bill.repeat,
            next_on: bill.next_on,
            repeats: bill.repeats,
            reversed: bill.is_reversed,
            payments,
        }
    }

    /// A bill with its payments.
    fn whole(conn: &mut Conn, bill: Bill) -> DbResult<BillShown> {
        let payments = bills::payments_of(conn, &[bill.id])?;
        Ok(BillShown::new(bill, &payments))
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct BillQuery {
    /// Only those that are open, the one due first at the top.
    open: Option<bool>,
    /// So many rows, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// Where the page begins, as `next_cursor` said.
    cursor: Option<String>,
    /// Also tell how many there are in all.
    count: Option<bool>,
}

/// The bills: all of them, the latest first; or those that are open, the one due first at the top.
#[utoipa::path(
    tag = "finance",
    params(BillQuery),
    responses((status = 200, description = "A page of bills", body = Page<BillShown>)),
    extensions(("x-permission" = json!("books.read")))
)]
#[get("/finance/bills")]
pub(super) async fn list_bills(
    can: Can<ReadBooks>,
    Params(query): Params<BillQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let open = query.open == Some(true);
    let (which, name) = if open { (Which::Open, "bills:open") } else { (Which::All, "bills") };
    let page = PageRequest::read(name, query.limit, query.cursor.as_deref())?;
    let (page, rows, payments, total) = db
        .read::<_, Fault, _>(move |conn| {
            let rows = bills::list(conn, &can, which, &page)?;
            let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
            let payments = bills::payments_of(conn, &ids)?;
            let total = if query.count == Some(true) { Some(bills::count(conn, open)?) } else { None };
            Ok((page, rows, payments, total))
        })
        .await?;
    let key = |bill: &Bill| (bill.due_on.to_string(), bill.id.0);
    Reply::page(&page.page(rows, key, |bill| BillShown::new(bill, &payments)).with_total(total))
}

/// A bill to be written down.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct BillBody {
    #[schema(min_length = 1, max_length = 120, example = "City of Berlin")]
    payee: String,
    #[schema(minimum = 1, example = 48000)]
    amount: Minor,
    /// An expense account.
    #[schema(max_length = 40, example = "hall")]
    category: String,
    #[schema(min_length = 1, max_length = 200, example = "Hall rent, November")]
    text: String,
    due_on: NaiveDate,
    /// Today unless it is given.
    date: Option<NaiveDate>,
    /// Not at all unless it is given. It comes again on the same day of the month, and is due as many months later.
    repeat: Option<Repeat>,
}

/// Write down a bill: an expense on its day, which is paid later.
#[utoipa::path(
    tag = "finance",
    params(("Idempotency-Key" = String, Header, description = "A key of your own making")),
    request_body = BillBody,
    responses(
        (status = 201, description = "The bill", body = BillShown),
        (status = 409, description = "The month is closed")
    ),
    extensions(("x-permission" = json!("books.keep")))
)]
#[post("/finance/bills")]
pub(super) async fn record_bill(
    can: Can<KeepBooks>,
    body: OnceBody<BillBody>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    body.perform(&db, move |tx, body| {
        let new = NewBill {
            payee: body.payee.clone(),
            amount: body.amount,
            category: body.category.clone(),
            text: body.text.clone(),
            due_on: body.due_on,
            date: body.date,
            repeat: body.repeat,
        };
        let bill = bills::record(tx, &can, &new)?;
        Reply::created(format!("/api/finance/bills/{}", bill.id), bill.version, &BillShown::new(bill, &[]))
    })
    .await
}

/// A bill and its payments.
#[utoipa::path(
    tag = "finance",
    params(("id" = BillId, Path, description = "The bill")),
    responses((status = 200, description = "The bill", body = BillShown)),
    extensions(("x-permission" = json!("books.read")))
)]
#[get("/finance/bills/{id}")]
pub(super) async fn get_bill(
    can: Can<ReadBooks>,
    PathOf(id): PathOf<BillId>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let bill = db
        .read::<_, Fault, _>(move |conn| {
            let bill = bills::read(conn, &can, id)?;
            Ok(BillShown::whole(conn, bill)?)
        })
        .await?;
    Reply::of(bill.version, &bill)
}

/// What is to change of a bill.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct BillPatch {
    /// How often it comes again from now on; null: no more.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Repeat>)]
    repeat: Option<Option<Repeat>>,
}

/// Tells `null` from a field that is not there.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Say how often a bill comes again. The rest of it is as it was entered; one that is wrong is taken back.
#[utoipa::path(
    tag = "finance",
    params(
        ("id" = BillId, Path, description = "The bill"),
        ("If-Match" = Option<String>, Header, description = "The version you saw")
    ),
    request_body = BillPatch,
    responses(
        (status = 200, description = "The bill", body = BillShown),
        (status = 409, description = "It comes of another bill, or was taken back"),
        (status = 412, description = "Somebody changed it meanwhile")
    ),
    extensions(("x-permission" = json!("books.keep")))
)]
#[patch("/finance/bills/{id}")]
pub(super) async fn change_bill(
    can: Can<KeepBooks>,
    PathOf(id): PathOf<BillId>,
    IfMatch(expected): IfMatch,
    Body(patch): Body<BillPatch>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let bill = db
        .write::<_, Fault, _>(move |tx| {
            let bill = bills::repeating::set(tx, &can, id, &expected, patch.repeat)?;
            Ok(BillShown::whole(tx, bill)?)
        })
        .await?;
    Reply::of(bill.version, &bill)
}

/// A payment of a bill.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct BillPaymentBody {
    /// What is open of it, or less.
    #[schema(minimum = 1, example = 48000)]
    amount: Minor,
    method: Method,
    /// Today unless it is given.
    date: Option<NaiveDate>,
}

/// Pay a bill, or a part of it.
#[utoipa::path(
    tag = "finance",
    params(
        ("id" = BillId, Path, description = "The bill"),
        ("Idempotency-Key" = String, Header, description = "A key of your own making")
    ),
    request_body = BillPaymentBody,
    responses(
        (status = 201, description = "The bill with its payments", body = BillShown),
        (status = 409, description = "More than is open, or the month is closed")
    ),
    extensions(("x-permission" = json!("books.keep")))
)]
#[post("/finance/bills/{id}/payments")]
pub(super) async fn pay_bill(
    can: Can<KeepBooks>,
    PathOf(id): PathOf<BillId>,
    body: OnceBody<BillPaymentBody>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    body.perform(&db, move |tx, body| {
        let &BillPaymentBody { amount, method, date } = body;
        let bill = bills::pay(tx, &can, id, &NewBillPayment { amount, method, date })?;
        let bill = BillShown::whole(tx, bill)?;
        Reply::created(format!("/api/finance/bills/{id}"), bill.version, &bill)
    })
    .await
}
