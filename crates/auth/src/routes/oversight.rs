//! The audit log and the jobs, for admins.

use actix_web::{get, post, web};
use muster_kernel::audit::{Filter, Recorded};
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{Params, PathOf, Reply};
use muster_kernel::job::{JobId, JobRow, JobState};
use muster_kernel::page::{Page, PageRequest};
use muster_kernel::{Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::permissions::{ManageJobs, ReadAudit};
use crate::{Can, oversight};

/// Who did what to which thing, when and why.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct AuditEvent {
    id: i64,
    at: Timestamp,
    /// Null when the program did it by itself.
    actor_id: Option<UserId>,
    #[schema(example = "club.changed")]
    action: String,
    object_type: String,
    object_id: i64,
    reason: Option<String>,
    request_id: Option<String>,
}

impl From<Recorded> for AuditEvent {
    fn from(event: Recorded) -> AuditEvent {
        let Recorded { id, at, actor_id, action, object_type, object_id, reason, request_id } = event;
        AuditEvent { id, at, actor_id, action, object_type, object_id, reason, request_id }
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditQuery {
    /// Only what this person did.
    actor_id: Option<UserId>,
    /// Only what happened to this kind of thing.
    object_type: Option<String>,
    /// Only what happened to this one; together with `object_type`.
    object_id: Option<i64>,
    /// So many rows, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// Where the page begins, as `next_cursor` said.
    cursor: Option<String>,
    /// Also tell how many there are in all.
    count: Option<bool>,
}

/// The audit log, newest first.
#[utoipa::path(
    tag = "club",
    params(AuditQuery),
    responses((status = 200, description = "A page of events", body = Page<AuditEvent>)),
    extensions(("x-permission" = json!("audit.read")))
)]
#[get("/audit")]
pub(super) async fn list_audit(
    can: Can<ReadAudit>,
    Params(query): Params<AuditQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let AuditQuery { actor_id, object_type, object_id, limit, cursor, count } = query;
    let page = PageRequest::read("audit", limit, cursor.as_deref())?;
    let filter = Filter { actor_id, object_type, object_id };
    let (page, events, total) = db
        .read::<_, Fault, _>(move |conn| {
            let total = match count {
                Some(true) => Some(oversight::count_audit_log(conn, &can, &filter)?),
                _ => None,
            };
            let events = oversight::audit_log(conn, &can, &filter, &page)?;
            Ok((page, events, total))
        })
        .await?;
    Reply::page(&page.page(events, |e| e.id, AuditEvent::from).with_total(total))
}

/// Work that waits, runs, is done or failed.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Job {
    id: JobId,
    version: i64,
    #[schema(example = "kernel.mail")]
    kind: String,
    state: JobState,
    run_at: Timestamp,
    attempts: i32,
    last_error: Option<String>,
    created_at: Timestamp,
    finished_at: Option<Timestamp>,
}

impl From<JobRow> for Job {
    fn from(row: JobRow) -> Job {
        let JobRow { id, kind, state, run_at, attempts, last_error, created_at, finished_at, version } = row;
        Job { id, version, kind, state, run_at, attempts, last_error, created_at, finished_at }
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct JobQuery {
    /// Only those in this state.
    state: Option<JobState>,
    /// So many rows, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// Where the page begins, as `next_cursor` said.
    cursor: Option<String>,
    /// Also tell how many there are in all.
    count: Option<bool>,
}

/// The jobs, newest first.
#[utoipa::path(
    tag = "club",
    params(JobQuery),
    responses((status = 200, description = "A page of jobs", body = Page<Job>)),
    extensions(("x-permission" = json!("jobs.manage")))
)]
#[get("/jobs")]
pub(super) async fn list_jobs(
    can: Can<ManageJobs>,
    Params(query): Params<JobQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let JobQuery { state, limit, cursor, count } = query;
    let page = PageRequest::read("jobs", limit, cursor.as_deref())?;
    let (page, rows, total) = db
        .read::<_, Fault, _>(move |conn| {
            let total = match count {
                Some(true) => Some(oversight::count_jobs(conn, &can, state)?),
                _ => None,
            };
            let rows = oversight::jobs(conn, &can, state, &page)?;
            Ok((page, rows, total))
        })
        .await?;
    Reply::page(&page.page(rows, |row| row.id.0, Job::from).with_total(total))
}

/// Give a failed job another round of attempts.
#[utoipa::path(
    tag = "club",
    params(("id" = JobId, Path, description = "The job")),
    responses(
        (status = 200, description = "The job, queued again", body = Job),
        (status = 409, description = "It has not failed")
    ),
    extensions(("x-permission" = json!("jobs.manage")))
)]
#[post("/jobs/{id}/retry")]
pub(super) async fn retry_job(
    can: Can<ManageJobs>,
    PathOf(id): PathOf<JobId>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let row = db.write(move |tx| oversight::retry_job(tx, &can, id)).await?;
    Reply::of(row.version, &Job::from(row))
}
