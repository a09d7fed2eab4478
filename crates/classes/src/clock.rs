//! What the clock does with classes: at the start it sends home who still waits, and some time after the end it ends
//! those that nobody has.

use std::future::Future;
use std::pin::Pin;

use chrono::TimeDelta;
use diesel::{BoolExpressionMethods, ExpressionMethods, QueryDsl, RunQueryDsl};
use muster_auth::club;
use muster_kernel::Timestamp;
use muster_kernel::audit::Origin;
use muster_kernel::db::{DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::job::{JobError, JobKind, JobRun, Progress, Schedule};
use serde::{Deserialize, Serialize};

use crate::class::{self, ClassId, ClassStatus};
use crate::completion::finish_some;
use crate::queries;
use crate::schema::classes;
use crate::seats::Seats;

/// Comes round every minute.
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
        Box::pin(async move { run.step(tick).await })
    }
}

/// What is due for a class.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Due {
    /// It has begun and has somebody in line.
    Line,
    /// It ended long ago, and nobody has ended it.
    End,
}

/// How far one turn of the clock is. It looks at each class once, so that one that cannot be ended keeps no other
/// waiting; the next turn tries it again.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Place {
    due: Due,
    after: (Timestamp, ClassId),
}

/// Does what is due for one class, and says where to go on.
fn tick(tx: &mut Tx<'_>, place: Option<Place>) -> Result<Option<Option<Place>>, Fault> {
    let begin = (Timestamp::EPOCH, ClassId(0));
    let Place { due, after } = place.unwrap_or(Place { due: Due::Line, after: begin });
    let next = match due {
        Due::Line => with_a_line(tx, after)?,
        Due::End => long_over(tx, after)?,
    };
    let Some((id, at)) = next else {
        return Ok(match due {
            Due::Line => Some(Some(Place { due: Due::End, after: begin })),
            Due::End => None,
        });
    };
    let tried = tx.attempt(|tx| match due {
        Due::Line => send_home(tx, id).map(|()| true),
        Due::End => end_some(tx, id),
    });
    let is_done = match tried {
        Ok(is_done) => is_done,
        // The database's troubles pass: then the whole step is tried again.
        Err(fault) if matches!(fault.code, Code::Internal | Code::Unavailable) => return Err(fault),
        Err(fault) => {
            log::error!("class {id} keeps what is due for it: {fault}");
            true
        }
    };
    Ok(Some(Some(Place { due, after: if is_done { (at, id) } else { after } })))
}

fn send_home(tx: &mut Tx<'_>, id: ClassId) -> Result<(), Fault> {
    let class = queries::lock(tx, id)?;
    let origin = Origin::default();
    let mut seats = Seats::of(tx, class, &origin)?;
    seats.dissolve_line(tx)?;
    seats.keep(tx)
}

/// Ends a class, or a part of a large one. True when it is over.
fn end_some(tx: &mut Tx<'_>, id: ClassId) -> Result<bool, Fault> {
    let class = queries::lock(tx, id)?;
    Ok(class.status != ClassStatus::Scheduled || finish_some(tx, &Origin::default(), class, None)?)
}

fn with_a_line(tx: &mut Tx<'_>, after: (Timestamp, ClassId)) -> DbResult<Option<(ClassId, Timestamp)>> {
    let (now, (at, id)) = (tx.now(), after);
    let later = classes::starts_at.gt(at).or(classes::starts_at.eq(at).and(classes::id.gt(id)));
    let due = classes::table
        .filter(classes::has_line.eq(true))
        .filter(classes::starts_at.ge(at))
        .filter(classes::starts_at.le(now))
        .filter(later);
    let next = due.order((classes::starts_at, classes::id)).select((classes::id, classes::starts_at));
    Ok(next.limit(1).load(&mut **tx)?.pop())
}

fn long_over(tx: &mut Tx<'_>, after: (Timestamp, ClassId)) -> DbResult<Option<(ClassId, Timestamp)>> {
    let minutes = club::settings(tx)?.policies.auto_complete_minutes;
    let (latest, (at, id)) = (class::before(tx.now(), minutes), after);
    let later = classes::ends_at.gt(at).or(classes::ends_at.eq(at).and(classes::id.gt(id)));
    let due = classes::table
        .filter(classes::status.eq(ClassStatus::Scheduled))
        .filter(classes::ends_at.ge(at))
        .filter(classes::ends_at.le(latest))
        .filter(later);
    let next = due.order((classes::ends_at, classes::id)).select((classes::id, classes::ends_at));
    Ok(next.limit(1).load(&mut **tx)?.pop())
}
