//! What the kernel clears away by itself: stored answers after a day, finished jobs after a week.

use std::future::Future;
use std::pin::Pin;

use chrono::TimeDelta;

use crate::job::{JobError, JobKind, JobRun, Progress, Schedule, purge_finished};

/// Rows removed in one transaction.
const CHUNK: i64 = 200;

pub(crate) struct Housekeeping;

pub(crate) const SCHEDULE: Schedule = Schedule { kind: "kernel.housekeeping", every: TimeDelta::hours(1) };

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
                let now = tx.now();
                let removed = purge_finished(tx, now.plus(-TimeDelta::days(7)), CHUNK)?
                    + crate::idempotency::purge(tx, now.plus(-TimeDelta::hours(24)), CHUNK)?;
                Ok((removed > 0).then_some(()))
            })
            .await
        })
    }
}
