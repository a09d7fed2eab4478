//! What coaches earned, line by line, with the arithmetic: a class, or a correction of its attendance.

use chrono::NaiveDate;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl, RunQueryDsl,
};
use muster_auth::Can;
use muster_auth::permissions::ReadCoachPay;
use muster_kernel::csv::{Cell, Decimals};
use muster_kernel::db::{Conn, DbError, DbResult, MultiBackend};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::{Minor, Timestamp, UserId};
use serde::Serialize;

use crate::AccrualId;
use crate::payouts::PayoutId;
use crate::schema::{coach_accruals, coach_terms};
use crate::sight;
use crate::terms::TermsId;

/// A line of what a coach earned. What it says of the terms are those of `terms_id`, which never change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, diesel::Queryable)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct PayLine {
    /// Its number.
    pub id: AccrualId,
    /// The class.
    pub class_id: i64,
    /// When it started.
    pub class_datetime: Timestamp,
    /// Its day where it took place.
    pub date: NaiveDate,
    /// By which terms; none when there were none on that day.
    pub terms_id: Option<TermsId>,
    /// How many attended.
    pub heads: i32,
    /// The terms: what is paid for a class.
    pub per_class: Option<Minor>,
    /// The terms: what is paid for each who attended above `heads_above`.
    pub per_head: Option<Minor>,
    /// The terms: so many are not paid for.
    pub heads_above: Option<i32>,
    /// The terms: no less.
    pub minimum: Option<Minor>,
    /// The terms: no more.
    pub maximum: Option<Minor>,
    /// What the class comes to with these heads.
    pub pay: Minor,
    /// What this line adds: all of it, or for a correction the difference.
    pub amount: Minor,
    /// The line of the class that this one corrects.
    pub adjusts: Option<AccrualId>,
    /// The payout that paid it; none while it is unpaid.
    pub payout_id: Option<PayoutId>,
}

/// The columns of the lines as a table.
pub const COLUMNS: [&str; 15] = [
    "id",
    "class_id",
    "class_datetime",
    "date",
    "terms_id",
    "heads",
    "per_class",
    "per_head",
    "heads_above",
    "minimum",
    "maximum",
    "pay",
    "amount",
    "adjusts",
    "payout_id",
];

/// The place of a line in the list.
pub type Place = (NaiveDate, i64);

impl PayLine {
    /// Its place in the list.
    pub fn place(&self) -> Place {
        (self.date, self.id.0)
    }

    /// The line as a row of the table, in the order of [`COLUMNS`].
    pub fn cells(self, decimals: Decimals) -> Vec<Cell> {
        let money = |amount: Minor| Cell::Amount(amount, decimals);
        let perhaps = |amount: Option<Minor>| amount.map_or(Cell::Empty, money);
        vec![
            self.id.0.into(),
            self.class_id.into(),
            self.class_datetime.into(),
            self.date.into(),
            self.terms_id.map(|id| id.0).into(),
            self.heads.into(),
            perhaps(self.per_class),
            perhaps(self.per_head),
            self.heads_above.into(),
            perhaps(self.minimum),
            perhaps(self.maximum),
            money(self.pay),
            money(self.amount),
            self.adjusts.map(|id| id.0).into(),
            self.payout_id.map(|id| id.0).into(),
        ]
    }
}

macro_rules! shown {
    () => {
        coach_accruals::table
            .left_join(coach_terms::table.on(coach_accruals::terms_id.eq(coach_terms::id.nullable())))
            .select((
                coach_accruals::id,
                coach_accruals::class_id,
                coach_accruals::class_at,
                coach_accruals::date,
                coach_accruals::terms_id,
                coach_accruals::heads,
                coach_terms::per_class.nullable(),
                coach_terms::per_head.nullable(),
                coach_terms::heads_above.nullable(),
                coach_terms::minimum.nullable(),
                coach_terms::maximum.nullable(),
                coach_accruals::pay,
                coach_accruals::amount,
                coach_accruals::adjusts,
                coach_accruals::payout_id,
            ))
    };
}

/// From which day of the classes to which.
#[derive(Debug, Clone, Copy)]
pub struct Between {
    from: NaiveDate,
    to: NaiveDate,
}

impl Between {
    /// From one day to another; without one there is no bound.
    ///
    /// # Errors
    /// When the one is after the other.
    pub fn read(from: Option<NaiveDate>, to: Option<NaiveDate>) -> Result<Between, Fault> {
        let (from, to) = (from.unwrap_or(muster_finance::FIRST_DAY), to.unwrap_or(muster_finance::LAST_DAY));
        if from > to {
            return Err(Fault::new(Code::Malformed, "`from` is not after `to`."));
        }
        Ok(Between { from, to })
    }
}

/// What a coach earned by classes between two days, the latest first.
///
/// # Errors
/// When there is no such coach, or the caller may not see their pay.
pub fn list(
    conn: &mut Conn,
    can: &Can<ReadCoachPay>,
    coach: UserId,
    between: Between,
    after: Option<Place>,
    limit: i64,
) -> Result<Vec<PayLine>, Fault> {
    sight::must_see_pay(conn, can, coach)?;
    let mut query = shown!()
        .into_boxed::<MultiBackend>()
        .filter(coach_accruals::coach_id.eq(coach))
        .filter(coach_accruals::date.ge(between.from));
    query = match after {
        None => query.filter(coach_accruals::date.le(between.to)),
        Some((day, id)) => query
            .filter(coach_accruals::date.le(day))
            .filter(coach_accruals::date.lt(day).or(coach_accruals::id.lt(AccrualId(id)))),
    };
    let latest = query.order((coach_accruals::date.desc(), coach_accruals::id.desc()));
    Ok(latest.limit(limit).load(conn).map_err(DbError::from)?)
}

/// How many there are in all.
///
/// # Errors
/// When there is no such coach, or the caller may not see their pay.
pub fn count(
    conn: &mut Conn,
    can: &Can<ReadCoachPay>,
    coach: UserId,
    between: Between,
) -> Result<i64, Fault> {
    sight::must_see_pay(conn, can, coach)?;
    Ok(coach_accruals::table
        .filter(coach_accruals::coach_id.eq(coach))
        .filter(coach_accruals::date.between(between.from, between.to))
        .count()
        .get_result(conn)
        .map_err(DbError::from)?)
}

/// Lines that a payout paid, in the order in which they were made.
pub(crate) fn of_payout(conn: &mut Conn, payout: PayoutId, limit: i64) -> DbResult<Vec<PayLine>> {
    Ok(shown!()
        .filter(coach_accruals::payout_id.eq(payout))
        .order(coach_accruals::id)
        .limit(limit)
        .load(conn)?)
}

/// All lines of a coach, in the order in which they were made.
pub(crate) fn of(conn: &mut Conn, coach: UserId) -> DbResult<Vec<PayLine>> {
    Ok(shown!()
        .filter(coach_accruals::coach_id.eq(coach))
        .order((coach_accruals::date, coach_accruals::id))
        .load(conn)?)
}

/// The lines of everybody after this one, for an export, each with whose it is.
pub(crate) fn after(conn: &mut Conn, id: i64, limit: i64) -> DbResult<Vec<(UserId, PayLine)>> {
    let after = shown!().filter(coach_accruals::id.gt(AccrualId(id))).order(coach_accruals::id).limit(limit);
    let lines: Vec<PayLine> = after.load(conn)?;
    let coaches: Vec<UserId> = coach_accruals::table
        .filter(coach_accruals::id.gt(AccrualId(id)))
        .order(coach_accruals::id)
        .limit(limit)
        .select(coach_accruals::coach_id)
        .load(conn)?;
    Ok(coaches.into_iter().zip(lines).collect())
}
