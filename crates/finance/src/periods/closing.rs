//! Closing months, in order, and reopening the last one.

use chrono::NaiveDate;
use diesel::dsl::{max, min};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_auth::Can;
use muster_auth::permissions::{KeepBooks, ReopenPeriods};
use muster_kernel::audit::{self, Event, Origin};
use muster_kernel::db::{Conn, DbError, DbResult, MultiBackend, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::sql::Locked;
use muster_kernel::{Fields, Minor, on};

use super::{Month, Period, PeriodState, today};
use crate::accounts::AccountId;
use crate::schema::{books, closed_periods, entries, period_balances};
use crate::{balances, daily_sums};

/// Nobody writes into the books past this point until the transaction ends, and whoever has begun is done.
fn lock(tx: &mut Tx<'_>) -> DbResult<Option<NaiveDate>> {
    Ok(Locked(books::table.find(1i64).select(books::closed_through)).get_result(&mut **tx)?)
}

/// The day of the very first entry.
pub(super) fn first_entry(conn: &mut Conn) -> DbResult<Option<NaiveDate>> {
    Ok(entries::table.select(min(entries::date)).get_result(conn)?)
}

/// Closes a month: nothing is entered in it any more.
///
/// # Errors
/// When it has not ended, is closed already, or one with entries has to be closed before it.
pub fn close(tx: &mut Tx<'_>, can: &Can<KeepBooks>, month: Month) -> Result<Period, Fault> {
    let closed = lock(tx)?;
    let now = tx.now();
    if month >= Month::of(today(tx, now)?) {
        return Err(Fault::new(Code::InvalidState, format!("{month} has not ended yet.")));
    }
    if closed.is_some_and(|day| month.last_day() <= day) {
        return Err(Fault::new(Code::InvalidState, format!("{month} is closed.")));
    }
    let first = first_entry_after(tx, closed)?.map(Month::of);
    if let Some(first) = first.filter(|first| month > *first) {
        return Err(Fault::new(Code::InvalidState, format!("Months are closed in order: {first} is next.")));
    }
    let before = match closed {
        Some(day) => of_period(tx, Month::of(day))?,
        None => Vec::new(),
    };
    // Months in which nothing was entered are closed with the one after them.
    let mut next = closed.map_or(month, |day| Month::of(day).next());
    while next < month {
        add(tx, can, next, &before)?;
        next = next.next();
    }
    let since = closed.and_then(|day| day.succ_opt()).unwrap_or(super::FIRST_DAY);
    let sums = daily_sums::between(tx, since, month.last_day())?;
    add(tx, can, month, &balances::added(before, sums))?;
    set_closed_through(tx, Some(month.last_day()))?;
    record(tx, can.origin(), "period.closed", month, None)?;
    Ok(Period {
        period: month,
        state: PeriodState::Closed,
        closed_at: Some(now),
        closed_by: Some(can.user_id()),
    })
}

/// Reopens the month that was closed last.
///
/// # Errors
/// When it is not that one, or no reason is given.
pub fn reopen(
    tx: &mut Tx<'_>,
    can: &Can<ReopenPeriods>,
    month: Month,
    reason: &str,
) -> Result<Period, Fault> {
    let mut fields = Fields::new();
    fields.text("/reason", reason, 1..=500);
    fields.done()?;
    let closed = lock(tx)?;
    if closed != Some(month.last_day()) {
        let detail = match closed {
            Some(day) => format!("Only the month closed last can be reopened: {}.", Month::of(day)),
            None => "No month is closed.".to_owned(),
        };
        return Err(Fault::new(Code::InvalidState, detail));
    }
    let name = month.to_string();
    diesel::delete(period_balances::table.filter(period_balances::period.eq(&name)))
        .execute(&mut **tx)
        .map_err(DbError::from)?;
    diesel::delete(closed_periods::table.find(&name)).execute(&mut **tx).map_err(DbError::from)?;
    let before: Option<String> = closed_periods::table
        .select(max(closed_periods::period))
        .get_result(&mut **tx)
        .map_err(DbError::from)?;
    let before = before.map(|period| period.parse::<Month>()).transpose()?;
    set_closed_through(tx, before.map(Month::last_day))?;
    record(tx, can.origin(), "period.reopened", month, Some(reason))?;
    Ok(Period { period: month, state: PeriodState::Open, closed_at: None, closed_by: None })
}

fn set_closed_through(tx: &mut Tx<'_>, day: Option<NaiveDate>) -> DbResult<()> {
    diesel::update(books::table.find(1i64)).set(books::closed_through.eq(day)).execute(&mut **tx)?;
    Ok(())
}

/// A period has no number; its first day, written as one, stands in the audit log.
fn record(
    tx: &mut Tx<'_>,
    origin: &Origin,
    action: &'static str,
    month: Month,
    reason: Option<&str>,
) -> DbResult<()> {
    let number = month.to_string().replace('-', "").parse().unwrap_or_default();
    audit::append(tx, origin, Event { action, object_type: "period", object_id: number, reason })
}

/// The day of the first entry that is in no closed month.
fn first_entry_after(tx: &mut Tx<'_>, closed: Option<NaiveDate>) -> DbResult<Option<NaiveDate>> {
    let since = closed.and_then(|day| day.succ_opt()).unwrap_or(super::FIRST_DAY);
    Ok(entries::table.filter(entries::date.ge(since)).select(min(entries::date)).get_result(&mut **tx)?)
}

/// Writes down that a month is closed, and what every account stood at then.
fn add(tx: &mut Tx<'_>, can: &Can<KeepBooks>, month: Month, balances: &[(AccountId, Minor)]) -> DbResult<()> {
    let now = tx.now();
    diesel::insert_into(closed_periods::table)
        .values((
            closed_periods::period.eq(month.to_string()),
            closed_periods::closed_at.eq(now),
            closed_periods::closed_by.eq(can.user_id()),
        ))
        .execute(&mut **tx)?;
    keep(tx, month, balances)
}

/// What the accounts stood at when a closed month ended.
pub(crate) fn of_period(conn: &mut Conn, month: Month) -> DbResult<Vec<(AccountId, Minor)>> {
    Ok(period_balances::table
        .filter(period_balances::period.eq(month.to_string()))
        .select((period_balances::account_id, period_balances::balance))
        .load(conn)?)
}

fn keep(tx: &mut Tx<'_>, month: Month, balances: &[(AccountId, Minor)]) -> DbResult<()> {
    let name = month.to_string();
    let rows: Vec<_> = balances
        .iter()
        .map(|(account, balance)| {
            (
                period_balances::period.eq(name.clone()),
                period_balances::account_id.eq(*account),
                period_balances::balance.eq(*balance),
            )
        })
        .collect();
    if !rows.is_empty() {
        on!(*tx, c => diesel::insert_into(period_balances::table).values(&rows).execute(c))?;
    }
    Ok(())
}

/// Who closed a month, and when.
pub(super) fn closed(
    conn: &mut Conn,
    from: Month,
    to: Month,
) -> DbResult<Vec<(String, muster_kernel::Timestamp, muster_kernel::UserId)>> {
    Ok(closed_periods::table
        .filter(closed_periods::period.between(from.to_string(), to.to_string()))
        .load(conn)?)
}

/// The first month that was closed.
pub(super) fn first_closed(conn: &mut Conn) -> DbResult<Option<Month>> {
    let first: Option<String> =
        closed_periods::table.select(min(closed_periods::period)).get_result(conn).optional()?.flatten();
    Ok(first.and_then(|period| period.parse().ok()))
}

/// What the accounts stood at when the last closed month ended that ended by this day, and the first day after it.
pub(crate) fn kept_before(
    conn: &mut Conn,
    as_of: Option<NaiveDate>,
) -> DbResult<(Vec<(AccountId, Minor)>, NaiveDate)> {
    let mut query = closed_periods::table.into_boxed::<MultiBackend>().select(max(closed_periods::period));
    if let Some(day) = as_of {
        // A month that ends on the day counts, one that the day is within does not.
        let last = Month::of(day);
        let last = if last.last_day() == day { last } else { last.previous() };
        query = query.filter(closed_periods::period.le(last.to_string()));
    }
    let latest: Option<String> = query.get_result(conn)?;
    Ok(match latest.and_then(|period| period.parse::<Month>().ok()) {
        Some(month) => (of_period(conn, month)?, month.next().first_day()),
        None => (Vec::new(), super::FIRST_DAY),
    })
}
