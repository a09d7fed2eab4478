//! What members are listed by stands in one row: beside what they owe also what members says of them, so that an index
//! can leave out all who are not meant and be read in the order that is wanted.

use std::future::Future;
use std::pin::Pin;

use chrono::NaiveDate;
use diesel::dsl::exists;
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use muster_kernel::UserId;
use muster_kernel::db::{Conn, DbError, DbResult, Tx};
use muster_kernel::fault::Fault;
use muster_kernel::job::{JobError, JobKind, JobRun, Progress};
use muster_kernel::sql::Locked;

use crate::periods;
use crate::schema::standing;

/// What a member is listed by, as members has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Where the membership stands.
    pub status: &'static str,
    /// The plan they pay dues by.
    pub plan_id: Option<i64>,
    /// What they are sorted by.
    pub name_key: String,
    /// How often they attended.
    pub attendance_count: i32,
}

/// Has a member be listed so, or, with nothing, on no list any more.
///
/// # Errors
/// When the database fails.
pub fn set_listing(tx: &mut Tx<'_>, member: UserId, listing: Option<&Listing>) -> DbResult<()> {
    diesel::update(standing::table.find(member))
        .set((
            standing::status.eq(listing.map(|listing| listing.status)),
            standing::plan_id.eq(listing.and_then(|listing| listing.plan_id)),
            standing::name_key.eq(listing.map_or("", |listing| listing.name_key.as_str())),
            standing::attendance_count.eq(listing.map_or(0, |listing| listing.attendance_count)),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// Has a member be listed with this attendance: alone, since it changes often, and the other indexes stay as they are.
///
/// # Errors
/// When the database fails.
pub fn set_listed_attendance(tx: &mut Tx<'_>, member: UserId, count: i32) -> DbResult<()> {
    diesel::update(standing::table.find(member))
        .set(standing::attendance_count.eq(count))
        .execute(&mut **tx)?;
    Ok(())
}

/// For whom `is_late` does not say yet what is so on a day: after midnight, until the job that says so has come by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NotSeen {
    /// Some became late and are not marked.
    pub late: bool,
    /// Some are marked and not late: the club moved to another time zone.
    pub not_late: bool,
}

/// Whether there are such members on this day of the club's zone.
///
/// # Errors
/// When the database fails.
pub fn not_seen(conn: &mut Conn, today: NaiveDate) -> DbResult<NotSeen> {
    let late = standing::table.filter(standing::is_late.eq(false)).filter(standing::overdue_from.le(today));
    let not_late =
        standing::table.filter(standing::is_late.eq(true)).filter(standing::overdue_from.gt(today));
    let (late, not_late) = diesel::select((exists(late), exists(not_late))).get_result(conn)?;
    Ok(NotSeen { late, not_late })
}

/// Members who are marked in one step.
const AT_ONCE: i64 = 100;

/// Marks some of those who became late, and unmarks some who no longer are. True when there may be more.
pub(crate) fn see_some(tx: &mut Tx<'_>) -> Result<bool, Fault> {
    let now = tx.now();
    let today = periods::today(tx, now)?;
    let late = standing::table.filter(standing::is_late.eq(false)).filter(standing::overdue_from.le(today));
    let not_late =
        standing::table.filter(standing::is_late.eq(true)).filter(standing::overdue_from.gt(today));
    let (id, first) = (standing::member_id, (standing::overdue_from, standing::member_id));
    let late: Vec<UserId> =
        late.order(first).limit(AT_ONCE).select(id).load(&mut **tx).map_err(DbError::from)?;
    let not_late: Vec<UserId> =
        not_late.order(first).limit(AT_ONCE).select(id).load(&mut **tx).map_err(DbError::from)?;
    let mut wrong = [late, not_late].concat();
    wrong.sort_unstable();
    for member in &wrong {
        see(tx, *member, today)?;
    }
    Ok(!wrong.is_empty())
}

/// Marks one member as it is now: it may have changed before the row was locked.
fn see(tx: &mut Tx<'_>, member: UserId, today: NaiveDate) -> DbResult<()> {
    let row = standing::table.find(member).select(standing::overdue_from);
    let overdue_from: Option<NaiveDate> = Locked(row).get_result(&mut **tx)?;
    diesel::update(standing::table.find(member))
        .set(standing::is_late.eq(is_late(overdue_from, today)))
        .execute(&mut **tx)?;
    Ok(())
}

/// Whether the day has come.
pub(crate) fn is_late(overdue_from: Option<NaiveDate>, today: NaiveDate) -> bool {
    overdue_from.is_some_and(|day| day <= today)
}

/// Marks, when the day has changed, who became late.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LateJob;

impl LateJob {
    /// What the schedule knows it by.
    pub(crate) const KIND: &'static str = "finance.late";
}

impl JobKind for LateJob {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        Box::pin(async move { run.step(|tx, ()| Ok(see_some(tx)?.then_some(()))).await })
    }
}
