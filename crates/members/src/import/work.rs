//! The jobs of imports: a step after the other, and an end for those that nobody finishes.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use chrono::TimeDelta;
use muster_auth::permissions::ImportMembers;
use muster_auth::{Accounts, still_can};
use muster_kernel::audit::Origin;
use muster_kernel::db::Tx;
use muster_kernel::fault::Fault;
use muster_kernel::job::{self, JobError, JobKind, JobRun, NewJob, Progress, Schedule};
use muster_kernel::leftovers;
use serde::{Deserialize, Serialize};

use super::{ImportId, ImportState, queries, step};

pub(super) const KIND: &str = "members.import";

/// How often to look for imports that were left behind.
pub(crate) const SCHEDULE: Schedule =
    Schedule { kind: "members.give_up_imports", every: TimeDelta::hours(1) };

/// After this time an import is given up that is not over: its file is personal data, and whoever waits for it has sent
/// it again by then.
const PATIENCE: TimeDelta = TimeDelta::hours(24);
/// Imports that are given up in one transaction.
const AT_ONCE: i64 = 20;
/// What is deleted of an import in one transaction.
const PARTS: i64 = 20;
const KEYS: i64 = 2_000;

/// What the job is given.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Task {
    pub(super) import: ImportId,
    /// The request that sent the file, for the audit log.
    pub(super) request: Option<String>,
}

/// The job that imports files.
pub struct Imports(Accounts);

impl Imports {
    /// The job, with the service that makes people.
    pub fn new(accounts: Accounts) -> Imports {
        Imports(accounts)
    }
}

impl JobKind for Imports {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        let accounts = self.0.clone();
        Box::pin(async move { run.step(move |tx, task| next(&accounts, tx, task)).await })
    }
}

/// Does the next part, or ends the import.
fn next(accounts: &Accounts, tx: &mut Tx<'_>, task: Task) -> Result<Option<Task>, Fault> {
    let Some(import) = queries::lock(tx, task.import)? else { return Ok(None) };
    let is_over = matches!(import.state, ImportState::Done | ImportState::Stopped);
    if !is_over {
        let origin = Origin { actor: Some(import.made_by), request_id: task.request.clone().map(Arc::from) };
        // Whoever lost the role, or the account, does not go on either.
        let Some(can) = still_can::<ImportMembers>(tx, import.made_by, origin)? else {
            queries::set_state(tx, import.id, ImportState::Stopped)?;
            return Ok(Some(task));
        };
        if step::next_part(accounts, tx, &can, &import)? {
            return Ok(Some(task));
        }
    }
    if queries::sweep(tx, import.id, PARTS, KEYS)? > 0 {
        return Ok(Some(task));
    }
    if !is_over {
        queries::set_state(tx, import.id, ImportState::Done)?;
    }
    leftovers::clear(tx)?;
    Ok(None)
}

/// The job that gives up what nobody finishes: a file that never arrived whole, or a job that failed for good.
pub(crate) struct GivingUp;

impl JobKind for GivingUp {
    fn kind(&self) -> &'static str {
        SCHEDULE.kind
    }

    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        Box::pin(async move {
            run.step(|tx, ()| {
                let before = tx.now().plus(-PATIENCE);
                let left_behind = queries::left_behind(tx, before, AT_ONCE)?;
                for import in &left_behind {
                    queries::set_state(tx, *import, ImportState::Stopped)?;
                    // It deletes what is left of the file.
                    job::enqueue(tx, NewJob::new(KIND, Task { import: *import, request: None }))?;
                }
                Ok((!left_behind.is_empty()).then_some(()))
            })
            .await
        })
    }
}
