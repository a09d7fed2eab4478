//! The coaches: who they are, when they are there, what they are paid for a class, and what is paid out.

use chrono::Days as Count;
use muster_auth::permissions::{EditCoaches, KeepCoachPay, MakeCoaches, RunPayroll};
use muster_coaches::availability::{self, Availability};
use muster_coaches::payouts::{self, NewPayout};
use muster_coaches::payroll::{self, NewPayrollRun};
use muster_coaches::profile::{self, NewCoach};
use muster_coaches::terms::{self, NewTerms};
use muster_finance::Month;
use muster_finance::accounts::Method;
use muster_kernel::fault::Fault;
use muster_kernel::{Expected, Minor};
use serde_json::json;

use super::cast::{AYLIN, HENRIK, INES, JONAS, KATHARINA, MIRIAM, STEFAN, TOMASZ, Who};
use super::stage::Stage;

/// What happens to what coaches earn.
#[derive(Debug)]
pub(super) enum Event {
    /// A coach introduces themselves, and is told what they are paid.
    Begins(&'static Coach),
    /// What was earned in a month is paid.
    Pays(Month),
    /// One of them needs a part of it sooner.
    PaysAhead(Who, i64),
}

/// A coach.
#[derive(Debug)]
pub(super) struct Coach {
    who: Who,
    public_name: Option<&'static str>,
    bio: &'static str,
    specialities: &'static [&'static str],
    /// When they are there: a day, from, until.
    there: &'static [(&'static str, &'static str, &'static str)],
    /// For a class, for each head above a number, and that number.
    pay: (i64, i64, i32),
}

const COACHES: [Coach; 6] = [
    Coach {
        who: TOMASZ,
        public_name: None,
        bio: "Second dan, has taught children for fifteen years. Falls well, and teaches it first.",
        specialities: &["Judo", "Children", "Self-defence"],
        there: &[("tuesday", "16:00", "21:00"), ("saturday", "09:00", "18:00"), ("sunday", "09:00", "18:00")],
        pay: (3_000, 100, 8),
    },
    Coach {
        who: INES,
        public_name: Some("Ines"),
        bio: "Yoga teacher with 500 hours of training, and a soft spot for stiff backs.",
        specialities: &["Yoga", "Breathing"],
        there: &[("monday", "18:00", "21:00"), ("wednesday", "19:00", "22:00")],
        pay: (4_500, 0, 0),
    },
    Coach {
        who: MIRIAM,
        public_name: None,
        bio: "Physiotherapist by day, back fitness by night, the books in between.",
        specialities: &["Back fitness", "Rehabilitation"],
        there: &[("thursday", "17:30", "19:30")],
        pay: (3_500, 0, 0),
    },
    Coach {
        who: HENRIK,
        public_name: None,
        bio: "Played in the regional league until the knee said no.",
        specialities: &["Badminton"],
        there: &[],
        pay: (2_500, 0, 0),
    },
    Coach {
        who: AYLIN,
        public_name: Some("Aylin D."),
        bio: "Teaches sports at the primary school, and builds the best obstacle courses in town.",
        specialities: &["Gymnastics", "Children"],
        there: &[("wednesday", "15:00", "17:30"), ("thursday", "17:00", "20:00")],
        pay: (2_800, 150, 10),
    },
    Coach {
        who: STEFAN,
        public_name: None,
        bio: "Runs marathons, and promises that nobody else has to.",
        specialities: &["Running", "Strength"],
        there: &[],
        pay: (3_200, 200, 6),
    },
];

/// Says when coaches begin, and when they are paid.
pub(super) fn plan(stage: &mut Stage) {
    let days = stage.days;
    for coach in &COACHES {
        stage.timeline.add(days.at(days.first() - Count::new(7), 18, 0), Event::Begins(coach));
    }
    for month in days.months() {
        let paid_on = month.next().first_day() + Count::new(4);
        stage.timeline.add(days.at(paid_on, 19, 0), Event::Pays(month));
    }
    stage.timeline.add(days.at(days.of_month(2, 22), 12, 0), Event::PaysAhead(TOMASZ, 5_000));
}

/// Has it happen.
pub(super) async fn happen(stage: &Stage, event: Event) -> Result<(), Fault> {
    match event {
        Event::Begins(coach) => begin(stage, coach).await,
        Event::Pays(month) => {
            let can = stage.can::<RunPayroll>(JONAS)?;
            let new = NewPayrollRun { through: month.last_day(), method: Some(Method::Bank) };
            stage.write(move |tx| payroll::start(tx, &can, &new).map(drop)).await?;
            stage.jobs.go_on().await
        }
        Event::PaysAhead(who, amount) => {
            let (can, coach) = (stage.can::<KeepCoachPay>(JONAS)?, stage.id(who)?);
            let new = NewPayout { amount: Some(Minor(amount)), method: Method::Cash, date: None };
            stage.write(move |tx| payouts::pay(tx, &can, coach, &new).map(drop)).await
        }
    }
}

async fn begin(stage: &Stage, coach: &'static Coach) -> Result<(), Fault> {
    let id = stage.id(coach.who)?;
    let can_make = stage.can::<MakeCoaches>(KATHARINA)?;
    let can_edit = stage.can::<EditCoaches>(coach.who)?;
    let can_pay = stage.can::<KeepCoachPay>(JONAS)?;
    let weekly: Vec<_> = coach
        .there
        .iter()
        .map(|(weekday, from, until)| json!({"weekday": weekday, "from": from, "until": until}))
        .collect();
    let there: Availability =
        serde_json::from_value(json!({"weekly": weekly, "exceptions": []})).map_err(Fault::internal)?;
    let starts_on = stage.days.first();
    stage
        .write(move |tx| {
            let new = NewCoach {
                user_id: id,
                public_name: coach.public_name.map(str::to_owned),
                bio: Some(coach.bio.to_owned()),
                specialities: Some(coach.specialities.iter().map(|it| (*it).to_owned()).collect()),
            };
            profile::create(tx, &can_make, &new)?;
            availability::set(tx, &can_edit, id, &Expected::Any, &there)?;
            let (per_class, per_head, heads_above) = coach.pay;
            let new = NewTerms {
                starts_on,
                per_class: Minor(per_class),
                per_head: Some(Minor(per_head)),
                heads_above: Some(heads_above),
                minimum: None,
                maximum: None,
            };
            terms::set(tx, &can_pay, id, &new).map(drop)
        })
        .await
}
