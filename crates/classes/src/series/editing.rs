//! Editing a series: one session, this and the following, or all to come. Sessions keep their numbers, and what was
//! changed of one of them by hand stays. A new rule begins a new series on that day.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime};
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use muster_auth::permissions::PlanClasses;
use muster_auth::{Can, people, still_can};
use muster_coaches::check_coach;
use muster_kernel::audit::{self, Event, Origin};
use muster_kernel::db::{DbError, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::job::{self, JobError, JobKind, JobRun, NewJob, Next, Progress};
use muster_kernel::patch::present;
use muster_kernel::{Expected, Fields, Minor, UserId, text_enum};
use serde::{Deserialize, Serialize};

use super::sessions::{self, Conflict, at};
use super::{LOCAL, OBJECT, Series, horizon, must_be_theirs, queries, read_local};
use crate::class::{Class, ClassId, SeriesId};
use crate::planning::{self, Checked, span};
use crate::recurrence::{self, Recurrence};
use crate::schema::classes;
use crate::warnings::{self, Warning};

/// Sessions that are changed at once; of more the rest is done soon after.
const AT_ONCE: i64 = 30;

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

/// What is to change of a series; what is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct SeriesPatch {
    /// What its sessions are called.
    #[cfg_attr(feature = "http", schema(min_length = 1, max_length = 120))]
    pub class_title: Option<String>,
    /// Who teaches them.
    pub coach_id: Option<UserId>,
    /// How long each is.
    #[cfg_attr(feature = "http", schema(minimum = 1, maximum = 1440))]
    pub duration_minutes: Option<i32>,
    /// Where they are.
    #[cfg_attr(feature = "http", schema(min_length = 1, max_length = 120))]
    pub location: Option<String>,
    /// How many places each has.
    #[cfg_attr(feature = "http", schema(minimum = 1, maximum = 10_000))]
    pub capacity: Option<i32>,
    /// What a place costs from now on.
    #[cfg_attr(feature = "http", schema(minimum = 0, maximum = 100_000_000))]
    pub fee: Option<Minor>,
    /// More about it; null takes it away.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "http", schema(value_type = Option<String>, min_length = 1, max_length = 4000))]
    pub description: Option<Option<String>>,
    /// Another rule: it begins a new series, which is the answer. Not for one session.
    #[cfg_attr(feature = "http", schema(min_length = 1, max_length = 200))]
    pub rrule: Option<String>,
    /// Another time of the day; with a new rule, from when on it holds. Not for one session.
    #[cfg_attr(feature = "http", schema(max_length = 19))]
    pub local_start: Option<String>,
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
    if before.last_date.is_some_and(|last| last < from) {
        return Err(Fault::new(Code::InvalidState, "This series has ended."));
    }
    if patch.rrule.is_some() {
        return follow_new_rule(tx, can, &before, after, from, patch, fields);
    }
    fields.done()?;
    queries::keep(tx, &after)?;
    record(tx, can.origin(), "class_series.changed", id, None)?;
    let place =
        Place { series: id, patch: patch.clone(), from, after: None, reason: None, by: can.user_id() };
    let goes_on = go_on_later(tx, can, place, Conflict::Refuse)?;
    let series = queries::find(tx, id)?.ok_or_else(Fault::not_found)?;
    let dates = series.dates(from, series.sessions_until);
    let warnings = warnings::of_sessions(tx, &series, &dates)?;
    Ok(Edited { series, goes_on, warnings })
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

impl SeriesPatch {
    /// What the series would be, checked as far as the fields say it.
    fn applied_to(&self, tx: &mut Tx<'_>, before: &Series, fields: &mut Fields) -> Result<Series, Fault> {
        let mut after = before.clone();
        if let Some(title) = &self.class_title {
            after.class_title.clone_from(title);
        }
        if let Some(location) = &self.location {
            after.location.clone_from(location);
        }
        if let Some(description) = &self.description {
            after.description.clone_from(description);
        }
        after.coach_id = self.coach_id.unwrap_or(after.coach_id);
        after.duration_minutes = self.duration_minutes.unwrap_or(after.duration_minutes);
        after.capacity = self.capacity.unwrap_or(after.capacity);
        after.fee = self.fee.unwrap_or(after.fee);
        Checked {
            class_title: &after.class_title,
            duration_minutes: after.duration_minutes,
            location: &after.location,
            capacity: after.capacity,
            fee: after.fee,
            description: after.description.as_deref(),
        }
        .check(fields);
        if after.coach_id != before.coach_id {
            check_coach(tx, "/coach_id", after.coach_id, fields)?;
        }
        let (Some(text), None) = (&self.local_start, &self.rrule) else { return Ok(after) };
        let start = read_local("/local_start", text, fields);
        if let (Some(new), Some(old)) = (start, before.start()) {
            let fine = new.date() == old.date();
            let say = "Only the time of the day changes without a new rule; leave the day as it is.";
            fields.must(fine, "/local_start", "does_not_fit", say);
            after.local_start = old.date().and_time(new.time()).format(LOCAL).to_string();
        }
        Ok(after)
    }

    /// What one session would be with it; what was changed of it by hand stays unless this is by hand, too.
    fn shape(&self, class: &Class, series: &Series, by_hand: bool) -> Class {
        let mut after = class.clone();
        let mine: Vec<&str> = match by_hand {
            true => Vec::new(),
            false => class.changed_by_hand.split_whitespace().collect(),
        };
        let free = |name: &str| !mine.contains(&name);
        if let Some(title) = self.class_title.as_ref().filter(|_| free("class_title")) {
            after.class_title.clone_from(title);
        }
        if let Some(location) = self.location.as_ref().filter(|_| free("location")) {
            after.location.clone_from(location);
        }
        if let Some(description) = self.description.as_ref().filter(|_| free("description")) {
            after.description.clone_from(description);
        }
        after.coach_id = self.coach_id.filter(|_| free("coach_id")).unwrap_or(after.coach_id);
        after.capacity = self.capacity.filter(|_| free("capacity")).unwrap_or(after.capacity);
        after.fee = self.fee.filter(|_| free("fee")).unwrap_or(after.fee);
        if let Some(minutes) = self.duration_minutes.filter(|_| free("duration_minutes")) {
            after.duration_minutes = minutes;
        }
        let mut starts_at = after.starts_at;
        if let (Some(_), Some(start), true) = (&self.local_start, series.start(), free("class_datetime")) {
            let zone = series.zone();
            let moved = class.local_date.and_time(start.time());
            starts_at = at(zone, &moved);
            after.local_date = planning::local(starts_at, zone).date();
        }
        (after.starts_at, after.ends_at) = span(starts_at, after.duration_minutes);
        after
    }
}

/// Changes one session.
fn change(
    tx: &mut Tx<'_>,
    can: &Can<PlanClasses>,
    id: ClassId,
    patch: &SeriesPatch,
    series: &Series,
    by_hand: bool,
) -> Result<(), Fault> {
    let before = crate::queries::lock(tx, id)?;
    let after = patch.shape(&before, series, by_hand);
    let moves = (after.starts_at, after.ends_at) != (before.starts_at, before.ends_at);
    if !by_hand && moves && crate::queries::is_marked(tx, id)? {
        return Ok(());
    }
    if after != before {
        planning::apply(tx, can, &before, after, by_hand)?;
    }
    Ok(())
}

/// Where an edit is that is done in steps.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Place {
    series: SeriesId,
    patch: SeriesPatch,
    from: NaiveDate,
    /// The last session that was changed.
    after: Option<String>,
    /// Why sessions are called off, if they are.
    reason: Option<String>,
    by: UserId,
}

/// Does some sessions, and the others by a job. True when there are others.
fn go_on_later(
    tx: &mut Tx<'_>,
    can: &Can<PlanClasses>,
    place: Place,
    conflict: Conflict,
) -> Result<bool, Fault> {
    let next = step(tx, can, place, conflict)?;
    let goes_on = next.is_some();
    if let Some(place) = next {
        job::enqueue(tx, NewJob::new(GoOnJob::KIND, place))?;
    }
    Ok(goes_on)
}

/// Does some sessions, and says where to go on.
fn step(
    tx: &mut Tx<'_>,
    can: &Can<PlanClasses>,
    place: Place,
    conflict: Conflict,
) -> Result<Option<Place>, Fault> {
    let Some(series) = queries::lock(tx, place.series)? else { return Ok(None) };
    let begin = place.from.and_time(NaiveTime::MIN).format(LOCAL).to_string();
    let mut some = sessions::to_come(tx, &series, &begin, place.after.as_deref(), AT_ONCE)?;
    let last = some.last().map(|(_, occurrence)| occurrence.clone());
    let is_last = (some.len() as i64) < AT_ONCE;
    // As everywhere: in the order of their ids.
    some.sort_unstable();
    // All of them before any of their people, so that nobody waits for two in a circle.
    for (id, _) in &some {
        crate::queries::lock(tx, *id)?;
    }
    for (id, _) in some {
        match &place.reason {
            Some(reason) => call_off_session(tx, can, id, reason)?,
            None => match conflict {
                Conflict::Refuse => change(tx, can, id, &place.patch, &series, false)?,
                Conflict::LeaveOut => {
                    // What cannot be changed so stays as it was.
                    let tried = tx.attempt(|tx| change(tx, can, id, &place.patch, &series, false));
                    if let Err(fault) = tried {
                        if fault.code == Code::Internal || fault.code == Code::Unavailable {
                            return Err(fault);
                        }
                        let reason = Some("A session could not be changed so.");
                        record(tx, can.origin(), "class_series.session_kept", series.id, reason)?;
                    }
                }
            },
        }
    }
    Ok(if is_last { None } else { Some(Place { after: last, ..place }) })
}

fn call_off_session(tx: &mut Tx<'_>, can: &Can<PlanClasses>, id: ClassId, reason: &str) -> Result<(), Fault> {
    let class = crate::queries::lock(tx, id)?;
    if class.status == crate::ClassStatus::Scheduled && !crate::queries::is_marked(tx, id)? {
        planning::call_off_one(tx, can, &class, reason)?;
    }
    Ok(())
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
                    ))
                    .execute(&mut **tx)
                    .map_err(DbError::from)?;
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
    queries::cut(tx, id, from - Days::new(1))?;
    record(tx, can.origin(), "class_series.cancelled", id, Some(reason))?;
    let (patch, reason) = (SeriesPatch::default(), Some(reason.to_owned()));
    let place = Place { series: id, patch, from, after: None, reason, by: can.user_id() };
    go_on_later(tx, can, place, Conflict::Refuse)
}

/// Goes on with an edit of many sessions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GoOnJob;

impl GoOnJob {
    pub(crate) const KIND: &'static str = "classes.series_edit";
}

impl JobKind for GoOnJob {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        Box::pin(async move {
            run.commit(|tx, payload| {
                let place = Place::deserialize(payload).map_err(|e| JobError::Failed(e.to_string()))?;
                let origin = Origin { actor: Some(place.by), request_id: None };
                let Some(can) = still_can::<PlanClasses>(tx, place.by, origin)? else {
                    return Ok(Next::Done);
                };
                let next = step(tx, &can, place, Conflict::LeaveOut)
                    .map_err(|fault| JobError::Failed(fault.to_string()))?;
                match next {
                    None => Ok(Next::Done),
                    Some(place) => serde_json::to_value(place)
                        .map(Next::Continue)
                        .map_err(|e| JobError::Failed(e.to_string())),
                }
            })
            .await
        })
    }
}
