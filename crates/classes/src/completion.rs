//! The end of a class: whoever nobody marked counts as the club says, and the coach's pay is accrued.

use std::future::Future;
use std::pin::Pin;

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use muster_auth::club::Unmarked;
use muster_auth::permissions::RunClasses;
use muster_auth::{Can, people};
use muster_coaches::Taught;
use muster_kernel::audit::{self, Event, Origin};
use muster_kernel::db::{DbError, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::job::{self, JobError, JobKind, JobRun, NewJob, Progress};
use muster_kernel::{Expected, Fields};

use crate::attendance::{settle_as, unmarked};
use crate::booking::BookingStatus;
use crate::class::{Class, ClassId, ClassStatus};
use crate::planning::{OBJECT, must_be_to_come};
use crate::queries;
use crate::schema::classes;
use crate::seats::Seats;
use crate::whose::must_be_theirs;

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
    must_be_to_come(&class)?;
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
pub(crate) fn finish_some(
    tx: &mut Tx<'_>,
    origin: &Origin,
    class: Class,
    reason: Option<&str>,
) -> Result<bool, Fault> {
    let mut seats = Seats::of(tx, class, origin)?;
    let to = match seats.policies.unmarked_counts_as {
        Unmarked::Attended => BookingStatus::Attended,
        Unmarked::NoShow => BookingStatus::NoShow,
        Unmarked::Excused => BookingStatus::Excused,
    };
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
        end(tx, &seats, reason)?;
    }
    seats.keep(tx)?;
    Ok(is_over)
}

fn end(tx: &mut Tx<'_>, seats: &Seats<'_>, reason: Option<&str>) -> Result<(), Fault> {
    let class = &seats.class;
    diesel::update(classes::table.filter(classes::id.eq(class.id)))
        .set((
            classes::version.eq(classes::version + 1),
            classes::status.eq(ClassStatus::Completed),
            classes::has_room.eq(false),
            classes::completed_at.eq(seats.now),
        ))
        .execute(&mut **tx)
        .map_err(DbError::from)?;
    let taught = Taught {
        class_id: class.id.0,
        coach: class.coach_id,
        starts_at: class.starts_at,
        // Where the class is it can be tomorrow already.
        date: class.day(seats.today),
        heads: class.attended_count,
    };
    muster_coaches::accrue(tx, seats.origin, &taught)?;
    let event = Event { action: "class.completed", object_type: OBJECT, object_id: class.id.0, reason };
    Ok(audit::append(tx, seats.origin, event)?)
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
            run.step(|tx, id: ClassId| {
                let class = queries::lock(tx, id)?;
                let is_over = class.status != ClassStatus::Scheduled
                    || finish_some(tx, &Origin::default(), class, None)?;
                Ok((!is_over).then_some(id))
            })
            .await
        })
    }
}
