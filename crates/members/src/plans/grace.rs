//! When a plan's days of grace change, so do they for everybody on it.

use std::future::Future;
use std::pin::Pin;

use muster_kernel::UserId;
use muster_kernel::db::Tx;
use muster_kernel::fault::Fault;
use muster_kernel::job::{self, JobError, JobKind, JobRun, NewJob, Progress};
use serde::{Deserialize, Serialize};

use super::{Plan, PlanId, lock, members_on};

/// Members who follow in one step.
const AT_ONCE: i64 = 100;

/// Where the job is.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Place {
    plan: PlanId,
    after: UserId,
}

/// Has the members of a plan follow: the first of them now, and a job the others.
pub(super) fn follow(tx: &mut Tx<'_>, plan: &Plan) -> Result<(), Fault> {
    if let Some(after) = follow_some(tx, plan, UserId(0))? {
        job::enqueue(tx, NewJob::new(GraceJob::KIND, Place { plan: plan.id, after }))?;
    }
    Ok(())
}

/// Has some follow, and tells who was the last of them if there may be more.
fn follow_some(tx: &mut Tx<'_>, plan: &Plan, after: UserId) -> Result<Option<UserId>, Fault> {
    let some = members_on(tx, plan.id, after, AT_ONCE)?;
    for member in &some {
        muster_finance::set_grace(tx, *member, plan.grace_days)?;
    }
    Ok(some.last().copied().filter(|_| some.len() as i64 == AT_ONCE))
}

/// The rest of them, step by step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GraceJob;

impl GraceJob {
    const KIND: &'static str = "members.grace";
}

impl JobKind for GraceJob {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        Box::pin(async move { run.step(go_on).await })
    }
}

fn go_on(tx: &mut Tx<'_>, place: Place) -> Result<Option<Place>, Fault> {
    // As it is now: it may have been changed once more.
    let Some(plan) = lock(tx, place.plan)? else { return Ok(None) };
    Ok(follow_some(tx, &plan, place.after)?.map(|after| Place { after, ..place }))
}
