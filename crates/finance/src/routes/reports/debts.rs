//! Reports of who owes what, and of what is unpaid.

use actix_web::{Either, get, web};
use chrono::NaiveDate;
use muster_auth::Can;
use muster_auth::permissions::ReadBooks;
use muster_kernel::csv::Cell;
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{Accepts, CsvPages, Format, Params, Reply};
use muster_kernel::page::PageRequest;
use muster_kernel::{Minor, UserId};
use serde::{Deserialize, Serialize};

use super::{Table, decimals, page_of};
use crate::bills::BillId;
use crate::charges::ChargeId;
use crate::periods;
use crate::prepaid::LotId;
use crate::reports::{self, LotLeft, Owed, Payable, PayableKey, PayableKind};

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct DebtQuery {
    /// When this day ended; today, and not later, unless it is given.
    as_of: Option<NaiveDate>,
    /// `csv`: all rows at once.
    format: Option<Format>,
    /// So many rows, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// Where the page begins, as `next_cursor` said.
    cursor: Option<String>,
}

/// What a member owes, by how long it has been due.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Owed)]
struct OwedShown {
    member_id: UserId,
    name: String,
    /// Due for less than 30 days, or not yet; below zero is credit.
    current: Minor,
    /// Due for 30 to 59 days.
    days_30: Minor,
    /// Due for 60 to 89 days.
    days_60: Minor,
    /// Due for 90 days and longer.
    days_90: Minor,
    total: Minor,
}

impl From<Owed> for OwedShown {
    fn from(owed: Owed) -> OwedShown {
        let Owed { member_id, name, current, days_30, days_60, days_90, total } = owed;
        OwedShown { member_id, name, current, days_30, days_60, days_90, total }
    }
}

/// Who owed what when a day ended.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Receivables {
    as_of: NaiveDate,
    items: Vec<OwedShown>,
    next_cursor: Option<String>,
    has_more: bool,
    /// What all members together owed, those of other pages among them.
    total: Minor,
}

const RECEIVABLES: [&str; 7] = ["member_id", "name", "current", "days_30", "days_60", "days_90", "total"];

/// Who owed what when a day ended, by how long it had been due, in the order of the members' numbers.
#[utoipa::path(
    tag = "finance",
    params(DebtQuery),
    responses((
        status = 200,
        description = "A page of members; as CSV all of them",
        content((Receivables = "application/json"), (String = "text/csv"))
    )),
    extensions(("x-permission" = json!("books.read")))
)]
#[get("/finance/reports/receivables")]
pub(super) async fn get_receivables(
    can: Can<ReadBooks>,
    accepts: Accepts,
    Params(query): Params<DebtQuery>,
    db: web::Data<Db>,
) -> Result<Table, Fault> {
    let now = db.clock().now();
    if accepts.csv(query.format) {
        let page = move |conn: &mut _, after, limit| {
            let as_of = reports::day(conn, now, query.as_of)?;
            let (today, decimals) = (periods::today(conn, now)?, decimals(conn)?);
            let rows = reports::receivables(conn, &can, (as_of, today), after, limit)?;
            let row = |owed: Owed| {
                let amounts = [owed.current, owed.days_30, owed.days_60, owed.days_90, owed.total];
                let who = [Cell::from(owed.member_id), Cell::from(owed.name)];
                who.into_iter().chain(amounts.map(|amount| Cell::Amount(amount, decimals))).collect()
            };
            Ok(page_of(rows, limit, |owed| owed.member_id, row))
        };
        let table = CsvPages::read::<UserId, Fault, _>(&db, "receivables", &RECEIVABLES, page);
        return Ok(Either::Right(table.await?));
    }
    let page = PageRequest::read("receivables", query.limit, query.cursor.as_deref())?;
    let (page, as_of, rows, total) = db
        .read::<_, Fault, _>(move |conn| {
            let as_of = reports::day(conn, now, query.as_of)?;
            let today = periods::today(conn, now)?;
            let rows = reports::receivables(conn, &can, (as_of, today), page.after().copied(), page.fetch())?;
            Ok((page, as_of, rows, reports::receivables_total(conn, &can, as_of)?))
        })
        .await?;
    let page = page.page(rows, |owed| owed.member_id, OwedShown::from);
    let (items, next_cursor, has_more) = (page.items, page.next_cursor, page.has_more);
    let next = next_cursor.clone();
    let reply = Reply::plain(&Receivables { as_of, items, next_cursor, has_more, total })?;
    Ok(Either::Left(reply.with_next(next)))
}

/// Something that is unpaid.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Payable)]
struct PayableShown {
    kind: PayableKind,
    /// The month in which it was due; of a coach's pay, in which it was earned.
    #[schema(example = "2026-11")]
    month: String,
    amount: Minor,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_on: Option<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bill_id: Option<BillId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payee: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coach_id: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    member_id: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    charge_id: Option<ChargeId>,
    /// What the coach or the member is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

impl From<Payable> for PayableShown {
    fn from(unpaid: Payable) -> PayableShown {
        let Payable { kind, month, amount, due_on, bill_id, payee, coach_id, member_id, charge_id, name } =
            unpaid;
        let month = month.to_string();
        PayableShown { kind, month, amount, due_on, bill_id, payee, coach_id, member_id, charge_id, name }
    }
}

/// What was unpaid when a day ended.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Payables {
    as_of: NaiveDate,
    items: Vec<PayableShown>,
    next_cursor: Option<String>,
    has_more: bool,
    /// What the club owes on bills, those of other pages among them.
    total_bills: Minor,
    /// What it owes to coaches.
    total_coach_pay: Minor,
    /// What members owe, the credit of others not counted.
    total_members: Minor,
}

const PAYABLES: [&str; 10] =
    ["kind", "month", "due_on", "bill_id", "payee", "coach_id", "member_id", "charge_id", "name", "amount"];

/// What was unpaid when a day ended, from which month, the oldest first: bills, coaches' pay and members' debts alike. Of
/// a day that is over, what members had paid until then is taken to have settled what was due first.
#[utoipa::path(
    tag = "finance",
    params(DebtQuery),
    responses((
        status = 200,
        description = "A page of what is unpaid; as CSV all of it",
        content((Payables = "application/json"), (String = "text/csv"))
    )),
    extensions(("x-permission" = json!("books.read")))
)]
#[get("/finance/reports/payables")]
pub(super) async fn get_payables(
    can: Can<ReadBooks>,
    accepts: Accepts,
    Params(query): Params<DebtQuery>,
    db: web::Data<Db>,
) -> Result<Table, Fault> {
    let now = db.clock().now();
    if accepts.csv(query.format) {
        let page = move |conn: &mut _, after, limit| {
            let as_of = reports::day(conn, now, query.as_of)?;
            let (today, decimals) = (periods::today(conn, now)?, decimals(conn)?);
            let rows = reports::payables(conn, &can, (as_of, today), after, limit)?;
            let row = |unpaid: Payable| {
                vec![
                    unpaid.kind.into(),
                    unpaid.month.to_string().into(),
                    unpaid.due_on.into(),
                    unpaid.bill_id.into(),
                    unpaid.payee.into(),
                    unpaid.coach_id.into(),
                    unpaid.member_id.into(),
                    unpaid.charge_id.into(),
                    unpaid.name.into(),
                    Cell::Amount(unpaid.amount, decimals),
                ]
            };
            Ok(page_of(rows, limit, Payable::key, row))
        };
        let table = CsvPages::read::<PayableKey, Fault, _>(&db, "payables", &PAYABLES, page);
        return Ok(Either::Right(table.await?));
    }
    let page = PageRequest::read("payables", query.limit, query.cursor.as_deref())?;
    let (page, as_of, rows, totals) = db
        .read::<_, Fault, _>(move |conn| {
            let as_of = reports::day(conn, now, query.as_of)?;
            let today = periods::today(conn, now)?;
            let rows = reports::payables(conn, &can, (as_of, today), page.after().copied(), page.fetch())?;
            Ok((page, as_of, rows, reports::payable_totals(conn, &can, (as_of, today))?))
        })
        .await?;
    let page = page.page(rows, Payable::key, PayableShown::from);
    let (items, next_cursor, has_more) = (page.items, page.next_cursor, page.has_more);
    let next = next_cursor.clone();
    let reply = Reply::plain(&Payables {
        as_of,
        items,
        next_cursor,
        has_more,
        total_bills: totals.bills,
        total_coach_pay: totals.coach_pay,
        total_members: totals.members,
    })?;
    Ok(Either::Left(reply.with_next(next)))
}

/// What is left of class fees that were paid for together.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = LotLeft)]
struct LotLeftShown {
    member_id: UserId,
    lot_id: LotId,
    /// How many fees are left, those reserved among them.
    left: i64,
    /// What they are worth.
    value: Minor,
    expires_on: Option<NaiveDate>,
}

impl From<LotLeft> for LotLeftShown {
    fn from(lot: LotLeft) -> LotLeftShown {
        let LotLeft { lot_id, member_id, left, value, expires_on } = lot;
        LotLeftShown { member_id, lot_id, left, value, expires_on }
    }
}

/// The class fees that were left when a day ended.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct PrepaidLeft {
    as_of: NaiveDate,
    items: Vec<LotLeftShown>,
    next_cursor: Option<String>,
    has_more: bool,
    /// What all of them are worth, those of other pages among them.
    total: Minor,
}

/// Class fees paid in advance that were left when a day ended: what the club owed as classes.
#[utoipa::path(
    tag = "finance",
    params(DebtQuery),
    responses((
        status = 200,
        description = "A page of lots; as CSV all of them",
        content((PrepaidLeft = "application/json"), (String = "text/csv"))
    )),
    extensions(("x-permission" = json!("books.read")))
)]
#[get("/finance/reports/prepaid")]
pub(super) async fn get_prepaid(
    can: Can<ReadBooks>,
    accepts: Accepts,
    Params(query): Params<DebtQuery>,
    db: web::Data<Db>,
) -> Result<Table, Fault> {
    let now = db.clock().now();
    if accepts.csv(query.format) {
        let page = move |conn: &mut _, after, limit| {
            let as_of = reports::day(conn, now, query.as_of)?;
            let (today, decimals) = (periods::today(conn, now)?, decimals(conn)?);
            let rows = reports::prepaid(conn, &can, (as_of, today), after, limit)?;
            let row = |lot: LotLeft| {
                vec![
                    lot.member_id.into(),
                    lot.lot_id.into(),
                    lot.left.into(),
                    Cell::Amount(lot.value, decimals),
                    lot.expires_on.into(),
                ]
            };
            Ok(page_of(rows, limit, |lot| lot.lot_id, row))
        };
        let header = ["member_id", "lot_id", "left", "value", "expires_on"];
        let table = CsvPages::read::<LotId, Fault, _>(&db, "prepaid", &header, page);
        return Ok(Either::Right(table.await?));
    }
    let page = PageRequest::read("prepaid_report", query.limit, query.cursor.as_deref())?;
    let (page, as_of, rows, total) = db
        .read::<_, Fault, _>(move |conn| {
            let as_of = reports::day(conn, now, query.as_of)?;
            let today = periods::today(conn, now)?;
            let rows = reports::prepaid(conn, &can, (as_of, today), page.after().copied(), page.fetch())?;
            Ok((page, as_of, rows, reports::prepaid_total(conn, &can, as_of)?))
        })
        .await?;
    let page = page.page(rows, |lot| lot.lot_id, LotLeftShown::from);
    let (items, next_cursor, has_more) = (page.items, page.next_cursor, page.has_more);
    let next = next_cursor.clone();
    let reply = Reply::plain(&PrepaidLeft { as_of, items, next_cursor, has_more, total })?;
    Ok(Either::Left(reply.with_next(next)))
}
