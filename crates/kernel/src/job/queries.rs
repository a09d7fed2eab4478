//! The jobs' SQL.

use diesel::sql_types::Nullable;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use serde_json::Value;

use super::{JobId, JobRow, JobState, NewJob, Next};
use crate::db::{Conn, DbResult, Tx};
use crate::page::PageRequest;
use crate::schema::jobs;
use crate::sql::{Json, Moment, Portable, among_words};
use crate::{Timestamp, UserId};

/// How long a claim holds without a sign of life. Longer than any step may take.
const LEASE: chrono::TimeDelta = chrono::TimeDelta::seconds(120);

/// The columns of a [`JobRow`], in its order.
macro_rules! shown {
    () => {
        (
            jobs::id,
            jobs::kind,
            jobs::state,
            jobs::run_at,
            jobs::attempts,
            jobs::last_error,
            jobs::created_at,
            jobs::finished_at,
            jobs::version,
        )
    };
}

pub(super) fn insert(tx: &mut Tx<'_>, job: &NewJob) -> DbResult<Option<JobId>> {
    let now = tx.now();
    let insert = diesel::insert_into(jobs::table)
        .values((
            jobs::kind.eq(job.kind),
            jobs::payload.eq(Json(job.payload.clone())),
            jobs::state.eq(JobState::Queued),
            jobs::run_at.eq(job.run_at.unwrap_or(now)),
            jobs::unique_key.eq(job.unique_key.as_deref()),
            jobs::created_at.eq(now),
            jobs::subject_id.eq(job.subject),
        ))
        .on_conflict(jobs::unique_key)
        .do_nothing()
        .returning(jobs::id);
    Ok(Portable(insert).get_result(&mut **tx).optional()?)
}

pub(super) fn list(
    conn: &mut Conn,
    state: Option<JobState>,
    page: &PageRequest<i64>,
) -> DbResult<Vec<JobRow>> {
    let mut query = jobs::table.select(shown!()).order(jobs::id.desc()).limit(page.fetch()).into_boxed();
    if let Some(after) = page.after() {
        query = query.filter(jobs::id.lt(*after));
    }
    if let Some(state) = state {
        query = query.filter(jobs::state.eq(state));
    }
    Ok(query.load(conn)?)
}

pub(super) fn count(conn: &mut Conn, state: Option<JobState>) -> DbResult<i64> {
    let mut query = jobs::table.into_boxed();
    if let Some(state) = state {
        query = query.filter(jobs::state.eq(state));
    }
    Ok(query.count().get_result(conn)?)
}

pub(super) fn requeue(tx: &mut Tx<'_>, id: JobId) -> DbResult<Option<JobRow>> {
    let now = tx.now();
    Ok(diesel::update(jobs::table.filter(jobs::id.eq(id)).filter(jobs::state.eq(JobState::Failed)))
        .set((
            jobs::state.eq(JobState::Queued),
            jobs::attempts.eq(0),
            jobs::run_at.eq(now),
            jobs::finished_at.eq(None::<Timestamp>),
            jobs::version.eq(jobs::version + 1),
        ))
        .returning(shown!())
        .get_result(&mut **tx)
        .optional()?)
}

pub(super) fn state(conn: &mut Conn, id: JobId) -> DbResult<Option<JobState>> {
    Ok(jobs::table.filter(jobs::id.eq(id)).select(jobs::state).get_result(conn).optional()?)
}

/// A job that was claimed.
#[derive(diesel::Queryable)]
pub(super) struct Claimed {
    pub(super) id: JobId,
    pub(super) kind: String,
    pub(super) payload: Json<Value>,
    pub(super) attempts: i32,
    pub(super) subject: Option<UserId>,
}

/// Claims the next due jobs of these kinds, a few at most. The conditional update decides between gateways that saw the
/// same.
pub(super) fn claim(
    tx: &mut Tx<'_>,
    kinds: &[&'static str],
    by: &str,
    most: usize,
) -> DbResult<Vec<Claimed>> {
    let now = tx.now();
    let candidates: Vec<(JobId, i64)> = {
        let due = jobs::table
            .filter(jobs::state.eq(JobState::Queued))
            .filter(jobs::run_at.le(now))
            .filter(among_words(jobs::kind, kinds))
            .order((jobs::run_at, jobs::id))
            .select((jobs::id, jobs::version))
            .limit(8);
        let mut found: Vec<(JobId, i64)> = due.load(&mut **tx)?;
        if found.is_empty() {
            // Somebody's lease ran out: the program there died, or was away for too long.
            found = jobs::table
                .filter(jobs::state.eq(JobState::Running))
                .filter(jobs::claimed_until.lt(now))
                .filter(among_words(jobs::kind, kinds))
                .order((jobs::claimed_until, jobs::id))
                .select((jobs::id, jobs::version))
                .limit(8)
                .load(&mut **tx)?;
        }
        found
    };
    let mut claimed = Vec::new();
    for (id, version) in candidates {
        if claimed.len() == most {
            break;
        }
        let job: Option<Claimed> =
            diesel::update(jobs::table.filter(jobs::id.eq(id)).filter(jobs::version.eq(version)))
                .set((
                    jobs::state.eq(JobState::Running),
                    jobs::claimed_by.eq(by),
                    jobs::claimed_until.eq(now.plus(LEASE)),
                    jobs::attempts.eq(jobs::attempts + 1),
                    jobs::version.eq(jobs::version + 1),
                ))
                .returning((jobs::id, jobs::kind, jobs::payload, jobs::attempts, jobs::subject_id))
                .get_result(&mut **tx)
                .optional()?;
        claimed.extend(job);
    }
    Ok(claimed)
}

/// Records a step; false when the claim is no longer ours.
pub(super) fn record(tx: &mut Tx<'_>, id: JobId, by: &str, next: Next) -> DbResult<bool> {
    let now = tx.now();
    let ours = jobs::table
        .filter(jobs::id.eq(id))
        .filter(jobs::state.eq(JobState::Running))
        .filter(jobs::claimed_by.eq(by));
    let changed = match next {
        // What a finished job was given is no longer needed, and may be personal.
        Next::Done => diesel::update(ours)
            .set((
                jobs::state.eq(JobState::Done),
                jobs::payload.eq(Json(Value::Null)),
                jobs::last_error.eq(None::<String>),
                jobs::finished_at.eq(now),
                jobs::claimed_by.eq(None::<String>),
                jobs::claimed_until.eq(None::<Timestamp>),
                jobs::version.eq(jobs::version + 1),
            ))
            .execute(&mut **tx)?,
        // A step forward is a fresh start for the count of attempts.
        Next::Continue(payload) => diesel::update(ours)
            .set((
                jobs::payload.eq(Json(payload)),
                jobs::attempts.eq(1),
                jobs::claimed_until.eq(now.plus(LEASE)),
                jobs::version.eq(jobs::version + 1),
            ))
            .execute(&mut **tx)?,
    };
    Ok(changed == 1)
}

/// Records a failure: tried again at `again`, or given up.
pub(super) fn fail(
    tx: &mut Tx<'_>,
    id: JobId,
    by: &str,
    error: &str,
    again: Option<Timestamp>,
) -> DbResult<()> {
    let now = tx.now();
    let state = if again.is_some() { JobState::Queued } else { JobState::Failed };
    diesel::update(jobs::table.filter(jobs::id.eq(id)).filter(jobs::claimed_by.eq(by)))
        .set((
            jobs::state.eq(state),
            jobs::last_error.eq(error),
            jobs::run_at.eq(again.unwrap_or(now)),
            jobs::finished_at.eq(if again.is_some() { None } else { Some(now) }),
            jobs::claimed_by.eq(None::<String>),
            jobs::claimed_until.eq(None::<Timestamp>),
            jobs::version.eq(jobs::version + 1),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// The payload as it stands, for the next step; `None` when the claim is no longer ours.
pub(super) fn payload(conn: &mut Conn, id: JobId, by: &str) -> DbResult<Option<Value>> {
    let payload: Option<Json<Value>> = jobs::table
        .filter(jobs::id.eq(id))
        .filter(jobs::state.eq(JobState::Running))
        .filter(jobs::claimed_by.eq(by))
        .select(jobs::payload)
        .get_result(conn)
        .optional()?;
    Ok(payload.map(|Json(payload)| payload))
}

#[allow(missing_docs, reason = "the attribute makes a module it does not document")]
#[diesel::declare_sql_function]
extern "SQL" {
    fn coalesce(first: Nullable<Moment>, second: Moment) -> Nullable<Moment>;
}

/// Deletes what was not begun, and ends and empties the rest, in this order: a job that gets from one state into the
/// other between the two statements is met by the second, whatever its state is then.
pub(super) fn forget(tx: &mut Tx<'_>, person: UserId) -> DbResult<()> {
    let now = tx.now();
    let waiting = [JobState::Queued, JobState::Failed];
    diesel::delete(jobs::table.filter(jobs::subject_id.eq(person)).filter(jobs::state.eq_any(waiting)))
        .execute(&mut **tx)?;
    diesel::update(jobs::table.filter(jobs::subject_id.eq(person)))
        .set((
            jobs::state.eq(JobState::Done),
            jobs::payload.eq(Json(Value::Null)),
            jobs::last_error.eq(None::<String>),
            jobs::finished_at.eq(coalesce(jobs::finished_at, now)),
            jobs::claimed_by.eq(None::<String>),
            jobs::claimed_until.eq(None::<Timestamp>),
            jobs::version.eq(jobs::version + 1),
            // By which whoever is still at it sees what happened.
            jobs::subject_id.eq(None::<UserId>),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// Deletes what was not begun of these kinds.
pub(super) fn discard(tx: &mut Tx<'_>, kinds: &[&str]) -> DbResult<usize> {
    let waiting = jobs::table.filter(jobs::state.eq(JobState::Queued)).filter(jobs::kind.eq_any(kinds));
    Ok(diesel::delete(waiting).execute(&mut **tx)?)
}

/// Whom a job is about; `None` too when it is gone.
pub(super) fn subject(conn: &mut Conn, id: JobId) -> DbResult<Option<UserId>> {
    let subject: Option<Option<UserId>> =
        jobs::table.filter(jobs::id.eq(id)).select(jobs::subject_id).get_result(conn).optional()?;
    Ok(subject.flatten())
}

/// Removes up to `limit` finished jobs older than `before`.
pub(crate) fn purge(tx: &mut Tx<'_>, before: Timestamp, limit: i64) -> DbResult<usize> {
    let old: Vec<JobId> = jobs::table
        .filter(jobs::state.eq(JobState::Done))
        .filter(jobs::finished_at.lt(before))
        .order(jobs::finished_at)
        .select(jobs::id)
        .limit(limit)
        .load(&mut **tx)?;
    if old.is_empty() {
        return Ok(0);
    }
    Ok(diesel::delete(jobs::table.filter(jobs::id.eq_any(old))).execute(&mut **tx)?)
}
