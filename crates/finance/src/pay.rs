//! What the club owes its coaches: pay that was earned, and pay that was paid out. Why and how much is the coaches'
//! crate's to say; here are its entries.

use chrono::NaiveDate;
use muster_kernel::audit::Origin;
use muster_kernel::db::Tx;
use muster_kernel::fault::Fault;
use muster_kernel::{Fields, Minor, UserId};

use crate::accounts::{Method, fixed};
use crate::ledger::{self, EntryId, EntryKind, NewEntry, Posting};
use crate::periods;

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

/// The day of a payout: today unless it is given, never in the future, never in a closed month.
///
/// # Errors
/// When fields are wrong, or the day is closed.
pub fn payout_day(tx: &mut Tx<'_>, given: Option<NaiveDate>, fields: Fields) -> Result<NaiveDate, Fault> {
    periods::day(tx, given, fields)
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
