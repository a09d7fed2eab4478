//! Whatever happens in a club, in whatever order: places, the line, class fees, the books and what coaches are owed tie.

use chrono::TimeDelta;
use muster_auth::permissions::{Book, KeepBooks, KeepCoachPay, PlanClasses, RunClasses, SuspendMembers};
use muster_auth::{Actor, Role, Roles};
use muster_classes::attendance::{self, Mark, MarkOf};
use muster_classes::planning::{self, ClassPatch, NewClass};
use muster_classes::{BookingId, ClassId, bookings, complete};
use muster_coaches::payouts::{self, NewPayout};
use muster_finance::accounts::Method;
use muster_finance::prepaid::NewLot;
use muster_finance::{Month, periods};
use muster_gateway::{members, prepaid_fees};
use muster_kernel::audit::Origin;
use muster_kernel::db::Tx;
use muster_kernel::fault::Fault;
use muster_kernel::{Expected, Minor};
use muster_members::MoveRequest;
use muster_testkit::{Person, each_engine};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use super::{ClassClub, check};
use crate::support::TestApp;

/// What a coach earns by a class, and by each who attended.
const PER_CLASS: i64 = 2000;
const PER_HEAD: i64 = 100;
const MEMBERS: usize = 6;

/// Something that happens. Whom and which is picked among those there are.
#[derive(Debug, Clone)]
enum Step {
    Plan { coach: usize, in_hours: i64, capacity: i32, fee: i64 },
    Resize { which: usize, capacity: i32 },
    Move { which: usize, by_hours: i64 },
    CallOff { which: usize },
    Book { whom: usize, which: usize },
    Cancel { which: usize, by_club: bool },
    Switch { which: usize, to: usize },
    Mark { whom: usize, which: usize, mark: Mark },
    Complete { which: usize },
    Sell { whom: usize, count: i32 },
    Pay { coach: usize },
    Suspend { whom: usize },
    Reinstate { whom: usize },
    Wait { hours: i64 },
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    let (whom, which, coach) = (0..MEMBERS, 0usize..1000, 0usize..2);
    let mark = prop_oneof![3 => Just(Mark::Attended), 1 => Just(Mark::NoShow), 1 => Just(Mark::Excused)];
    prop_oneof![
        6 => (coach.clone(), 1i64..96, 1i32..4, prop_oneof![Just(0i64), 500i64..1000])
            .prop_map(|(coach, in_hours, capacity, fee)| Step::Plan { coach, in_hours, capacity, fee }),
        2 => (which.clone(), 1i32..6).prop_map(|(which, capacity)| Step::Resize { which, capacity }),
        2 => (which.clone(), -24i64..48).prop_map(|(which, by_hours)| Step::Move { which, by_hours }),
        1 => which.clone().prop_map(|which| Step::CallOff { which }),
        16 => (whom.clone(), which.clone()).prop_map(|(whom, which)| Step::Book { whom, which }),
        6 => (which.clone(), any::<bool>()).prop_map(|(which, by_club)| Step::Cancel { which, by_club }),
        2 => (which.clone(), which.clone()).prop_map(|(which, to)| Step::Switch { which, to }),
        8 => (whom.clone(), which.clone(), mark).prop_map(|(whom, which, mark)| Step::Mark { whom, which, mark }),
        4 => which.prop_map(|which| Step::Complete { which }),
        3 => (whom.clone(), 1i32..4).prop_map(|(whom, count)| Step::Sell { whom, count }),
        1 => coach.prop_map(|coach| Step::Pay { coach }),
        1 => whom.clone().prop_map(|whom| Step::Suspend { whom }),
        2 => whom.prop_map(|whom| Step::Reinstate { whom }),
        5 => (1i64..10).prop_map(|hours| Step::Wait { hours }),
        1 => Just(Step::Close),
    ]
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
    admin: Actor,
    members: Vec<Person>,
    coaches: Vec<Person>,
    classes: Vec<ClassId>,
    bookings: Vec<(BookingId, usize)>,
    /// How many class fees each bought, and what each coach was paid.
    sold: Vec<i64>,
    paid: Vec<i64>,
}

/// One of these, if there is one. The latest are picked most often.
fn one<T: Copy>(of: &[T], which: usize) -> Option<T> {
    let last = of.len().checked_sub(1)?;
    of.get(last - which % of.len().min(12)).copied()
}

impl Club {
    fn member(&self, whom: usize) -> Actor {
        Actor::new(self.members[whom].id, Roles::MEMBER, Origin::default())
    }

    async fn take_step(&mut self, app: &TestApp, step: Step) {
        let admin = self.admin.clone();
        let (plans, runs) =
            (admin.can::<PlanClasses>().expect("may"), admin.can::<RunClasses>().expect("may"));
        match step {
            Step::Plan { coach, in_hours, capacity, fee } => {
                let new = NewClass {
                    class_title: "Yoga".into(),
                    coach_id: Some(self.coaches[coach].id),
                    class_datetime: app.db.clock.now().plus(TimeDelta::hours(in_hours)),
                    duration_minutes: 90,
                    location: "Hall 2".into(),
                    capacity,
                    fee: Minor(fee),
                    description: None,
                    time_zone: None,
                };
                let made = tried(app, move |tx| planning::plan(tx, &plans, &new)).await;
                self.classes.extend(made.map(|class| class.id));
            }
            Step::Resize { which, capacity } => {
                let Some(id) = one(&self.classes, which) else { return };
                let patch = ClassPatch { capacity: Some(capacity), ..ClassPatch::default() };
                tried(app, move |tx| planning::edit(tx, &plans, id, &Expected::Any, &patch)).await;
            }
            Step::Move { which, by_hours } => {
                let Some(id) = one(&self.classes, which) else { return };
                let at = app.db.clock.now().plus(TimeDelta::hours(by_hours));
                let patch = ClassPatch { class_datetime: Some(at), ..ClassPatch::default() };
                tried(app, move |tx| planning::edit(tx, &plans, id, &Expected::Any, &patch)).await;
            }
            Step::CallOff { which } => {
                let Some(id) = one(&self.classes, which) else { return };
                tried(app, move |tx| planning::call_off(tx, &plans, id, &Expected::Any, "Snow")).await;
            }
            Step::Book { whom, which } => {
                let Some(id) = one(&self.classes, which) else { return };
                let can = self.member(whom).can::<Book>().expect("may");
                let made = tried(app, move |tx| bookings::book(tx, &can, id, None)).await;
                self.bookings.extend(made.filter(|made| made.is_new).map(|made| (made.booking.id, whom)));
            }
            Step::Cancel { which, by_club } => {
                let Some((id, whom)) = one(&self.bookings, which) else { return };
                let actor = if by_club { admin } else { self.member(whom) };
                let can = actor.can::<Book>().expect("may");
                tried(app, move |tx| bookings::cancel(tx, &can, id, None)).await;
            }
            Step::Switch { which, to } => {
                let (Some((id, whom)), Some(to)) = (one(&self.bookings, which), one(&self.classes, to))
                else {
                    return;
                };
                let can = self.member(whom).can::<Book>().expect("may");
                let made = tried(app, move |tx| bookings::move_to(tx, &can, id, to)).await;
                self.bookings.extend(made.map(|made| (made.booking.id, whom)));
            }
            Step::Mark { whom, which, mark } => {
                let Some(id) = one(&self.classes, which) else { return };
                let marks = [MarkOf { member_id: self.members[whom].id, status: mark }];
                tried(app, move |tx| attendance::mark(tx, &runs, id, &marks)).await;
            }
            Step::Complete { which } => {
                let Some(id) = one(&self.classes, which) else { return };
                tried(app, move |tx| complete(tx, &runs, id, &Expected::Any, None)).await;
            }
            Step::Sell { whom, count } => {
                let can = admin.can::<KeepBooks>().expect("may");
                let (amount, method) = (Minor(i64::from(count) * 700 + 1), Method::Cash);
                let lot = NewLot { count, amount, method, expires_on: None, date: None };
                let member = self.members[whom].id;
                if tried(app, move |tx| prepaid_fees().sell(tx, &can, member, &lot)).await.is_some() {
                    self.sold[whom] += i64::from(count);
                }
            }
            Step::Pay { coach } => {
                let can = admin.can::<KeepCoachPay>().expect("may");
                let id = self.coaches[coach].id;
                let new = NewPayout { amount: None, method: Method::Bank, date: None };
                if let Some(paid) = tried(app, move |tx| payouts::pay(tx, &can, id, &new)).await {
                    self.paid[coach] += paid.0.amount.0;
                }
            }
            Step::Suspend { whom } | Step::Reinstate { whom } => {
                let can = admin.can::<SuspendMembers>().expect("may");
                let request = MoveRequest {
                    member: self.members[whom].id,
                    expected: Expected::Any,
                    reason: Some("x".into()),
                };
                let (members, suspends) = (members(&app.accounts), matches!(step, Step::Suspend { .. }));
                tried(app, move |tx| match suspends {
                    true => members.suspend(tx, &can, &request),
                    false => members.reinstate(tx, &can, &request),
                })
                .await;
            }
            Step::Wait { hours } => {
                app.wait(TimeDelta::hours(hours));
                app.mails().await;
            }
            Step::Close => {
                let can = admin.can::<KeepBooks>().expect("may");
                let month = Month::of(app.db.clock.now().utc().date_naive()).previous();
                tried(app, move |tx| periods::close(tx, &can, month)).await;
            }
        }
    }

    /// What the bookings say is what members owe, which fees they have left, and what coaches earned.
    async fn everything_ties(&self, app: &TestApp, admin: &Person) {
        check(app).await;
        let all = |path: String| async move {
            let page = app.get(&path, admin).await;
            assert_eq!(page.body["has_more"], false, "{}", page.text);
            page.body["items"].as_array().expect("items").clone()
        };
        let costs = |it: &Value| {
            ["attended", "no_show", "late_cancelled"].iter().any(|status| it["status"] == *status)
        };
        for (member, sold) in self.members.iter().zip(&self.sold) {
            let bookings = all(format!("/api/bookings?limit=100&member_id={}", member.id)).await;
            let record = app.get(&format!("/api/members/{}", member.id), admin).await.body;
            let owed: i64 = bookings
                .iter()
                .filter(|it| costs(it) && it["prepaid"] == false)
                .filter_map(|it| it["fee"].as_i64())
                .sum();
            assert_eq!(record["balance"], owed);
            let used = bookings.iter().filter(|it| costs(it) && it["prepaid"] == true).count() as i64;
            assert_eq!(record["prepaid_fees"], sold - used);
            let reserved = bookings.iter().filter(|it| !costs(it) && it["prepaid"] == true).count();
            assert_eq!(record["prepaid_fees_reserved"], reserved);
            let attended = bookings.iter().filter(|it| it["status"] == "attended").count();
            assert_eq!(record["attendance_count"], attended);
        }
        for (coach, paid) in self.coaches.iter().zip(&self.paid) {
            let path = format!("/api/classes?limit=100&to=2100-01-01&coach_id={}", coach.id);
            let taught: Vec<_> =
                all(path).await.into_iter().filter(|it| it["status"] == "completed").collect();
            let mut earned = 0;
            for class in &taught {
                let roster = app.get(&format!("/api/classes/{}/attendance", class["id"]), admin).await.body;
                let there = roster["items"].as_array().expect("items").iter();
                let heads = there.filter(|line| line["status"] == "attended").count() as i64;
                earned += PER_CLASS + PER_HEAD * heads;
            }
            let record = app.get(&format!("/api/coaches/{}", coach.id), admin).await.body;
            assert_eq!(record["payment_balance"], earned - paid, "{record}");
            assert_eq!(record["classes_taught_total"], taught.len());
        }
    }
}

each_engine! {
    async fn whatever_happens_in_a_club_everything_ties(club: ClassClub) {
        let app = club.0;
        let admin = app.people.admin().await;
        // The same on every run: what fails once fails again.
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let mut runner = TestRunner::new_with_rng(Config { failure_persistence: None, ..Config::default() }, rng);
        for _ in 0..4 {
            let steps = prop::collection::vec(step(), 200).new_tree(&mut runner).expect("steps").current();
            let (mut members, mut coaches) = (Vec::new(), Vec::new());
            for _ in 0..MEMBERS {
                members.push(app.people.member().await);
            }
            for _ in 0..2 {
                let coach = app.people.coach().await;
                let terms = json!({"starts_on": "2020-01-01", "per_class": PER_CLASS, "per_head": PER_HEAD, "heads_above": 0});
                let set = app.post(&format!("/api/coaches/{}/terms", coach.id), &admin, terms).await;
                assert_eq!(set.status, 201, "{}", set.text);
                coaches.push(coach);
            }
            let mut club = Club {
                admin: Actor::new(admin.id, Roles::of([Role::Admin]), Origin::default()),
                members, coaches, classes: Vec::new(), bookings: Vec::new(), sold: vec![0; MEMBERS], paid: vec![0; 2],
            };
            for step in steps {
                club.take_step(&app, step).await;
            }
            club.everything_ties(&app, &admin).await;
            assert!(club.bookings.len() > 15 && club.classes.len() > 8, "{} {}", club.bookings.len(), club.classes.len());
        }
    }
}
