//! What the club owes its coaches: pay that was earned, and pay that was paid out. Why and how much is the coaches'
//! crate's to say; here are its entries.

use chrono::NaiveDate;
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use muster_kernel::audit::Origin;
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::fault::Fault;
use muster_kernel::sql::total;
use muster_kernel::{Fields, Minor, UserId};

use crate::accounts::{Method, fixed};
use crate::ledger::{self, EntryId, EntryKind, NewEntry, Posting};
use crate::schema::postings;
use crate::statement::{self, CoachStatement};
use crate::{amounts, periods};

/// Writes down that a coach earned something, or below zero that it was less than was written down before. It is never
/// blocked: of a closed month it becomes the first open day. The text holds no names.
///
/// # Errors
/// When it is nothing, or the database fails.
pub fn accrue(
    tx: &mut Tx<'_>,
    origin: &Origin,
    coach: UserId,
    amount: Minor,
    date: NaiveDate,
    text: &str,
) -> Result<EntryId, Fault> {
    let date = periods::open_day(tx, date)?;
    let entry = NewEntry::of(EntryKind::CoachPay, date).saying(Some(text));
    let sides = [Posting::debit(fixed::COACHES, amount), Posting::credit(fixed::COACH_PAY, amount).to(coach)];
    ledger::post(tx, origin, entry, &sides)
}

/// Checks what a payout says. Its day is today unless it is given, never in the future, never in a closed month.
///
/// # Errors
/// When fields are wrong, or the day is closed.
pub fn check_payout(
    tx: &mut Tx<'_>,
    amount: Option<Minor>,
    date: Option<NaiveDate>,
    mut fields: Fields,
) -> Result<NaiveDate, Fault> {
    if let Some(amount) = amount {
        amounts::check_amount("/amount", amount, &mut fields);
    }
    periods::day(tx, date, fields)
}

/// Writes down that a coach was paid.
///
/// # Errors
/// When the day is closed, or the database fails.
pub fn pay_out(
    tx: &mut Tx<'_>,
    origin: &Origin,
    coach: UserId,
    amount: Minor,
    method: Method,
    date: NaiveDate,
) -> Result<EntryId, Fault> {
    let entry = NewEntry::of(EntryKind::Payout, date);
    let sides =
        [Posting::debit(fixed::COACH_PAY, amount).to(coach), Posting::credit(method.account(), amount)];
    ledger::post(tx, origin, entry, &sides)
}

/// Takes a payout back: the club owes it again. It is dated today, or in a closed month on the first open day.
///
/// # Errors
/// When the reason is wrong, or it was taken back before.
pub fn undo_payout(
    tx: &mut Tx<'_>,
    origin: &Origin,
    payout: EntryId,
    reason: &str,
) -> Result<EntryId, Fault> {
    let mut fields = Fields::new();
    fields.text("/reason", reason, 1..=500);
    fields.done()?;
    let entry = ledger::find(tx, payout)?.ok_or_else(Fault::not_found)?;
    let now = tx.now();
    // Where the club's zone was changed, an entry can be of tomorrow.
    let today = periods::today(tx, now)?.max(entry.date);
    let date = periods::open_day(tx, today)?;
    ledger::post_reversal(tx, origin, payout, date, Some(reason))
}

/// What a coach earned and was paid between two days.
///
/// # Errors
/// When the database fails.
pub fn statement(
    conn: &mut Conn,
    coach: UserId,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
) -> DbResult<CoachStatement> {
    statement::of_coach(conn, coach, from, to)
}

/// What the books say is owed to each coach, in the order of their ids: for a check, since it reads all of it.
///
/// # Errors
/// When the database fails.
pub fn owed(conn: &mut Conn) -> DbResult<Vec<(UserId, Minor)>> {
    let sums: Vec<(Option<UserId>, Minor)> = postings::table
        .filter(postings::account_id.eq(fixed::COACH_PAY))
        .filter(postings::coach_id.is_not_null())
        .group_by(postings::coach_id)
        .order(postings::coach_id)
        .select((postings::coach_id, total(postings::amount)))
        .load(conn)?;
    Ok(sums.into_iter().filter_map(|(coach, sum)| Some((coach?, Minor(-sum.0)))).collect())
}
