//! Work after the commit: a job is a row, written in the transaction that wants it, done afterwards by whichever
//! gateway claims it first.
//!
//! - It survives a crash: a claim is a lease, and whoever's lease ran out is taken over from.
//! - It is tried again with growing pauses, then left as `failed` for an admin to see and retry.
//! - Long work goes in steps: [`JobRun::commit`] does a step and records the progress in one transaction, so that
//!   a step is done once however often the job is tried.
//! - It says whom it is [about](NewJob::about), so that [`forget`] finds it when that person is erased.

mod queries;
mod runner;

use std::future::Future;
use std::pin::Pin;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::db::{Conn, Db, DbError, DbResult, Tx};
use crate::fault::Fault;
use crate::page::PageRequest;
use crate::{Timestamp, UserId, id_type, text_enum};

pub(crate) use queries::purge as purge_finished;
pub use runner::Runner;

id_type! {
    /// A job.
    pub struct JobId;
}

text_enum! {
    /// How far a job is.
    pub enum JobState {
        /// It waits for its time.
        Queued = "queued",
        /// Somebody is at it.
        Running = "running",
        /// It is done.
        Done = "done",
        /// It failed as often as it may; an admin can retry it.
        Failed = "failed",
    }
}

/// A job to be written.
#[derive(Debug, Clone)]
pub struct NewJob {
    kind: &'static str,
    payload: Value,
    run_at: Option<Timestamp>,
    unique_key: Option<String>,
    subject: Option<UserId>,
}

impl NewJob {
    /// A job of this kind, to be done at once. Payloads hold ids rather than what they stand for.
    pub fn new(kind: &'static str, payload: impl Serialize) -> NewJob {
        // What has no JSON form is a defect of the kind, which its first run will show.
        let payload = serde_json::to_value(payload).unwrap_or(Value::Null);
        NewJob { kind, payload, run_at: None, unique_key: None, subject: None }
    }

    /// Not before this time.
    #[must_use]
    pub fn at(mut self, at: Timestamp) -> NewJob {
        self.run_at = Some(at);
        self
    }

    /// Once only: a second job with the same key is not written.
    #[must_use]
    pub fn once(mut self, key: impl Into<String>) -> NewJob {
        self.unique_key = Some(key.into());
        self
    }

    /// About this person: it goes when they are erased. Needed wherever the payload holds more than ids.
    #[must_use]
    pub fn about(mut self, person: UserId) -> NewJob {
        self.subject = Some(person);
        self
    }
}

/// Writes a job in this transaction; `None` when its key was there already.
///
/// # Errors
/// When the database fails.
pub fn enqueue(tx: &mut Tx<'_>, job: NewJob) -> DbResult<Option<JobId>> {
    let id = queries::insert(tx, &job)?;
    if id.is_some() {
        tx.ring_for_jobs();
    }
    Ok(id)
}

/// A job as an admin sees it: without its payload, which may be personal.
#[derive(Debug, Clone, diesel::Queryable)]
pub struct JobRow {
    /// Its number.
    pub id: JobId,
    /// What kind of work.
    pub kind: String,
    /// How far it is.
    pub state: JobState,
    /// When it is due, or was.
    pub run_at: Timestamp,
    /// How often it was begun.
    pub attempts: i32,
    /// Why it did not succeed the last time.
    pub last_error: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was done or given up.
    pub finished_at: Option<Timestamp>,
    /// Goes up with every change.
    pub version: i64,
}

/// Jobs, newest first.
///
/// # Errors
/// When the database fails.
pub fn list(conn: &mut Conn, state: Option<JobState>, page: &PageRequest<i64>) -> DbResult<Vec<JobRow>> {
    queries::list(conn, state, page)
}

/// How many there are in all.
///
/// # Errors
/// When the database fails.
pub fn count(conn: &mut Conn, state: Option<JobState>) -> DbResult<i64> {
    queries::count(conn, state)
}

/// What came of [`retry`].
#[derive(Debug, Clone)]
pub enum Retried {
    /// It is queued again.
    Queued(JobRow),
    /// It has not failed, so there is nothing to retry.
    NotFailed(JobState),
    /// There is no such job.
    NotFound,
}

/// Gives a failed job another full round of attempts.
///
/// # Errors
/// When the database fails.
pub fn retry(tx: &mut Tx<'_>, id: JobId) -> DbResult<Retried> {
    if let Some(row) = queries::requeue(tx, id)? {
        tx.ring_for_jobs();
        return Ok(Retried::Queued(row));
    }
    Ok(match queries::state(tx, id)? {
        Some(state) => Retried::NotFailed(state),
        None => Retried::NotFound,
    })
}

/// Forgets what jobs were given about this person. Those that wait or failed are deleted. One that is running ends
/// here: the step under way is undone, and there is no other. It keeps its row, as those that are done keep
/// theirs, without payload and without a word about whom it was for.
///
/// # Errors
/// When the database fails.
pub fn forget(tx: &mut Tx<'_>, person: UserId) -> DbResult<()> {
    queries::forget(tx, person)
}

/// Throws away what waits of these kinds, undone: for a program that makes a club's past, where letters would come months
/// late. How many there were.
///
/// # Errors
/// When the database fails.
pub fn discard(tx: &mut Tx<'_>, kinds: &[&str]) -> DbResult<usize> {
    queries::discard(tx, kinds)
}

/// A kind of job.
pub trait JobKind: Send + Sync {
    /// Its name in the database; never reused for something else.
    fn kind(&self) -> &'static str;

    /// How often it is tried before it is left as failed.
    fn attempts(&self) -> i32 {
        10
    }

    /// Does it, or one step of it, and says through the run how far it came.
    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>>;
}

/// Why a run did not succeed. The sentence is kept with the job: no names, no addresses.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The database failed.
    #[error("{0}")]
    Db(#[from] DbError),
    /// The job is no longer this run's: another gateway took it over, because this one was away for too long, or the
    /// person it is about was erased.
    #[error("the claim on the job was lost")]
    ClaimLost,
    /// Something else.
    #[error("{0}")]
    Failed(String),
}

impl From<diesel::result::Error> for JobError {
    fn from(error: diesel::result::Error) -> Self {
        JobError::Db(error.into())
    }
}

impl From<Fault> for JobError {
    fn from(fault: Fault) -> Self {
        // An operator reads this, not a client.
        JobError::Failed(match &fault.cause {
            Some(cause) => format!("{fault} ({cause})"),
            None => fault.to_string(),
        })
    }
}

/// Where a step leaves the job.
#[derive(Debug, Clone)]
pub enum Next {
    /// All is done.
    Done,
    /// There is more: the next step begins with this payload.
    Continue(Value),
}

/// A proof that the outcome of a step was recorded: only [`JobRun`] makes one.
#[derive(Debug)]
pub struct Progress {
    done: bool,
}

/// One run of a job.
pub struct JobRun<'a> {
    db: &'a Db,
    id: JobId,
    claim: &'a str,
    payload: Value,
    subject: Option<UserId>,
}

impl JobRun<'_> {
    /// Which job it is.
    pub fn id(&self) -> JobId {
        self.id
    }

    /// What the job was given, or where its last step left it.
    pub fn payload(&self) -> &Value {
        &self.payload
    }

    /// The database.
    pub fn db(&self) -> &Db {
        self.db
    }

    /// True when the person it is about was erased since it was claimed: then nothing of what it did outside of the
    /// database may stay.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_forgotten(&self) -> Result<bool, JobError> {
        let id = self.id;
        Ok(self.subject.is_some()
            && self.db.read_one(move |conn| queries::subject(conn, id)).await?.is_none())
    }

    /// Does a step in a transaction that also records it: both happen or neither.
    ///
    /// # Errors
    /// Those of `work`, and [`JobError::ClaimLost`]; then nothing of the step is kept.
    pub async fn commit<F>(&self, work: F) -> Result<Progress, JobError>
    where
        F: Fn(&mut Tx<'_>, &Value) -> Result<Next, JobError> + Send + 'static,
    {
        let (id, claim, payload) = (self.id, self.claim.to_owned(), self.payload.clone());
        self.db
            .write(move |tx| {
                let next = work(tx, &payload)?;
                let done = matches!(next, Next::Done);
                if queries::record(tx, id, &claim, next)? {
                    Ok(Progress { done })
                } else {
                    Err(JobError::ClaimLost)
                }
            })
            .await
    }

    /// Does a step of a job whose payload says where it is. `work` says where the next step begins, if there is one.
    ///
    /// # Errors
    /// Those of [`commit`](Self::commit), and when the payload is no such place.
    pub async fn step<P, F>(&self, work: F) -> Result<Progress, JobError>
    where
        P: Serialize + DeserializeOwned,
        F: Fn(&mut Tx<'_>, P) -> Result<Option<P>, Fault> + Send + 'static,
    {
        self.commit(move |tx, payload| {
            let place = P::deserialize(payload).map_err(unreadable)?;
            match work(tx, place)? {
                None => Ok(Next::Done),
                Some(place) => serde_json::to_value(place).map(Next::Continue).map_err(unreadable),
            }
        })
        .await
    }

    /// Records that work outside of the database is done. If the program dies before this, the work is done
    /// again: what it does must bear that.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub async fn finish(&self) -> Result<Progress, JobError> {
        self.commit(|_, _| Ok(Next::Done)).await
    }
}

fn unreadable(error: serde_json::Error) -> JobError {
    JobError::Failed(error.to_string())
}

/// A job that comes round by itself, once for each span of time however many gateways run.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// Which kind.
    pub kind: &'static str,
    /// How often.
    pub every: chrono::TimeDelta,
}
