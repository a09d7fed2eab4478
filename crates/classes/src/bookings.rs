//! Booking: taking a place, giving it back, moving it.

use muster_auth::permissions::{Book, ReadBookings, RunClasses};
use muster_auth::{Can, people};
use muster_kernel::audit::{self, Event, Origin};
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::{Fields, Minor, Timestamp, UserId};

use crate::booking::{Booking, BookingId, BookingStatus};
use crate::class::{Class, ClassId, ClassStatus};
use crate::letters::{self, News};
use crate::queries;
use crate::seats::{self, Seats};

const OBJECT: &str = "booking";

/// For whom somebody acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum As {
    /// For themselves, or somebody they act for.
    Member,
    /// For the club: as the class's coach, or an admin.
    Club,
}

/// As whom somebody does something about a member's place in a class.
fn acting(
    conn: &mut Conn,
    can: &Can<Book>,
    class: &Class,
    member: UserId,
    now: Timestamp,
) -> Result<As, Fault> {
    if member == can.user_id() || is_ward(conn, can, member, now)? {
        return Ok(As::Member);
    }
    if crate::whose::is_theirs::<RunClasses>(can.actor(), class) {
        return Ok(As::Club);
    }
    let why = "Only they, their guardians, the class's coach and admins book for them.";
    people::must_be_within(conn, can, member, now, why)?;
    Ok(As::Club)
}

fn is_ward(conn: &mut Conn, can: &Can<Book>, member: UserId, now: Timestamp) -> DbResult<bool> {
    muster_auth::guardians::is_ward_of(conn, member, can.user_id(), now)
}

fn record(tx: &mut Tx<'_>, origin: &Origin, action: &str, booking: BookingId) -> DbResult<()> {
    let event = Event { action, object_type: OBJECT, object_id: booking.0, reason: None };
    audit::append(tx, origin, event)
}

/// What came of asking for a place.
#[derive(Debug, Clone)]
pub struct Made {
    /// The booking.
    pub booking: Booking,
    /// The class.
    pub class: Class,
    /// Whether it was not there before: otherwise somebody in line took a place that was free.
    pub is_new: bool,
}

/// Books a place for somebody; a place in line when the class is full. Somebody in line who asks again takes a place
/// that is free.
///
/// # Errors
/// When there is no such class or member, the caller may not book for them, they cannot book, they have a place already,
/// or another class at the same time.
pub fn book(tx: &mut Tx<'_>, can: &Can<Book>, class: ClassId, member: Option<UserId>) -> Result<Made, Fault> {
    let member = member.unwrap_or(can.user_id());
    let class = queries::lock(tx, class)?;
    let now = tx.now();
    acting(tx, can, &class, member, now)?;
    let mut seats = Seats::of(tx, class, can.origin())?;
    is_open(&seats)?;
    let candidate = seats.candidate(tx, member, None)?;
    let before = queries::live_booking(tx, seats.class.id, member)?;
    if seats.class.waitlist_count > 0 && before.is_none() {
        // Whoever could not take a place when it became free comes first if they can now.
        seats.promote(tx)?;
    }
    let is_new = before.is_none();
    let booking = match before {
        None if candidate.is_busy && seats.has_room() => return Err(seats::overlap()),
        None => seats.take(tx, member, &candidate, false)?,
        Some(before) if before.status == BookingStatus::Waitlisted && seats.has_room() => {
            if candidate.is_busy {
                return Err(seats::overlap());
            }
            seats.move_up(tx, before)?
        }
        Some(_) => return Err(Fault::new(Code::AlreadyBooked, "They have booked this class already.")),
    };
    seats.keep(tx)?;
    if is_new {
        record(tx, can.origin(), "booking.made", booking.id)?;
        letters::announce(tx, News::Booked, &booking)?;
    }
    Ok(Made { booking, class: seats.class, is_new })
}

/// Whether places of a class can still be taken and given back.
fn is_open(seats: &Seats<'_>) -> Result<(), Fault> {
    let detail = match seats.class.status {
        ClassStatus::Cancelled => "This class was cancelled.",
        ClassStatus::Completed => "This class is over.",
        ClassStatus::Scheduled if seats.class.has_begun(seats.now) => {
            "This class has begun; its coach takes the attendance now."
        }
        ClassStatus::Scheduled => return Ok(()),
    };
    Err(Fault::new(Code::InvalidState, detail))
}

/// What cancelling now would come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote {
    /// What would become of the booking.
    pub outcome: BookingStatus,
    /// What it would cost; 0 when a fee paid in advance is used.
    pub fee: Minor,
    /// Whether a fee paid in advance would be used.
    pub uses_prepaid: bool,
    /// Until when it is free of charge.
    pub free_until: Timestamp,
}

/// What it comes to when somebody gives a place back now.
fn outcome(booking: &Booking, by: As, now: Timestamp) -> BookingStatus {
    match (by, booking.status) {
        (As::Club, _) => BookingStatus::CancelledByClub,
        (As::Member, BookingStatus::Waitlisted) => BookingStatus::Cancelled,
        (As::Member, _) if now <= booking.free_until => BookingStatus::Cancelled,
        (As::Member, _) => BookingStatus::LateCancelled,
    }
}

fn must_hold_a_place(booking: &Booking) -> Result<(), Fault> {
    match booking.status {
        BookingStatus::Booked | BookingStatus::Waitlisted => Ok(()),
        status => Err(Fault::new(Code::InvalidState, format!("This booking is `{}`.", status.as_str()))),
    }
}

/// Tells what cancelling a booking now would come to, before it is done.
///
/// # Errors
/// When there is none that the caller may cancel, or it cannot be cancelled any more.
pub fn quote(conn: &mut Conn, can: &Can<Book>, id: BookingId, now: Timestamp) -> Result<Quote, Fault> {
    let booking = queries::find_booking(conn, id)?.ok_or_else(Fault::not_found)?;
    let class = queries::find(conn, booking.class_id)?.ok_or_else(Fault::not_found)?;
    let by = acting_on(conn, can, &class, &booking, now)?;
    must_hold_a_place(&booking)?;
    if class.has_begun(now) {
        return Err(Fault::new(
            Code::InvalidState,
            "This class has begun; its coach takes the attendance now.",
        ));
    }
    let outcome = outcome(&booking, by, now);
    let uses_prepaid = outcome.costs() && booking.is_prepaid();
    let fee = if outcome.costs() && !uses_prepaid { booking.fee } else { Minor::ZERO };
    Ok(Quote { outcome, fee, uses_prepaid, free_until: booking.free_until })
}

/// The same as [`acting`] about a booking: one that the caller does not see is not there.
fn acting_on(
    conn: &mut Conn,
    can: &Can<Book>,
    class: &Class,
    booking: &Booking,
    now: Timestamp,
) -> Result<As, Fault> {
    acting(conn, can, class, booking.member_id, now)
}

/// Gives a place back, by the rules for whoever does it: the club's cancelling is always free.
///
/// # Errors
/// When there is none that the caller may cancel, or it cannot be cancelled any more.
pub fn cancel(
    tx: &mut Tx<'_>,
    can: &Can<Book>,
    id: BookingId,
    reason: Option<&str>,
) -> Result<(Booking, Class), Fault> {
    let mut fields = Fields::new();
    if let Some(reason) = reason {
        fields.lines("/reason", reason, 1..=500);
    }
    fields.done()?;
    let class = queries::find_booking(tx, id)?.ok_or_else(Fault::not_found)?.class_id;
    let class = queries::lock(tx, class)?;
    let now = tx.now();
    let booking = queries::find_booking(tx, id)?.ok_or_else(Fault::not_found)?;
    let by = acting_on(tx, can, &class, &booking, now)?;
    let mut seats = Seats::of(tx, class, can.origin())?;
    let booking = give_back(tx, &mut seats, booking.id, by)?;
    let event = Event { action: "booking.cancelled", object_type: OBJECT, object_id: id.0, reason };
    audit::append(tx, can.origin(), event)?;
    Ok((booking, seats.class))
}

/// Gives a place back and the place to whoever waits.
fn give_back(tx: &mut Tx<'_>, seats: &mut Seats<'_>, id: BookingId, by: As) -> Result<Booking, Fault> {
    let whose = queries::find_booking(tx, id)?.ok_or_else(Fault::not_found)?.member_id;
    people::hold(tx, whose)?;
    // Read again: whoever sold them class fees meanwhile has had them reserved for it.
    let booking = queries::find_booking(tx, id)?.ok_or_else(Fault::not_found)?;
    must_hold_a_place(&booking)?;
    is_open(seats)?;
    let status = outcome(&booking, by, seats.now);
    let booking = seats.end(tx, booking, status)?;
    if by == As::Club {
        letters::announce(tx, News::CancelledByClub, &booking)?;
    }
    seats.promote(tx)?;
    seats.keep(tx)?;
    Ok(booking)
}

/// Moves a booking to another class: the place there is taken, and the one here given back by the rules of cancelling.
/// Nobody gives a place up for one in line.
///
/// # Errors
/// Those of booking and of cancelling, and when the other class is full.
pub fn move_to(tx: &mut Tx<'_>, can: &Can<Book>, id: BookingId, to: ClassId) -> Result<Made, Fault> {
    let from = queries::find_booking(tx, id)?.ok_or_else(Fault::not_found)?.class_id;
    if from == to {
        return Err(Fault::field("/class_id", "invalid", "Another class."));
    }
    // In the order of their ids, as everywhere.
    let (first, second) = (queries::lock(tx, from.min(to)), queries::lock(tx, from.max(to)));
    let (here, there) = if from < to { (first?, second) } else { (second?, first) };
    let now = tx.now();
    let booking = queries::find_booking(tx, id)?.ok_or_else(Fault::not_found)?;
    let member = booking.member_id;
    let by = acting_on(tx, can, &here, &booking, now)?;
    let there = there.map_err(|_| Fault::field("/class_id", "not_found", "There is no such class."))?;
    acting(tx, can, &there, member, now)?;
    let mut here = Seats::of(tx, here, can.origin())?;
    let mut there = Seats::of(tx, there, can.origin())?;
    is_open(&there)?;
    must_hold_a_place(&booking)?;
    let candidate = there.candidate(tx, member, Some(id))?;
    if queries::live_booking(tx, to, member)?.is_some() {
        return Err(Fault::new(Code::AlreadyBooked, "They have booked that class already."));
    }
    there.promote(tx)?;
    if !there.has_room() {
        return Err(seats::full());
    }
    if candidate.is_busy {
        return Err(seats::overlap());
    }
    // First what is given back: a fee that was reserved here covers the place there.
    give_back(tx, &mut here, id, by)?;
    let candidate = there.candidate(tx, member, None)?;
    let made = there.take(tx, member, &candidate, false)?;
    there.keep(tx)?;
    record(tx, can.origin(), "booking.moved", made.id)?;
    letters::announce(tx, News::Booked, &made)?;
    Ok(Made { booking: made, class: there.class, is_new: true })
}

/// A booking that the caller may see, with its class.
///
/// # Errors
/// When there is none.
pub fn find(
    conn: &mut Conn,
    can: &Can<ReadBookings>,
    id: BookingId,
    now: Timestamp,
) -> Result<(Booking, Class), Fault> {
    let booking = queries::find_booking(conn, id)?.ok_or_else(Fault::not_found)?;
    if !people::is_within(conn, can, booking.member_id, now)? {
        return Err(Fault::not_found());
    }
    let class = queries::find(conn, booking.class_id)?.ok_or_else(Fault::not_found)?;
    Ok((booking, class))
}

/// Locks the classes that somebody has booked, before they are held themselves: so that whoever books or cancels there
/// and this do not wait for each other in a circle.
pub(crate) fn lock_all(tx: &mut Tx<'_>, member: UserId) -> Result<(), Fault> {
    let now = tx.now();
    for (class, _) in queries::to_come(tx, member, now)? {
        queries::lock(tx, class)?;
    }
    Ok(())
}

/// Releases whatever somebody has booked of coming classes, free of charge or by the rules of cancelling. Their row, and
/// that of their membership, are locked already, and so are the classes but those booked at this very moment.
pub(crate) fn release_all(tx: &mut Tx<'_>, member: UserId, free: bool) -> Result<(), Fault> {
    let now = tx.now();
    let origin = Origin::default();
    for (class, booking) in queries::to_come(tx, member, now)? {
        let class = queries::lock(tx, class)?;
        let Some(booking) = queries::find_booking(tx, booking)? else { continue };
        if must_hold_a_place(&booking).is_err() || class.status != ClassStatus::Scheduled {
            continue;
        }
        let mut seats = Seats::of(tx, class, &origin)?;
        let status = if free { BookingStatus::Cancelled } else { outcome(&booking, As::Member, now) };
        seats.end(tx, booking, status)?;
        seats.promote(tx)?;
        seats.keep(tx)?;
    }
    Ok(())
}
