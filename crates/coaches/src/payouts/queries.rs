//! The SQL of payouts.

use chrono::NaiveDate;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_finance::EntryId;
use muster_kernel::db::{Conn, DbResult, MultiBackend, Tx};
use muster_kernel::sql::total;
use muster_kernel::{Minor, UserId};

use super::{Paid, Payout, PayoutId};
use crate::schema::{coach_accruals, coach_payouts};

type Columns = (
    coach_payouts::id,
    coach_payouts::version,
    coach_payouts::entry_id,
    coach_payouts::coach_id,
    coach_payouts::run_id,
    coach_payouts::amount,
    coach_payouts::method,
    coach_payouts::date,
    coach_payouts::brought_forward,
    coach_payouts::items_total,
    coach_payouts::carried_forward,
    coach_payouts::is_reversed,
);

const COLUMNS: Columns = (
    coach_payouts::id,
    coach_payouts::version,
    coach_payouts::entry_id,
    coach_payouts::coach_id,
    coach_payouts::run_id,
    coach_payouts::amount,
    coach_payouts::method,
    coach_payouts::date,
    coach_payouts::brought_forward,
    coach_payouts::items_total,
    coach_payouts::carried_forward,
    coach_payouts::is_reversed,
);

/// What a payout is made of, besides how it is paid.
pub(super) struct NewRow {
    pub coach: UserId,
    pub entry: EntryId,
    pub brought_forward: Minor,
    pub items_total: Minor,
    pub carried_forward: Minor,
}

pub(super) fn insert(tx: &mut Tx<'_>, row: &NewRow, paid: &Paid) -> DbResult<Payout> {
    Ok(diesel::insert_into(coach_payouts::table)
        .values((
            coach_payouts::coach_id.eq(row.coach),
            coach_payouts::entry_id.eq(row.entry),
            coach_payouts::run_id.eq(paid.run),
            coach_payouts::amount.eq(paid.amount),
            coach_payouts::method.eq(paid.method),
            coach_payouts::date.eq(paid.date),
            coach_payouts::brought_forward.eq(row.brought_forward),
            coach_payouts::items_total.eq(row.items_total),
            coach_payouts::carried_forward.eq(row.carried_forward),
        ))
        .returning(COLUMNS)
        .get_result(&mut **tx)?)
}

pub(super) fn find(conn: &mut Conn, coach: UserId, id: PayoutId) -> DbResult<Option<Payout>> {
    Ok(coach_payouts::table
        .filter(coach_payouts::id.eq(id))
        .filter(coach_payouts::coach_id.eq(coach))
        .select(COLUMNS)
        .get_result(conn)
        .optional()?)
}

/// A coach's latest payout that was not taken back.
pub(super) fn latest(tx: &mut Tx<'_>, coach: UserId) -> DbResult<Option<Payout>> {
    Ok(coach_payouts::table
        .filter(coach_payouts::coach_id.eq(coach))
        .filter(coach_payouts::is_reversed.eq(false))
        .order(coach_payouts::id.desc())
        .limit(1)
        .select(COLUMNS)
        .get_result(&mut **tx)
        .optional()?)
}

/// A coach's payouts before this one, the latest first.
pub(crate) fn list(conn: &mut Conn, coach: UserId, before: Option<i64>, limit: i64) -> DbResult<Vec<Payout>> {
    let mut query =
        coach_payouts::table.into_boxed::<MultiBackend>().filter(coach_payouts::coach_id.eq(coach));
    if let Some(before) = before {
        query = query.filter(coach_payouts::id.lt(PayoutId(before)));
    }
    Ok(query.order(coach_payouts::id.desc()).limit(limit).select(COLUMNS).load(conn)?)
}

pub(super) fn count(conn: &mut Conn, coach: UserId) -> DbResult<i64> {
    Ok(coach_payouts::table.filter(coach_payouts::coach_id.eq(coach)).count().get_result(conn)?)
}

/// Everybody's payouts after this one, for an export.
pub(crate) fn after(conn: &mut Conn, id: i64, limit: i64) -> DbResult<Vec<Payout>> {
    let after = coach_payouts::table.filter(coach_payouts::id.gt(PayoutId(id)));
    Ok(after.order(coach_payouts::id).limit(limit).select(COLUMNS).load(conn)?)
}

/// What the unpaid lines of a coach come to, of classes until a day.
pub(super) fn unpaid(tx: &mut Tx<'_>, coach: UserId, through: Option<NaiveDate>) -> DbResult<Minor> {
    let mut query = coach_accruals::table
        .into_boxed::<MultiBackend>()
        .filter(coach_accruals::coach_id.eq(coach))
        .filter(coach_accruals::payout_id.is_null());
    if let Some(day) = through {
        query = query.filter(coach_accruals::date.le(day));
    }
    Ok(query.select(total(coach_accruals::amount)).get_result(&mut **tx)?)
}

/// Has a payout pay these same lines.
pub(super) fn take_lines(tx: &mut Tx<'_>, payout: &Payout, through: Option<NaiveDate>) -> DbResult<()> {
    let unpaid = coach_accruals::table
        .filter(coach_accruals::coach_id.eq(payout.coach_id))
        .filter(coach_accruals::payout_id.is_null());
    let paid_by = coach_accruals::payout_id.eq(payout.id);
    match through {
        None => diesel::update(unpaid).set(paid_by).execute(&mut **tx)?,
        Some(day) => {
            diesel::update(unpaid.filter(coach_accruals::date.le(day))).set(paid_by).execute(&mut **tx)?
        }
    };
    Ok(())
}

/// Has the lines of a payout be unpaid again.
pub(super) fn free_lines(tx: &mut Tx<'_>, payout: PayoutId) -> DbResult<()> {
    diesel::update(coach_accruals::table.filter(coach_accruals::payout_id.eq(payout)))
        .set(coach_accruals::payout_id.eq(None::<PayoutId>))
        .execute(&mut **tx)?;
    Ok(())
}

pub(super) fn mark_reversed(tx: &mut Tx<'_>, id: PayoutId) -> DbResult<()> {
    diesel::update(coach_payouts::table.filter(coach_payouts::id.eq(id)))
        .set((coach_payouts::is_reversed.eq(true), coach_payouts::version.eq(coach_payouts::version + 1)))
        .execute(&mut **tx)?;
    Ok(())
}
