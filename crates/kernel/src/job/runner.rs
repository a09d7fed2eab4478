//! Doing the jobs.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::Value;

use super::queries::Claimed;
use super::{JobError, JobId, JobKind, JobRun, NewJob, Progress, Schedule, enqueue, queries};
use crate::Timestamp;
use crate::db::{Db, DbError, DbResult};
use crate::domain::Domain;
use crate::random;
use crate::sql::Json;

/// How often to look for jobs that another gateway wrote, or whose time has come.
const LOOK: Duration = Duration::from_secs(1);
/// The longest pause between two attempts.
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(1);
/// Jobs that take steps in turn. Each must come round again well within its lease.
const AT_ONCE: usize = 4;
/// An error's sentence is kept up to this length.
const MAX_ERROR: usize = 500;

/// Claims jobs and does them, as long as it runs.
pub struct Runner {
    db: Db,
    kinds: Vec<Arc<dyn JobKind>>,
    schedules: Vec<Schedule>,
    /// The spans of time for which the scheduled ones were written, by this runner.
    written: Mutex<HashMap<&'static str, i64>>,
    name: String,
}

impl Runner {
    /// A runner for the jobs of these domains.
    pub fn new(db: Db, domains: &[Domain]) -> Runner {
        Runner {
            db,
            kinds: domains.iter().flat_map(|d| d.jobs.iter().cloned()).collect(),
            schedules: domains.iter().flat_map(|d| d.schedules.iter().copied()).collect(),
            written: Mutex::default(),
            name: random::hex(8),
        }
    }

    /// Runs until the sender of `stop` says so or is gone; a job under way is finished or taken over later.
    pub async fn run(&self, mut stop: tokio::sync::watch::Receiver<bool>) {
        let bell = self.db.job_bell();
        while !*stop.borrow() {
            if let Err(e) = self.run_due().await {
                log::warn!("jobs wait: {e}");
            }
            tokio::select! {
                () = bell.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
                gone = stop.changed() => if gone.is_err() { return },
            }
        }
    }

    /// Does everything that is due now, and what that leads to; how many steps that were.
    ///
    /// # Errors
    /// When the database fails; a job's own failure is recorded with it instead.
    pub async fn run_due(&self) -> Result<usize, DbError> {
        self.write_scheduled().await?;
        let mut steps = 0;
        let mut under_way = VecDeque::new();
        loop {
            // One that takes many steps holds up nobody's: after each, it is the others' turn.
            if under_way.len() <= AT_ONCE / 2 {
                match self.claim(AT_ONCE - under_way.len()).await {
                    Ok(claimed) => under_way.extend(claimed),
                    Err(e) if under_way.is_empty() => return Err(e),
                    // Those in hand are not left to their leases.
                    Err(e) => log::warn!("more jobs wait: {e}"),
                }
            }
            let Some(job) = under_way.pop_front() else { return Ok(steps) };
            steps += 1;
            under_way.extend(self.step(job).await?);
        }
    }

    /// Writes those whose span of time has begun. Whether another gateway has written them too is decided by the table,
    /// but it is not asked again and again: a program that has nothing to do writes nothing.
    async fn write_scheduled(&self) -> Result<(), DbError> {
        let now = self.db.clock().now();
        let due: Vec<(&'static str, i64)> = {
            let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
            let span = |every: TimeDelta| every.num_microseconds().unwrap_or(i64::MAX).max(1);
            let all = self.schedules.iter().map(|it| (it.kind, now.micros().div_euclid(span(it.every))));
            all.filter(|(kind, slot)| written.get(kind) != Some(slot)).collect()
        };
        if due.is_empty() {
            return Ok(());
        }
        let wanted = due.clone();
        self.db
            .write(move |tx| -> DbResult<()> {
                for (kind, slot) in &wanted {
                    enqueue(tx, NewJob::new(kind, Value::Null).once(format!("{kind}@{slot}")))?;
                }
                Ok(())
            })
            .await?;
        self.written.lock().unwrap_or_else(PoisonError::into_inner).extend(due);
        Ok(())
    }

    async fn claim(&self, most: usize) -> Result<Vec<Claimed>, DbError> {
        let names: Vec<_> = self.kinds.iter().map(|k| k.kind()).collect();
        let by = self.name.clone();
        self.db.write(move |tx| queries::claim(tx, &names, &by, most)).await
    }

    /// Does a step of a job, and gives the job back when there is more to do.
    async fn step(&self, job: Claimed) -> Result<Option<Claimed>, DbError> {
        let Some(kind) = self.kinds.iter().find(|k| k.kind() == job.kind) else { return Ok(None) };
        let Claimed { id, kind: name, payload, attempts, subject } = job;
        let run = JobRun { db: &self.db, id, claim: &self.name, payload: payload.0, subject };
        match kind.run(run).await {
            Ok(Progress { done: true }) => Ok(None),
            Ok(Progress { done: false }) => {
                let by = self.name.clone();
                let next = self.db.read_one(move |conn| queries::payload(conn, id, &by)).await?;
                let again =
                    |payload| Claimed { id, kind: name, payload: Json(payload), attempts: 1, subject };
                Ok(next.map(again))
            }
            Err(e) => {
                self.record_failure(id, &**kind, attempts, &e).await?;
                Ok(None)
            }
        }
    }

    async fn record_failure(
        &self,
        id: JobId,
        kind: &dyn JobKind,
        attempt: i32,
        e: &JobError,
    ) -> Result<(), DbError> {
        if matches!(e, JobError::ClaimLost) {
            return Ok(());
        }
        let last = attempt >= kind.attempts();
        let error: String = e.to_string().chars().take(MAX_ERROR).collect();
        if last {
            log::error!(job = id.0, kind = kind.kind(); "a job failed for good: {error}");
        } else {
            log::warn!(job = id.0, kind = kind.kind(), attempt = attempt; "a job failed and will be tried again: {error}");
        }
        let by = self.name.clone();
        self.db
            .write(move |tx| {
                let again = if last { None } else { Some(next_try(tx.now(), attempt)) };
                queries::fail(tx, id, &by, &error, again)
            })
            .await
    }
}

/// 5 s after the first attempt, twice as long after each further one, an hour at most.
fn next_try(now: Timestamp, attempt: i32) -> Timestamp {
    let doublings = u32::try_from(attempt - 1).unwrap_or(0).min(12);
    now.plus(TimeDelta::seconds(5 << doublings).min(LONGEST_PAUSE))
}
