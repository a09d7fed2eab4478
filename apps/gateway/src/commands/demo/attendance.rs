//! In a class: who was there, and what they thought of it.

use chrono::TimeDelta;
use muster_auth::permissions::{RateClasses, RunClasses};
use muster_classes::attendance::{self, Mark, MarkOf};
use muster_classes::{BookingStatus, ClassId, ClassStatus, complete, ratings};
use muster_kernel::fault::Fault;
use muster_kernel::{Expected, UserId};

use super::cast::{KATHARINA, Who};
use super::chance::Chance;
use super::stage::Stage;

/// What happens in a class, or soon after.
#[derive(Debug)]
pub(super) enum Event {
    /// The coach takes attendance, and ends the class.
    Taken(ClassId),
    /// Somebody who did not come has told why; they need not pay.
    Corrected(ClassId, UserId),
    /// Some say how they liked it.
    Rated(ClassId, Vec<Who>),
}

/// Has it happen.
pub(super) async fn happen(stage: &mut Stage, event: Event) -> Result<(), Fault> {
    match event {
        Event::Taken(class) => take(stage, class).await,
        Event::Corrected(class, member) => correct(stage, class, member).await,
        Event::Rated(class, by) => rate(stage, class, by).await,
    }
}

async fn take(stage: &mut Stage, id: ClassId) -> Result<(), Fault> {
    let can = stage.can::<RunClasses>(KATHARINA)?;
    let (class, roster) = stage.read(move |conn| attendance::roster(conn, &can, id)).await?;
    let mut chance = Chance::of(&format!("class {id}"));
    // Sometimes a coach forgets: a day later the clock ends the class.
    if class.status != ClassStatus::Scheduled || chance.percent(6) {
        return Ok(());
    }
    let booked = roster.iter().filter(|line| line.status == BookingStatus::Booked);
    let marks: Vec<MarkOf> = booked
        .map(|line| {
            let status = match chance.among(0..=99) {
                0..=5 => Mark::NoShow,
                6..=10 => Mark::Excused,
                _ => Mark::Attended,
            };
            MarkOf { member_id: line.member_id, status }
        })
        .collect();
    let coach = stage.cast.by_id(class.coach_id).unwrap_or(KATHARINA);
    let can = stage.can::<RunClasses>(coach)?;
    let told = marks.clone();
    stage
        .write(move |tx| {
            if !told.is_empty() {
                attendance::mark(tx, &can, id, &told)?;
            }
            complete(tx, &can, id, &Expected::Any, None).map(drop)
        })
        .await?;
    let now = stage.db.clock().now();
    let came: Vec<Who> = marks
        .iter()
        .filter(|mark| mark.status == Mark::Attended)
        .filter_map(|mark| stage.cast.by_id(mark.member_id))
        .filter(|who| stage.cast[*who].speaks() && chance.percent(28))
        .collect();
    if !came.is_empty() {
        stage.timeline.add(now.plus(TimeDelta::hours(13)), Event::Rated(id, came));
    }
    let missed = marks.iter().find(|mark| mark.status == Mark::NoShow);
    if let Some(missed) = missed.filter(|_| chance.percent(15)) {
        stage.timeline.add(now.plus(TimeDelta::hours(20)), Event::Corrected(id, missed.member_id));
    }
    Ok(())
}

async fn correct(stage: &Stage, id: ClassId, member: UserId) -> Result<(), Fault> {
    let can = stage.can::<RunClasses>(KATHARINA)?;
    let marks = [MarkOf { member_id: member, status: Mark::Excused }];
    stage.write(move |tx| attendance::mark(tx, &can, id, &marks).map(drop)).await
}

async fn rate(stage: &Stage, id: ClassId, by: Vec<Who>) -> Result<(), Fault> {
    let mut chance = Chance::of(&format!("how class {id} was"));
    let mut given = Vec::new();
    for who in by.into_iter().filter(|who| stage.cast[*who].is_active) {
        let stars = [5, 5, 5, 5, 4, 4, 4, 3, 3, 2];
        let stars = chance.some(1, &stars).first().copied().unwrap_or(5);
        given.push((stage.can::<RateClasses>(who)?, stars));
    }
    stage
        .write(move |tx| {
            for (can, stars) in &given {
                ratings::rate(tx, can, id, *stars)?;
            }
            Ok(())
        })
        .await
}
