//! Where members stand with the club: derived from what they owe and paid, in the transaction that changes it.

use chrono::{Days, NaiveDate};
use diesel::dsl::min;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_auth::people;
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::fault::Fault;
use muster_kernel::sql::{Locked, total};
use muster_kernel::{Minor, UserId};

use crate::schema::{charges, credits, prepaid_lots, standing};
use crate::{listing, periods};

/// Where a member stands.
#[derive(Debug, Clone, PartialEq, Eq, diesel::Queryable)]
pub struct Standing {
    /// What they owe; below zero is credit.
    pub balance: Minor,
    /// When the oldest of what they owe was due.
    pub oldest_due_on: Option<NaiveDate>,
    /// Days after which a debt that is due is overdue.
    pub grace_days: i32,
    /// The first day on which something is overdue.
    pub overdue_from: Option<NaiveDate>,
    /// Class fees paid in advance and not used.
    pub prepaid_fees: i32,
    /// Those of them that are reserved.
    pub prepaid_reserved: i32,
}

type Columns = (
    standing::balance,
    standing::oldest_due_on,
    standing::grace_days,
    standing::overdue_from,
    standing::prepaid_fees,
    standing::prepaid_reserved,
);

const COLUMNS: Columns = (
    standing::balance,
    standing::oldest_due_on,
    standing::grace_days,
    standing::overdue_from,
    standing::prepaid_fees,
    standing::prepaid_reserved,
);

/// Gives a new member a place in the books.
///
/// # Errors
/// When the database fails.
pub fn open_account(tx: &mut Tx<'_>, member: UserId) -> DbResult<()> {
    diesel::insert_into(standing::table).values(standing::member_id.eq(member)).execute(&mut **tx)?;
    Ok(())
}

/// Where a member stands.
///
/// # Errors
/// When the database fails.
pub fn standing_of(conn: &mut Conn, member: UserId) -> DbResult<Option<Standing>> {
    Ok(standing::table.find(member).select(COLUMNS).get_result(conn).optional()?)
}

/// The same of somebody whose money is to be moved: nobody else moves it until the transaction ends. Several members
/// are locked in the order of their ids.
pub(crate) fn lock(tx: &mut Tx<'_>, member: UserId) -> Result<Standing, Fault> {
    // Nobody is erased meanwhile, and nothing is moved of those who were.
    people::hold(tx, member)?;
    Locked(standing::table.find(member).select(COLUMNS))
        .get_result(&mut **tx)
        .optional()
        .map_err(muster_kernel::db::DbError::from)?
        .ok_or_else(Fault::not_found)
}

/// Says how many days a member's debts have after they are due before they are overdue: their plan says it.
///
/// # Errors
/// When there is no such member, or the database fails.
pub fn set_grace(tx: &mut Tx<'_>, member: UserId, days: i32) -> Result<(), Fault> {
    let before = lock(tx, member)?;
    if before.grace_days != days {
        let overdue_from = overdue_from(before.oldest_due_on, days);
        let is_late = is_late(tx, overdue_from)?;
        diesel::update(standing::table.find(member))
            .set((
                standing::grace_days.eq(days),
                standing::overdue_from.eq(overdue_from),
                standing::is_late.eq(is_late),
            ))
            .execute(&mut **tx)
            .map_err(muster_kernel::db::DbError::from)?;
    }
    Ok(())
}

/// The day after the last day of grace.
fn overdue_from(due_on: Option<NaiveDate>, grace: i32) -> Option<NaiveDate> {
    let days = u64::try_from(grace).unwrap_or_default() + 1;
    due_on.and_then(|day| day.checked_add_days(Days::new(days)))
}

/// What a member's items come to: what the kept row must say.
pub(crate) fn derived(conn: &mut Conn, member: UserId, grace_days: i32) -> DbResult<Standing> {
    let (owed, oldest_due_on): (Minor, Option<NaiveDate>) = charges::table
        .filter(charges::member_id.eq(member))
        .filter(charges::is_open.eq(true))
        .select((total(charges::open), min(charges::due_on)))
        .get_result(conn)?;
    let credit: Minor = credits::table
        .filter(credits::member_id.eq(member))
        .filter(credits::has_rest.eq(true))
        .select(total(credits::rest))
        .get_result(conn)?;
    let lots: Vec<(i32, i32, i32, i32)> = prepaid_lots::table
        .filter(prepaid_lots::member_id.eq(member))
        .filter(prepaid_lots::is_live.eq(true))
        .select((prepaid_lots::count, prepaid_lots::used, prepaid_lots::lapsed, prepaid_lots::reserved))
        .load(conn)?;
    Ok(Standing {
        balance: Minor(owed.0 - credit.0),
        oldest_due_on,
        grace_days,
        overdue_from: overdue_from(oldest_due_on, grace_days),
        prepaid_fees: lots.iter().map(|(count, used, lapsed, _)| count - used - lapsed).sum(),
        prepaid_reserved: lots.iter().map(|(_, _, _, reserved)| reserved).sum(),
    })
}

/// Whether the day has come on which something is overdue.
fn is_late(tx: &mut Tx<'_>, overdue_from: Option<NaiveDate>) -> DbResult<bool> {
    if overdue_from.is_none() {
        return Ok(false);
    }
    let now = tx.now();
    Ok(listing::is_late(overdue_from, periods::today(tx, now)?))
}

/// Writes down where a member stands, after something was moved.
pub(crate) fn refresh(tx: &mut Tx<'_>, member: UserId, grace_days: i32) -> DbResult<Standing> {
    let now = derived(tx, member, grace_days)?;
    let prepaid =
        (standing::prepaid_fees.eq(now.prepaid_fees), standing::prepaid_reserved.eq(now.prepaid_reserved));
    let row = standing::table.find(member);
    let before: (Minor, Option<NaiveDate>, Option<NaiveDate>) = row
        .select((standing::balance, standing::oldest_due_on, standing::overdue_from))
        .get_result(&mut **tx)?;
    if before == (now.balance, now.oldest_due_on, now.overdue_from) {
        // A class fee was reserved: the indexes of the list of members stay as they are.
        diesel::update(row).set(prepaid).execute(&mut **tx)?;
        return Ok(now);
    }
    let is_late = is_late(tx, now.overdue_from)?;
    diesel::update(row)
        .set((
            standing::balance.eq(now.balance),
            standing::oldest_due_on.eq(now.oldest_due_on),
            standing::overdue_from.eq(now.overdue_from),
            standing::is_late.eq(is_late),
            prepaid,
        ))
        .execute(&mut **tx)?;
    Ok(now)
}
