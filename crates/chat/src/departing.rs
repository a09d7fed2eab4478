//! Leaving all rooms, when somebody leaves the club.

use std::future::Future;
use std::pin::Pin;

use muster_kernel::UserId;
use muster_kernel::audit::Origin;
use muster_kernel::db::Tx;
use muster_kernel::fault::Fault;
use muster_kernel::job::{JobError, JobKind, JobRun, Progress};

use crate::hooks::rooms_of;
use crate::log::EventKind;
use crate::{rooms, seats};

/// Rooms that are left in one step.
const AT_ONCE: usize = 20;

/// Has somebody leave all rooms, unless they are in the club again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DepartJob;

impl DepartJob {
    pub(crate) const KIND: &'static str = "chat.depart";
}

impl JobKind for DepartJob {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        Box::pin(async move { run.step(|tx, user| Ok(depart(tx, user)?.then_some(user))).await })
    }
}

/// Leaves some rooms. True when there may be more.
fn depart(tx: &mut Tx<'_>, user: UserId) -> Result<bool, Fault> {
    if !seats::taking_part(tx, &[user])?.is_empty() {
        return Ok(false);
    }
    let mut theirs = rooms_of(tx, user)?;
    let more = theirs.len() > AT_ONCE;
    theirs.truncate(AT_ONCE);
    for id in theirs {
        let mut room = seats::lock(tx, id)?;
        rooms::go(tx, &Origin::default(), &mut room, user, EventKind::MemberLeft)?;
    }
    Ok(more)
}
