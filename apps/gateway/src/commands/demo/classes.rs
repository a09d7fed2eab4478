//! What is taught: the courses are planned, and now and then one is called off or taught by somebody else.

use chrono::{Datelike, Days as Count, NaiveDate, TimeDelta};
use muster_auth::permissions::{PlanClasses, ReadClasses};
use muster_classes::planning::{self, ClassPatch, NewClass};
use muster_classes::series::{self, NewSeries};
use muster_classes::timetable::{self, Bound, Filter};
use muster_classes::{Class, ClassStatus};
use muster_kernel::fault::Fault;
use muster_kernel::page::PageRequest;
use muster_kernel::{Expected, Minor};

use super::cast::{AYLIN, HENRIK, KATHARINA, Who};
use super::stage::Stage;
use super::term::{BACK_FITNESS, Course, FUNCTIONAL_TRAINING, ONCE, YOGA_FOR_BEGINNERS};
use super::timetable::Session;
use super::{attendance, bookings};

/// What happens to what is taught.
#[derive(Debug)]
pub(super) enum Event {
    /// A course is planned.
    Plans(Course),
    /// Somebody looks what comes.
    LooksAhead,
    /// A class is planned that there is once.
    PlansOnce(usize),
    /// It is called off.
    CallsOffOnce(usize, &'static str),
    /// The class of a course on a day is called off.
    CallsOff(Course, NaiveDate, &'static str),
    /// Somebody else teaches it.
    Substitutes(Course, NaiveDate, Who),
}

/// Says what is planned when.
pub(super) fn plan(stage: &mut Stage) {
    let days = stage.days;
    for course in Course::all() {
        stage.timeline.add(days.at(days.first() - Count::new(6), 20, 0), Event::Plans(course));
    }
    let mut week = days.first() - Count::new(5);
    while week <= days.today {
        stage.timeline.add(days.at(week, 5, 0), Event::LooksAhead);
        week = week + Count::new(7);
    }
    for (place, once) in ONCE.iter().enumerate() {
        let day = days.today + TimeDelta::days(once.in_days);
        stage.timeline.add(days.at(day - Count::new(once.planned.into()), 19, 30), Event::PlansOnce(place));
        if let Some(why) = once.called_off {
            stage.timeline.add(days.minutes_ago(19 * 60), Event::CallsOffOnce(place, why));
        }
    }
    let on = |course: Course, near: NaiveDate| on_its_day(course, near);
    let yoga = on(YOGA_FOR_BEGINNERS, days.of_month(1, 14));
    let ill = "Ines is ill. Rest well, and see you next week.";
    stage.timeline.add(days.at(yoga, 8, 10), Event::CallsOff(YOGA_FOR_BEGINNERS, yoga, ill));
    let hard = on(FUNCTIONAL_TRAINING, days.of_month(2, 8));
    stage
        .timeline
        .add(days.at(hard - Count::new(3), 21, 0), Event::Substitutes(FUNCTIONAL_TRAINING, hard, HENRIK));
    let back = on(BACK_FITNESS, days.today + Count::new(2));
    stage.timeline.add(days.minutes_ago(26 * 60), Event::Substitutes(BACK_FITNESS, back, AYLIN));
}

/// The first day of a course on or after another.
fn on_its_day(course: Course, near: NaiveDate) -> NaiveDate {
    let first = course.taught().days[0];
    let ahead = (7 + first.num_days_from_monday() - near.weekday().num_days_from_monday()) % 7;
    near + Count::new(ahead.into())
}

/// Has it happen.
pub(super) async fn happen(stage: &mut Stage, event: Event) -> Result<(), Fault> {
    match event {
        Event::Plans(course) => plan_course(stage, course).await,
        Event::LooksAhead => look_ahead(stage).await,
        Event::PlansOnce(place) => plan_once(stage, place).await,
        Event::CallsOffOnce(place, why) => match stage.timetable.once(place) {
            Some(class) => call_off(stage, class.clone(), why).await,
            None => Ok(()),
        },
        Event::CallsOff(course, day, why) => match class_on(stage, course, day).await? {
            Some(class) => {
                stage.timetable.loses(class.id);
                call_off(stage, class, why).await
            }
            None => Ok(()),
        },
        Event::Substitutes(course, day, who) => substitute(stage, course, day, who).await,
    }
}

async fn plan_course(stage: &mut Stage, course: Course) -> Result<(), Fault> {
    let taught = course.taught();
    let can = stage.can::<PlanClasses>(taught.coach)?;
    let (hour, minute) = taught.from;
    let begins = on_its_day(course, stage.days.first());
    let new = NewSeries {
        class_title: taught.title.into(),
        coach_id: None,
        duration_minutes: taught.minutes,
        location: taught.location.into(),
        capacity: taught.capacity,
        fee: Minor(taught.fee),
        description: Some(taught.description.into()),
        time_zone: None,
        rrule: taught.rule(),
        local_start: format!("{begins}T{hour:02}:{minute:02}:00"),
    };
    let planned = stage.write(move |tx| series::plan(tx, &can, &new)).await?.series;
    stage.timetable.has_series(course, planned.id, planned.room_id);
    Ok(())
}

/// The classes of a series within some days. Whoever asks has none of their own: they would be told who comes.
async fn classes_of(
    stage: &Stage,
    series: muster_classes::SeriesId,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<Vec<Class>, Fault> {
    let can = stage.can::<ReadClasses>(super::cast::LENA)?;
    let mut filter = Filter::default();
    (filter.from, filter.to, filter.series_id) = (Some(Bound::Day(from)), Some(Bound::Day(to)), Some(series));
    let page = PageRequest::read("classes", Some(100), None)?;
    let now = stage.db.clock().now();
    let seen = stage.read(move |conn| timetable::list(conn, &can, &filter, now, &page)).await?;
    Ok(seen.into_iter().map(|it| it.class).filter(|it| it.status == ClassStatus::Scheduled).collect())
}

/// Takes up the classes of the next four weeks; attendance is taken in each of them.
async fn look_ahead(stage: &mut Stage) -> Result<(), Fault> {
    let today = stage.days.day_of(stage.db.clock().now());
    let all: Vec<_> = stage.timetable.series().collect();
    for (course, series) in all {
        for class in classes_of(stage, series, today, today + Count::new(28)).await? {
            let session = Session { id: class.id, course, starts: class.starts_at, ends: class.ends_at };
            if stage.timetable.has(session) {
                stage
                    .timeline
                    .add(session.ends.plus(TimeDelta::minutes(5)), attendance::Event::Taken(class.id));
            }
        }
    }
    Ok(())
}

async fn class_on(stage: &Stage, course: Course, day: NaiveDate) -> Result<Option<Class>, Fault> {
    let series = stage.timetable.series().find(|(its, _)| *its == course);
    let Some((_, series)) = series else { return Ok(None) };
    Ok(classes_of(stage, series, day, day).await?.into_iter().next())
}

async fn plan_once(stage: &mut Stage, place: usize) -> Result<(), Fault> {
    let once = &ONCE[place];
    let days = stage.days;
    let (hour, minute) = once.from;
    let starts = days.at(days.today + TimeDelta::days(once.in_days), hour, minute);
    let can = stage.can::<PlanClasses>(once.coach)?;
    let new = NewClass {
        class_title: once.title.into(),
        coach_id: None,
        class_datetime: starts,
        duration_minutes: once.minutes,
        location: once.location.into(),
        capacity: once.capacity,
        fee: Minor(once.fee),
        description: Some(once.description.into()),
        time_zone: None,
    };
    let class = stage.write(move |tx| planning::plan(tx, &can, &new)).await?;
    bookings::is_planned(stage, place, &class);
    stage.timeline.add(class.ends_at.plus(TimeDelta::minutes(5)), attendance::Event::Taken(class.id));
    stage.timetable.has_once(place, class);
    Ok(())
}

async fn call_off(stage: &Stage, class: Class, why: &'static str) -> Result<(), Fault> {
    let can = stage.can::<PlanClasses>(KATHARINA)?;
    stage.write(move |tx| planning::call_off(tx, &can, class.id, &Expected::Any, why).map(drop)).await
}

async fn substitute(stage: &Stage, course: Course, day: NaiveDate, who: Who) -> Result<(), Fault> {
    let Some(class) = class_on(stage, course, day).await? else { return Ok(()) };
    let can = stage.can::<PlanClasses>(KATHARINA)?;
    let patch = ClassPatch { coach_id: Some(stage.id(who)?), ..ClassPatch::default() };
    stage.write(move |tx| planning::edit(tx, &can, class.id, &Expected::Any, &patch).map(drop)).await
}
