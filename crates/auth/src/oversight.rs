//! What an admin sees of the machinery: the audit log and the jobs.

use muster_kernel::audit::{self, Event, Filter, Recorded};
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::job::{self, JobId, JobRow, JobState, Retried};
use muster_kernel::page::PageRequest;

use crate::Can;
use crate::permissions::{ManageJobs, ReadAudit};

/// The audit log, newest first.
///
/// # Errors
/// When the database fails.
pub fn audit_log(
    conn: &mut Conn,
    _: &Can<ReadAudit>,
    filter: &Filter,
    page: &PageRequest<i64>,
) -> DbResult<Vec<Recorded>> {
    audit::list(conn, filter, page)
}

/// How many events there are in all.
///
/// # Errors
/// When the database fails.
pub fn count_audit_log(conn: &mut Conn, _: &Can<ReadAudit>, filter: &Filter) -> DbResult<i64> {
    audit::count(conn, filter)
}

/// How many jobs there are in all.
///
/// # Errors
/// When the database fails.
pub fn count_jobs(conn: &mut Conn, _: &Can<ManageJobs>, state: Option<JobState>) -> DbResult<i64> {
    job::count(conn, state)
}

/// The jobs, newest first.
///
/// # Errors
/// When the database fails.
pub fn jobs(
    conn: &mut Conn,
    _: &Can<ManageJobs>,
    state: Option<JobState>,
    page: &PageRequest<i64>,
) -> DbResult<Vec<JobRow>> {
    job::list(conn, state, page)
}

/// Gives a failed job another round of attempts.
///
/// # Errors
/// When there is no such job, or it has not failed.
pub fn retry_job(tx: &mut Tx<'_>, can: &Can<ManageJobs>, id: JobId) -> Result<JobRow, Fault> {
    match job::retry(tx, id)? {
        Retried::Queued(row) => {
            let event = Event { action: "job.retried", object_type: "job", object_id: id.0, reason: None };
            audit::append(tx, can.origin(), event)?;
            Ok(row)
        }
        Retried::NotFailed(state) => Err(Fault::new(
            Code::InvalidState,
            format!("Only a failed job can be retried; this one is {state}."),
        )),
        Retried::NotFound => Err(Fault::not_found()),
    }
}
