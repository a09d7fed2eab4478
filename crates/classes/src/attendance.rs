//! Attendance: who came, who did not, who was excused; walk-ins; and corrections, as long as the books of that month are
//! open.

use std::collections::HashSet;

use diesel::{ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_auth::permissions::RunClasses;
use muster_auth::read::users;
use muster_auth::{Can, people};
use muster_finance::periods;
use muster_kernel::audit::{self, Event};
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::{Fields, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::booking::{self, Booking, BookingId, BookingStatus};
use crate::class::{self, Class, ClassId, ClassStatus};
use crate::fees;
use crate::planning::OBJECT;
use crate::queries::{self, NewBooking};
use crate::schema::bookings;
use crate::seats::{self, Seats};
use crate::whose::must_be_theirs;

/// Marks that are taken at once.
const MOST_MARKS: usize = 200;
/// People that a roster shows.
const MOST_SHOWN: i64 = 10_000;

/// What became of somebody who was expected, or came unexpected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub enum Mark {
    /// They were there.
    Attended,
    /// They were not there.
    NoShow,
    /// They were not there, and need not pay.
    Excused,
}

impl Mark {
    fn status(self) -> BookingStatus {
        match self {
            Mark::Attended => BookingStatus::Attended,
            Mark::NoShow => BookingStatus::NoShow,
            Mark::Excused => BookingStatus::Excused,
        }
    }
}

/// A mark of somebody.
#[derive(Debug, Clone, Copy, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct MarkOf {
    /// Who; somebody who had not booked is a walk-in.
    pub member_id: UserId,
    /// What became of them.
    pub status: Mark,
}

/// Somebody on the roster.
#[derive(Debug, Clone, Serialize, diesel::Queryable)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct RosterLine {
    /// The booking.
    pub booking_id: BookingId,
    /// Who.
    pub member_id: UserId,
    /// Their name.
    pub name: String,
    /// What became of them; `booked` as long as nobody has said.
    pub status: BookingStatus,
    /// They came without a booking.
    pub walk_in: bool,
}

/// The roster of a class, by name: who has a place, and what became of them.
///
/// # Errors
/// When there is no such class, or it is not the caller's.
pub fn roster(
    conn: &mut Conn,
    can: &Can<RunClasses>,
    id: ClassId,
) -> Result<(Class, Vec<RosterLine>), Fault> {
    let class = queries::find(conn, id)?.ok_or_else(Fault::not_found)?;
    must_be_theirs::<RunClasses>(can.actor(), &class)?;
    let lines = lines(conn, id)?;
    Ok((class, lines))
}

type Row = (BookingId, UserId, String, String, BookingStatus, bool);

impl From<Row> for RosterLine {
    fn from((booking_id, member_id, first, last, status, walk_in): Row) -> RosterLine {
        RosterLine { booking_id, member_id, name: format!("{first} {last}"), status, walk_in }
    }
}

macro_rules! roster {
    ($id:expr) => {
        bookings::table
            .inner_join(users::table.on(users::id.eq(bookings::member_id)))
            .filter(bookings::class_id.eq($id))
            .filter(bookings::is_live.eq(true))
            .select((
                bookings::id,
                bookings::member_id,
                users::first_name,
                users::last_name,
                bookings::status,
                bookings::walk_in,
            ))
    };
}

fn lines(conn: &mut Conn, id: ClassId) -> DbResult<Vec<RosterLine>> {
    let rows: Vec<Row> = roster!(id)
        .filter(bookings::is_waiting.eq(false))
        .order((users::name_key, bookings::member_id))
        .limit(MOST_SHOWN)
        .load(conn)?;
    Ok(rows.into_iter().map(RosterLine::from).collect())
}

/// Somebody's line, if they have one.
pub(crate) fn line_of(conn: &mut Conn, id: ClassId, member: UserId) -> DbResult<Option<RosterLine>> {
    let row: Option<Row> = roster!(id).filter(bookings::member_id.eq(member)).get_result(conn).optional()?;
    Ok(row.map(RosterLine::from))
}

/// Takes attendance, of all or of some: all marks or none. What was marked before is corrected, with what it cost; of a
/// class that is completed the coach's pay follows.
///
/// # Errors
/// When there is no such class or it is not the caller's, it is too early, its month is closed, or a walk-in cannot have
/// a place.
pub fn mark(
    tx: &mut Tx<'_>,
    can: &Can<RunClasses>,
    id: ClassId,
    marks: &[MarkOf],
) -> Result<(Class, Vec<RosterLine>), Fault> {
    let class = take(tx, can, id, marks)?;
    let lines = lines(tx, id)?;
    Ok((class, lines))
}

/// The same, without telling of everybody.
pub(crate) fn take(
    tx: &mut Tx<'_>,
    can: &Can<RunClasses>,
    id: ClassId,
    marks: &[MarkOf],
) -> Result<Class, Fault> {
    let mut fields = Fields::new();
    fields.must(!marks.is_empty(), "/marks", "too_short", "One mark at least.");
    fields.must(marks.len() <= MOST_MARKS, "/marks", "too_long", "200 marks at most.");
    let mut seen = HashSet::new();
    for (at, mark) in marks.iter().enumerate() {
        let pointer = format!("/marks/{at}/member_id");
        fields.must(seen.insert(mark.member_id), &pointer, "duplicate", "Each person once.");
    }
    fields.done()?;
    let class = queries::lock(tx, id)?;
    must_be_theirs::<RunClasses>(can.actor(), &class)?;
    let mut seats = Seats::of(tx, class, can.origin())?;
    is_time(&seats.class, seats.policies.attendance_opens_minutes, seats.now)?;
    let day = seats.class.day(seats.today);
    if !periods::is_open(tx, day)? {
        let detail = "The month of this class is closed in the books; its attendance stays as it is.";
        return Err(Fault::new(Code::PeriodClosed, detail));
    }
    let attended = seats.class.attended_count;
    // Everybody is held in the order of their ids. Whoever frees a place comes before whoever takes one.
    let mut in_order: Vec<(usize, &MarkOf)> = marks.iter().enumerate().collect();
    in_order.sort_by_key(|(_, mark)| mark.member_id);
    for (at, mark) in &in_order {
        hold(tx, *at, mark.member_id)?;
    }
    in_order.sort_by_key(|(_, mark)| mark.status == Mark::Attended);
    for (at, mark) in in_order {
        mark_one(tx, &mut seats, at, mark)?;
    }
    if seats.class.has_begun(seats.now) {
        seats.dissolve_line(tx)?;
    } else {
        seats.promote(tx)?;
    }
    seats.keep(tx)?;
    let class = seats.class;
    if class.status == ClassStatus::Completed && class.attended_count != attended {
        muster_coaches::adjust(tx, can.origin(), id.0, class.attended_count)?;
    }
    let event = Event { action: "class.attendance", object_type: OBJECT, object_id: id.0, reason: None };
    audit::append(tx, can.origin(), event)?;
    Ok(class)
}

/// Attendance is taken from shortly before the start on.
fn is_time(class: &Class, opens_minutes: i32, now: Timestamp) -> Result<(), Fault> {
    if class.status == ClassStatus::Cancelled {
        return Err(Fault::new(Code::InvalidState, "This class was cancelled."));
    }
    if now < class::before(class.starts_at, opens_minutes) {
        let detail = format!("Attendance is taken from {opens_minutes} minutes before the start on.");
        return Err(Fault::new(Code::InvalidState, detail));
    }
    Ok(())
}

/// Somebody who is marked: if there is nobody of this id, that is a fault of the field.
fn hold(tx: &mut Tx<'_>, at: usize, member: UserId) -> Result<(), Fault> {
    people::hold(tx, member).map_err(|fault| match fault.code {
        Code::NotFound => {
            Fault::field(format!("/marks/{at}/member_id"), "unknown", "There is no such member.")
        }
        _ => fault,
    })
}

fn mark_one(tx: &mut Tx<'_>, seats: &mut Seats<'_>, at: usize, mark: &MarkOf) -> Result<(), Fault> {
    let to = mark.status.status();
    // Whoever is in line has no place to be missed at.
    let expected = on_roster(tx, seats.class.id, mark.member_id)?
        .filter(|it| it.status != BookingStatus::Waitlisted || mark.status == Mark::Attended);
    let booking = match expected {
        Some(booking) => booking,
        None if mark.status == Mark::Attended => {
            let walk_in = walk_in(tx, seats, mark.member_id)?;
            return settle_as(tx, seats, walk_in, to);
        }
        None => {
            let pointer = format!("/marks/{at}/member_id");
            return Err(Fault::field(&pointer, "not_booked", "They had not booked this class."));
        }
    };
    settle_as(tx, seats, booking, to)
}

/// Somebody who is expected: with a place, in line, marked before, or who cancelled too late and paid for it.
fn on_roster(tx: &mut Tx<'_>, class: ClassId, member: UserId) -> DbResult<Option<Booking>> {
    if let Some(live) = queries::live_booking(tx, class, member)? {
        return Ok(Some(live));
    }
    Ok(bookings::table
        .filter(bookings::class_id.eq(class))
        .filter(bookings::member_id.eq(member))
        .filter(bookings::is_live.eq(false))
        .filter(bookings::status.eq(BookingStatus::LateCancelled))
        .order(bookings::id.desc())
        .limit(1)
        .select(booking::COLUMNS)
        .get_result(&mut **tx)
        .optional()?)
}

/// Somebody came without a booking: they take a place like everybody else.
fn walk_in(tx: &mut Tx<'_>, seats: &mut Seats<'_>, member: UserId) -> Result<Booking, Fault> {
    let candidate = seats.candidate(tx, member, None)?;
    if seats.class.booked_count >= seats.class.capacity {
        return Err(seats::full());
    }
    if candidate.is_busy {
        return Err(seats::overlap());
    }
    let new = NewBooking {
        member,
        status: BookingStatus::Booked,
        place: None,
        fee: seats.class.fee,
        free_until: seats.class.free_until(&seats.policies, seats.now),
        lot: None,
        walk_in: true,
        made_by: seats.origin.actor,
    };
    let mut booking = queries::insert_booking(tx, &seats.class, &new)?;
    seats.class.booked_count += 1;
    seats.touch(member);
    if candidate.has_prepaid() {
        fees::reserve(tx, &seats.class, &mut booking)?;
    }
    Ok(booking)
}

/// A booking comes to this, with all that follows: places, what it costs, how often they attended.
pub(crate) fn settle_as(
    tx: &mut Tx<'_>,
    seats: &mut Seats<'_>,
    mut booking: Booking,
    to: BookingStatus,
) -> Result<(), Fault> {
    let from = booking.status;
    if from == to {
        return Ok(());
    }
    let day = seats.class.day(seats.today);
    if from == BookingStatus::Waitlisted {
        seats.class.waitlist_count -= 1;
        booking.place = None;
        booking.fee = seats.class.fee;
        // They had no place: whoever waited and came is let in like a walk-in.
        booking.walk_in = true;
    }
    let places = i32::from(to.is_seated()) - i32::from(from.is_seated());
    if places > 0 {
        if seats.class.booked_count >= seats.class.capacity {
            return Err(seats::full());
        }
        // They may have taken a place elsewhere since they had none here.
        let there = queries::candidate(tx, &seats.class, booking.member_id, None)?;
        if there.is_some_and(|it| it.is_busy) {
            return Err(seats::overlap());
        }
    }
    seats.class.booked_count += places;
    if places != 0 {
        seats.touch(booking.member_id);
    }
    booking.status = to;
    match (from.costs(), to.costs()) {
        (false, true) => {
            fees::reserve(tx, &seats.class, &mut booking)?;
            fees::settle(tx, seats.origin, &seats.class, &mut booking, day)?;
        }
        (true, false) => fees::unsettle(tx, seats.origin, &mut booking, day)?,
        _ => {}
    }
    let had_fee = !to.costs() && booking.is_prepaid();
    if had_fee {
        fees::release(tx, seats.origin, &mut booking)?;
    }
    let booking = queries::keep_booking(tx, &booking)?;
    if had_fee {
        fees::cover(tx, seats.origin, booking.member_id)?;
    }
    let count = i32::from(to == BookingStatus::Attended) - i32::from(from == BookingStatus::Attended);
    seats.class.attended_count += count;
    muster_members::count_attendance(tx, booking.member_id, seats.class.local_date, count)
        .map_err(Fault::from)
}

/// Those of a class whom nobody has marked, in the order in which people are held.
pub(crate) fn unmarked(tx: &mut Tx<'_>, class: ClassId, limit: i64) -> DbResult<Vec<Booking>> {
    Ok(bookings::table
        .filter(bookings::class_id.eq(class))
        .filter(bookings::is_live.eq(true))
        .filter(bookings::status.eq(BookingStatus::Booked))
        .order(bookings::member_id)
        .limit(limit)
        .select(booking::COLUMNS)
        .load(&mut **tx)?)
}
