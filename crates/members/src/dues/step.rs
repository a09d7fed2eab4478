//! A step of a dues run: some members of a plan, all in one transaction with the record of how far it is.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;

use chrono::NaiveDate;
use muster_auth::club;
use muster_finance::charges::Charge;
use muster_finance::{ByRule, Income, charge_by_rule};
use muster_kernel::UserId;
use muster_kernel::audit::Origin;
use muster_kernel::db::{DbResult, Tx};
use muster_kernel::fault::Fault;
use muster_kernel::job::{JobError, JobKind, JobRun, Progress};
use serde::{Deserialize, Serialize};

use super::period::Period;
use super::queries::{self, NewLine};
use super::terms::{Attendance, Verdict, judge};
use super::{DuesRun, DuesRunId, Outcome, RunState};
use crate::plans::{self, Plan, PlanId};

/// Members of one step. Each is about twenty statements, and on SQLite everybody else waits until all are done: 50 members
/// took 20 ms there, and 56 to 125 ms on PostgreSQL, on two cores; no write may take over 50 ms.
const AT_ONCE: i64 = 15;

/// Where a run is, and what was fixed when it began.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Place {
    pub run: DuesRunId,
    pub plan: PlanId,
    pub after: UserId,
    pub attendance: Option<Attendance>,
}

/// Charges dues.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunJob;

impl RunJob {
    /// Its name in the database.
    pub(crate) const KIND: &'static str = "members.dues_run";
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

/// Does some members, and says where the next step begins, if there is one.
fn step(tx: &mut Tx<'_>, place: Place) -> Result<Option<Place>, Fault> {
    let run = queries::find(tx, place.run)?.ok_or_else(Fault::not_found)?;
    let period = Period::read(&run.period).ok_or_else(Fault::not_found)?;
    if run.state == RunState::Done {
        return Ok(None);
    }
    // Whoever put members on this plan at the same time is done with it; whoever is about to waits.
    let plan = plans::lock(tx, place.plan)?.ok_or_else(Fault::not_found)?;
    // It may be paid otherwise now.
    let ids = match plan.every == period.every() {
        true => plans::members_on(tx, plan.id, place.after, AT_ONCE)?,
        false => Vec::new(),
    };
    let next = match ids.last() {
        Some(last) if ids.len() as i64 == AT_ONCE => Some((plan.id, *last)),
        _ if run.plan_id.is_some() => None,
        _ => plans::next_paid(tx, period.every(), plan.id)?.map(|next| (next, UserId(0))),
    };
    let lines =
        Step { run: &run, period, plan: &plan, attendance: place.attendance.as_ref() }.lines(tx, &ids)?;
    queries::write(tx, &lines)?;
    let charged = lines.iter().filter(|line| line.outcome == Outcome::Charged).count() as i64;
    queries::record(tx, run.id, charged, lines.len() as i64 - charged, next.is_none())?;
    Ok(next.map(|(plan, after)| Place { plan, after, ..place }))
}

struct Step<'a> {
    run: &'a DuesRun,
    period: Period,
    plan: &'a Plan,
    attendance: Option<&'a Attendance>,
}

impl Step<'_> {
    /// Charges those of these members who are to be charged, in the order of their ids.
    fn lines(&self, tx: &mut Tx<'_>, ids: &[UserId]) -> Result<Vec<NewLine>, Fault> {
        let done = queries::in_run(tx, self.run.id, ids)?;
        let ids: Vec<UserId> = ids.iter().copied().filter(|id| !done.contains(id)).collect();
        let claimed = queries::claim(tx, self.plan.id, &self.run.period, &ids)?;
        // Read after the claim: from then on nobody moves or erases them.
        let candidates = queries::candidates(tx, self.plan.id, &ids)?;
        let attended = self.attended(tx, &ids)?;
        let (origin, day) = (Origin { actor: Some(self.run.started_by), request_id: None }, self.day(tx)?);
        let mut lines = Vec::with_capacity(candidates.len());
        for member in candidates {
            let id = member.id;
            let attendance = self.attendance.map(|it| (it, attended.get(&id).copied().unwrap_or_default()));
            let verdict = match claimed.contains(&id) {
                true => judge(self.plan, self.period, &member, attendance),
                false => Verdict::Skip("already_charged".into()),
            };
            lines.push(match verdict {
                Verdict::Skip(reason) => self.line(id, None, Some(reason)),
                Verdict::Charge(amount, reason) => {
                    let (income, text) = (Income::Dues, self.text());
                    let rule = ByRule { income, amount, text: &text, date: day, due_on: day };
                    let charge = charge_by_rule(tx, &origin, id, &rule)?;
                    queries::use_claim(tx, id, self.plan.id, &self.run.period, charge.id)?;
                    self.line(id, Some(&charge), reason)
                }
            });
        }
        queries::release(tx, self.plan.id, &self.run.period, &ids)?;
        Ok(lines)
    }

    fn attended(&self, tx: &mut Tx<'_>, ids: &[UserId]) -> DbResult<HashMap<UserId, i32>> {
        match self.attendance {
            Some(attendance) => queries::attended(tx, &attendance.month, ids),
            None => Ok(HashMap::new()),
        }
    }

    /// What stands in the books, where there are no names.
    fn text(&self) -> String {
        match self.period {
            Period::Once => "Dues".to_owned(),
            period => format!("Dues {period}"),
        }
    }

    /// On which day dues are charged and due: on the period's first, or the run's if that is later.
    fn day(&self, tx: &mut Tx<'_>) -> DbResult<NaiveDate> {
        let today = club::settings(tx)?.today(self.run.started_at);
        Ok(self.period.days().map_or(today, |(first, _)| first.max(today)))
    }

    fn line(&self, member: UserId, charge: Option<&Charge>, reason: Option<String>) -> NewLine {
        NewLine {
            run_id: self.run.id,
            member_id: member,
            plan_id: self.plan.id,
            outcome: if charge.is_some() { Outcome::Charged } else { Outcome::Skipped },
            charge_id: charge.map(|charge| charge.id),
            amount: charge.map(|charge| charge.amount),
            reason,
        }
    }
}
