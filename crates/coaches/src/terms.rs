//! Pay terms: what a coach is paid for a class from a day on. They never change; others start on another day.

use chrono::NaiveDate;
use diesel::dsl::max;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_auth::Can;
use muster_auth::permissions::{KeepCoachPay, ReadCoachPay};
use muster_kernel::audit::{self, Event};
use muster_kernel::db::{Conn, DbError, DbResult, MultiBackend, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::page::PageRequest;
use muster_kernel::{Fields, Minor, UserId, id_type};
use serde::{Deserialize, Serialize};

use crate::schema::{coach_accruals, coach_terms};
use crate::{purse, sight};

/// The most that one part of the terms can be.
const MOST: i64 = 1_000_000_000;
const OBJECT: &str = "coach_terms";

id_type! {
    /// Pay terms of a coach.
    pub struct TermsId;
}

/// Pay terms of a coach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, diesel::Queryable)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct Terms {
    /// Their number.
    pub id: TermsId,
    /// Classes from this day on are paid by them, until the next terms start.
    pub starts_on: NaiveDate,
    /// What is paid for a class.
    #[cfg_attr(feature = "http", schema(example = 3000))]
    pub per_class: Minor,
    /// What is paid for each who attended above `heads_above`.
    pub per_head: Minor,
    /// So many are not paid for.
    pub heads_above: i32,
    /// A class is paid no less.
    pub minimum: Option<Minor>,
    /// A class is paid no more.
    pub maximum: Option<Minor>,
}

/// Pay terms to be set.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct NewTerms {
    /// The first day whose classes are paid by them: after the last class that was paid for.
    pub starts_on: NaiveDate,
    /// What is paid for a class.
    #[cfg_attr(feature = "http", schema(minimum = 0, maximum = 1_000_000_000, example = 3000))]
    pub per_class: Minor,
    /// What is paid for each who attended above `heads_above`; nothing unless it is said.
    #[cfg_attr(feature = "http", schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000_000))]
    pub per_head: Option<Minor>,
    /// So many are not paid for; 0 unless it is said.
    #[cfg_attr(feature = "http", schema(minimum = 0, maximum = 10_000))]
    pub heads_above: Option<i32>,
    /// A class is paid no less.
    #[cfg_attr(feature = "http", schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000_000))]
    pub minimum: Option<Minor>,
    /// A class is paid no more.
    #[cfg_attr(feature = "http", schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000_000))]
    pub maximum: Option<Minor>,
}

type Columns = (
    coach_terms::id,
    coach_terms::starts_on,
    coach_terms::per_class,
    coach_terms::per_head,
    coach_terms::heads_above,
    coach_terms::minimum,
    coach_terms::maximum,
);

pub(crate) const COLUMNS: Columns = (
    coach_terms::id,
    coach_terms::starts_on,
    coach_terms::per_class,
    coach_terms::per_head,
    coach_terms::heads_above,
    coach_terms::minimum,
    coach_terms::maximum,
);

impl NewTerms {
    fn check(&self) -> Result<(), Fault> {
        let mut fields = Fields::new();
        let amounts = [
            ("/per_class", Some(self.per_class)),
            ("/per_head", self.per_head),
            ("/minimum", self.minimum),
            ("/maximum", self.maximum),
        ];
        for (pointer, amount) in amounts {
            if let Some(amount) = amount {
                fields.number(pointer, amount.0, 0..=MOST);
            }
        }
        if let Some(heads) = self.heads_above {
            fields.number("/heads_above", heads, 0..=10_000);
        }
        let fits = self.minimum.zip(self.maximum).is_none_or(|(least, most)| least <= most);
        fields.must(fits, "/maximum", "out_of_range", "Not less than the minimum.");
        let known = muster_finance::FIRST_DAY..=muster_finance::LAST_DAY;
        fields.number("/starts_on", self.starts_on, known);
        fields.done()
    }
}

/// Sets the terms by which a coach is paid from a day on. What was accrued stays as it is, so they start after the last
/// class that was paid for.
///
/// # Errors
/// When there is no such coach, a field is wrong, other terms start on this day, or a class from this day on was paid for.
pub fn set(tx: &mut Tx<'_>, can: &Can<KeepCoachPay>, coach: UserId, new: &NewTerms) -> Result<Terms, Fault> {
    new.check()?;
    purse::lock(tx, coach)?.ok_or_else(Fault::not_found)?;
    let last: Option<NaiveDate> = coach_accruals::table
        .filter(coach_accruals::coach_id.eq(coach))
        .select(max(coach_accruals::date))
        .get_result(&mut **tx)
        .map_err(DbError::from)?;
    if let Some(last) = last.filter(|last| new.starts_on <= *last) {
        let detail = format!(
            "A class of {last} was paid for already, and new terms never change that; let them start after it."
        );
        return Err(Fault::new(Code::InvalidState, detail));
    }
    let now = tx.now();
    let row = (
        coach_terms::coach_id.eq(coach),
        coach_terms::starts_on.eq(new.starts_on),
        coach_terms::per_class.eq(new.per_class),
        coach_terms::per_head.eq(new.per_head.unwrap_or_default()),
        coach_terms::heads_above.eq(new.heads_above.unwrap_or_default()),
        coach_terms::minimum.eq(new.minimum),
        coach_terms::maximum.eq(new.maximum),
        coach_terms::made_by.eq(can.user_id()),
        coach_terms::made_at.eq(now),
    );
    let insert = |tx: &mut Tx<'_>| -> DbResult<Terms> {
        Ok(diesel::insert_into(coach_terms::table).values(row).returning(COLUMNS).get_result(&mut **tx)?)
    };
    let terms = tx.attempt(insert).map_err(|e: DbError| match e.is_unique_violation() {
        true => Fault::new(Code::AlreadyExists, "Other terms of this coach start on this day."),
        false => e.into(),
    })?;
    record(tx, can, "coach_terms.set", terms.id)?;
    Ok(terms)
}

/// Takes terms away by which no class was paid yet.
///
/// # Errors
/// When there are none of this number, or a class was paid by them.
pub fn withdraw(tx: &mut Tx<'_>, can: &Can<KeepCoachPay>, coach: UserId, id: TermsId) -> Result<(), Fault> {
    purse::lock(tx, coach)?.ok_or_else(Fault::not_found)?;
    find(tx, coach, id)?.ok_or_else(Fault::not_found)?;
    let used: Option<i64> = coach_accruals::table
        .filter(coach_accruals::terms_id.eq(id))
        .select(coach_accruals::id)
        .limit(1)
        .get_result(&mut **tx)
        .optional()
        .map_err(DbError::from)?;
    if used.is_some() {
        let detail = "A class was paid by these terms; set others that start after it.";
        return Err(Fault::new(Code::InvalidState, detail));
    }
    diesel::delete(coach_terms::table.filter(coach_terms::id.eq(id)))
        .execute(&mut **tx)
        .map_err(DbError::from)?;
    Ok(record(tx, can, "coach_terms.withdrawn", id)?)
}

fn record(tx: &mut Tx<'_>, can: &Can<KeepCoachPay>, action: &str, id: TermsId) -> DbResult<()> {
    audit::append(tx, can.origin(), Event { action, object_type: OBJECT, object_id: id.0, reason: None })
}

/// The terms of a coach, the latest first.
///
/// # Errors
/// When there is no such coach, or the caller may not see their pay.
pub fn list(
    conn: &mut Conn,
    can: &Can<ReadCoachPay>,
    coach: UserId,
    page: &PageRequest<NaiveDate>,
) -> Result<Vec<Terms>, Fault> {
    sight::must_see_pay(conn, can, coach)?;
    Ok(of(conn, coach, page.after().copied(), page.fetch())?)
}

/// Terms of a coach.
///
/// # Errors
/// When there are none of this number, or the caller may not see their pay.
pub fn read(conn: &mut Conn, can: &Can<ReadCoachPay>, coach: UserId, id: TermsId) -> Result<Terms, Fault> {
    sight::must_see_pay(conn, can, coach)?;
    find(conn, coach, id)?.ok_or_else(Fault::not_found)
}

/// How many there are in all.
///
/// # Errors
/// When there is no such coach, or the caller may not see their pay.
pub fn count(conn: &mut Conn, can: &Can<ReadCoachPay>, coach: UserId) -> Result<i64, Fault> {
    sight::must_see_pay(conn, can, coach)?;
    let theirs = coach_terms::table.filter(coach_terms::coach_id.eq(coach));
    Ok(theirs.count().get_result(conn).map_err(DbError::from)?)
}

/// The terms of a coach that start before this day, the latest first.
pub(crate) fn of(
    conn: &mut Conn,
    coach: UserId,
    before: Option<NaiveDate>,
    limit: i64,
) -> DbResult<Vec<Terms>> {
    let mut query = coach_terms::table.into_boxed::<MultiBackend>().filter(coach_terms::coach_id.eq(coach));
    if let Some(day) = before {
        query = query.filter(coach_terms::starts_on.lt(day));
    }
    Ok(query.order(coach_terms::starts_on.desc()).limit(limit).select(COLUMNS).load(conn)?)
}

/// The terms by which a class on this day is paid.
pub(crate) fn in_force(tx: &mut Tx<'_>, coach: UserId, on: NaiveDate) -> DbResult<Option<Terms>> {
    Ok(coach_terms::table
        .filter(coach_terms::coach_id.eq(coach))
        .filter(coach_terms::starts_on.le(on))
        .order(coach_terms::starts_on.desc())
        .limit(1)
        .select(COLUMNS)
        .get_result(&mut **tx)
        .optional()?)
}

/// Terms of a coach.
pub(crate) fn find(conn: &mut Conn, coach: UserId, id: TermsId) -> DbResult<Option<Terms>> {
    Ok(coach_terms::table
        .filter(coach_terms::id.eq(id))
        .filter(coach_terms::coach_id.eq(coach))
        .select(COLUMNS)
        .get_result(conn)
        .optional()?)
}

/// The terms of everybody after these, for an export.
pub(crate) fn after(conn: &mut Conn, id: i64, limit: i64) -> DbResult<Vec<(UserId, Terms)>> {
    Ok(coach_terms::table
        .filter(coach_terms::id.gt(TermsId(id)))
        .order(coach_terms::id)
        .limit(limit)
        .select((coach_terms::coach_id, COLUMNS))
        .load(conn)?)
}
