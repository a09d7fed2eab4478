//! The timetable: classes in the order of time, with everything that whoever looks at them may see, in one statement.

mod queries;

use chrono::{DateTime, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use muster_auth::permissions::{ReadBookings, ReadClasses};
use muster_auth::{Can, club};
use muster_kernel::db::{Conn, DbResult};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::page::PageRequest;
use muster_kernel::{Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::booking::Booking;
use crate::class::{Class, ClassId, SeriesId};
use crate::recurrence;
use crate::words;

pub use queries::Participant;

/// A place in the timetable: when a class starts, in microseconds, and its number.
pub type Place = (i64, i64);

/// One end of a span of time, as it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Bound {
    /// A day in the club's zone, with all of it.
    Day(NaiveDate),
    /// An instant.
    At(Timestamp),
}

impl TryFrom<String> for Bound {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Bound, Self::Error> {
        if let Ok(day) = text.parse() {
            return Ok(Bound::Day(day));
        }
        DateTime::parse_from_rfc3339(&text)
            .map(|at| Bound::At(Timestamp::new(at.to_utc())))
            .map_err(|_| "a day YYYY-MM-DD, or an instant as RFC 3339 has it")
    }
}

/// Which classes are asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// From when on; from the beginning of today unless it or `to` is given.
    pub from: Option<Bound>,
    /// Up to when: a day with all of it, or an instant without it.
    pub to: Option<Bound>,
    /// Of this coach.
    pub coach_id: Option<UserId>,
    /// Of this series.
    pub series_id: Option<SeriesId>,
    /// Those with a free place, or those without.
    pub available: Option<bool>,
    /// Those in which the caller has a place, or waits for one.
    pub mine: bool,
    /// Beginnings of words of title and place.
    pub(crate) words: Vec<String>,
}

impl Filter {
    /// The same with words to be found.
    ///
    /// # Errors
    /// When there are too many.
    pub fn with_words(self, q: Option<&str>) -> Result<Filter, Fault> {
        let words = q.map(words::wanted).transpose()?.unwrap_or_default();
        Ok(Filter { words, ..self })
    }
}

/// A class as somebody sees it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The class.
    pub class: Class,
    /// What its coach is called.
    pub instructor_name: String,
    /// The caller's own booking, if they have one.
    pub my_booking: Option<Booking>,
    /// Where they stand in line.
    pub my_position: Option<i64>,
    /// Those with a place: all of them for its coach and staff, for others only themselves.
    pub participants: Vec<Participant>,
}

/// Whether the caller sees who has a place in this class.
fn sees_names(can: &Can<ReadClasses>, class: &Class) -> bool {
    use muster_auth::Role;
    let roles = can.actor().roles();
    roles.has(Role::Admin)
        || roles.has(Role::Treasurer)
        || (roles.has(Role::Coach) && class.coach_id == can.user_id())
}

/// The first instant of a day where the club is, or right after a midnight that the clocks skip.
pub(crate) fn begins(day: NaiveDate, zone: Tz) -> Timestamp {
    let midnight = day.and_time(NaiveTime::MIN);
    Timestamp::new(recurrence::instant(zone, midnight))
}

/// The span of time that is asked for: from an instant on, up to another without it.
fn span(
    conn: &mut Conn,
    filter: &Filter,
    now: Timestamp,
) -> DbResult<(Option<Timestamp>, Option<Timestamp>)> {
    let club = club::settings(conn)?;
    let zone: Tz = club.time_zone.parse().unwrap_or(Tz::UTC);
    let from = match (filter.from, filter.to) {
        (Some(Bound::Day(day)), _) => Some(begins(day, zone)),
        (Some(Bound::At(at)), _) => Some(at),
        (None, Some(_)) => None,
        (None, None) => Some(begins(club.today(now), zone)),
    };
    // A place that is free is one that can be taken.
    let from =
        if filter.available == Some(true) { Some(from.map_or(now, |from| from.max(now))) } else { from };
    let to = filter.to.map(|to| match to {
        Bound::Day(day) => begins(day.succ_opt().unwrap_or(day), zone),
        Bound::At(at) => at,
    });
    Ok((from, to))
}

/// A page of the timetable.
///
/// # Errors
/// When the database fails.
pub fn list(
    conn: &mut Conn,
    can: &Can<ReadClasses>,
    filter: &Filter,
    now: Timestamp,
    page: &PageRequest<Place>,
) -> Result<Vec<Seen>, Fault> {
    let span = span(conn, filter, now)?;
    let rows = queries::list(conn, can.user_id(), filter, span, page.after(), page.fetch())?;
    with_participants(conn, can, rows)
}

/// How many classes there are in all.
///
/// # Errors
/// When the database fails.
pub fn count(conn: &mut Conn, can: &Can<ReadClasses>, filter: &Filter, now: Timestamp) -> Result<i64, Fault> {
    let span = span(conn, filter, now)?;
    Ok(queries::count(conn, can.user_id(), filter, span)?)
}

/// A class.
///
/// # Errors
/// When there is none of this number.
pub fn find(conn: &mut Conn, can: &Can<ReadClasses>, id: ClassId) -> Result<Seen, Fault> {
    let row = queries::one(conn, can.user_id(), id)?.ok_or_else(Fault::not_found)?;
    let mut seen = with_participants(conn, can, vec![row])?;
    seen.pop().ok_or_else(Fault::not_found)
}

fn with_participants(
    conn: &mut Conn,
    can: &Can<ReadClasses>,
    mut seen: Vec<Seen>,
) -> Result<Vec<Seen>, Fault> {
    let open: Vec<ClassId> =
        seen.iter().filter(|it| sees_names(can, &it.class)).map(|it| it.class.id).collect();
    let mut all = queries::participants(conn, &open)?;
    let has_place = |it: &Seen| it.my_booking.as_ref().is_some_and(|booking| booking.status.is_seated());
    let myself = match seen.iter().any(|it| has_place(it) && !open.contains(&it.class.id)) {
        true => queries::participant(conn, can.user_id())?,
        false => None,
    };
    for it in &mut seen {
        it.participants = match open.contains(&it.class.id) {
            true => all.remove(&it.class.id).unwrap_or_default(),
            false => myself.iter().filter(|_| has_place(it)).cloned().collect(),
        };
    }
    Ok(seen)
}

/// The members who have a place or wait, or had: of one class for its coach and staff, else the caller's own and their
/// wards'.
///
/// # Errors
/// When there is no such class.
pub fn bookings(
    conn: &mut Conn,
    can: &Can<ReadBookings>,
    which: &Which,
    now: Timestamp,
    page: &PageRequest<i64>,
) -> Result<Vec<Shown>, Fault> {
    let which = within(conn, can, which, now)?;
    Ok(queries::bookings(conn, &which, page.after().copied(), page.fetch())?)
}

/// How many there are in all.
///
/// # Errors
/// When there is no such class.
pub fn count_bookings(
    conn: &mut Conn,
    can: &Can<ReadBookings>,
    which: &Which,
    now: Timestamp,
) -> Result<i64, Fault> {
    let which = within(conn, can, which, now)?;
    Ok(queries::count_bookings(conn, &which)?)
}

/// Which bookings are asked for.
#[derive(Debug, Clone, Default)]
pub struct Which {
    /// Of this class.
    pub class_id: Option<ClassId>,
    /// Of this member.
    pub member_id: Option<UserId>,
    /// Those of this status.
    pub status: Option<crate::BookingStatus>,
    /// Of these members only.
    pub(crate) among: Option<Vec<UserId>>,
}

/// The same as far as the caller sees it.
fn within(conn: &mut Conn, can: &Can<ReadBookings>, which: &Which, now: Timestamp) -> Result<Which, Fault> {
    use muster_auth::{Scope, guardians, people};
    let mut which = which.clone();
    if let Some(id) = which.class_id {
        crate::queries::find(conn, id)?.ok_or_else(Fault::not_found)?;
    }
    match which.member_id {
        Some(member) if !people::is_within(conn, can, member, now)? => return Err(Fault::not_found()),
        None if can.scope() != Scope::All => {
            let mut mine = guardians::wards_of(conn, can.user_id(), now)?;
            mine.push(can.user_id());
            which.among = Some(mine);
        }
        _ => {}
    }
    Ok(which)
}

/// A booking in a list, with what is needed of its class.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "http", schema(as = Booking))]
pub struct Shown {
    /// Its number.
    pub id: crate::BookingId,
    /// Goes up with every change.
    pub version: i64,
    /// The class.
    pub class_id: ClassId,
    /// Whose it is.
    pub member_id: UserId,
    /// What became of it.
    pub status: crate::BookingStatus,
    /// Where they stand in line, from 1 on; null for those who do not wait.
    pub waitlist_position: Option<i64>,
    /// What it costs, as it was when it was made or promoted.
    pub fee: muster_kernel::Minor,
    /// Whether a class fee paid in advance is reserved for it, or was used.
    pub prepaid: bool,
    /// Until when it can be cancelled free of charge.
    pub free_until: Timestamp,
    /// When it was made.
    pub booked_at: Timestamp,
    /// They came without a booking.
    pub walk_in: bool,
    /// What the class is called.
    pub class_title: String,
    /// When it starts.
    pub class_datetime: Timestamp,
}

impl Shown {
    /// A booking with its class.
    pub(crate) fn of(
        booking: Booking,
        waitlist_position: Option<i64>,
        title: String,
        at: Timestamp,
    ) -> Shown {
        Shown {
            id: booking.id,
            version: booking.version,
            class_id: booking.class_id,
            member_id: booking.member_id,
            status: booking.status,
            waitlist_position,
            fee: booking.fee,
            prepaid: booking.is_prepaid(),
            free_until: booking.free_until,
            booked_at: booking.booked_at,
            walk_in: booking.walk_in,
            class_title: title,
            class_datetime: at,
        }
    }
}

/// A booking as clients see it.
///
/// # Errors
/// When the database fails.
pub fn show(conn: &mut Conn, booking: Booking, class: &Class) -> DbResult<Shown> {
    let position = crate::queries::position(conn, &booking)?;
    Ok(Shown::of(booking, position, class.class_title.clone(), class.starts_at))
}

/// The fault of a span of time that cannot be read.
pub fn unreadable(name: &str) -> Fault {
    Fault::new(
        Code::Malformed,
        format!("`{name}` is a day YYYY-MM-DD, or an instant such as 2026-11-21T18:00:00Z."),
    )
}
