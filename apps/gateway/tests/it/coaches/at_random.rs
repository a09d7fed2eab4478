//! Whatever happens to coaches' pay, in whatever order: everybody is owed what the classes come to less what was paid,
//! and it is what the books say.

use chrono::{NaiveDate, TimeDelta};
use muster_auth::permissions::{KeepBooks, KeepCoachPay, ReadBooks, RunPayroll};
use muster_auth::{Actor, Role, Roles};
use muster_coaches::Taught;
use muster_coaches::payouts::{self, NewPayout, PayoutId};
use muster_coaches::payroll::{self, NewPayrollRun};
use muster_coaches::terms::{self, NewTerms};
use muster_finance::accounts::Method;
use muster_finance::{Month, pay, periods, reports};
use muster_kernel::audit::Origin;
use muster_kernel::db::{DbError, Tx};
use muster_kernel::fault::Fault;
use muster_kernel::{Minor, Timestamp, UserId};
use muster_testkit::each_engine;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::findings;
use crate::support::TestApp;

/// Something that happens. Whom and which is picked among those there are.
#[derive(Debug, Clone)]
enum Step {
    Agree { whom: usize, in_days: i64, terms: Agreed },
    Teach { whom: usize, days_ago: i64, heads: i32 },
    Correct { which: usize, heads: i32 },
    Pay { whom: usize, amount: Option<i64>, days_ago: Option<i64> },
    TakeBack { which: usize },
    Run { days_ago: i64 },
    Wait { days: i64 },
    Close,
}

/// Per class, per head, heads above, minimum, maximum.
type Agreed = (i64, i64, i32, Option<i64>, Option<i64>);

fn step() -> impl Strategy<Value = Step> {
    let (whom, which, heads) = (0usize..3, 0usize..100, 0i32..30);
    let terms = (
        0i64..3000,
        0i64..200,
        0i32..15,
        proptest::option::of(0i64..2000),
        proptest::option::of(2000i64..4000),
    );
    prop_oneof![
        2 => (whom.clone(), -20i64..20, terms).prop_map(|(whom, in_days, terms)| Step::Agree { whom, in_days, terms }),
        6 => (whom.clone(), 0i64..40, heads.clone()).prop_map(|(whom, days_ago, heads)| Step::Teach { whom, days_ago, heads }),
        4 => (which.clone(), heads).prop_map(|(which, heads)| Step::Correct { which, heads }),
        4 => (whom, proptest::option::of(1i64..4000), proptest::option::of(0i64..20))
            .prop_map(|(whom, amount, days_ago)| Step::Pay { whom, amount, days_ago }),
        2 => which.prop_map(|which| Step::TakeBack { which }),
        1 => (0i64..20).prop_map(|days_ago| Step::Run { days_ago }),
        2 => (1i64..12).prop_map(|days| Step::Wait { days }),
        1 => Just(Step::Close),
    ]
}

/// What somebody with a notebook would remember.
#[derive(Debug, Default)]
struct Notebook {
    /// Whom, from which day, what.
    terms: Vec<(usize, NaiveDate, Agreed)>,
    /// Whose, when, by which terms, and what the class comes to.
    classes: Vec<(usize, NaiveDate, Option<Agreed>, i64)>,
    /// Payouts that stand: whose, which, how much.
    paid: Vec<(usize, PayoutId, i64)>,
}

impl Notebook {
    fn comes_to(terms: Option<Agreed>, heads: i32) -> i64 {
        let Some((per_class, per_head, above, least, most)) = terms else { return 0 };
        let pay = per_class + per_head * i64::from((heads - above).max(0));
        pay.max(least.unwrap_or(0)).min(most.unwrap_or(i64::MAX))
    }

    fn in_force(&self, whom: usize, on: NaiveDate) -> Option<Agreed> {
        let theirs = self.terms.iter().filter(|(of, from, _)| *of == whom && *from <= on);
        theirs.max_by_key(|(_, from, _)| *from).map(|(.., terms)| *terms)
    }

    fn owed(&self, whom: usize) -> i64 {
        let earned: i64 = self.classes.iter().filter(|(of, ..)| *of == whom).map(|(.., pay)| pay).sum();
        let paid: i64 = self.paid.iter().filter(|(of, ..)| *of == whom).map(|(.., amount)| amount).sum();
        earned - paid
    }
}

/// What a step is refused for is no defect, and leaves everything as it was.
async fn tried<T: Send + 'static>(
    app: &TestApp,
    work: impl Fn(&mut Tx<'_>) -> Result<T, Fault> + Send + 'static,
) -> Option<T> {
    match app.db.write(work).await {
        Ok(value) => Some(value),
        Err(fault) => {
            assert!((400..500).contains(&fault.code.status()), "{fault:?}");
            None
        }
    }
}

struct Club {
    actor: Actor,
    coaches: [UserId; 3],
    first_class: i64,
    notes: Notebook,
}

impl Club {
    async fn take_step(&mut self, app: &TestApp, step: Step) {
        let keeps = self.actor.can::<KeepCoachPay>().expect("a treasurer may");
        let today = app.db.clock.now().utc().date_naive();
        let coaches = self.coaches;
        match step {
            Step::Agree { whom, in_days, terms } => {
                let starts_on = today + TimeDelta::days(in_days);
                let (per_class, per_head, above, least, most) = terms;
                let new = NewTerms {
                    starts_on,
                    per_class: Minor(per_class),
                    per_head: Some(Minor(per_head)),
                    heads_above: Some(above),
                    minimum: least.map(Minor),
                    maximum: most.map(Minor),
                };
                if tried(app, move |tx| terms::set(tx, &keeps, coaches[whom], &new)).await.is_some() {
                    self.notes.terms.push((whom, starts_on, terms));
                }
            }
            Step::Teach { whom, days_ago, heads } => {
                let date = today - TimeDelta::days(days_ago);
                let class_id = self.first_class + self.notes.classes.len() as i64;
                let starts_at = Timestamp::new(date.and_hms_opt(12, 0, 0).expect("noon").and_utc());
                let taught = Taught { class_id, coach: coaches[whom], starts_at, date, heads };
                let done =
                    app.db.write(move |tx| muster_coaches::accrue(tx, &Origin::default(), &taught)).await;
                done.expect("the clock is never held up");
                let terms = self.notes.in_force(whom, date);
                self.notes.classes.push((whom, date, terms, Notebook::comes_to(terms, heads)));
            }
            Step::Correct { which, heads } => {
                if self.notes.classes.is_empty() {
                    return;
                }
                let which = which % self.notes.classes.len();
                let class_id = self.first_class + which as i64;
                let done = app
                    .db
                    .write(move |tx| muster_coaches::adjust(tx, &Origin::default(), class_id, heads))
                    .await;
                done.expect("corrections are never held up");
                let (_, _, terms, pay) = &mut self.notes.classes[which];
                *pay = Notebook::comes_to(*terms, heads);
            }
            Step::Pay { whom, amount, days_ago } => {
                let date = days_ago.map(|days| today - TimeDelta::days(days));
                let new = NewPayout { amount: amount.map(Minor), method: Method::Bank, date };
                let owed = self.notes.owed(whom);
                if let Some((payout, items)) =
                    tried(app, move |tx| payouts::pay(tx, &keeps, coaches[whom], &new)).await
                {
                    let paid = payout.amount.0;
                    assert!(0 < paid && paid <= owed, "{paid} of {owed}");
                    assert_eq!(
                        items.lines.iter().map(|line| line.amount.0).sum::<i64>(),
                        payout.items_total.0
                    );
                    self.notes.paid.push((whom, payout.id, paid));
                } else if amount.is_none() && date.is_none() {
                    assert!(owed <= 0, "{owed} was due");
                }
            }
            Step::TakeBack { which } => {
                if self.notes.paid.is_empty() {
                    return;
                }
                let which = which % self.notes.paid.len();
                let (whom, id, _) = self.notes.paid[which];
                let is_latest = !self.notes.paid[which + 1..].iter().any(|(of, ..)| *of == whom);
                let done =
                    tried(app, move |tx| payouts::reverse(tx, &keeps, coaches[whom], id, "Wrong")).await;
                assert_eq!(done.is_some(), is_latest);
                if is_latest {
                    self.notes.paid.remove(which);
                }
            }
            Step::Run { days_ago } => self.run(app, today - TimeDelta::days(days_ago)).await,
            Step::Wait { days } => app.wait(TimeDelta::days(days)),
            Step::Close => {
                let can = self.actor.can::<KeepBooks>().expect("a treasurer may");
                let month = Month::of(today).previous();
                tried(app, move |tx| periods::close(tx, &can, month)).await;
            }
        }
    }

    async fn run(&mut self, app: &TestApp, through: NaiveDate) {
        let can = self.actor.can::<RunPayroll>().expect("a treasurer may");
        let new = NewPayrollRun { through, method: None };
        let run = app.db.write(move |tx| payroll::start(tx, &can, &new)).await.expect("started");
        app.mails().await;
        let can = self.actor.can::<RunPayroll>().expect("a treasurer may");
        let page = muster_kernel::page::PageRequest::read("x", Some(100), None).expect("a page");
        let lines =
            app.db.read(move |conn| payroll::lines(conn, &can, run.id, None, &page)).await.expect("lines");
        for line in lines {
            let whom = self.coaches.iter().position(|coach| *coach == line.coach_id);
            if let (Some(whom), Some(payout), Some(amount)) = (whom, line.payout_id, line.amount) {
                self.notes.paid.push((whom, payout, amount.0));
            }
        }
    }

    async fn everything_ties(&self, app: &TestApp) {
        assert_eq!(findings(app).await, [""; 0]);
        let books = app.db.read(pay::owed).await.expect("what the books say");
        let mut sum = 0;
        for (whom, coach) in self.coaches.into_iter().enumerate() {
            let noted = self.notes.owed(whom);
            let posted = books.iter().find(|(of, _)| *of == coach).map_or(0, |(_, owed)| owed.0);
            let statement =
                app.db.read(move |conn| pay::statement(conn, coach, None, None)).await.expect("a statement");
            assert_eq!((posted, statement.balance.0), (noted, noted), "of the coach {whom}");
            let lines: i64 = statement.lines.iter().map(|line| line.amount.0).sum();
            assert_eq!(statement.opening_balance.0 + lines, noted);
            sum += noted;
        }
        let total: i64 = books.iter().map(|(_, owed)| owed.0).sum();
        let can = self.actor.can::<ReadBooks>().expect("a treasurer may");
        let now = app.db.clock.now();
        let (unpaid, totals) = app
            .db
            .read(move |conn| {
                let today = now.utc().date_naive();
                let unpaid = reports::payables(conn, &can, (today, today), None, 1000)?;
                Ok::<_, DbError>((unpaid, reports::payable_totals(conn, &can, (today, today))?))
            })
            .await
            .expect("what is unpaid");
        assert_eq!(totals.coach_pay.0, total);
        let mine = |coach: Option<UserId>| coach.is_some_and(|coach| self.coaches.contains(&coach));
        let by_month: i64 = unpaid.iter().filter(|item| mine(item.coach_id)).map(|item| item.amount.0).sum();
        assert_eq!(by_month, sum, "month by month it is what is owed");
        let can = self.actor.can::<ReadBooks>().expect("a treasurer may");
        let months =
            app.db.read(move |conn| reports::monthly(conn, &can, now, None, None)).await.expect("months");
        assert_eq!(months.last().map(|month| month.coach_pay_open.0), Some(total));
    }
}

each_engine! {
    async fn coaches_are_owed_what_their_classes_come_to(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let actor = Actor::new(treasurer.id, Roles::of([Role::Treasurer]), Origin::default());
        // The same on every run: what fails once fails again.
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let mut runner = TestRunner::new_with_rng(Config { failure_persistence: None, ..Config::default() }, rng);
        for round in 0..6 {
            let steps = prop::collection::vec(step(), 60).new_tree(&mut runner).expect("steps").current();
            let mut coaches = [UserId(0); 3];
            for coach in &mut coaches {
                *coach = app.people.coach().await.id;
            }
            let mut club = Club { actor: actor.clone(), coaches, first_class: round * 1000, notes: Notebook::default() };
            for step in steps {
                club.take_step(&app, step).await;
            }
            club.everything_ties(&app).await;
        }
    }
}
