//! When a coach is there: every week, with exceptions. A class outside of it is a warning to whoever plans it.

mod spans;

use chrono::{Days, NaiveDate, NaiveDateTime};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_auth::permissions::{EditCoaches, ReadCoaches};
use muster_auth::{Can, Scope};
use muster_kernel::audit::{self, Event};
use muster_kernel::db::{Conn, DbError, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::sql::Json;
use muster_kernel::{Expected, Fields, UserId, text_enum};
use serde::{Deserialize, Serialize};

pub use spans::DayTime;

use crate::schema::coach_availability;
use crate::{purse, sight};

/// Times of a week, and exceptions, that are kept at most.
const MOST_WEEKLY: usize = 50;
const MOST_EXCEPTIONS: usize = 200;
/// Days that a class takes at most, as far as this is concerned.
const MOST_DAYS: usize = 8;

text_enum! {
    /// A day of the week.
    pub enum Weekday {
        /// Monday.
        Monday = "monday",
        /// Tuesday.
        Tuesday = "tuesday",
        /// Wednesday.
        Wednesday = "wednesday",
        /// Thursday.
        Thursday = "thursday",
        /// Friday.
        Friday = "friday",
        /// Saturday.
        Saturday = "saturday",
        /// Sunday.
        Sunday = "sunday",
    }
}

impl Weekday {
    fn of(day: NaiveDate) -> Weekday {
        use chrono::Datelike;
        match day.weekday() {
            chrono::Weekday::Mon => Weekday::Monday,
            chrono::Weekday::Tue => Weekday::Tuesday,
            chrono::Weekday::Wed => Weekday::Wednesday,
            chrono::Weekday::Thu => Weekday::Thursday,
            chrono::Weekday::Fri => Weekday::Friday,
            chrono::Weekday::Sat => Weekday::Saturday,
            chrono::Weekday::Sun => Weekday::Sunday,
        }
    }
}

/// A time of every week at which a coach is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct Weekly {
    /// On this day.
    pub weekday: Weekday,
    /// From then on.
    pub from: DayTime,
    /// Until then; `24:00` is the end of the day.
    pub until: DayTime,
}

/// A day on which it is otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct Exception {
    /// The day.
    pub date: NaiveDate,
    /// They are there, or they are not.
    pub available: bool,
    /// From then on; without it the whole day.
    #[serde(default)]
    pub from: Option<DayTime>,
    /// Until then; together with `from`.
    #[serde(default)]
    pub until: Option<DayTime>,
}

/// When a coach is there, in the time of the place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct Availability {
    /// Every week; 50 times at most, which do not overlap.
    #[cfg_attr(feature = "http", schema(max_items = 50))]
    pub weekly: Vec<Weekly>,
    /// Otherwise on these days; 200 at most.
    #[cfg_attr(feature = "http", schema(max_items = 200))]
    pub exceptions: Vec<Exception>,
}

impl Availability {
    fn check(&self) -> Result<(), Fault> {
        let mut fields = Fields::new();
        let few = self.weekly.len() <= MOST_WEEKLY;
        fields.must(few, "/weekly", "too_long", "50 times of the week at most.");
        let few = self.exceptions.len() <= MOST_EXCEPTIONS;
        fields.must(few, "/exceptions", "too_long", "200 exceptions at most.");
        let mut taken = Vec::new();
        for (n, time) in self.weekly.iter().take(MOST_WEEKLY).enumerate() {
            let span = (time.from, time.until);
            spans::check(&format!("/weekly/{n}"), time.weekday, span, &mut taken, &mut fields);
        }
        let mut taken = Vec::new();
        for (n, day) in self.exceptions.iter().take(MOST_EXCEPTIONS).enumerate() {
            let pointer = format!("/exceptions/{n}");
            let both = day.from.is_some() == day.until.is_some();
            fields.must(
                both,
                &format!("{pointer}/until"),
                "required",
                "Both `from` and `until`, or neither.",
            );
            let known = muster_finance::FIRST_DAY..=muster_finance::LAST_DAY;
            fields.number(&format!("{pointer}/date"), day.date, known);
            spans::check(&pointer, day.date, day.span(), &mut taken, &mut fields);
        }
        fields.done()
    }

    /// Whether a span of local time lies inside of it; none when nothing was said of it.
    pub fn covers(&self, starts: NaiveDateTime, ends: NaiveDateTime) -> Option<bool> {
        let mut sure = true;
        let days = std::iter::successors(Some(starts.date()), |day| day.checked_add_days(Days::new(1)));
        for day in days.take_while(|day| *day <= ends.date()).take(MOST_DAYS) {
            match self.covers_on(day, spans::on(day, starts, ends)) {
                Some(true) => {}
                Some(false) => return Some(false),
                None => sure = false,
            }
        }
        sure.then_some(true)
    }

    /// The same of what lies on one day. An exception that says no comes before all else.
    fn covers_on(&self, day: NaiveDate, wanted: (DayTime, DayTime)) -> Option<bool> {
        if wanted.0 >= wanted.1 {
            return Some(true);
        }
        let (there, away): (Vec<_>, Vec<_>) =
            self.exceptions.iter().filter(|it| it.date == day).partition(|it| it.available);
        if away.iter().any(|it| spans::overlap(it.span(), wanted)) {
            return Some(false);
        }
        let says_nothing = self.weekly.is_empty() && there.is_empty();
        let weekly = self.weekly.iter().filter(|it| it.weekday == Weekday::of(day));
        let weekly = weekly.map(|it| (it.from, it.until));
        let open = weekly.chain(there.iter().map(|it| it.span())).collect();
        if says_nothing { None } else { Some(spans::cover(open, wanted)) }
    }
}

impl Exception {
    fn span(&self) -> (DayTime, DayTime) {
        (self.from.unwrap_or(DayTime::MIDNIGHT), self.until.unwrap_or(DayTime::END))
    }
}

/// Whether a span of local time lies inside the times at which a coach is there; none when they said nothing of it.
///
/// # Errors
/// When the database fails.
pub fn is_available(
    conn: &mut Conn,
    coach: UserId,
    starts: NaiveDateTime,
    ends: NaiveDateTime,
) -> DbResult<Option<bool>> {
    Ok(of(conn, coach)?.and_then(|says| says.covers(starts, ends)))
}

/// When a coach is there, for whoever asks of many spans; none when they never said.
///
/// # Errors
/// When the database fails.
pub fn of(conn: &mut Conn, coach: UserId) -> DbResult<Option<Availability>> {
    Ok(find(conn, coach)?.map(|(_, says)| says))
}

/// When a coach is there, with the version: 0 and nothing when they never said.
///
/// # Errors
/// When there is no such coach.
pub fn read(conn: &mut Conn, _: &Can<ReadCoaches>, coach: UserId) -> Result<(i64, Availability), Fault> {
    if !sight::is_there(conn, coach)? {
        return Err(Fault::not_found());
    }
    Ok(find(conn, coach)?.unwrap_or_default())
}

/// Says when a coach is there: this and nothing else. What changes nothing leaves no trace.
///
/// # Errors
/// When there is no such coach, it is another's, a field is wrong, or it is not as the caller saw it.
pub fn set(
    tx: &mut Tx<'_>,
    can: &Can<EditCoaches>,
    coach: UserId,
    expected: &Expected,
    says: &Availability,
) -> Result<(i64, Availability), Fault> {
    may_edit(tx, can, coach)?;
    says.check()?;
    muster_auth::people::hold(tx, coach)?;
    purse::lock(tx, coach)?.ok_or_else(Fault::not_found)?;
    let before = find(tx, coach)?;
    let version = before.as_ref().map_or(0, |(version, _)| *version);
    expected.allows(version)?;
    if before.as_ref().map_or(&Availability::default(), |(_, says)| says) == says {
        return Ok((version, says.clone()));
    }
    let document = Json(says.clone());
    match before {
        Some(_) => diesel::update(coach_availability::table.filter(coach_availability::coach_id.eq(coach)))
            .set((
                coach_availability::says.eq(document),
                coach_availability::version.eq(coach_availability::version + 1),
            ))
            .execute(&mut **tx),
        None => diesel::insert_into(coach_availability::table)
            .values((coach_availability::coach_id.eq(coach), coach_availability::says.eq(document)))
            .execute(&mut **tx),
    }
    .map_err(DbError::from)?;
    let event = Event {
        action: "coach.availability_changed",
        object_type: "coach",
        object_id: coach.0,
        reason: None,
    };
    audit::append(tx, can.origin(), event)?;
    Ok((version + 1, says.clone()))
}

/// Refuses those who may not change what is said of this coach.
pub(crate) fn may_edit(conn: &mut Conn, can: &Can<EditCoaches>, coach: UserId) -> Result<(), Fault> {
    if !sight::is_there(conn, coach)? {
        return Err(Fault::not_found());
    }
    if can.scope() == Scope::All || can.user_id() == coach {
        return Ok(());
    }
    Err(Fault::new(Code::Forbidden, "Only they and admins change this."))
}

pub(crate) fn find(conn: &mut Conn, coach: UserId) -> DbResult<Option<(i64, Availability)>> {
    let row: Option<(i64, Json<Availability>)> = coach_availability::table
        .filter(coach_availability::coach_id.eq(coach))
        .select((coach_availability::version, coach_availability::says))
        .get_result(conn)
        .optional()?;
    Ok(row.map(|(version, Json(says))| (version, says)))
}

/// Takes away what a coach said.
pub(crate) fn forget(tx: &mut Tx<'_>, coach: UserId) -> DbResult<()> {
    diesel::delete(coach_availability::table.filter(coach_availability::coach_id.eq(coach)))
        .execute(&mut **tx)?;
    Ok(())
}

/// What everybody after this coach said, for an export.
pub(crate) fn after(conn: &mut Conn, id: i64, limit: i64) -> DbResult<Vec<(UserId, Availability)>> {
    let rows: Vec<(UserId, Json<Availability>)> = coach_availability::table
        .filter(coach_availability::coach_id.gt(UserId(id)))
        .order(coach_availability::coach_id)
        .limit(limit)
        .select((coach_availability::coach_id, coach_availability::says))
        .load(conn)?;
    Ok(rows.into_iter().map(|(coach, Json(says))| (coach, says)).collect())
}

#[cfg(test)]
mod tests;
