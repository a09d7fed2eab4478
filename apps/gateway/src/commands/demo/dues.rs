//! What members owe: plans and who pays by which, the runs of the months, and charges by hand.

use std::collections::BTreeMap;

use chrono::{Datelike, Days as Count};
use muster_auth::permissions::{EditPlans, KeepBooks, RunDues};
use muster_finance::charges::{self, NewCharge};
use muster_kernel::fault::Fault;
use muster_kernel::{Expected, Minor, UserId};
use muster_members::dues::{self, NewDuesRun};
use muster_members::plans::{self, Every, NewPlan, PlanId};

use super::cast::{JONAS, Who};
use super::chance::Chance;
use super::stage::Stage;
use super::term::JUDO_FOR_CHILDREN;

/// Members who are put on their plans, or charged, at once: on SQLite everybody else waits meanwhile.
const AT_ONCE: usize = 8;

/// By what somebody pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Paying {
    Adults,
    Young,
    Students,
    Supporters,
    Nothing,
}

impl Paying {
    const ALL: [Paying; 5] =
        [Paying::Adults, Paying::Young, Paying::Students, Paying::Supporters, Paying::Nothing];

    fn plan(self) -> NewPlan {
        let (name, price, every, grace_days, prorate) = match self {
            Paying::Adults => ("Adults", 2500, Every::Month, 10, true),
            Paying::Young => ("Children and young people", 1200, Every::Month, 10, true),
            Paying::Students => ("Students", 1600, Every::Month, 10, true),
            Paying::Supporters => ("Supporters", 6000, Every::Year, 30, false),
            Paying::Nothing => ("Coaches and honorary members", 0, Every::Month, 0, false),
        };
        NewPlan { name: name.into(), price: Minor(price), every, grace_days, prorate }
    }
}

/// The plans that there are.
pub(super) type Plans = BTreeMap<Paying, PlanId>;

/// What happens to what members owe.
#[derive(Debug)]
pub(super) enum Event {
    /// The plans are made, and everybody is put on theirs.
    MakesPlans,
    /// A month or a year is charged.
    Runs(String),
    /// Some of them buy something.
    Charges(&'static [NewThing]),
}

/// Something that members are charged for by hand.
#[derive(Debug)]
pub(super) struct NewThing {
    text: &'static str,
    price: i64,
    account: &'static str,
    /// So many are charged.
    count: usize,
    /// Only the children who do judo.
    for_judo: bool,
}

const SHIRTS: [NewThing; 1] =
    [NewThing { text: "Club shirt", price: 1800, account: "kit", count: 14, for_judo: false }];
const GRADING: [NewThing; 1] =
    [NewThing { text: "Grading fee, judo", price: 1000, account: "other", count: 9, for_judo: true }];

/// Says when dues are charged: each month on its first day.
pub(super) fn plan(stage: &mut Stage) {
    let days = stage.days;
    stage.timeline.add(days.at(days.first() - Count::new(8), 9, 0), Event::MakesPlans);
    for (place, month) in days.months().into_iter().enumerate() {
        let first = month.first_day();
        stage.timeline.add(days.at(first, 7, 0), Event::Runs(month.to_string()));
        // Supporters pay for a year: for that in which the demo begins, and for one that begins in it.
        if place == 0 || first.month() == 1 {
            stage.timeline.add(days.at(first, 7, 30), Event::Runs(first.year().to_string()));
        }
    }
    stage.timeline.add(days.at(days.of_month(1, 12), 20, 15), Event::Charges(&SHIRTS));
    stage.timeline.add(days.at(days.of_month(2, 16), 18, 0), Event::Charges(&GRADING));
}

/// Has it happen.
pub(super) async fn happen(stage: &mut Stage, event: Event) -> Result<(), Fault> {
    match event {
        Event::MakesPlans => {
            make_plans(stage).await?;
            let there = stage.cast.those(|it| it.id.is_some());
            put_on_plans(stage, &there).await
        }
        Event::Runs(period) => run(stage, period).await,
        Event::Charges(things) => {
            for thing in things {
                charge(stage, thing).await?;
            }
            Ok(())
        }
    }
}

async fn make_plans(stage: &mut Stage) -> Result<(), Fault> {
    let can = stage.can::<EditPlans>(JONAS)?;
    for paying in Paying::ALL {
        let (can, new) = (can.clone(), paying.plan());
        let plan = stage.write(move |tx| plans::create(tx, &can, &new)).await?;
        stage.plans.insert(paying, plan.id);
    }
    Ok(())
}

/// Puts people on the plans they pay by, once there are any.
pub(super) async fn put_on_plans(stage: &Stage, these: &[Who]) -> Result<(), Fault> {
    let can = stage.can::<EditPlans>(JONAS)?;
    for some in these.chunks(AT_ONCE) {
        let mut wanted: Vec<(PlanId, UserId)> = Vec::new();
        for who in some {
            if let Some(plan) = stage.plans.get(&stage.cast[*who].paying) {
                wanted.push((*plan, stage.id(*who)?));
            }
        }
        // A plan is locked before the members on it.
        wanted.sort_unstable();
        let can = can.clone();
        stage
            .write(move |tx| {
                for (plan, member) in &wanted {
                    plans::put_on(tx, &can, *member, &Expected::Any, Some(*plan))?;
                }
                Ok(())
            })
            .await?;
    }
    Ok(())
}

async fn run(stage: &Stage, period: String) -> Result<(), Fault> {
    let can = stage.can::<RunDues>(JONAS)?;
    let new = NewDuesRun { plan_id: None, period };
    stage.write(move |tx| dues::start(tx, &can, &new).map(drop)).await?;
    stage.jobs.go_on().await
}

async fn charge(stage: &Stage, thing: &'static NewThing) -> Result<(), Fault> {
    let whom = stage.cast.those(|it| match thing.for_judo {
        true => it.is_active && it.courses.contains(&JUDO_FOR_CHILDREN),
        false => it.speaks() && !it.courses.is_empty(),
    });
    let can = stage.can::<KeepBooks>(JONAS)?;
    for some in Chance::of(thing.text).some(thing.count, &whom).chunks(AT_ONCE) {
        let mut members = some.iter().map(|who| stage.id(*who)).collect::<Result<Vec<_>, _>>()?;
        members.sort_unstable();
        let can = can.clone();
        stage
            .write(move |tx| {
                let new = NewCharge {
                    amount: Minor(thing.price),
                    account: thing.account.into(),
                    text: thing.text.into(),
                    date: None,
                    due_on: None,
                };
                for member in &members {
                    charges::charge(tx, &can, *member, &new)?;
                }
                Ok(())
            })
            .await?;
    }
    Ok(())
}
