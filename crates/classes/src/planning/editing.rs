//! Changing a class that was planned, with all that follows from it.

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use muster_auth::permissions::PlanClasses;
use muster_auth::{Can, people};
use muster_chat::class_rooms;
use muster_coaches::check_coach;
use muster_kernel::audit::{self, Event};
use muster_kernel::db::{DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::patch::present;
use muster_kernel::{Expected, Fields, Minor, Timestamp, UserId};
use serde::Deserialize;

use super::{Checked, OBJECT, check_start, coach_overlap, must_be_to_come, span, zone};
use crate::class::{Class, ClassId, ClassStatus};
use crate::letters::{self, ClassNews};
use crate::schema::classes;
use crate::seats::Seats;
use crate::whose::must_be_theirs;
use crate::{chat_rooms, moving, queries, recurrence, words};

/// What is to change of a class; what is absent stays.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct ClassPatch {
    /// What it is called.
    #[cfg_attr(feature = "http", schema(min_length = 1, max_length = 120))]
    pub class_title: Option<String>,
    /// Who teaches it: a substitute.
    pub coach_id: Option<UserId>,
    /// When it starts. What is booked moves along, and is free to cancel for 24 hours.
    pub class_datetime: Option<Timestamp>,
    /// How long it is.
    #[cfg_attr(feature = "http", schema(minimum = 1, maximum = 1440))]
    pub duration_minutes: Option<i32>,
    /// Where it is.
    #[cfg_attr(feature = "http", schema(min_length = 1, max_length = 120))]
    pub location: Option<String>,
    /// How many places it has: never fewer than are taken. New ones go to those in line.
    #[cfg_attr(feature = "http", schema(minimum = 1, maximum = 10_000))]
    pub capacity: Option<i32>,
    /// What a place costs from now on; what is booked stays as it is.
    #[cfg_attr(feature = "http", schema(minimum = 0, maximum = 100_000_000))]
    pub fee: Option<Minor>,
    /// More about it; null takes it away.
    #[serde(default, deserialize_with = "present")]
    #[cfg_attr(feature = "http", schema(value_type = Option<String>, min_length = 1, max_length = 4000))]
    pub description: Option<Option<String>>,
    /// The IANA time zone it is planned in.
    #[cfg_attr(feature = "http", schema(max_length = 64))]
    pub time_zone: Option<String>,
}

/// Changes a class; a change that changes nothing leaves no trace. Of a session of a series, what is changed here stays
/// when the series is edited.
///
/// # Errors
/// When it is not the caller's, not as they saw it, over or off, a field is wrong, there are fewer places than are
/// taken, or the coach teaches another class at that time.
pub fn edit(
    tx: &mut Tx<'_>,
    can: &Can<PlanClasses>,
    id: ClassId,
    expected: &Expected,
    patch: &ClassPatch,
) -> Result<Class, Fault> {
    let before = queries::lock(tx, id)?;
    must_be_theirs::<PlanClasses>(can.actor(), &before)?;
    expected.allows(before.version)?;
    must_be_to_come(&before)?;
    let now = tx.now();
    let mut after = before.clone();
    let mut fields = Fields::new();
    patch.apply(&mut after, &mut fields);
    let moved = after.starts_at != before.starts_at;
    if moved {
        if before.has_begun(now) {
            return Err(Fault::new(Code::InvalidState, "This class has begun; its time stays."));
        }
        check_start(after.starts_at, now, &mut fields);
    }
    if after.coach_id != before.coach_id {
        check_coach(tx, "/coach_id", after.coach_id, &mut fields)?;
    }
    fields.done()?;
    if after == before {
        return Ok(before);
    }
    apply(tx, can, &before, after, true)
}

/// Gives a class, whose row is locked, another shape, with all that follows from it. `by_hand`: of this session alone.
pub(crate) fn apply(
    tx: &mut Tx<'_>,
    can: &Can<PlanClasses>,
    before: &Class,
    mut after: Class,
    by_hand: bool,
) -> Result<Class, Fault> {
    let moved = (after.starts_at, after.ends_at) != (before.starts_at, before.ends_at);
    if moved && queries::is_marked(tx, after.id)? {
        let detail = "Attendance was taken already; its time stays.";
        return Err(Fault::new(Code::InvalidState, detail));
    }
    if moved || after.coach_id != before.coach_id {
        people::hold(tx, after.coach_id)?;
        let span = (after.starts_at, after.ends_at);
        if queries::coach_is_busy(tx, after.coach_id, span, Some(after.id))? {
            return Err(coach_overlap());
        }
    }
    if after.capacity < after.booked_count {
        let detail = format!("{} places are taken already.", after.booked_count);
        return Err(Fault::new(Code::InvalidState, detail));
    }
    if by_hand && after.series_id.is_some() {
        after.changed_by_hand = with_changes(before, &after);
    }
    let told = moved
        || after.coach_id != before.coach_id
        || after.location != before.location
        || after.class_title != before.class_title;
    if told {
        after.sequence += 1;
    }
    keep(tx, &after, told)?;
    if after.class_title != before.class_title || after.location != before.location {
        words::index(tx, after.id, &after.class_title, &after.location)?;
    }
    let mut seats = Seats::of(tx, after, can.origin())?;
    if moved {
        moving::follow(tx, &mut seats)?;
    }
    if seats.class.capacity > before.capacity || moved {
        seats.promote(tx)?;
    }
    for coach in [before.coach_id, seats.class.coach_id] {
        if before.coach_id != seats.class.coach_id {
            seats.touch(coach);
        }
    }
    seats.keep(tx)?;
    let id = seats.class.id;
    if let Some(room) = seats.class.room_id {
        if moved {
            chat_rooms::look_again(tx, id, &[room])?;
        }
        if seats.class.series_id.is_none() && seats.class.class_title != before.class_title {
            class_rooms::rename(tx, can.origin(), room, &seats.class.class_title)?;
        }
    }
    if told && (moved || seats.class.location != before.location) {
        letters::announce_class(tx, ClassNews::Changed, id)?;
    }
    let event = Event { action: "class.changed", object_type: OBJECT, object_id: id.0, reason: None };
    audit::append(tx, can.origin(), event)?;
    queries::find(tx, id)?.ok_or_else(Fault::not_found)
}

/// The names of what was changed by hand, with those that are changed now.
fn with_changes(before: &Class, after: &Class) -> String {
    let mut names: Vec<&str> = before.changed_by_hand.split_whitespace().collect();
    let changed = [
        ("class_title", before.class_title != after.class_title),
        ("coach_id", before.coach_id != after.coach_id),
        ("class_datetime", before.starts_at != after.starts_at || before.time_zone != after.time_zone),
        ("duration_minutes", before.duration_minutes != after.duration_minutes),
        ("location", before.location != after.location),
        ("capacity", before.capacity != after.capacity),
        ("fee", before.fee != after.fee),
        ("description", before.description != after.description),
    ];
    for (name, is_changed) in changed {
        if is_changed && !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(" ")
}

/// Writes down what a class is now; its counts are kept elsewhere.
fn keep(tx: &mut Tx<'_>, class: &Class, told: bool) -> DbResult<()> {
    let now = tx.now();
    let row = classes::table.filter(classes::id.eq(class.id));
    diesel::update(row)
        .set((
            classes::version.eq(classes::version + 1),
            classes::class_title.eq(&class.class_title),
            classes::coach_id.eq(class.coach_id),
            classes::starts_at.eq(class.starts_at),
            classes::ends_at.eq(class.ends_at),
            classes::local_date.eq(class.local_date),
            classes::time_zone.eq(&class.time_zone),
            classes::duration_minutes.eq(class.duration_minutes),
            classes::location.eq(&class.location),
            classes::capacity.eq(class.capacity),
            classes::has_room
                .eq(class.status == ClassStatus::Scheduled && class.booked_count < class.capacity),
            classes::fee.eq(class.fee),
            classes::description.eq(&class.description),
            classes::changed_by_hand.eq(&class.changed_by_hand),
            classes::sequence.eq(class.sequence),
        ))
        .execute(&mut **tx)?;
    if told {
        diesel::update(row).set(classes::changed_at.eq(now)).execute(&mut **tx)?;
    }
    Ok(())
}

impl ClassPatch {
    /// What a class would be with this, checked as far as the fields say it.
    fn apply(&self, class: &mut Class, fields: &mut Fields) {
        let set = |to: &mut String, from: &Option<String>| {
            if let Some(from) = from {
                to.clone_from(from);
            }
        };
        set(&mut class.class_title, &self.class_title);
        set(&mut class.location, &self.location);
        set(&mut class.time_zone, &self.time_zone);
        class.coach_id = self.coach_id.unwrap_or(class.coach_id);
        class.capacity = self.capacity.unwrap_or(class.capacity);
        class.fee = self.fee.unwrap_or(class.fee);
        class.duration_minutes = self.duration_minutes.unwrap_or(class.duration_minutes);
        if let Some(description) = &self.description {
            class.description.clone_from(description);
        }
        Checked {
            class_title: &class.class_title,
            duration_minutes: class.duration_minutes,
            location: &class.location,
            capacity: class.capacity,
            fee: class.fee,
            description: class.description.as_deref(),
        }
        .check(fields);
        let zone = zone("/time_zone", &class.time_zone, fields);
        (class.starts_at, class.ends_at) =
            span(self.class_datetime.unwrap_or(class.starts_at), class.duration_minutes);
        class.local_date = recurrence::local(zone, class.starts_at.utc()).date();
    }
}
