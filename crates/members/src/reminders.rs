//! Reminders of what is overdue: by mail, so many days after it was due as the club's policies say. Each day that they
//! name counts once for each charge, and of several that have come only the latest: after a pause nobody is flooded.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;

use chrono::{Days, NaiveDate, TimeDelta};
use diesel::{BoolExpressionMethods, ExpressionMethods, QueryDsl, RunQueryDsl};
use muster_auth::club::{self, Club};
use muster_auth::{Accounts, Letter};
use muster_finance::ChargeId;
use muster_finance::read::charges;
use muster_kernel::csv::Decimals;
use muster_kernel::db::{Conn, DbResult, MultiBackend, Tx};
use muster_kernel::job::{JobError, JobKind, JobRun, Progress, Schedule};
use muster_kernel::{Minor, UserId};
use serde::{Deserialize, Serialize};

use crate::schema::dues_reminders;

/// Open charges that are looked at in one step.
const AT_ONCE: i64 = 100;

/// Reminds members, once an hour.
pub struct ReminderJob(Accounts);

impl ReminderJob {
    const KIND: &'static str = "members.dues_reminders";

    /// How often it looks.
    pub const SCHEDULE: Schedule = Schedule { kind: Self::KIND, every: TimeDelta::hours(1) };

    /// The job, with the accounts that letters go to.
    pub fn new(accounts: &Accounts) -> ReminderJob {
        ReminderJob(accounts.clone())
    }
}

impl JobKind for ReminderJob {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        let accounts = self.0.clone();
        Box::pin(
            async move { run.step(move |tx, after| Ok(remind_some(tx, &accounts, after)?.map(Some))).await },
        )
    }
}

/// Up to which charge it has come.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Place {
    due_on: NaiveDate,
    id: ChargeId,
}

/// Something that is not paid.
#[derive(Debug, Clone, diesel::Queryable)]
struct Overdue {
    member: UserId,
    id: ChargeId,
    due_on: NaiveDate,
    open: Minor,
}

/// Looks at some charges, and says where to go on if there may be more.
fn remind_some(tx: &mut Tx<'_>, accounts: &Accounts, after: Option<Place>) -> DbResult<Option<Place>> {
    let club = club::settings(tx)?;
    let today = club.today(tx.now());
    let days = &club.policies.dues_reminder_days;
    let Some(latest_due) = days.first().and_then(|first| before(today, *first)) else { return Ok(None) };
    let mut overdue = open_charges(tx, latest_due, after)?;
    let next = overdue
        .last()
        .map(|last| Place { due_on: last.due_on, id: last.id })
        .filter(|_| overdue.len() as i64 == AT_ONCE);
    let sent = sent(tx, &overdue)?;
    // In the order in which members are locked everywhere.
    overdue.sort_by_key(|charge| (charge.member, charge.id));
    for charge in overdue {
        let come = |days: &&i32| before(today, **days).is_some_and(|latest| charge.due_on <= latest);
        let Some(step) = days.iter().rev().find(come).copied() else { continue };
        if sent.get(&charge.id).is_some_and(|last| *last >= step) {
            continue;
        }
        note(tx, charge.id, step)?;
        accounts.send_letter(tx, charge.member, &letter(&club, &charge))?;
    }
    Ok(next)
}

fn before(today: NaiveDate, days: i32) -> Option<NaiveDate> {
    today.checked_sub_days(Days::new(u64::try_from(days).ok()?))
}

/// It says nothing that strangers could have chosen: the text of a charge may come from elsewhere.
fn letter(club: &Club, charge: &Overdue) -> Letter {
    let currency = &club.currency;
    let (amount, due_on) = (Decimals::of(currency).show(charge.open), charge.due_on);
    let mut happened = format!("{amount} {currency} was due on {due_on} and is not paid yet.");
    if let Some(text) = &club.policies.dues_reminder_text {
        happened = format!("{happened} {text}");
    }
    let paid = "If it was paid in the last days, you need not do anything. If you do not know what it is for, ask the club.";
    Letter { otherwise: paid.into(), ..Letter::new("A payment is overdue", happened) }
}

/// Open charges that were due on this day or before, after the last one that was looked at.
fn open_charges(conn: &mut Conn, latest_due: NaiveDate, after: Option<Place>) -> DbResult<Vec<Overdue>> {
    let mut query = charges::table
        .filter(charges::is_open.eq(true))
        .filter(charges::kind.eq("charge"))
        .filter(charges::due_on.le(latest_due))
        .into_boxed::<MultiBackend>();
    if let Some(Place { due_on, id }) = after {
        query = query.filter(charges::due_on.ge(due_on));
        query = query.filter(charges::due_on.gt(due_on).or(charges::id.gt(id)));
    }
    Ok(query
        .order((charges::due_on, charges::id))
        .limit(AT_ONCE)
        .select((charges::member_id, charges::id, charges::due_on, charges::open))
        .load(conn)?)
}

/// The latest reminder of each of these that was sent.
fn sent(conn: &mut Conn, of: &[Overdue]) -> DbResult<HashMap<ChargeId, i32>> {
    let ids: Vec<ChargeId> = of.iter().map(|charge| charge.id).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    // The last of each stays.
    Ok(dues_reminders::table
        .filter(dues_reminders::charge_id.eq_any(ids))
        .order((dues_reminders::charge_id, dues_reminders::step))
        .select((dues_reminders::charge_id, dues_reminders::step))
        .load::<(ChargeId, i32)>(conn)?
        .into_iter()
        .collect())
}

/// Notes that a reminder is sent. Of two who do that at once the second fails, and finds it sent when it tries again.
fn note(tx: &mut Tx<'_>, charge: ChargeId, step: i32) -> DbResult<()> {
    let now = tx.now();
    diesel::insert_into(dues_reminders::table)
        .values((
            dues_reminders::charge_id.eq(charge),
            dues_reminders::step.eq(step),
            dues_reminders::sent_at.eq(now),
        ))
        .execute(&mut **tx)?;
    Ok(())
}
