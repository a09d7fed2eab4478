//! Planning classes: making one, changing it, calling it off.

use chrono::{NaiveDateTime, TimeDelta};
use chrono_tz::Tz;
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use muster_auth::permissions::PlanClasses;
use muster_auth::{Actor, Can, Permission, Scope, club, people};
use muster_coaches::check_coach;
use muster_kernel::audit::{self, Event};
use muster_kernel::db::{DbError, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::patch::present;
use muster_kernel::{Expected, Fields, Minor, Timestamp, UserId};
use serde::Deserialize;

use crate::class::{Class, ClassId, ClassStatus, SeriesId};
use crate::letters::{self, ClassNews};
use crate::moving;
use crate::queries;
use crate::schema::classes;
use crate::seats::Seats;
use crate::words;

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

/// Whether a permission reaches to a class: to all, or to those one teaches.
pub(crate) fn is_theirs<P: Permission>(actor: &Actor, class: &Class) -> bool {
    match actor.can::<P>() {
        Ok(can) => can.scope() == Scope::All || class.coach_id == actor.user_id(),
        Err(_) => false,
    }
}

/// Refuses what somebody does to a class that is not theirs.
pub(crate) fn must_be_theirs<P: Permission>(actor: &Actor, class: &Class) -> Result<(), Fault> {
    if is_theirs::<P>(actor, class) {
        return Ok(());
    }
    Err(Fault::new(Code::Forbidden, "Only its coach and admins do this."))
}

/// The time zone of this name.
pub(crate) fn zone(pointer: &str, name: &str, fields: &mut Fields) -> Tz {
    crate::recurrence::zone(name).unwrap_or_else(|| {
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

pub(crate) fn local(at: Timestamp, zone: Tz) -> NaiveDateTime {
    at.utc().with_timezone(&zone).naive_local()
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
    let event = Event { action: "class.planned", object_type: OBJECT, object_id: id.0, reason: None };
    audit::append(tx, can.origin(), event)?;
    queries::find(tx, id)?.ok_or_else(Fault::not_found)
}

/// A session to be made.
pub(crate) struct Planned<'a> {
    /// The series, and the local start that its rule gave.
    pub series: Option<(SeriesId, &'a str)>,
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
            classes::class_title.eq(new.class_title),
            classes::coach_id.eq(new.coach_id),
            classes::planned_coach_id.eq(new.coach_id),
            classes::starts_at.eq(starts_at),
            classes::ends_at.eq(ends_at),
            classes::local_date.eq(local(starts_at, new.zone).date()),
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
    if before.status != ClassStatus::Scheduled {
        let detail = format!("This class is `{}`.", before.status.as_str());
        return Err(Fault::new(Code::InvalidState, detail));
    }
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
    let now = tx.now();
    let policies = club::settings(tx)?.policies;
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
    let mut seats = Seats { class: after, policies: &policies, origin: can.origin(), now };
    if moved {
        moving::follow(tx, &mut seats)?;
    }
    if seats.class.capacity > before.capacity || moved {
        seats.promote(tx)?;
    }
    seats.keep(tx)?;
    let id = seats.class.id;
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
        class.local_date = local(class.starts_at, zone).date();
    }
}

/// Calls a class off: whoever had a place or waited is told, and owes nothing.
///
/// # Errors
/// When it is not the caller's, over or off already, or no reason is given.
pub fn call_off(
    tx: &mut Tx<'_>,
    can: &Can<PlanClasses>,
    id: ClassId,
    expected: &Expected,
    reason: &str,
) -> Result<Class, Fault> {
    let mut fields = Fields::new();
    fields.lines("/reason", reason, 1..=500);
    fields.done()?;
    let class = queries::lock(tx, id)?;
    must_be_theirs::<PlanClasses>(can.actor(), &class)?;
    expected.allows(class.version)?;
    if class.status != ClassStatus::Scheduled {
        let detail = format!("This class is `{}`.", class.status.as_str());
        return Err(Fault::new(Code::InvalidState, detail));
    }
    if queries::is_marked(tx, id)? {
        let detail = "Attendance was taken already; excuse everybody first.";
        return Err(Fault::new(Code::InvalidState, detail));
    }
    call_off_one(tx, can, &class, reason)?;
    queries::find(tx, id)?.ok_or_else(Fault::not_found)
}

/// The same of a class whose row is locked.
pub(crate) fn call_off_one(
    tx: &mut Tx<'_>,
    can: &Can<PlanClasses>,
    class: &Class,
    reason: &str,
) -> Result<(), Fault> {
    let now = tx.now();
    moving::release_everybody(tx, can.origin(), class)?;
    diesel::update(classes::table.filter(classes::id.eq(class.id)))
        .set((
            classes::version.eq(classes::version + 1),
            classes::status.eq(ClassStatus::Cancelled),
            classes::cancelled_reason.eq(reason),
            classes::booked_count.eq(0),
            classes::waitlist_count.eq(0),
            classes::attended_count.eq(0),
            classes::has_room.eq(false),
            classes::has_line.eq(false),
            classes::sequence.eq(classes::sequence + 1),
            classes::changed_at.eq(now),
        ))
        .execute(&mut **tx)
        .map_err(DbError::from)?;
    letters::announce_class(tx, ClassNews::CalledOff, class.id)?;
    let event =
        Event { action: "class.cancelled", object_type: OBJECT, object_id: class.id.0, reason: Some(reason) };
    Ok(audit::append(tx, can.origin(), event)?)
}
