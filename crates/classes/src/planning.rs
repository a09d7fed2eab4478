//! Planning classes: making one; changing it and calling it off stand in files of their own.

mod calling_off;
mod editing;

use chrono::TimeDelta;
use chrono_tz::Tz;
use diesel::{ExpressionMethods, RunQueryDsl};
use muster_auth::permissions::PlanClasses;
use muster_auth::{Can, Scope, club, people};
use muster_chat::RoomId;
use muster_coaches::check_coach;
use muster_kernel::audit::{self, Event};
use muster_kernel::db::{DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::{Fields, Minor, Timestamp, UserId};
use serde::Deserialize;

use crate::chat_rooms;
use crate::class::{Class, ClassId, ClassStatus, SeriesId};
use crate::schema::classes;
use crate::{queries, recurrence, words};

pub use calling_off::call_off;
pub(crate) use calling_off::call_off_one;
pub(crate) use editing::apply;
pub use editing::{ClassPatch, edit};

pub(crate) const OBJECT: &str = "class";
/// Classes are planned so far ahead at most.
pub(crate) const FURTHEST: TimeDelta = TimeDelta::days(5 * 366);
/// What a place costs at most.
pub(crate) const MOST_FEE: i64 = 100_000_000;

/// A class to be planned.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct NewClass {
    /// What it is called.
    #[cfg_attr(feature = "http", schema(min_length = 1, max_length = 120, example = "Yoga for beginners"))]
    pub class_title: String,
    /// Who teaches it; you, unless it is given.
    pub coach_id: Option<UserId>,
    /// When it starts; it is to come.
    pub class_datetime: Timestamp,
    /// How long it is.
    #[cfg_attr(feature = "http", schema(minimum = 1, maximum = 1440, example = 60))]
    pub duration_minutes: i32,
    /// Where it is.
    #[cfg_attr(feature = "http", schema(min_length = 1, max_length = 120, example = "Hall 2"))]
    pub location: String,
    /// How many places it has.
    #[cfg_attr(feature = "http", schema(minimum = 1, maximum = 10_000, example = 20))]
    pub capacity: i32,
    /// What a place costs.
    #[cfg_attr(feature = "http", schema(minimum = 0, maximum = 100_000_000, example = 800))]
    pub fee: Minor,
    /// More about it.
    #[cfg_attr(feature = "http", schema(min_length = 1, max_length = 4000))]
    pub description: Option<String>,
    /// The IANA time zone it is planned in; the club's, unless it is given.
    #[cfg_attr(feature = "http", schema(max_length = 64, example = "Europe/Berlin"))]
    pub time_zone: Option<String>,
}

/// The time zone of this name.
pub(crate) fn zone(pointer: &str, name: &str, fields: &mut Fields) -> Tz {
    recurrence::zone(name).unwrap_or_else(|| {
        fields.wrong(pointer, "unknown", "This is no IANA time zone, such as Europe/Berlin.");
        Tz::UTC
    })
}

/// What classes and series have in common, as it is checked.
pub(crate) struct Checked<'a> {
    pub class_title: &'a str,
    pub duration_minutes: i32,
    pub location: &'a str,
    pub capacity: i32,
    pub fee: Minor,
    pub description: Option<&'a str>,
}

impl Checked<'_> {
    pub(crate) fn check(&self, fields: &mut Fields) {
        fields.text("/class_title", self.class_title, 1..=120);
        fields.number("/duration_minutes", self.duration_minutes, 1..=1440);
        fields.text("/location", self.location, 1..=120);
        fields.number("/capacity", self.capacity, 1..=10_000);
        fields.number("/fee", self.fee.0, 0..=MOST_FEE);
        if let Some(description) = self.description {
            fields.lines("/description", description, 1..=4000);
        }
    }
}

/// Who teaches what is planned: whoever plans it, unless it is said. A coach plans their own classes.
pub(crate) fn coach_of(
    tx: &mut Tx<'_>,
    can: &Can<PlanClasses>,
    coach: Option<UserId>,
    fields: &mut Fields,
) -> Result<UserId, Fault> {
    let coach_id = coach.unwrap_or(can.user_id());
    if can.scope() != Scope::All && coach_id != can.user_id() {
        return Err(Fault::new(Code::Forbidden, "A coach plans their own classes."));
    }
    check_coach(tx, "/coach_id", coach_id, fields)?;
    Ok(coach_id)
}

/// The fault of a coach who teaches another class at that time.
pub(crate) fn coach_overlap() -> Fault {
    Fault::new(Code::Overlap, "The coach teaches another class at this time.")
}

/// A span of time as it is kept, and its day where it is.
pub(crate) fn span(starts_at: Timestamp, minutes: i32) -> (Timestamp, Timestamp) {
    (starts_at, starts_at.plus(TimeDelta::minutes(i64::from(minutes))))
}

/// Refuses what cannot be done to a class that is over or off.
pub(crate) fn must_be_to_come(class: &Class) -> Result<(), Fault> {
    match class.status {
        ClassStatus::Scheduled => Ok(()),
        status => Err(Fault::new(Code::InvalidState, format!("This class is `{}`.", status.as_str()))),
    }
}

fn check_start(starts_at: Timestamp, now: Timestamp, fields: &mut Fields) {
    fields.must(starts_at > now, "/class_datetime", "in_the_past", "A class is planned ahead.");
    let near = starts_at < now.plus(FURTHEST);
    fields.must(near, "/class_datetime", "out_of_range", "Five years ahead at most.");
}

/// Plans a class.
///
/// # Errors
/// When a field is wrong, or the coach teaches another class at that time.
pub fn plan(tx: &mut Tx<'_>, can: &Can<PlanClasses>, new: &NewClass) -> Result<Class, Fault> {
    let now = tx.now();
    let mut fields = Fields::new();
    Checked {
        class_title: &new.class_title,
        duration_minutes: new.duration_minutes,
        location: &new.location,
        capacity: new.capacity,
        fee: new.fee,
        description: new.description.as_deref(),
    }
    .check(&mut fields);
    check_start(new.class_datetime, now, &mut fields);
    let time_zone = match &new.time_zone {
        Some(name) => name.clone(),
        None => club::settings(tx)?.time_zone,
    };
    let zone = zone("/time_zone", &time_zone, &mut fields);
    let coach_id = coach_of(tx, can, new.coach_id, &mut fields)?;
    fields.done()?;
    let span = span(new.class_datetime, new.duration_minutes);
    people::hold(tx, coach_id)?;
    if queries::coach_is_busy(tx, coach_id, span, None)? {
        return Err(coach_overlap());
    }
    let row = Planned {
        series: None,
        room: None,
        class_title: &new.class_title,
        coach_id,
        span,
        zone,
        duration_minutes: new.duration_minutes,
        location: &new.location,
        capacity: new.capacity,
        fee: new.fee,
        description: new.description.as_deref(),
    };
    let id = insert(tx, &row)?;
    let room = chat_rooms::open_of_class(tx, id, &new.class_title)?;
    chat_rooms::keep(tx, can.origin(), room, coach_id)?;
    let event = Event { action: "class.planned", object_type: OBJECT, object_id: id.0, reason: None };
    audit::append(tx, can.origin(), event)?;
    queries::find(tx, id)?.ok_or_else(Fault::not_found)
}

/// A session to be made.
pub(crate) struct Planned<'a> {
    /// The series, and the local start that its rule gave.
    pub series: Option<(SeriesId, &'a str)>,
    /// The room of the series.
    pub room: Option<RoomId>,
    pub class_title: &'a str,
    pub coach_id: UserId,
    pub span: (Timestamp, Timestamp),
    pub zone: Tz,
    pub duration_minutes: i32,
    pub location: &'a str,
    pub capacity: i32,
    pub fee: Minor,
    pub description: Option<&'a str>,
}

/// Makes a session.
pub(crate) fn insert(tx: &mut Tx<'_>, new: &Planned<'_>) -> DbResult<ClassId> {
    let now = tx.now();
    let (starts_at, ends_at) = new.span;
    let id: ClassId = diesel::insert_into(classes::table)
        .values((
            classes::series_id.eq(new.series.map(|(id, _)| id)),
            classes::occurrence.eq(new.series.map(|(_, occurrence)| occurrence)),
            classes::room_id.eq(new.room),
            classes::class_title.eq(new.class_title),
            classes::coach_id.eq(new.coach_id),
            classes::planned_coach_id.eq(new.coach_id),
            classes::starts_at.eq(starts_at),
            classes::ends_at.eq(ends_at),
            classes::local_date.eq(recurrence::local(new.zone, starts_at.utc()).date()),
            classes::time_zone.eq(new.zone.name()),
            classes::duration_minutes.eq(new.duration_minutes),
            classes::location.eq(new.location),
            classes::capacity.eq(new.capacity),
            classes::fee.eq(new.fee),
            classes::description.eq(new.description),
            classes::status.eq(ClassStatus::Scheduled),
            classes::has_room.eq(true),
            classes::changed_at.eq(now),
            classes::made_at.eq(now),
        ))
        .returning(classes::id)
        .get_result(&mut **tx)?;
    words::index(tx, id, new.class_title, new.location)?;
    Ok(id)
}
