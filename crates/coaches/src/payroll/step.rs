//! A step of a payroll run: some coaches, all in one transaction with the record of how far it is.

use std::future::Future;
use std::pin::Pin;

use muster_auth::club;
use muster_kernel::audit::Origin;
use muster_kernel::db::Tx;
use muster_kernel::fault::Fault;
use muster_kernel::job::{JobError, JobKind, JobRun, Progress};
use muster_kernel::{Minor, UserId};
use serde::{Deserialize, Serialize};

use super::queries::{self, NewLine};
use super::{PayrollOutcome, PayrollRun, PayrollRunId, PayrollState};
use crate::payouts::{self, Due, Paid, Payout};
use crate::purse;

/// Coaches of one step. Each is about fifteen statements, and on SQLite everybody else waits until all are done.
const AT_ONCE: i64 = 25;

/// Where a run is.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Place {
    pub run: PayrollRunId,
    pub after: UserId,
}

/// Pays coaches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunJob;

impl RunJob {
    /// Its name in the database.
    pub(crate) const KIND: &'static str = "coaches.payroll_run";
}

impl JobKind for RunJob {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        Box::pin(async move { run.step(step).await })
    }
}

/// Pays some coaches, and says where the next step begins, if there is one.
fn step(tx: &mut Tx<'_>, place: Place) -> Result<Option<Place>, Fault> {
    let run = queries::find(tx, place.run)?.ok_or_else(Fault::not_found)?;
    if run.state == PayrollState::Done {
        return Ok(None);
    }
    let ids = queries::listed(tx, place.after, AT_ONCE)?;
    let done = queries::in_run(tx, run.id, &ids)?;
    let mut lines = Vec::with_capacity(ids.len());
    let mut total = 0;
    for id in ids.iter().copied().filter(|id| !done.contains(id)) {
        let (payout, reason) = match pay(tx, &run, id)? {
            Ok(payout) => (Some(payout), None),
            Err(reason) => (None, Some(reason)),
        };
        total += payout.as_ref().map_or(0, |payout| payout.amount.0);
        let outcome = if payout.is_some() { PayrollOutcome::Paid } else { PayrollOutcome::Skipped };
        lines.push(NewLine {
            run_id: run.id,
            coach_id: id,
            outcome,
            payout_id: payout.map(|payout| payout.id),
            reason,
        });
    }
    queries::write(tx, &lines)?;
    let next = ids.last().filter(|_| ids.len() as i64 == AT_ONCE);
    let paid = lines.iter().filter(|line| line.outcome == PayrollOutcome::Paid).count() as i64;
    let counts = (paid, lines.len() as i64 - paid, Minor(total));
    queries::record(tx, run.id, counts, next.is_none())?;
    Ok(next.map(|after| Place { after: *after, ..place }))
}

/// Pays a coach what is due for classes until the day of the run, or says why not.
fn pay(tx: &mut Tx<'_>, run: &PayrollRun, coach: UserId) -> Result<Result<Payout, &'static str>, Fault> {
    // Whoever was erased since they were found is owed nothing.
    let purse = match purse::hold(tx, coach)? {
        true => purse::lock(tx, coach)?,
        false => None,
    };
    let Some(purse) = purse else { return Ok(Err("nothing_due")) };
    let due = Due::of(tx, &purse, Some(run.through))?;
    if due.payable < Minor::ZERO {
        return Ok(Err("below_zero"));
    }
    if due.payable == Minor::ZERO {
        return Ok(Err("nothing_due"));
    }
    let now = tx.now();
    let date = club::settings(tx)?.today(now);
    let origin = Origin { actor: Some(run.started_by), request_id: None };
    let paid = Paid { amount: due.payable, method: run.method, date, run: Some(run.id) };
    payouts::disburse(tx, &origin, purse, &due, &paid).map(Ok)
}
