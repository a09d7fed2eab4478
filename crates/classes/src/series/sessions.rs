//! The sessions of a series: made ahead to the horizon, by the clock.

use std::future::Future;
use std::pin::Pin;

use chrono::{Days, NaiveDateTime, TimeDelta};
use chrono_tz::Tz;
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use muster_auth::people;
use muster_kernel::audit::{self, Event, Origin};
use muster_kernel::db::{DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::job::{JobError, JobKind, JobRun, Progress, Schedule};
use muster_kernel::{Fields, Timestamp};

use super::{LOCAL, OBJECT, Series, horizon, queries};
use crate::chat_rooms;
use crate::class::{ClassId, ClassStatus};
use crate::planning::{self, Planned, span};
use crate::recurrence;
use crate::schema::classes;

/// What becomes of a session at whose time the coach teaches another class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conflict {
    /// Nothing is made at all: whoever plans it hears of it.
    Refuse,
    /// It is left out: nobody is there to hear of it but the audit log.
    LeaveOut,
}

/// Makes the sessions at these local times; those that are there already stay as they are.
pub(super) fn make(
    tx: &mut Tx<'_>,
    series: &Series,
    dates: &[NaiveDateTime],
    conflict: Conflict,
) -> Result<(), Fault> {
    let (Some(first), Some(last)) = (dates.first(), dates.last()) else { return Ok(()) };
    let zone = series.zone();
    let there = there(tx, series, first, last)?;
    let mut taken = taken(tx, series, at(zone, first), at(zone, last))?;
    for date in dates {
        let occurrence = date.format(LOCAL).to_string();
        if there.contains(&occurrence) {
            continue;
        }
        let span = span(at(zone, date), series.duration_minutes);
        if taken.iter().any(|(starts, ends)| *starts < span.1 && *ends > span.0) {
            match conflict {
                Conflict::Refuse => {
                    let detail = format!("The coach teaches another class at the time of {occurrence}.");
                    return Err(Fault::new(Code::Overlap, detail));
                }
                Conflict::LeaveOut => {
                    let (action, reason) = ("class_series.session_left_out", Some(occurrence.as_str()));
                    let event = Event { action, object_type: OBJECT, object_id: series.id.0, reason };
                    audit::append(tx, &Origin::default(), event)?;
                    continue;
                }
            }
        }
        taken.push(span);
        planning::insert(tx, &session(series, &occurrence, span, zone))?;
    }
    if let Some(room) = series.room_id {
        chat_rooms::keep(tx, &Origin::default(), room, series.coach_id)?;
    }
    Ok(())
}

fn session<'a>(
    series: &'a Series,
    occurrence: &'a str,
    span: (Timestamp, Timestamp),
    zone: Tz,
) -> Planned<'a> {
    Planned {
        series: Some((series.id, occurrence)),
        room: series.room_id,
        class_title: &series.class_title,
        coach_id: series.coach_id,
        span,
        zone,
        duration_minutes: series.duration_minutes,
        location: &series.location,
        capacity: series.capacity,
        fee: series.fee,
        description: series.description.as_deref(),
    }
}

pub(super) fn at(zone: Tz, local: &NaiveDateTime) -> Timestamp {
    Timestamp::new(recurrence::instant(zone, *local))
}

/// The local starts of sessions that are there.
fn there(
    tx: &mut Tx<'_>,
    series: &Series,
    first: &NaiveDateTime,
    last: &NaiveDateTime,
) -> DbResult<Vec<String>> {
    let (first, last) = (first.format(LOCAL).to_string(), last.format(LOCAL).to_string());
    let all: Vec<Option<String>> = classes::table
        .filter(classes::series_id.eq(series.id))
        .filter(classes::occurrence.between(first, last))
        .select(classes::occurrence)
        .load(&mut **tx)?;
    Ok(all.into_iter().flatten().collect())
}

/// When the coach teaches around that time.
fn taken(
    tx: &mut Tx<'_>,
    series: &Series,
    first: Timestamp,
    last: Timestamp,
) -> DbResult<Vec<(Timestamp, Timestamp)>> {
    let day = TimeDelta::days(2);
    Ok(classes::table
        .filter(classes::coach_id.eq(series.coach_id))
        .filter(classes::starts_at.gt(first.plus(-day)))
        .filter(classes::starts_at.lt(last.plus(day)))
        .filter(classes::status.ne(ClassStatus::Cancelled))
        .select((classes::starts_at, classes::ends_at))
        .load(&mut **tx)?)
}

/// Sessions of a series from a local day on that are still to come, in order, after this one.
pub(super) fn to_come(
    tx: &mut Tx<'_>,
    series: &Series,
    from: &str,
    after: Option<&str>,
    limit: i64,
) -> DbResult<Vec<(ClassId, String)>> {
    let now = tx.now();
    let mut query = classes::table
        .filter(classes::series_id.eq(series.id))
        .filter(classes::occurrence.ge(from.to_owned()))
        .filter(classes::starts_at.gt(now))
        .filter(classes::status.eq(ClassStatus::Scheduled))
        .select((classes::id, classes::occurrence))
        .into_boxed::<muster_kernel::db::MultiBackend>();
    if let Some(after) = after {
        query = query.filter(classes::occurrence.gt(after.to_owned()));
    }
    let rows: Vec<(ClassId, Option<String>)> =
        query.order(classes::occurrence).limit(limit).load(&mut **tx)?;
    Ok(rows.into_iter().filter_map(|(id, occurrence)| Some((id, occurrence?))).collect())
}

/// Makes sessions as the horizon moves on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HorizonJob;

impl HorizonJob {
    pub(crate) const KIND: &'static str = "classes.horizon";
    pub(crate) const SCHEDULE: Schedule = Schedule { kind: Self::KIND, every: TimeDelta::hours(1) };
}

impl JobKind for HorizonJob {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        Box::pin(async move { run.step(|tx, ()| Ok(go_on(tx)?.then_some(()))).await })
    }
}

/// Goes on with the series that is furthest behind. True when there may be another.
fn go_on(tx: &mut Tx<'_>) -> Result<bool, Fault> {
    let now = tx.now();
    // Behind by a day everywhere on earth: each series then looks at its own zone.
    let through = horizon(tx, Tz::UTC, now)? - Days::new(1);
    let Some(id) = queries::behind(tx, through)? else { return Ok(false) };
    let Some(series) = queries::lock(tx, id)? else { return Ok(false) };
    let through = horizon(tx, series.zone(), now)?;
    let dates = series.dates(series.sessions_until + Days::new(1), through);
    // Whoever has the role no more, or was erased, teaches no more either.
    let mut fields = Fields::new();
    muster_coaches::check_coach(tx, "/coach_id", series.coach_id, &mut fields)?;
    if fields.done().is_ok() {
        people::hold(tx, series.coach_id)?;
        make(tx, &series, &dates, Conflict::LeaveOut)?;
    } else if !dates.is_empty() {
        let reason = Some("There is no coach.");
        let action = "class_series.session_left_out";
        let event = Event { action, object_type: OBJECT, object_id: series.id.0, reason };
        audit::append(tx, &Origin::default(), event)?;
    }
    queries::set_made_through(tx, &series, through)?;
    Ok(true)
}
