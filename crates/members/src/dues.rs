//! Dues runs: everybody on a plan is charged once for a period, however often and wherever it is run. A run is a job in
//! steps; its lines say who was charged, and who was not and why.

pub(crate) mod checks;
mod period;
mod queries;
mod step;
mod terms;

use chrono::NaiveDate;
use muster_auth::permissions::RunDues;
use muster_auth::{Can, club};
use muster_finance::ChargeId;
use muster_kernel::audit::{self, Event};
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::fault::Fault;
use muster_kernel::job::{self, NewJob};
use muster_kernel::page::PageRequest;
use muster_kernel::{Fields, Minor, Timestamp, UserId, id_type, text_enum};
use serde::{Deserialize, Serialize};

use period::Period;
pub(crate) use queries::{Charged, charged_after, lines_after, runs_after};
use step::Place;
pub(crate) use step::RunJob;
use terms::Attendance;

use crate::plans::{self, PlanId};

id_type! {
    /// A dues run.
    pub struct DuesRunId;
}

text_enum! {
    /// How far a run is.
    pub enum RunState {
        /// There are members left.
        Running = "running",
        /// Everybody has a line.
        Done = "done",
    }
}

text_enum! {
    /// What became of a member in a run.
    pub enum Outcome {
        /// They were charged.
        Charged = "charged",
        /// They were not; the reason says why.
        Skipped = "skipped",
    }
}

/// A dues run.
#[derive(Debug, Clone, Serialize, diesel::Queryable)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct DuesRun {
    /// Its number.
    pub id: DuesRunId,
    /// Goes up with every step.
    pub version: i64,
    /// The plan; none for all that are paid as often.
    pub plan_id: Option<PlanId>,
    /// What for: a month, a year, or `once`.
    #[cfg_attr(feature = "http", schema(example = "2026-11"))]
    pub period: String,
    /// How far it is.
    pub state: RunState,
    /// How many were charged.
    pub charged: i64,
    /// How many were not.
    pub skipped: i64,
    /// Who started it.
    pub started_by: UserId,
    /// When.
    pub started_at: Timestamp,
    /// When everybody had a line.
    pub finished_at: Option<Timestamp>,
}

/// What became of a member in a run.
#[derive(Debug, Clone, Serialize, diesel::Queryable)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct DuesLine {
    /// Its number.
    pub id: i64,
    /// Who.
    pub member_id: UserId,
    /// The plan they were on.
    pub plan_id: PlanId,
    /// What became of them.
    pub outcome: Outcome,
    /// What they owe for it.
    #[cfg_attr(feature = "http", schema(value_type = Option<i64>))]
    pub charge_id: Option<ChargeId>,
    /// How much it was.
    pub amount: Option<Minor>,
    /// Why it was not the price: `prorated`, `discount` or `surcharge` with the arithmetic. Or why they were not charged:
    /// `already_charged`, `not_active`, `joined_later`, `free`, or a discount that left nothing.
    #[cfg_attr(feature = "http", schema(example = "discount: 9 classes in 2026-10"))]
    pub reason: Option<String>,
}

/// A run to be started.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct NewDuesRun {
    /// The plan; without one, all that are paid as often as the period says.
    pub plan_id: Option<PlanId>,
    /// A month `YYYY-MM`, a year `YYYY`, or `once` for what is paid once and for all. It has begun, and has not ended
    /// more than 12 months ago.
    #[cfg_attr(feature = "http", schema(example = "2026-11", min_length = 4, max_length = 7))]
    pub period: String,
}

/// Starts a run. Everybody on the plan gets a line, step by step, soon after.
///
/// # Errors
/// When the period has not begun or is long over, or no plan is paid so.
pub fn start(tx: &mut Tx<'_>, can: &Can<RunDues>, new: &NewDuesRun) -> Result<DuesRun, Fault> {
    let (now, club) = (tx.now(), club::settings(tx)?);
    let (period, plan) = check(tx, new, club.today(now))?;
    let attendance = match (&club.policies.attendance_discount, period) {
        (Some(rule), Period::Month(month)) => {
            let looked_at = month.previous();
            let nth = |n| queries::nth_most(tx, &looked_at.to_string(), n);
            Some(Attendance::by(rule, looked_at, nth)?)
        }
        _ => None,
    };
    let run = queries::insert(tx, new.plan_id, &period.to_string(), can.user_id())?;
    job::enqueue(tx, NewJob::new(RunJob::KIND, Place { run: run.id, plan, after: UserId(0), attendance }))?;
    let event =
        Event { action: "dues_run.started", object_type: "dues_run", object_id: run.id.0, reason: None };
    audit::append(tx, can.origin(), event)?;
    Ok(run)
}

/// The period, and the plan to begin with.
fn check(tx: &mut Tx<'_>, new: &NewDuesRun, today: NaiveDate) -> Result<(Period, PlanId), Fault> {
    let Some(period) = Period::read(&new.period) else {
        return Err(Fault::field("/period", "invalid", "A month YYYY-MM, a year YYYY, or `once`."));
    };
    let mut fields = Fields::new();
    period.check(today, &mut fields);
    let every = period.every();
    let plan = match new.plan_id {
        Some(id) => {
            let plan = plans::find(tx, id)?;
            fields.must(plan.is_some(), "/plan_id", "unknown", "There is no such plan.");
            let fits = plan.as_ref().is_none_or(|plan| plan.every == every);
            fields.must(fits, "/period", "does_not_fit", "This plan is not paid for such a period.");
            plan.map(|plan| plan.id)
        }
        None => {
            let plan = plans::first_paid(tx, every)?;
            fields.must(plan.is_some(), "/period", "does_not_fit", "No plan is paid for such a period.");
            plan
        }
    };
    fields.done()?;
    Ok((period, plan.ok_or_else(Fault::not_found)?))
}

/// A run.
///
/// # Errors
/// When there is none with this number.
pub fn read(conn: &mut Conn, _: &Can<RunDues>, id: DuesRunId) -> Result<DuesRun, Fault> {
    queries::find(conn, id)?.ok_or_else(Fault::not_found)
}

/// Runs, newest first.
///
/// # Errors
/// When the database fails.
pub fn list(conn: &mut Conn, _: &Can<RunDues>, page: &PageRequest<i64>) -> DbResult<Vec<DuesRun>> {
    queries::list(conn, page)
}

/// How many there are in all.
///
/// # Errors
/// When the database fails.
pub fn count(conn: &mut Conn, _: &Can<RunDues>) -> DbResult<i64> {
    queries::count(conn)
}

/// Lines of a run, in the order in which they were made.
///
/// # Errors
/// When there is no such run.
pub fn lines(
    conn: &mut Conn,
    can: &Can<RunDues>,
    id: DuesRunId,
    outcome: Option<Outcome>,
    page: &PageRequest<i64>,
) -> Result<Vec<DuesLine>, Fault> {
    read(conn, can, id)?;
    Ok(queries::lines(conn, id, outcome, page)?)
}

/// How many of them there are: so far, while it runs.
///
/// # Errors
/// When there is no such run.
pub fn count_lines(
    conn: &mut Conn,
    can: &Can<RunDues>,
    id: DuesRunId,
    outcome: Option<Outcome>,
) -> Result<i64, Fault> {
    let DuesRun { charged, skipped, .. } = read(conn, can, id)?;
    Ok(match outcome {
        Some(Outcome::Charged) => charged,
        Some(Outcome::Skipped) => skipped,
        None => charged + skipped,
    })
}
