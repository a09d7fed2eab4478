//! What accounts clear away by themselves: sessions, links and tickets that have run out.

use std::future::Future;
use std::pin::Pin;

use chrono::TimeDelta;
use muster_kernel::job::{JobError, JobKind, JobRun, Progress, Schedule};

use crate::{links, sessions, tickets};

/// Rows removed in one transaction.
const CHUNK: i64 = 200;

pub(crate) struct Housekeeping;

pub(crate) const SCHEDULE: Schedule = Schedule { kind: "auth.housekeeping", every: TimeDelta::hours(1) };

impl JobKind for Housekeeping {
    fn kind(&self) -> &'static str {
        SCHEDULE.kind
    }

    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        Box::pin(async move {
            run.step(|tx, ()| {
                let sessions = sessions::purge(tx, CHUNK)?;
                let removed = sessions + links::purge(tx, CHUNK)? + tickets::purge(tx, CHUNK)?;
                Ok((removed > 0).then_some(()))
            })
            .await
        })
    }
}
