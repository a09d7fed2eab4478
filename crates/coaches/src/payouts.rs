//! Payouts: what a coach earned and was not paid, or a part of it. Each names the lines that it pays, and what it leaves
//! is brought forward by the next. Below zero nothing is paid, and the next payout is less.

pub(crate) mod queries;

use chrono::NaiveDate;
use muster_auth::permissions::{KeepCoachPay, ReadCoachPay};
use muster_auth::{Can, club, people};
use muster_finance::accounts::Method;
use muster_finance::{EntryId, pay};
use muster_kernel::audit::{self, Event, Origin};
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::page::PageRequest;
use muster_kernel::{Fields, Minor, UserId, id_type};
use serde::Serialize;

use crate::pay_lines::{self, PayLine};
use crate::payroll::PayrollRunId;
use crate::purse::{self, Purse};
use crate::sight;

/// Lines that a payout shows at most.
const MOST_ITEMS: i64 = 1000;
const OBJECT: &str = "payout";

id_type! {
    /// A payout.
    pub struct PayoutId;
}

/// What was paid to a coach. `brought_forward` and `items_total`, less the amount, is `carried_forward`.
#[derive(Debug, Clone, Serialize, diesel::Queryable)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct Payout {
    /// Its number.
    pub id: PayoutId,
    /// Goes up when it is taken back.
    pub version: i64,
    /// Its entry in the ledger.
    pub entry_id: EntryId,
    /// Who was paid.
    pub coach_id: UserId,
    /// The payroll run that it is of.
    pub run_id: Option<PayrollRunId>,
    /// How much.
    pub amount: Minor,
    /// How.
    pub method: Method,
    /// Its day.
    pub date: NaiveDate,
    /// What the payout before it left.
    pub brought_forward: Minor,
    /// What the lines come to that it pays.
    pub items_total: Minor,
    /// What it leaves to the next.
    pub carried_forward: Minor,
    /// Taken back: its lines are unpaid again, and may be another's.
    pub is_reversed: bool,
}

/// The lines of a payout.
#[derive(Debug, Clone)]
pub struct Items {
    /// The lines, the first thousand at most.
    pub lines: Vec<PayLine>,
    /// There are more.
    pub more: bool,
}

/// A payout to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewPayout {
    /// How much; all that is due unless it is given.
    pub amount: Option<Minor>,
    /// How.
    pub method: Method,
    /// When; today unless it is given. Of a day that has passed, only classes until then are paid.
    pub date: Option<NaiveDate>,
}

/// Pays a coach.
///
/// # Errors
/// When there is no such coach, a field is wrong, the day is closed, nothing is due, or it is more than is.
pub fn pay(
    tx: &mut Tx<'_>,
    can: &Can<KeepCoachPay>,
    coach: UserId,
    new: &NewPayout,
) -> Result<(Payout, Items), Fault> {
    if !sight::is_there(tx, coach)? {
        return Err(Fault::not_found());
    }
    people::hold(tx, coach)?;
    let purse = purse::lock(tx, coach)?.ok_or_else(Fault::not_found)?;
    let last = queries::latest(tx, coach)?;
    let mut fields = Fields::new();
    let in_order = last.as_ref().zip(new.date).is_none_or(|(last, date)| last.date <= date);
    fields.must(in_order, "/date", "out_of_range", "Not before the payout before it.");
    let date = pay::check_payout(tx, new.amount, new.date, fields)?;
    let now = tx.now();
    let through = (date < club::settings(tx)?.today(now)).then_some(date);
    let due = Due::of(tx, &purse, through)?;
    if due.payable <= Minor::ZERO {
        return Err(Fault::new(Code::InvalidState, "Nothing is due to this coach."));
    }
    let amount = new.amount.unwrap_or(due.payable);
    if amount > due.payable {
        let detail = "This is more than is due to the coach; pay that, or less.";
        return Err(Fault::new(Code::ExceedsBalance, detail));
    }
    let paid = Paid { amount, method: new.method, date, run: None };
    let payout = disburse(tx, can.origin(), purse, &due, &paid)?;
    let items = items(tx, payout.id)?;
    Ok((payout, items))
}

/// What is due to a coach for classes until a day; for all of them, without one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Due {
    through: Option<NaiveDate>,
    brought_forward: Minor,
    items: Minor,
    /// Not more than the balance: a class of later may have been corrected after it was paid.
    pub payable: Minor,
}

impl Due {
    pub(crate) fn of(tx: &mut Tx<'_>, purse: &Purse, through: Option<NaiveDate>) -> DbResult<Due> {
        let last = queries::latest(tx, purse.coach)?;
        let brought_forward = last.map_or(Minor::ZERO, |last| last.carried_forward);
        let items = queries::unpaid(tx, purse.coach, through)?;
        let payable = Minor((brought_forward.0 + items.0).min(purse.balance.0));
        Ok(Due { through, brought_forward, items, payable })
    }
}

/// How something due is paid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paid {
    pub amount: Minor,
    pub method: Method,
    pub date: NaiveDate,
    pub run: Option<PayrollRunId>,
}

/// Pays what is due, or a part of it, to a coach whose row is locked.
pub(crate) fn disburse(
    tx: &mut Tx<'_>,
    origin: &Origin,
    purse: Purse,
    due: &Due,
    paid: &Paid,
) -> Result<Payout, Fault> {
    let &Paid { amount, method, date, .. } = paid;
    let entry = pay::pay_out(tx, origin, purse.coach, amount, method, date)?;
    let row = queries::NewRow {
        coach: purse.coach,
        entry,
        brought_forward: due.brought_forward,
        items_total: due.items,
        carried_forward: Minor(due.brought_forward.0 + due.items.0 - amount.0),
    };
    let payout = queries::insert(tx, &row, paid)?;
    queries::take_lines(tx, &payout, due.through)?;
    let purse = purse.with(Minor(-amount.0))?;
    purse::keep(tx, &Purse { last_payment: amount, ..purse })?;
    record(tx, origin, "payout.made", payout.id)?;
    Ok(payout)
}

/// Takes a coach's latest payout back: what it paid is unpaid again.
///
/// # Errors
/// When there is none of this number, it is not the latest, or it was taken back before.
pub fn reverse(
    tx: &mut Tx<'_>,
    can: &Can<KeepCoachPay>,
    coach: UserId,
    id: PayoutId,
    reason: &str,
) -> Result<(Payout, Items), Fault> {
    if queries::find(tx, coach, id)?.is_none() {
        return Err(Fault::not_found());
    }
    people::hold(tx, coach)?;
    let purse = purse::lock(tx, coach)?.ok_or_else(Fault::not_found)?;
    // Read once more: somebody else may have taken it back before the row was locked.
    let payout = queries::find(tx, coach, id)?.ok_or_else(Fault::not_found)?;
    if payout.is_reversed {
        return Err(Fault::new(Code::InvalidState, "This payout was taken back already."));
    }
    if queries::latest(tx, coach)?.is_some_and(|last| last.id != id) {
        let detail = "The coach was paid again since; take the later payouts back first, the latest before the others.";
        return Err(Fault::new(Code::InvalidState, detail));
    }
    pay::undo_payout(tx, can.origin(), payout.entry_id, reason)?;
    queries::mark_reversed(tx, id)?;
    queries::free_lines(tx, id)?;
    let before = queries::latest(tx, coach)?.map_or(Minor::ZERO, |last| last.amount);
    let purse = purse.with(payout.amount)?;
    purse::keep(tx, &Purse { last_payment: before, ..purse })?;
    record(tx, can.origin(), "payout.reversed", id)?;
    let payout = queries::find(tx, coach, id)?.ok_or_else(Fault::not_found)?;
    let items = items(tx, id)?;
    Ok((payout, items))
}

/// The reason of a reversal stands beside its entry, where it can be redacted.
fn record(tx: &mut Tx<'_>, origin: &Origin, action: &str, id: PayoutId) -> DbResult<()> {
    audit::append(tx, origin, Event { action, object_type: OBJECT, object_id: id.0, reason: None })
}

fn items(conn: &mut Conn, id: PayoutId) -> DbResult<Items> {
    let mut lines = pay_lines::of_payout(conn, id, MOST_ITEMS + 1)?;
    let more = lines.len() as i64 > MOST_ITEMS;
    lines.truncate(usize::try_from(MOST_ITEMS).unwrap_or(usize::MAX));
    Ok(Items { lines, more })
}

/// A payout to a coach, with the lines that it paid.
///
/// # Errors
/// When there is none of this number, or the caller may not see their pay.
pub fn read(
    conn: &mut Conn,
    can: &Can<ReadCoachPay>,
    coach: UserId,
    id: PayoutId,
) -> Result<(Payout, Items), Fault> {
    sight::must_see_pay(conn, can, coach)?;
    let payout = queries::find(conn, coach, id)?.ok_or_else(Fault::not_found)?;
    Ok((payout, items(conn, id)?))
}

/// The payouts to a coach, the latest first.
///
/// # Errors
/// When there is no such coach, or the caller may not see their pay.
pub fn list(
    conn: &mut Conn,
    can: &Can<ReadCoachPay>,
    coach: UserId,
    page: &PageRequest<i64>,
) -> Result<Vec<Payout>, Fault> {
    sight::must_see_pay(conn, can, coach)?;
    Ok(queries::list(conn, coach, page.after().copied(), page.fetch())?)
}

/// How many there are in all.
///
/// # Errors
/// When there is no such coach, or the caller may not see their pay.
pub fn count(conn: &mut Conn, can: &Can<ReadCoachPay>, coach: UserId) -> Result<i64, Fault> {
    sight::must_see_pay(conn, can, coach)?;
    Ok(queries::count(conn, coach)?)
}
