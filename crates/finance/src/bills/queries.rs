//! The SQL of bills.

use chrono::NaiveDate;
use diesel::{BoolExpressionMethods, ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_kernel::Minor;
use muster_kernel::db::{Conn, DbResult, MultiBackend, Tx};
use muster_kernel::sql::Locked;

use super::{Bill, BillId, Made, Repeat};
use crate::ledger::EntryId;
use crate::schema::{accounts, bills};

pub(super) fn insert(tx: &mut Tx<'_>, entry: EntryId, made: &Made<'_>) -> DbResult<BillId> {
    Ok(diesel::insert_into(bills::table)
        .values((
            bills::entry_id.eq(entry),
            bills::payee.eq(made.payee),
            bills::text.eq(made.text),
            bills::amount.eq(made.amount),
            bills::open.eq(made.amount),
            bills::is_open.eq(true),
            bills::account_id.eq(made.account),
            bills::date.eq(made.date),
            bills::due_on.eq(made.due_on),
            bills::repeat.eq(made.repeat.map(|(repeat, _)| repeat)),
            bills::next_on.eq(made.repeat.map(|(_, next)| next)),
            bills::repeats.eq(made.stands_for.map(|(first, _)| first)),
            bills::stands_for.eq(made.stands_for.map(|(_, day)| day)),
        ))
        .returning(bills::id)
        .get_result(&mut **tx)?)
}

macro_rules! rows {
    () => {
        bills::table.inner_join(accounts::table.on(accounts::id.eq(bills::account_id))).select((
            bills::id,
            bills::entry_id,
            bills::payee,
            bills::text,
            bills::amount,
            bills::open,
            bills::account_id,
            accounts::account,
            bills::date,
            bills::due_on,
            bills::repeat,
            bills::next_on,
            bills::repeats,
            bills::is_reversed,
            bills::version,
        ))
    };
}

pub(super) fn find(conn: &mut Conn, id: BillId) -> DbResult<Option<Bill>> {
    Ok(rows!().filter(bills::id.eq(id)).get_result(conn).optional()?)
}

/// A bill that is to be changed: nobody else changes it until the transaction ends.
pub(super) fn lock(tx: &mut Tx<'_>, id: BillId) -> DbResult<Option<Bill>> {
    let there: Option<BillId> =
        Locked(bills::table.filter(bills::id.eq(id)).select(bills::id)).get_result(&mut **tx).optional()?;
    if there.is_some() { find(tx, id) } else { Ok(None) }
}

/// The latest, below this number.
pub(super) fn newest(conn: &mut Conn, below: Option<BillId>, limit: i64) -> DbResult<Vec<Bill>> {
    let mut query = rows!().into_boxed::<MultiBackend>();
    if let Some(below) = below {
        query = query.filter(bills::id.lt(below));
    }
    Ok(query.order(bills::id.desc()).limit(limit).load(conn)?)
}

/// Those that are open, the one due first at the top.
pub(crate) fn open_after(
    conn: &mut Conn,
    after: Option<(NaiveDate, BillId)>,
    limit: i64,
) -> DbResult<Vec<Bill>> {
    let mut query = rows!().into_boxed::<MultiBackend>().filter(bills::is_open.eq(true));
    if let Some((day, id)) = after {
        // The first half lets the engine begin at the right place of the index.
        query = query.filter(bills::due_on.ge(day)).filter(bills::due_on.gt(day).or(bills::id.gt(id)));
    }
    Ok(query.order((bills::due_on, bills::id)).limit(limit).load(conn)?)
}

/// The payments of these bills, in the order in which they were made.
#[cfg(feature = "http")]
pub(crate) fn payments_of(conn: &mut Conn, bills: &[BillId]) -> DbResult<Vec<super::BillPayment>> {
    use crate::schema::bill_payments;
    if bills.is_empty() {
        return Ok(Vec::new());
    }
    Ok(bill_payments::table
        .filter(bill_payments::bill_id.eq_any(bills.to_vec()))
        .order((bill_payments::bill_id, bill_payments::id))
        .load(conn)?)
}

/// How many there are.
#[cfg(feature = "http")]
pub(crate) fn count(conn: &mut Conn, only_open: bool) -> DbResult<i64> {
    let mut query = bills::table.into_boxed::<MultiBackend>();
    if only_open {
        query = query.filter(bills::is_open.eq(true));
    }
    Ok(query.count().get_result(conn)?)
}

/// The bill of an entry.
pub(super) fn of_entry(conn: &mut Conn, entry: EntryId) -> DbResult<Option<BillId>> {
    Ok(bills::table.filter(bills::entry_id.eq(entry)).select(bills::id).get_result(conn).optional()?)
}

pub(super) fn set_open(tx: &mut Tx<'_>, id: BillId, open: Minor) -> DbResult<()> {
    diesel::update(bills::table.find(id))
        .set((
            bills::open.eq(open),
            bills::is_open.eq(open > Minor::ZERO),
            bills::version.eq(bills::version + 1),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// Nothing of it is owed any more, and it does not come again.
pub(super) fn void(tx: &mut Tx<'_>, id: BillId) -> DbResult<()> {
    set_open(tx, id, Minor::ZERO)?;
    diesel::update(bills::table.find(id))
        .set((
            bills::is_reversed.eq(true),
            bills::repeat.eq(None::<Repeat>),
            bills::next_on.eq(None::<NaiveDate>),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

pub(super) fn set_repeat(tx: &mut Tx<'_>, id: BillId, repeat: Option<(Repeat, NaiveDate)>) -> DbResult<()> {
    diesel::update(bills::table.find(id))
        .set((
            bills::repeat.eq(repeat.map(|(repeat, _)| repeat)),
            bills::next_on.eq(repeat.map(|(_, next)| next)),
            bills::version.eq(bills::version + 1),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// Says when a bill comes again. What the clock does is no new version: nobody's change is lost by it.
pub(super) fn set_next(tx: &mut Tx<'_>, id: BillId, next: NaiveDate) -> DbResult<()> {
    diesel::update(bills::table.find(id)).set(bills::next_on.eq(next)).execute(&mut **tx)?;
    Ok(())
}

/// The bills that come again by this day.
pub(super) fn coming(conn: &mut Conn, by: NaiveDate, limit: i64) -> DbResult<Vec<BillId>> {
    Ok(bills::table
        .filter(bills::next_on.le(by))
        .order((bills::next_on, bills::id))
        .limit(limit)
        .select(bills::id)
        .load(conn)?)
}

/// The last day in a series for which a bill was made.
pub(super) fn last_made(conn: &mut Conn, first: BillId) -> DbResult<Option<NaiveDate>> {
    Ok(bills::table
        .filter(bills::repeats.eq(first))
        .select(diesel::dsl::max(bills::stands_for))
        .get_result(conn)?)
}
