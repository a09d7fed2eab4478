//! Who comes: regulars book for weeks ahead, some give their place back, and what there is once is wanted by many.

use chrono::{Days as Count, TimeDelta};
use muster_auth::Roles;
use muster_auth::permissions::{Book, ReadBookings};
use muster_classes::bookings::{self, Made};
use muster_classes::{BookingId, BookingStatus, Class, ClassId};
use muster_kernel::Timestamp;
use muster_kernel::fault::Fault;

use super::cast::{EMIL, Fate, KATHARINA, LENA, MIA, NELE, Who};
use super::chance::Chance;
use super::stage::Stage;
use super::term::{BACK_FITNESS, Course, JUDO, JUDO_FOR_CHILDREN, ONCE, YOGA_FOR_BEGINNERS};

/// So often people look what they could book, in days …
const EVERY: u64 = 14;
/// … and so far ahead they book.
const AHEAD: u64 = 21;
/// Somebody comes to so many courses at most.
const MOST_COURSES: usize = 2;
/// What the leads come to.
const OF_LEADS: [(Who, Course); 7] = [
    (LENA, YOGA_FOR_BEGINNERS),
    (LENA, BACK_FITNESS),
    (EMIL, JUDO_FOR_CHILDREN),
    (MIA, JUDO_FOR_CHILDREN),
    (NELE, JUDO),
    (KATHARINA, BACK_FITNESS),
    (KATHARINA, YOGA_FOR_BEGINNERS),
];

/// What happens to who comes.
#[derive(Debug)]
pub(super) enum Event {
    /// Somebody books what they come to in the next days.
    BooksAhead(Who),
    /// Somebody books one class.
    Books(Who, ClassId),
    /// Somebody gives a place back.
    GivesBack(Who, BookingId),
}

/// Says who comes to what, and when they book.
pub(super) fn plan(stage: &mut Stage) {
    find_regulars(stage);
    let days = stage.days;
    let mut chance = Chance::of("when people book");
    for who in stage.cast.those(|it| !it.courses.is_empty()) {
        let mut day = days.first() - Count::new(3) + Count::new(chance.among(0..=13).into());
        while day <= days.today {
            let at = days.at(day, chance.among(8..=22), chance.among(0..=59));
            stage.timeline.add(at, Event::BooksAhead(who));
            day = day + Count::new(EVERY);
        }
    }
}

/// Everybody who is of the right age and there the whole time may be a regular of something.
fn find_regulars(stage: &mut Stage) {
    let today = stage.days.today;
    for (who, course) in OF_LEADS {
        stage.cast[who].courses.push(course);
    }
    let mut chance = Chance::of("who comes to what");
    for course in Course::all() {
        let taught = course.taught();
        let there = stage.cast.those(|it| it.courses.contains(&course)).len();
        let mut fit = stage.cast.those(|it| {
            let takes_part = !matches!(it.fate, Fate::Pending | Fate::Rejected) && it.to_be == Roles::MEMBER;
            takes_part && it.courses.len() < MOST_COURSES && taught.ages.contains(&it.age(today))
        });
        fit.retain(|who| !is_lead(*who));
        for who in chance.some(taught.regulars.saturating_sub(there), &fit) {
            stage.cast[who].courses.push(course);
        }
    }
}

fn is_lead(who: Who) -> bool {
    OF_LEADS.iter().any(|(lead, _)| *lead == who)
}

/// Has it happen.
pub(super) async fn happen(stage: &mut Stage, event: Event) -> Result<(), Fault> {
    match event {
        Event::BooksAhead(who) => book_ahead(stage, who).await,
        Event::Books(who, class) => book(stage, who, vec![class]).await,
        Event::GivesBack(who, booking) => give_back(stage, who, booking).await,
    }
}

async fn book_ahead(stage: &mut Stage, who: Who) -> Result<(), Fault> {
    if !stage.cast[who].is_active {
        return Ok(());
    }
    let today = stage.days.day_of(stage.db.clock().now());
    let mut chance = Chance::of(&format!("{who:?} on {}", today - stage.days.first()));
    let (after, through) = (stage.cast[who].booked_through.max(today), today + Count::new(AHEAD));
    stage.cast[who].booked_through = through;
    let mut wanted = Vec::new();
    for course in &stage.cast[who].courses {
        for session in stage.timetable.between(*course, after, through) {
            // Whoever is asked to sign in as somebody wants to see something.
            if who == LENA || chance.percent(82) {
                wanted.push(session.id);
            }
        }
    }
    // Classes are locked in the order of their numbers.
    wanted.sort_unstable();
    book(stage, who, wanted).await
}

async fn book(stage: &mut Stage, who: Who, wanted: Vec<ClassId>) -> Result<(), Fault> {
    if wanted.is_empty() || !stage.cast[who].is_active {
        return Ok(());
    }
    let (can, member) = (stage.can::<Book>(stage.cast.acts_for(who))?, stage.id(who)?);
    let made = stage
        .write(move |tx| {
            let each = wanted.iter().map(|class| bookings::book(tx, &can, *class, Some(member)));
            each.collect::<Result<Vec<Made>, Fault>>()
        })
        .await?;
    for Made { booking, class, .. } in made {
        may_give_back(stage, who, booking.id, &class);
    }
    Ok(())
}

/// Now and then something comes between, in time or too late.
fn may_give_back(stage: &mut Stage, who: Who, booking: BookingId, class: &Class) {
    let mut chance = Chance::of(&format!("what comes between {booking}"));
    let hours = match chance.among(0..=99) {
        _ if who == LENA => return,
        0..=5 => chance.among(30..=90),
        6..=7 => chance.among(3..=10),
        _ => return,
    };
    let at = class.starts_at.plus(-TimeDelta::hours(hours.into()));
    if at > stage.db.clock().now() {
        stage.timeline.add(at, Event::GivesBack(who, booking));
    }
}

async fn give_back(stage: &Stage, who: Who, id: BookingId) -> Result<(), Fault> {
    let by = stage.cast.acts_for(who);
    let (can, can_read) = (stage.can::<Book>(by)?, stage.can::<ReadBookings>(by)?);
    stage
        .write(move |tx| {
            let now = tx.now();
            // It may have ended otherwise meanwhile: the class was called off, or they left.
            let (booking, class) = bookings::find(tx, &can_read, id, now)?;
            let holds = matches!(booking.status, BookingStatus::Booked | BookingStatus::Waitlisted);
            if holds && !class.has_begun(now) {
                bookings::cancel(tx, &can, id, None)?;
            }
            Ok(())
        })
        .await
}

/// Somebody planned a class that there is once: members book it in the days after. Lena is late.
pub(super) fn is_planned(stage: &mut Stage, place: usize, class: &Class) {
    let once = &ONCE[place];
    let mut chance = Chance::of(once.title);
    let mut wanted_by = stage.cast.those(|it| it.speaks() && it.age(stage.days.today) >= 18);
    wanted_by.retain(|who| !is_lead(*who));
    let now = stage.db.clock().now();
    for who in chance.some(once.wanted_by, &wanted_by) {
        let days = chance.among(0..=once.planned.saturating_sub(12));
        let at = now.plus(TimeDelta::minutes((days * 24 * 60 + chance.among(20..=600)).into()));
        stage.timeline.add(at, Event::Books(who, class.id));
    }
    if once.fee > 0 {
        let late: Timestamp = stage.days.minutes_ago(3 * 24 * 60 + 77);
        stage.timeline.add(late, Event::Books(LENA, class.id));
    }
}
