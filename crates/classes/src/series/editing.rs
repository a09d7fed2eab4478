//! Editing a series: one session, this and the following, or all to come. Sessions keep their numbers, and what was
//! changed of one of them by hand stays. A new rule begins a new series on that day.

use std::collections::HashMap;

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime};
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use muster_auth::permissions::PlanClasses;
use muster_auth::{Can, people};
use muster_chat::{RoomId, class_rooms};
use muster_kernel::db::{DbError, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::{Expected, Fields, text_enum};

use super::patch::SeriesPatch;
use super::sessions::{self, Conflict, at};
use super::steps::{Place, call_off_session, change, go_on_later};
use super::{LOCAL, Series, horizon, must_be_theirs, queries, read_local, record};
use crate::chat_rooms;
use crate::class::{ClassId, SeriesId};
use crate::recurrence::{self, Recurrence};
use crate::schema::classes;
use crate::warnings::{self, Warning};

text_enum! {
    /// How far an edit of a series reaches.
    pub enum Scope {
        /// One session.
        This = "this",
        /// It and those after it.
        Following = "following",
        /// All to come.
        All = "all",
    }
}

/// Which sessions are meant.
#[derive(Debug, Clone, Copy)]
pub struct Reach {
    /// How far it reaches.
    pub scope: Scope,
    /// The day of the session, or of the first one, in the zone of the series.
    pub from: Option<NaiveDate>,
}

/// What came of planning a series, or of an edit.
#[derive(Debug, Clone)]
pub struct Edited {
    /// The series: a new one if there is a new rule.
    pub series: Series,
    /// Whether there are sessions that are changed soon after.
    pub goes_on: bool,
    /// What may be worth knowing of what was changed.
    pub warnings: Vec<Warning>,
}

/// Edits a series.
///
/// # Errors
/// When it is not the caller's or not as they saw it, a field is wrong, or a session cannot be changed so.
pub fn edit(
    tx: &mut Tx<'_>,
    can: &Can<PlanClasses>,
    id: SeriesId,
    expected: &Expected,
    reach: Reach,
    patch: &SeriesPatch,
) -> Result<Edited, Fault> {
    let before = queries::lock(tx, id)?.ok_or_else(Fault::not_found)?;
    must_be_theirs(can, &before)?;
    expected.allows(before.version)?;
    let from = first_day(tx, &before, reach)?;
    let mut fields = Fields::new();
    let after = patch.applied_to(tx, &before, &mut fields)?;
    if reach.scope == Scope::This {
        let fine = patch.rrule.is_none() && patch.local_start.is_none();
        fields.must(fine, "/rrule", "does_not_fit", "One session has no rule; change its class_datetime.");
        fields.done()?;
        let only = only(tx, &before, from)?;
        change(tx, can, only, patch, &before, true)?;
        let class = crate::queries::find(tx, only)?.ok_or_else(Fault::not_found)?;
        let warnings = warnings::of_class(tx, &class)?;
        return Ok(Edited { series: before, goes_on: false, warnings });
    }
    must_go_on(&before, from)?;
    if patch.rrule.is_some() {
        return follow_new_rule(tx, can, &before, after, from, patch, fields);
    }
    fields.done()?;
    queries::keep(tx, &after)?;
    if let (Some(room), true) = (after.room_id, after.class_title != before.class_title) {
        class_rooms::rename(tx, can.origin(), room, &after.class_title)?;
    }
    record(tx, can.origin(), "class_series.changed", id, None)?;
    let place =
        Place { series: id, patch: patch.clone(), from, after: None, reason: None, by: can.user_id() };
    let goes_on = go_on_later(tx, can, place, Conflict::Refuse)?;
    let series = queries::find(tx, id)?.ok_or_else(Fault::not_found)?;
    let dates = series.dates(from, series.sessions_until);
    let warnings = warnings::of_sessions(tx, &series, &dates)?;
    Ok(Edited { series, goes_on, warnings })
}

/// There is nothing to change of a series after its last day.
fn must_go_on(series: &Series, from: NaiveDate) -> Result<(), Fault> {
    match series.last_date.is_some_and(|last| last < from) {
        true => Err(Fault::new(Code::InvalidState, "This series has ended.")),
        false => Ok(()),
    }
}

/// The first day that an edit reaches.
fn first_day(tx: &mut Tx<'_>, series: &Series, reach: Reach) -> Result<NaiveDate, Fault> {
    let today = recurrence::local(series.zone(), tx.now().utc()).date();
    match (reach.scope, reach.from) {
        (Scope::All, _) => Ok(today),
        (_, None) => Err(Fault::new(Code::Malformed, "`from` is the day of the session: YYYY-MM-DD.")),
        (_, Some(from)) if from > series.sessions_until => {
            let detail =
                format!("Sessions are there up to {}: change later ones later.", series.sessions_until);
            Err(Fault::new(Code::InvalidState, detail))
        }
        (_, Some(from)) => Ok(from.max(today)),
    }
}

/// The session of a day.
fn only(tx: &mut Tx<'_>, series: &Series, day: NaiveDate) -> Result<ClassId, Fault> {
    let begin = day.and_time(NaiveTime::MIN).format(LOCAL).to_string();
    let first = sessions::to_come(tx, series, &begin, None, 1)?.into_iter().next();
    let on_day = first.filter(|(_, occurrence)| occurrence.starts_with(&day.to_string()));
    on_day.map(|(id, _)| id).ok_or_else(|| {
        Fault::new(Code::InvalidState, "There is no session of this series to come on that day.")
    })
}

/// A new rule: the series ends the day before, and another goes on from it. Sessions that the new rule meets, too, move
/// over with their bookings; the others are called off.
fn follow_new_rule(
    tx: &mut Tx<'_>,
    can: &Can<PlanClasses>,
    before: &Series,
    after: Series,
    from: NaiveDate,
    patch: &SeriesPatch,
    mut fields: Fields,
) -> Result<Edited, Fault> {
    let (now, zone) = (tx.now(), before.zone());
    let start: Option<NaiveDateTime> = match &patch.local_start {
        Some(text) => read_local("/local_start", text, &mut fields),
        None => before.start().map(|start| from.and_time(start.time())),
    };
    let text = patch.rrule.as_deref().unwrap_or_default();
    let rule = start.and_then(|start| Recurrence::check(&mut fields, "/rrule", text, zone, start));
    if let Some(start) = start {
        let say = "Not before the day from which it is changed.";
        fields.must(start.date() >= from, "/local_start", "out_of_range", say);
    }
    fields.done()?;
    let (Some(start), Some(rule)) = (start, rule) else { return Err(Fault::not_found()) };
    people::hold(tx, after.coach_id)?;
    queries::cut(tx, before.id, from - Days::new(1))?;
    let through = horizon(tx, zone, now)?;
    let series = queries::insert(
        tx,
        &queries::NewRow {
            class_title: &after.class_title,
            coach_id: after.coach_id,
            duration_minutes: after.duration_minutes,
            location: &after.location,
            capacity: after.capacity,
            fee: after.fee,
            description: after.description.as_deref(),
            time_zone: zone.name(),
            rrule: &rule.to_string(),
            local_start: &start.format(LOCAL).to_string(),
            made_through: through,
            continues: Some(before.id),
            made_by: can.user_id(),
        },
    )?;
    let room_id = Some(chat_rooms::open_of_series(tx, series.id, &series.class_title)?);
    let series = Series { room_id, ..series };
    // Only what is still to come: the day may have begun.
    let mut dates = series.dates(from, through);
    dates.retain(|date| at(zone, date) > now);
    let by_day: HashMap<String, NaiveDateTime> =
        dates.iter().map(|date| (date.date().to_string(), *date)).collect();
    let begin = from.and_time(NaiveTime::MIN).format(LOCAL).to_string();
    let mut old = sessions::to_come(tx, before, &begin, None, recurrence::MOST_DATES as i64)?;
    old.sort_unstable();
    for (id, _) in &old {
        crate::queries::lock(tx, *id)?;
    }
    // With a new rule comes the time of the new start.
    let patch = SeriesPatch { local_start: Some(series.local_start.clone()), ..patch.clone() };
    for (id, occurrence) in old {
        match by_day.get(occurrence.get(..10).unwrap_or_default()) {
            None => call_off_session(tx, can, id, "The series was changed.")?,
            Some(date) => {
                diesel::update(classes::table.filter(classes::id.eq(id)))
                    .set((
                        classes::series_id.eq(series.id),
                        classes::occurrence.eq(date.format(LOCAL).to_string()),
                        classes::room_id.eq(series.room_id),
                    ))
                    .execute(&mut **tx)
                    .map_err(DbError::from)?;
                let rooms: Vec<RoomId> = [before.room_id, series.room_id].into_iter().flatten().collect();
                chat_rooms::look_again(tx, id, &rooms)?;
                change(tx, can, id, &patch, &series, false)?;
            }
        }
    }
    sessions::make(tx, &series, &dates, Conflict::Refuse)?;
    queries::set_made_through(tx, &series, through)?;
    record(tx, can.origin(), "class_series.changed", before.id, None)?;
    record(tx, can.origin(), "class_series.planned", series.id, None)?;
    let series = queries::find(tx, series.id)?.ok_or_else(Fault::not_found)?;
    let warnings = warnings::of_sessions(tx, &series, &dates)?;
    Ok(Edited { series, goes_on: false, warnings })
}

/// Calls sessions of a series off; with `following` and `all` there are none after them. True when some are called off
/// soon after.
///
/// # Errors
/// When it is not the caller's or not as they saw it, or there is no such session.
pub fn call_off(
    tx: &mut Tx<'_>,
    can: &Can<PlanClasses>,
    id: SeriesId,
    expected: &Expected,
    reach: Reach,
    reason: &str,
) -> Result<bool, Fault> {
    let mut fields = Fields::new();
    fields.lines("reason", reason, 1..=500);
    fields.done()?;
    let series = queries::lock(tx, id)?.ok_or_else(Fault::not_found)?;
    must_be_theirs(can, &series)?;
    expected.allows(series.version)?;
    let from = first_day(tx, &series, reach)?;
    if reach.scope == Scope::This {
        let only = only(tx, &series, from)?;
        call_off_session(tx, can, only, reason)?;
        return Ok(false);
    }
    must_go_on(&series, from)?;
    queries::cut(tx, id, from - Days::new(1))?;
    record(tx, can.origin(), "class_series.cancelled", id, Some(reason))?;
    let (patch, reason) = (SeriesPatch::default(), Some(reason.to_owned()));
    let place = Place { series: id, patch, from, after: None, reason, by: can.user_id() };
    go_on_later(tx, can, place, Conflict::Refuse)
}
