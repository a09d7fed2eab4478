//! Payroll runs: every coach is paid what is due for classes until a day. A run is a job in steps; its lines say who was
//! paid, and who was not and why. Whatever runs at the same time, nothing is paid twice: each coach's row is locked.

mod queries;
mod step;

use chrono::NaiveDate;
use muster_auth::permissions::RunPayroll;
use muster_auth::{Can, club};
use muster_finance::EntryId;
use muster_finance::accounts::Method;
use muster_kernel::audit::{self, Event};
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::fault::Fault;
use muster_kernel::job::{self, NewJob};
use muster_kernel::page::PageRequest;
use muster_kernel::{Fields, Minor, Timestamp, UserId, id_type, text_enum};
use serde::{Deserialize, Serialize};

pub(crate) use queries::{lines_after, runs_after};
use step::Place;
pub(crate) use step::RunJob;

use crate::payouts::PayoutId;

id_type! {
    /// A payroll run.
    pub struct PayrollRunId;
}

text_enum! {
    /// How far a payroll run is.
    pub enum PayrollState {
        /// There are coaches left.
        Running = "running",
        /// Every coach has a line.
        Done = "done",
    }
}

text_enum! {
    /// What became of a coach in a payroll run.
    pub enum PayrollOutcome {
        /// They were paid.
        Paid = "paid",
        /// They were not; the reason says why.
        Skipped = "skipped",
    }
}

/// A payroll run.
#[derive(Debug, Clone, Serialize, diesel::Queryable)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct PayrollRun {
    /// Its number.
    pub id: PayrollRunId,
    /// Goes up with every step.
    pub version: i64,
    /// How far it is.
    pub state: PayrollState,
    /// Classes until this day are paid.
    pub through: NaiveDate,
    /// How they are paid.
    pub method: Method,
    /// How many were paid.
    pub paid: i64,
    /// How many were not.
    pub skipped: i64,
    /// What was paid in all.
    pub amount: Minor,
    /// Who started it.
    pub started_by: UserId,
    /// When.
    pub started_at: Timestamp,
    /// When every coach had a line.
    pub finished_at: Option<Timestamp>,
}

/// What became of a coach in a payroll run: a payout, whose lines are at the coach's `payouts/{payout_id}`, or none.
#[derive(Debug, Clone, Serialize, diesel::Queryable)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct PayrollLine {
    /// Its number.
    pub id: i64,
    /// Who.
    pub coach_id: UserId,
    /// What became of them.
    pub outcome: PayrollOutcome,
    /// The payout.
    pub payout_id: Option<PayoutId>,
    /// Its entry in the ledger.
    pub entry_id: Option<EntryId>,
    /// How much was paid.
    pub amount: Option<Minor>,
    /// When.
    pub date: Option<NaiveDate>,
    /// Whether the payout was taken back later.
    pub is_reversed: Option<bool>,
    /// Why they were not paid: `nothing_due`, or `below_zero` for one who owes the club.
    #[cfg_attr(feature = "http", schema(example = "nothing_due"))]
    pub reason: Option<String>,
}

/// A run to be started.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct NewPayrollRun {
    /// Classes until this day are paid; not in the future.
    pub through: NaiveDate,
    /// How they are paid; by bank unless it is said.
    pub method: Option<Method>,
}

/// Starts a run. Every coach gets a line, step by step, soon after.
///
/// # Errors
/// When the day is in the future, or the database fails.
pub fn start(tx: &mut Tx<'_>, can: &Can<RunPayroll>, new: &NewPayrollRun) -> Result<PayrollRun, Fault> {
    let now = tx.now();
    let today = club::settings(tx)?.today(now);
    let mut fields = Fields::new();
    fields.must(new.through <= today, "/through", "in_future", "Classes to come are not paid.");
    fields.number("/through", new.through, muster_finance::FIRST_DAY..=muster_finance::LAST_DAY);
    fields.done()?;
    let run = queries::insert(tx, new.through, new.method.unwrap_or(Method::Bank), can.user_id())?;
    job::enqueue(tx, NewJob::new(RunJob::KIND, Place { run: run.id, after: UserId(0) }))?;
    let event = Event {
        action: "payroll_run.started",
        object_type: "payroll_run",
        object_id: run.id.0,
        reason: None,
    };
    audit::append(tx, can.origin(), event)?;
    Ok(run)
}

/// A run.
///
/// # Errors
/// When there is none with this number.
pub fn read(conn: &mut Conn, _: &Can<RunPayroll>, id: PayrollRunId) -> Result<PayrollRun, Fault> {
    queries::find(conn, id)?.ok_or_else(Fault::not_found)
}

/// Runs, newest first.
///
/// # Errors
/// When the database fails.
pub fn list(conn: &mut Conn, _: &Can<RunPayroll>, page: &PageRequest<i64>) -> DbResult<Vec<PayrollRun>> {
    queries::list(conn, page)
}

/// How many there are in all.
///
/// # Errors
/// When the database fails.
pub fn count(conn: &mut Conn, _: &Can<RunPayroll>) -> DbResult<i64> {
    queries::count(conn)
}

/// Lines of a run, in the order in which they were made.
///
/// # Errors
/// When there is no such run.
pub fn lines(
    conn: &mut Conn,
    can: &Can<RunPayroll>,
    id: PayrollRunId,
    outcome: Option<PayrollOutcome>,
    page: &PageRequest<i64>,
) -> Result<Vec<PayrollLine>, Fault> {
    read(conn, can, id)?;
    Ok(queries::lines(conn, id, outcome, page)?)
}

/// How many of them there are: so far, while it runs.
///
/// # Errors
/// When there is no such run.
pub fn count_lines(
    conn: &mut Conn,
    can: &Can<RunPayroll>,
    id: PayrollRunId,
    outcome: Option<PayrollOutcome>,
) -> Result<i64, Fault> {
    let PayrollRun { paid, skipped, .. } = read(conn, can, id)?;
    Ok(match outcome {
        Some(PayrollOutcome::Paid) => paid,
        Some(PayrollOutcome::Skipped) => skipped,
        None => paid + skipped,
    })
}
