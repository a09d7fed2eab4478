//! Those in line who could not take a place when it became free, and can now: what they had at that time is gone. The class
//! gives its free places away soon after, as if they had become free now.

use std::future::Future;
use std::pin::Pin;

use diesel::{ExpressionMethods, JoinOnDsl, QueryDsl, RunQueryDsl};
use muster_kernel::UserId;
use muster_kernel::audit::Origin;
use muster_kernel::db::{DbResult, Tx};
use muster_kernel::fault::Fault;
use muster_kernel::job::{self, JobError, JobKind, JobRun, NewJob, Progress};

use crate::class::ClassId;
use crate::queries;
use crate::schema::{bookings, classes};
use crate::seats::Seats;

/// Has the classes look at their lines in which one of these waits while there is a place.
pub(crate) fn wake(tx: &mut Tx<'_>, members: &[UserId]) -> DbResult<()> {
    if members.is_empty() {
        return Ok(());
    }
    let now = tx.now();
    let with_room: Vec<ClassId> = bookings::table
        .inner_join(classes::table.on(classes::id.eq(bookings::class_id)))
        .filter(bookings::member_id.eq_any(members.to_vec()))
        .filter(bookings::is_live.eq(true))
        .filter(bookings::starts_at.gt(now))
        .filter(bookings::is_waiting.eq(true))
        .filter(classes::has_room.eq(true))
        .select(bookings::class_id)
        .distinct()
        .load(&mut **tx)?;
    for class in with_room {
        let once = format!("{}:{class}@{}", PromoteJob::KIND, now.micros());
        job::enqueue(tx, NewJob::new(PromoteJob::KIND, class).once(once))?;
    }
    Ok(())
}

/// Gives the free places of a class away.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PromoteJob;

impl PromoteJob {
    pub(crate) const KIND: &'static str = "classes.promote";
}

impl JobKind for PromoteJob {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        Box::pin(async move { run.step(|tx, class| promote(tx, class).map(|()| None)).await })
    }
}

fn promote(tx: &mut Tx<'_>, id: ClassId) -> Result<(), Fault> {
    let class = queries::lock(tx, id)?;
    let origin = Origin::default();
    let mut seats = Seats::of(tx, class, &origin)?;
    seats.promote(tx)?;
    seats.keep(tx)
}
