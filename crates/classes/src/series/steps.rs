//! An edit of many sessions, done in steps: some at once, the others by a job.

use std::future::Future;
use std::pin::Pin;

use chrono::{NaiveDate, NaiveTime};
use muster_auth::permissions::PlanClasses;
use muster_auth::{Can, still_can};
use muster_kernel::UserId;
use muster_kernel::audit::Origin;
use muster_kernel::db::Tx;
use muster_kernel::fault::{Code, Fault};
use muster_kernel::job::{self, JobError, JobKind, JobRun, NewJob, Progress};
use serde::{Deserialize, Serialize};

use super::patch::SeriesPatch;
use super::sessions::{self, Conflict};
use super::{LOCAL, Series, queries, record};
use crate::class::{ClassId, ClassStatus, SeriesId};
use crate::planning;

/// Sessions that are changed at once; of more the rest is done soon after.
const AT_ONCE: i64 = 30;

/// Where an edit is that is done in steps.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Place {
    pub series: SeriesId,
    pub patch: SeriesPatch,
    pub from: NaiveDate,
    /// The last session that was changed.
    pub after: Option<String>,
    /// Why sessions are called off, if they are.
    pub reason: Option<String>,
    pub by: UserId,
}

/// Does some sessions, and the others by a job. True when there are others.
pub(super) fn go_on_later(
    tx: &mut Tx<'_>,
    can: &Can<PlanClasses>,
    place: Place,
    conflict: Conflict,
) -> Result<bool, Fault> {
    let next = step(tx, can, place, conflict)?;
    let goes_on = next.is_some();
    if let Some(place) = next {
        job::enqueue(tx, NewJob::new(GoOnJob::KIND, place))?;
    }
    Ok(goes_on)
}

/// Does some sessions, and says where to go on.
fn step(
    tx: &mut Tx<'_>,
    can: &Can<PlanClasses>,
    place: Place,
    conflict: Conflict,
) -> Result<Option<Place>, Fault> {
    let Some(series) = queries::lock(tx, place.series)? else { return Ok(None) };
    let begin = place.from.and_time(NaiveTime::MIN).format(LOCAL).to_string();
    let mut some = sessions::to_come(tx, &series, &begin, place.after.as_deref(), AT_ONCE)?;
    let last = some.last().map(|(_, occurrence)| occurrence.clone());
    let is_last = (some.len() as i64) < AT_ONCE;
    // As everywhere: in the order of their ids.
    some.sort_unstable();
    // All of them before any of their people, so that nobody waits for two in a circle.
    for (id, _) in &some {
        crate::queries::lock(tx, *id)?;
    }
    for (id, _) in some {
        match &place.reason {
            Some(reason) => call_off_session(tx, can, id, reason)?,
            None => match conflict {
                Conflict::Refuse => change(tx, can, id, &place.patch, &series, false)?,
                Conflict::LeaveOut => {
                    // What cannot be changed so stays as it was.
                    let tried = tx.attempt(|tx| change(tx, can, id, &place.patch, &series, false));
                    if let Err(fault) = tried {
                        if fault.code == Code::Internal || fault.code == Code::Unavailable {
                            return Err(fault);
                        }
                        let reason = Some("A session could not be changed so.");
                        record(tx, can.origin(), "class_series.session_kept", series.id, reason)?;
                    }
                }
            },
        }
    }
    Ok(if is_last { None } else { Some(Place { after: last, ..place }) })
}

/// Changes one session.
pub(super) fn change(
    tx: &mut Tx<'_>,
    can: &Can<PlanClasses>,
    id: ClassId,
    patch: &SeriesPatch,
    series: &Series,
    by_hand: bool,
) -> Result<(), Fault> {
    let before = crate::queries::lock(tx, id)?;
    let after = patch.shape(&before, series, by_hand);
    let moves = (after.starts_at, after.ends_at) != (before.starts_at, before.ends_at);
    if !by_hand && moves && crate::queries::is_marked(tx, id)? {
        return Ok(());
    }
    if after != before {
        planning::apply(tx, can, &before, after, by_hand)?;
    }
    Ok(())
}

/// Calls one session off, unless it was held already.
pub(super) fn call_off_session(
    tx: &mut Tx<'_>,
    can: &Can<PlanClasses>,
    id: ClassId,
    reason: &str,
) -> Result<(), Fault> {
    let class = crate::queries::lock(tx, id)?;
    if class.status == ClassStatus::Scheduled && !crate::queries::is_marked(tx, id)? {
        planning::call_off_one(tx, can, &class, reason)?;
    }
    Ok(())
}

/// Goes on with an edit of many sessions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GoOnJob;

impl GoOnJob {
    pub(crate) const KIND: &'static str = "classes.series_edit";
}

impl JobKind for GoOnJob {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        Box::pin(async move {
            run.step(|tx, place: Place| {
                let origin = Origin { actor: Some(place.by), request_id: None };
                match still_can::<PlanClasses>(tx, place.by, origin)? {
                    Some(can) => step(tx, &can, place, Conflict::LeaveOut),
                    None => Ok(None),
                }
            })
            .await
        })
    }
}
