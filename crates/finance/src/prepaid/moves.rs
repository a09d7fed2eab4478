//! What becomes of class fees that were paid in advance: reserved, used, given back, expired, paid back.

use std::future::Future;
use std::pin::Pin;

use chrono::{Days, NaiveDate};
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use muster_auth::Can;
use muster_auth::permissions::KeepBooks;
use muster_kernel::audit::Origin;
use muster_kernel::db::{DbError, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::job::{JobError, JobKind, JobRun, Progress};
use muster_kernel::{Fields, Minor, UserId};

use super::{Lot, LotId, find, first_free, keep, lock, nothing_left, owner, record};
use crate::accounts::{Method, fixed};
use crate::amounts::check_amount;
use crate::ledger::{self, EntryId, EntryKind, NewEntry, Note, Posting};
use crate::schema::{prepaid_lots, prepaid_moves};
use crate::{periods, standing};

/// Lots that expire in one step.
const AT_ONCE: i64 = 50;

/// Reserves a fee for a class on this day, if the member has one that can be used then: the one that expires first.
///
/// # Errors
/// When there is no such member, or the database fails.
pub fn reserve(tx: &mut Tx<'_>, member: UserId, on: NaiveDate) -> Result<Option<LotId>, Fault> {
    let standing = standing::lock(tx, member)?;
    let Some(mut lot) = first_free(tx, member, on)? else { return Ok(None) };
    lot.reserved += 1;
    keep(tx, &lot)?;
    standing::refresh(tx, member, standing.grace_days)?;
    Ok(Some(lot.id))
}

/// Gives back a fee that was reserved. If it has expired meanwhile it is income of today.
///
/// # Errors
/// When none of the lot is reserved, or the database fails.
pub fn release(tx: &mut Tx<'_>, origin: &Origin, id: LotId) -> Result<(), Fault> {
    let member = owner(tx, id)?;
    let standing = standing::lock(tx, member)?;
    let mut lot = lock(tx, id)?;
    reserved(&lot)?;
    lot.reserved -= 1;
    let now = tx.now();
    let today = periods::today(tx, now)?;
    if lot.expires_on.is_some_and(|day| day < today) {
        lapse(tx, origin, &mut lot, 1, today)?;
    }
    keep(tx, &lot)?;
    standing::refresh(tx, member, standing.grace_days)?;
    Ok(())
}

/// Uses a fee that was reserved, on the day of the class. What it is worth becomes income.
///
/// # Errors
/// When none of the lot is reserved, or the database fails.
pub fn use_fee(tx: &mut Tx<'_>, origin: &Origin, id: LotId, date: NaiveDate) -> Result<EntryId, Fault> {
    let member = owner(tx, id)?;
    let standing = standing::lock(tx, member)?;
    let mut lot = lock(tx, id)?;
    reserved(&lot)?;
    let worth = lot.worth(1);
    let date = periods::open_day(tx, date)?;
    let entry = NewEntry::of(EntryKind::PrepaidUsed, date);
    let sides = [Posting::debit(fixed::PREPAID, worth).of(member), Posting::credit(fixed::CLASSES, worth)];
    let entry = ledger::post(tx, origin, entry, &sides)?;
    note_move(tx, id, entry, date, 1, worth)?;
    lot.reserved -= 1;
    lot.used += 1;
    lot.released = Minor(lot.released.0 + worth.0);
    keep(tx, &lot)?;
    standing::refresh(tx, member, standing.grace_days)?;
    Ok(entry)
}

/// Takes back the use of a fee, which is reserved again: attendance was marked wrongly.
///
/// # Errors
/// When it was taken back before, or the database fails.
pub fn return_used(
    tx: &mut Tx<'_>,
    origin: &Origin,
    id: LotId,
    entry: EntryId,
    date: NaiveDate,
) -> Result<(), Fault> {
    let member = owner(tx, id)?;
    let standing = standing::lock(tx, member)?;
    let mut lot = lock(tx, id)?;
    let (used, used_on): (Minor, NaiveDate) = prepaid_moves::table
        .filter(prepaid_moves::lot_id.eq(id))
        .filter(prepaid_moves::entry_id.eq(entry))
        .select((prepaid_moves::amount, prepaid_moves::date))
        .get_result(&mut **tx)
        .map_err(DbError::from)?;
    let date = periods::open_day(tx, date.max(used_on))?;
    let back = ledger::post_reversal(tx, origin, entry, date, None)?;
    note_move(tx, id, back, date, -1, Minor(-used.0))?;
    lot.used -= 1;
    lot.reserved += 1;
    lot.released = Minor(lot.released.0 - used.0);
    keep(tx, &lot)?;
    standing::refresh(tx, member, standing.grace_days)?;
    Ok(())
}

/// Class fees to be paid back.
#[derive(Debug, Clone, Copy)]
pub struct LotRefund {
    /// How many of those that are neither used nor reserved.
    pub count: i32,
    /// How much for them: what they are worth, or less.
    pub amount: Minor,
    /// How.
    pub method: Method,
    /// When; today unless it is given.
    pub date: Option<NaiveDate>,
}

/// Pays class fees of a lot back. What they are worth beyond the amount becomes income.
///
/// # Errors
/// When a field is wrong, there are not so many left, or it is more than they are worth.
pub fn refund(
    tx: &mut Tx<'_>,
    can: &Can<KeepBooks>,
    member: UserId,
    id: LotId,
    new: &LotRefund,
) -> Result<Lot, Fault> {
    let mut fields = Fields::new();
    check_amount("/amount", new.amount, &mut fields);
    fields.number("/count", new.count, 1..=super::MOST);
    let standing = standing::lock(tx, member)?;
    let sold_on = find(tx, member, id)?.ok_or_else(Fault::not_found)?.date;
    let mut lot = lock(tx, id)?;
    if let Some(date) = new.date {
        fields.must(date >= sold_on, "/date", "out_of_range", "Not before they were paid for.");
    }
    let date = periods::day(tx, new.date, fields)?;
    if new.count > lot.free() {
        return Err(nothing_left());
    }
    let worth = lot.worth(new.count);
    if new.amount > worth {
        let detail = "This is more than these class fees are worth.";
        return Err(Fault::new(Code::ExceedsCredit, detail));
    }
    let mut sides = vec![
        Posting::debit(fixed::PREPAID, worth).of(member),
        Posting::credit(new.method.account(), new.amount),
    ];
    if worth > new.amount {
        sides.push(Posting::credit(fixed::CLASSES, Minor(worth.0 - new.amount.0)));
    }
    let entry = ledger::post(tx, can.origin(), NewEntry::of(EntryKind::PrepaidRefund, date), &sides)?;
    note_move(tx, id, entry, date, new.count, worth)?;
    lot.lapsed += new.count;
    lot.released = Minor(lot.released.0 + worth.0);
    keep(tx, &lot)?;
    standing::refresh(tx, member, standing.grace_days)?;
    record(tx, can.origin(), "prepaid.refunded", id)?;
    find(tx, member, id)?.ok_or_else(Fault::not_found)
}

/// Takes back that class fees were paid back: they can be used again.
pub(crate) fn undo_refund(
    tx: &mut Tx<'_>,
    origin: &Origin,
    entry: EntryId,
    date: NaiveDate,
    reason: &str,
) -> Result<(), Fault> {
    let (id, fees, amount): (LotId, i32, Minor) = prepaid_moves::table
        .filter(prepaid_moves::entry_id.eq(entry))
        .select((prepaid_moves::lot_id, prepaid_moves::fees, prepaid_moves::amount))
        .get_result(&mut **tx)
        .map_err(DbError::from)?;
    let member = owner(tx, id)?;
    let standing = standing::lock(tx, member)?;
    let mut lot = lock(tx, id)?;
    let back = ledger::post_reversal(tx, origin, entry, date, Some(reason))?;
    note_move(tx, id, back, date, -fees, Minor(-amount.0))?;
    lot.lapsed -= fees;
    lot.released = Minor(lot.released.0 - amount.0);
    keep(tx, &lot)?;
    standing::refresh(tx, member, standing.grace_days)?;
    Ok(())
}

/// Takes back the sale of a lot of which nothing was used or reserved.
pub(crate) fn undo_sale(
    tx: &mut Tx<'_>,
    origin: &Origin,
    lot: &Lot,
    date: NaiveDate,
    reason: &str,
) -> Result<EntryId, Fault> {
    let standing = standing::lock(tx, lot.member_id)?;
    let mut lot = lock(tx, lot.id)?;
    if lot.left() != lot.count || lot.reserved > 0 {
        let detail =
            "Some of these class fees were used, reserved or have lapsed; pay back what is left instead.";
        return Err(Fault::new(Code::InvalidState, detail));
    }
    let back = ledger::post_reversal(tx, origin, lot.entry_id, date, Some(reason))?;
    note_move(tx, lot.id, back, date, lot.count, lot.amount)?;
    lot.lapsed = lot.count;
    lot.released = lot.amount;
    keep(tx, &lot)?;
    standing::refresh(tx, lot.member_id, standing.grace_days)?;
    Ok(back)
}

/// Lets what has expired of some lots become income. True when there may be more.
///
/// # Errors
/// When the database fails.
pub fn expire_some(tx: &mut Tx<'_>) -> Result<bool, Fault> {
    let now = tx.now();
    let today = periods::today(tx, now)?;
    let expired: Vec<(UserId, LotId)> = prepaid_lots::table
        .filter(prepaid_lots::is_live.eq(true))
        .filter(prepaid_lots::expires_on.lt(today))
        .filter((prepaid_lots::count - prepaid_lots::used - prepaid_lots::lapsed).gt(prepaid_lots::reserved))
        .order((prepaid_lots::expires_on, prepaid_lots::id))
        .limit(AT_ONCE)
        .select((prepaid_lots::member_id, prepaid_lots::id))
        .load(&mut **tx)
        .map_err(DbError::from)?;
    let more = expired.len() as i64 == AT_ONCE;
    let mut in_order = expired;
    in_order.sort_unstable();
    for (member, id) in in_order {
        let standing = standing::lock(tx, member)?;
        let mut lot = lock(tx, id)?;
        let fees = lot.free();
        let Some(expired_on) = lot.expires_on.filter(|day| *day < today && fees > 0) else { continue };
        let day = periods::open_day(tx, expired_on + Days::new(1))?;
        lapse(tx, &Origin::default(), &mut lot, fees, day)?;
        keep(tx, &lot)?;
        standing::refresh(tx, member, standing.grace_days)?;
    }
    Ok(more)
}

/// So many fees of a lot expire on this day, and what they are worth is income.
fn lapse(tx: &mut Tx<'_>, origin: &Origin, lot: &mut Lot, fees: i32, date: NaiveDate) -> Result<(), Fault> {
    let worth = lot.worth(fees);
    let date = periods::open_day(tx, date)?;
    let sides =
        [Posting::debit(fixed::PREPAID, worth).of(lot.member_id), Posting::credit(fixed::CLASSES, worth)];
    let entry = NewEntry { note: Note::default(), ..NewEntry::of(EntryKind::PrepaidExpired, date) };
    let entry = ledger::post(tx, origin, entry, &sides)?;
    note_move(tx, lot.id, entry, date, fees, worth)?;
    lot.lapsed += fees;
    lot.released = Minor(lot.released.0 + worth.0);
    Ok(())
}

fn reserved(lot: &Lot) -> Result<(), Fault> {
    if lot.reserved > 0 {
        return Ok(());
    }
    Err(Fault::new(Code::InvalidState, "None of these class fees is reserved."))
}

fn note_move(
    tx: &mut Tx<'_>,
    lot: LotId,
    entry: EntryId,
    date: NaiveDate,
    fees: i32,
    amount: Minor,
) -> DbResult<()> {
    diesel::insert_into(prepaid_moves::table)
        .values((
            prepaid_moves::lot_id.eq(lot),
            prepaid_moves::entry_id.eq(entry),
            prepaid_moves::date.eq(date),
            prepaid_moves::fees.eq(fees),
            prepaid_moves::amount.eq(amount),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// Class fees expire by themselves.
#[derive(Debug, Clone, Copy)]
pub struct ExpiryJob;

impl ExpiryJob {
    /// Its name in the database.
    pub const KIND: &'static str = "finance.expiry";
}

impl JobKind for ExpiryJob {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        Box::pin(async move { run.step(|tx, ()| Ok(expire_some(tx)?.then_some(()))).await })
    }
}
