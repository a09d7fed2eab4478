//! Series: classes that repeat by a rule in local time. Sessions are made ahead to a horizon, by the clock; each is a class
//! of its own, and keeps its number whatever becomes of the series.

mod editing;
mod patch;
mod queries;
mod sessions;
mod steps;

use chrono::{Days, NaiveDate, NaiveDateTime};
use chrono_tz::Tz;
use muster_auth::permissions::{PlanClasses, ReadClasses};
use muster_auth::{Can, club, people};
use muster_chat::RoomId;
use muster_kernel::audit::{self, Event, Origin};
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::page::PageRequest;
use muster_kernel::{Fields, Minor, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::chat_rooms;
use crate::class::SeriesId;
use crate::planning::{self, Checked};
use crate::recurrence::{self, Recurrence};
use crate::warnings;

pub use editing::{Edited, Reach, Scope, call_off, edit};
pub use patch::SeriesPatch;
pub(crate) use queries::after;
pub(crate) use sessions::HorizonJob;
pub(crate) use steps::GoOnJob;

pub(crate) const OBJECT: &str = "class_series";
/// How a local start is written.
pub(crate) const LOCAL: &str = "%Y-%m-%dT%H:%M:%S";

/// A series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, diesel::Queryable)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "http", schema(as = ClassSeries))]
pub struct Series {
    /// Its number.
    pub id: SeriesId,
    /// Goes up with every change.
    pub version: i64,
    /// What its sessions are called.
    pub class_title: String,
    /// Who teaches them.
    pub coach_id: UserId,
    /// How long each is.
    pub duration_minutes: i32,
    /// Where they are.
    pub location: String,
    /// How many places each has.
    pub capacity: i32,
    /// What a place costs.
    pub fee: Minor,
    /// More about it.
    pub description: Option<String>,
    /// The IANA time zone in which it repeats.
    pub time_zone: String,
    /// By which rule: an RRULE of iCalendar.
    #[cfg_attr(feature = "http", schema(example = "FREQ=WEEKLY;BYDAY=TU"))]
    pub rrule: String,
    /// From when on, there: `YYYY-MM-DDTHH:MM:SS`.
    #[cfg_attr(feature = "http", schema(example = "2026-12-01T19:00:00"))]
    pub local_start: String,
    /// Up to which day sessions are made.
    pub sessions_until: NaiveDate,
    /// After this day there are none: the series was cut short.
    pub last_date: Option<NaiveDate>,
    /// The series that it goes on from.
    pub continues: Option<SeriesId>,
    /// The room in which those of it talk.
    pub room_id: Option<RoomId>,
}

/// A series to be planned.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct NewSeries {
    /// What its sessions are called.
    #[cfg_attr(feature = "http", schema(min_length = 1, max_length = 120, example = "Yoga for beginners"))]
    pub class_title: String,
    /// Who teaches them; you, unless it is given.
    pub coach_id: Option<UserId>,
    /// How long each is.
    #[cfg_attr(feature = "http", schema(minimum = 1, maximum = 1440, example = 60))]
    pub duration_minutes: i32,
    /// Where they are.
    #[cfg_attr(feature = "http", schema(min_length = 1, max_length = 120, example = "Hall 2"))]
    pub location: String,
    /// How many places each has.
    #[cfg_attr(feature = "http", schema(minimum = 1, maximum = 10_000, example = 20))]
    pub capacity: i32,
    /// What a place costs.
    #[cfg_attr(feature = "http", schema(minimum = 0, maximum = 100_000_000, example = 800))]
    pub fee: Minor,
    /// More about it.
    #[cfg_attr(feature = "http", schema(min_length = 1, max_length = 4000))]
    pub description: Option<String>,
    /// The IANA time zone in which it repeats, for ever; the club's, unless it is given.
    #[cfg_attr(feature = "http", schema(max_length = 64, example = "Europe/Berlin"))]
    pub time_zone: Option<String>,
    /// By which rule: an RRULE of iCalendar, by days or longer.
    #[cfg_attr(feature = "http", schema(min_length = 1, max_length = 200, example = "FREQ=WEEKLY;BYDAY=TU"))]
    pub rrule: String,
    /// From when on, there, without an offset: `YYYY-MM-DDTHH:MM:SS`. The first session is the first day of the rule on or
    /// after it.
    #[cfg_attr(feature = "http", schema(example = "2026-12-01T19:00:00", max_length = 19))]
    pub local_start: String,
}

/// Reads a local start.
pub(crate) fn read_local(pointer: &str, text: &str, fields: &mut Fields) -> Option<NaiveDateTime> {
    let read = NaiveDateTime::parse_from_str(text, LOCAL).ok().filter(|_| text.len() == 19);
    if read.is_none() {
        fields.wrong(pointer, "invalid", "A local time without an offset: 2026-12-01T19:00:00.");
    }
    read
}

/// Up to which day sessions are made.
pub(crate) fn horizon(conn: &mut Conn, zone: Tz, now: Timestamp) -> DbResult<NaiveDate> {
    let weeks = club::settings(conn)?.policies.series_horizon_weeks;
    let today = recurrence::local(zone, now.utc()).date();
    Ok(today + Days::new(7 * u64::try_from(weeks).unwrap_or_default()))
}

impl Series {
    /// The zone it repeats in.
    pub(crate) fn zone(&self) -> Tz {
        recurrence::zone(&self.time_zone).unwrap_or(Tz::UTC)
    }

    /// From when on, as a time.
    pub(crate) fn start(&self) -> Option<NaiveDateTime> {
        NaiveDateTime::parse_from_str(&self.local_start, LOCAL).ok()
    }

    /// Its local starts within these days.
    pub(crate) fn dates(&self, from: NaiveDate, through: NaiveDate) -> Vec<NaiveDateTime> {
        let through = self.last_date.map_or(through, |last| through.min(last));
        let (Ok(rule), Some(start)) = (Recurrence::read(&self.rrule, self.zone()), self.start()) else {
            return Vec::new();
        };
        rule.dates(start, from, through)
    }

    /// Whether there are sessions after this day.
    pub(crate) fn goes_on_after(&self, day: NaiveDate) -> bool {
        if self.last_date.is_some_and(|last| last <= day) {
            return false;
        }
        let (Ok(rule), Some(start)) = (Recurrence::read(&self.rrule, self.zone()), self.start()) else {
            return false;
        };
        !rule.is_bounded() || rule.last(start).is_some_and(|last| last.date() > day)
    }
}

/// Plans a series, with its sessions up to the horizon.
///
/// # Errors
/// When a field is wrong, or its coach teaches another class at the time of a session.
pub fn plan(tx: &mut Tx<'_>, can: &Can<PlanClasses>, new: &NewSeries) -> Result<Edited, Fault> {
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
    let time_zone = match &new.time_zone {
        Some(name) => name.clone(),
        None => club::settings(tx)?.time_zone,
    };
    let zone = planning::zone("/time_zone", &time_zone, &mut fields);
    let start = read_local("/local_start", &new.local_start, &mut fields);
    let rule = start.and_then(|start| Recurrence::check(&mut fields, "/rrule", &new.rrule, zone, start));
    if let Some(start) = start {
        check_start(zone, start, now, &mut fields);
    }
    let coach_id = planning::coach_of(tx, can, new.coach_id, &mut fields)?;
    fields.done()?;
    let (Some(start), Some(rule)) = (start, rule) else { return Err(Fault::not_found()) };
    people::hold(tx, coach_id)?;
    let through = horizon(tx, zone, now)?;
    let series = queries::insert(
        tx,
        &queries::NewRow {
            class_title: &new.class_title,
            coach_id,
            duration_minutes: new.duration_minutes,
            location: &new.location,
            capacity: new.capacity,
            fee: new.fee,
            description: new.description.as_deref(),
            time_zone: zone.name(),
            rrule: &rule.to_string(),
            local_start: &start.format(LOCAL).to_string(),
            made_through: through,
            continues: None,
            made_by: can.user_id(),
        },
    )?;
    let room_id = Some(chat_rooms::open_of_series(tx, series.id, &series.class_title)?);
    let series = Series { room_id, ..series };
    let dates = series.dates(start.date(), through);
    sessions::make(tx, &series, &dates, sessions::Conflict::Refuse)?;
    queries::set_made_through(tx, &series, through)?;
    let event =
        Event { action: "class_series.planned", object_type: OBJECT, object_id: series.id.0, reason: None };
    audit::append(tx, can.origin(), event)?;
    let series = queries::find(tx, series.id)?.ok_or_else(Fault::not_found)?;
    let warnings = warnings::of_sessions(tx, &series, &dates)?;
    Ok(Edited { series, goes_on: false, warnings })
}

fn check_start(zone: Tz, start: NaiveDateTime, now: Timestamp, fields: &mut Fields) {
    let at = recurrence::instant(zone, start);
    fields.must(at > now.utc(), "/local_start", "in_the_past", "A series is planned ahead.");
    let near = at < now.plus(planning::FURTHEST).utc();
    fields.must(near, "/local_start", "out_of_range", "Five years ahead at most.");
}

/// Refuses what somebody does to a series that is not theirs.
pub(crate) fn must_be_theirs(can: &Can<PlanClasses>, series: &Series) -> Result<(), Fault> {
    if can.scope() == muster_auth::Scope::All || series.coach_id == can.user_id() {
        return Ok(());
    }
    Err(Fault::new(Code::Forbidden, "Only its coach and admins do this."))
}

/// A series.
///
/// # Errors
/// When there is none of this number.
pub fn read(conn: &mut Conn, _: &Can<ReadClasses>, id: SeriesId) -> Result<Series, Fault> {
    queries::find(conn, id)?.ok_or_else(Fault::not_found)
}

/// Series, the latest first.
///
/// # Errors
/// When the database fails.
pub fn list(
    conn: &mut Conn,
    _: &Can<ReadClasses>,
    coach: Option<UserId>,
    page: &PageRequest<i64>,
) -> DbResult<Vec<Series>> {
    queries::list(conn, coach, page.after().copied(), page.fetch())
}

/// How many there are in all.
///
/// # Errors
/// When the database fails.
pub fn count(conn: &mut Conn, _: &Can<ReadClasses>, coach: Option<UserId>) -> DbResult<i64> {
    queries::count(conn, coach)
}

fn record(
    tx: &mut Tx<'_>,
    origin: &Origin,
    action: &str,
    id: SeriesId,
    reason: Option<&str>,
) -> Result<(), Fault> {
    Ok(audit::append(tx, origin, Event { action, object_type: OBJECT, object_id: id.0, reason })?)
}
