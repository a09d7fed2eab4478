//! What coaches earn: a line for every class that was taught, and another for each correction of its attendance.

use chrono::NaiveDate;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_finance::{EntryId, pay};
use muster_kernel::audit::{self, Event, Origin};
use muster_kernel::db::{DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::{Minor, Timestamp, UserId, id_type};

use crate::arithmetic::pay_of;
use crate::purse::{self, Purse};
use crate::schema::coach_accruals;
use crate::terms::{self, TermsId};

id_type! {
    /// A line of what a coach earned.
    pub struct AccrualId;
}

/// A class that was taught, to be paid for.
#[derive(Debug, Clone, Copy)]
pub struct Taught {
    /// The class.
    pub class_id: i64,
    /// Who taught it.
    pub coach: UserId,
    /// When it started.
    pub starts_at: Timestamp,
    /// Its day where it took place.
    pub date: NaiveDate,
    /// Who attended.
    pub heads: i32,
}

/// Writes down what a coach earned by a class, by the terms in force on its day: nothing without any. Once a class. It
/// counts as taught even if the coach was erased meanwhile, who is then owed nothing.
///
/// # Errors
/// When it was written down before, there is no such person, or the database fails.
pub fn accrue(tx: &mut Tx<'_>, origin: &Origin, taught: &Taught) -> Result<(), Fault> {
    let is_there = purse::hold(tx, taught.coach)?;
    let purse = match purse::lock(tx, taught.coach)? {
        Some(purse) => purse,
        None => purse::enter(tx, taught.coach, false)?,
    };
    if own_line(tx, taught.class_id)?.is_some() {
        return Err(Fault::new(Code::InvalidState, "This class was paid for already."));
    }
    let heads = taught.heads.max(0);
    let terms = if is_there { terms::in_force(tx, taught.coach, taught.date)? } else { None };
    let pay = terms.as_ref().map_or(Ok(Minor::ZERO), |terms| pay_of(terms, heads))?;
    let class = Class {
        class_id: taught.class_id,
        starts_at: taught.starts_at,
        date: taught.date,
        terms: terms.map(|terms| terms.id),
    };
    let purse = Purse { classes_taught: purse.classes_taught + 1, ..purse };
    let text = format!("Class {}", taught.class_id);
    write(tx, origin, purse, &class, &Line { heads, pay, amount: pay, adjusts: None, text: &text })
}

/// Writes down that the attendance of a class was corrected: what that makes more or less, by the terms that the class
/// was paid by. Nothing when the amount stays, or the coach was erased.
///
/// # Errors
/// When the class was never accrued, or the database fails.
pub fn adjust(tx: &mut Tx<'_>, origin: &Origin, class_id: i64, heads: i32) -> Result<(), Fault> {
    let Some(own) = own_line(tx, class_id)? else { return Err(Fault::not_found()) };
    if !purse::hold(tx, own.coach)? {
        return Ok(());
    }
    let purse = purse::lock(tx, own.coach)?.ok_or_else(Fault::not_found)?;
    let heads = heads.max(0);
    let terms = match own.terms {
        Some(id) => Some(terms::find(tx, own.coach, id)?.ok_or_else(Fault::not_found)?),
        None => None,
    };
    let pay = terms.as_ref().map_or(Ok(Minor::ZERO), |terms| pay_of(terms, heads))?;
    // With the coach's row locked, nobody else adds a line.
    let amount = Minor(pay.0 - last_pay(tx, class_id)?.0);
    if amount == Minor::ZERO {
        return Ok(());
    }
    let class = Class { class_id, starts_at: own.starts_at, date: own.date, terms: own.terms };
    let text = format!("Class {class_id}, attendance corrected");
    write(tx, origin, purse, &class, &Line { heads, pay, amount, adjusts: Some(own.id), text: &text })
}

struct Class {
    class_id: i64,
    starts_at: Timestamp,
    date: NaiveDate,
    terms: Option<TermsId>,
}

struct Line<'a> {
    heads: i32,
    pay: Minor,
    amount: Minor,
    adjusts: Option<AccrualId>,
    text: &'a str,
}

fn write(
    tx: &mut Tx<'_>,
    origin: &Origin,
    purse: Purse,
    class: &Class,
    line: &Line<'_>,
) -> Result<(), Fault> {
    let coach = purse.coach;
    let entry = match line.amount {
        Minor::ZERO => None,
        amount => Some(pay::accrue(tx, origin, coach, amount, class.date, line.text)?),
    };
    let id = insert(tx, coach, class, line, entry)?;
    purse::keep(tx, &purse.with(line.amount)?)?;
    let event =
        Event { action: "coach_pay.accrued", object_type: "coach_pay", object_id: id.0, reason: None };
    Ok(audit::append(tx, origin, event)?)
}

fn insert(
    tx: &mut Tx<'_>,
    coach: UserId,
    class: &Class,
    line: &Line<'_>,
    entry: Option<EntryId>,
) -> DbResult<AccrualId> {
    Ok(diesel::insert_into(coach_accruals::table)
        .values((
            coach_accruals::coach_id.eq(coach),
            coach_accruals::class_id.eq(class.class_id),
            coach_accruals::class_at.eq(class.starts_at),
            coach_accruals::date.eq(class.date),
            coach_accruals::terms_id.eq(class.terms),
            coach_accruals::heads.eq(line.heads),
            coach_accruals::pay.eq(line.pay),
            coach_accruals::amount.eq(line.amount),
            coach_accruals::adjusts.eq(line.adjusts),
            coach_accruals::entry_id.eq(entry),
        ))
        .returning(coach_accruals::id)
        .get_result(&mut **tx)?)
}

/// The line of a class that corrects no other.
#[derive(diesel::Queryable)]
struct OwnLine {
    id: AccrualId,
    coach: UserId,
    starts_at: Timestamp,
    date: NaiveDate,
    terms: Option<TermsId>,
}

fn own_line(tx: &mut Tx<'_>, class_id: i64) -> DbResult<Option<OwnLine>> {
    Ok(coach_accruals::table
        .filter(coach_accruals::class_id.eq(class_id))
        .filter(coach_accruals::adjusts.is_null())
        .select((
            coach_accruals::id,
            coach_accruals::coach_id,
            coach_accruals::class_at,
            coach_accruals::date,
            coach_accruals::terms_id,
        ))
        .get_result(&mut **tx)
        .optional()?)
}

/// What a class comes to by its latest line.
fn last_pay(tx: &mut Tx<'_>, class_id: i64) -> DbResult<Minor> {
    Ok(coach_accruals::table
        .filter(coach_accruals::class_id.eq(class_id))
        .order(coach_accruals::id.desc())
        .limit(1)
        .select(coach_accruals::pay)
        .get_result(&mut **tx)?)
}
