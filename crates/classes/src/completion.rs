//! The end of a class: whoever nobody marked counts as the club says, and the coach's pay is accrued. The coach ends it, or
//! the clock some time after.

use std::future::Future;
use std::pin::Pin;

use chrono::TimeDelta;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_auth::club::{self, Unmarked};
use muster_auth::permissions::RunClasses;
use muster_auth::{Can, people};
use muster_coaches::Taught;
use muster_kernel::audit::{self, Event, Origin};
use muster_kernel::db::{DbError, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::job::{self, JobError, JobKind, JobRun, NewJob, Next, Progress, Schedule};
use muster_kernel::{Expected, Fields};

use crate::attendance::{settle_as, unmarked};
use crate::booking::BookingStatus;
use crate::class::{Class, ClassId, ClassStatus};
use crate::fees;
use crate::planning::{OBJECT, must_be_theirs};
use crate::queries;
use crate::schema::classes;
use crate::seats::Seats;

/// Bookings that are settled in one step: each is some twenty statements.
const AT_ONCE: i64 = 20;

/// Ends a class. What is left to be settled of a large one is done soon after: then it is still `scheduled`.
///
/// # Errors
/// When there is no such class or it is not the caller's, it has not begun, or it is over or off already.
pub fn complete(
    tx: &mut Tx<'_>,
    can: &Can<RunClasses>,
    id: ClassId,
    expected: &Expected,
    reason: Option<&str>,
) -> Result<Class, Fault> {
    let mut fields = Fields::new();
    if let Some(reason) = reason {
        fields.lines("/reason", reason, 1..=500);
    }
    fields.done()?;
    let class = queries::lock(tx, id)?;
    must_be_theirs::<RunClasses>(can.actor(), &class)?;
    expected.allows(class.version)?;
    if class.status != ClassStatus::Scheduled {
        let detail = format!("This class is `{}`.", class.status.as_str());
        return Err(Fault::new(Code::InvalidState, detail));
    }
    let now = tx.now();
    if !class.has_begun(now) {
        return Err(Fault::new(Code::InvalidState, "This class has not begun."));
    }
    if !finish_some(tx, can.origin(), class, reason)? {
        job::enqueue(tx, NewJob::new(FinishJob::KIND, id))?;
    }
    queries::find(tx, id)?.ok_or_else(Fault::not_found)
}

/// Settles some bookings of a class whose row is locked, and ends it when none is left. True when it is over.
fn finish_some(tx: &mut Tx<'_>, origin: &Origin, class: Class, reason: Option<&str>) -> Result<bool, Fault> {
    let (now, policies) = (tx.now(), club::settings(tx)?.policies);
    let to = match policies.unmarked_counts_as {
        Unmarked::Attended => BookingStatus::Attended,
        Unmarked::NoShow => BookingStatus::NoShow,
        Unmarked::Excused => BookingStatus::Excused,
    };
    let mut seats = Seats { class, policies: &policies, origin, now };
    seats.dissolve_line(tx)?;
    let some = unmarked(tx, seats.class.id, AT_ONCE)?;
    let is_over = (some.len() as i64) < AT_ONCE;
    for booking in some {
        // Whoever was erased since owes nothing, and no money of theirs is moved.
        let to = match people::hold(tx, booking.member_id) {
            Err(fault) if fault.code == Code::InvalidState => BookingStatus::Excused,
            held => held.map(|()| to)?,
        };
        let Some(booking) = queries::find_booking(tx, booking.id)? else { continue };
        settle_as(tx, &mut seats, booking, to)?;
    }
    if is_over {
        seats.class.status = ClassStatus::Completed;
        end(tx, origin, &seats.class, reason)?;
    }
    seats.keep(tx)?;
    Ok(is_over)
}

fn end(tx: &mut Tx<'_>, origin: &Origin, class: &Class, reason: Option<&str>) -> Result<(), Fault> {
    let now = tx.now();
    diesel::update(classes::table.filter(classes::id.eq(class.id)))
        .set((
            classes::version.eq(classes::version + 1),
            classes::status.eq(ClassStatus::Completed),
            classes::has_room.eq(false),
            classes::completed_at.eq(now),
        ))
        .execute(&mut **tx)
        .map_err(DbError::from)?;
    let taught = Taught {
        class_id: class.id.0,
        coach: class.coach_id,
        starts_at: class.starts_at,
        // Where the class is it can be tomorrow already.
        date: class.day(fees::today(tx)?),
        heads: class.attended_count,
    };
    muster_coaches::accrue(tx, origin, &taught)?;
    let event = Event { action: "class.completed", object_type: OBJECT, object_id: class.id.0, reason };
    Ok(audit::append(tx, origin, event)?)
}

/// Goes on with the end of a large class.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FinishJob;

impl FinishJob {
    pub(crate) const KIND: &'static str = "classes.finish";
}

impl JobKind for FinishJob {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        Box::pin(async move {
            run.commit(|tx, payload| {
                let failed = |fault: Fault| JobError::Failed(fault.to_string());
                let id: ClassId =
                    serde_json::from_value(payload.clone()).map_err(|e| JobError::Failed(e.to_string()))?;
                let class = queries::lock(tx, id).map_err(failed)?;
                let is_over = class.status != ClassStatus::Scheduled
                    || finish_some(tx, &Origin::default(), class, None).map_err(failed)?;
                Ok(if is_over { Next::Done } else { Next::Continue(payload.clone()) })
            })
            .await
        })
    }
}

/// What the clock does with classes: at the start it sends home who still waits, and some time after the end it ends
/// those that nobody has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClockJob;

impl ClockJob {
    pub(crate) const KIND: &'static str = "classes.clock";
    pub(crate) const SCHEDULE: Schedule = Schedule { kind: Self::KIND, every: TimeDelta::minutes(1) };
}

impl JobKind for ClockJob {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        Box::pin(async move {
            run.commit(|tx, payload| {
                let more = tick(tx).map_err(|fault| JobError::Failed(fault.to_string()))?;
                Ok(if more { Next::Continue(payload.clone()) } else { Next::Done })
            })
            .await
        })
    }
}

/// Does what is due for one class. True when there may be another.
fn tick(tx: &mut Tx<'_>) -> Result<bool, Fault> {
    let (now, policies) = (tx.now(), club::settings(tx)?.policies);
    if let Some(id) = with_a_line(tx)? {
        let class = queries::lock(tx, id)?;
        let mut seats = Seats { class, policies: &policies, origin: &Origin::default(), now };
        seats.dissolve_line(tx)?;
        seats.keep(tx)?;
        return Ok(true);
    }
    let Some(id) = long_over(tx, policies.auto_complete_minutes)? else { return Ok(false) };
    let class = queries::lock(tx, id)?;
    if class.status == ClassStatus::Scheduled {
        finish_some(tx, &Origin::default(), class, None)?;
    }
    Ok(true)
}

/// A class that has begun and has somebody in line.
fn with_a_line(tx: &mut Tx<'_>) -> DbResult<Option<ClassId>> {
    let now = tx.now();
    Ok(classes::table
        .filter(classes::has_line.eq(true))
        .filter(classes::starts_at.le(now))
        .order((classes::starts_at, classes::id))
        .select(classes::id)
        .limit(1)
        .get_result(&mut **tx)
        .optional()?)
}

/// A class that ended so long ago and that nobody has ended.
fn long_over(tx: &mut Tx<'_>, minutes: i32) -> DbResult<Option<ClassId>> {
    let latest = crate::class::before(tx.now(), minutes);
    Ok(classes::table
        .filter(classes::status.eq(ClassStatus::Scheduled))
        .filter(classes::ends_at.le(latest))
        .order((classes::ends_at, classes::id))
        .select(classes::id)
        .limit(1)
        .get_result(&mut **tx)
        .optional()?)
}
