//! What follows for those who have booked when the club moves a class or calls it off.

use chrono::TimeDelta;
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use muster_auth::people;
use muster_finance::prepaid::{self, LotId};
use muster_kernel::UserId;
use muster_kernel::audit::Origin;
use muster_kernel::db::{DbError, DbResult, Tx};
use muster_kernel::fault::Fault;

use crate::booking::{self, Booking, BookingId, BookingStatus};
use crate::class::Class;
use crate::fees;
use crate::letters::{self, News};
use crate::line;
use crate::queries;
use crate::schema::bookings;
use crate::seats::Seats;

/// How long after the club moved a class a place can be given back free of charge, at least.
const GRACE: TimeDelta = TimeDelta::hours(24);

/// Those with a place, in the order in which people are held.
fn seated(tx: &mut Tx<'_>, class: &Class) -> DbResult<Vec<Booking>> {
    Ok(bookings::table
        .filter(bookings::class_id.eq(class.id))
        .filter(bookings::is_live.eq(true))
        .filter(bookings::is_seated.eq(true))
        .order(bookings::member_id)
        .select(booking::COLUMNS)
        .load(&mut **tx)?)
}

/// The class has another time: bookings go along. Whoever has another class then is released, and told; fees that cannot
/// be used on the new day are given back.
pub(crate) fn follow(tx: &mut Tx<'_>, seats: &mut Seats<'_>) -> Result<(), Fault> {
    let class = seats.class.clone();
    diesel::update(
        bookings::table.filter(bookings::class_id.eq(class.id)).filter(bookings::is_live.eq(true)),
    )
    .set((
        bookings::starts_at.eq(class.starts_at),
        bookings::ends_at.eq(class.ends_at),
        bookings::is_reminded.eq(false),
    ))
    .execute(&mut **tx)
    .map_err(DbError::from)?;
    let free_until = class.free_until(&seats.policies, seats.now).max(seats.now.plus(GRACE));
    let seated = seated(tx, &class)?;
    let members: Vec<UserId> = seated.iter().map(|booking| booking.member_id).collect();
    for booking in seated {
        people::hold(tx, booking.member_id)?;
        let busy = queries::candidate(tx, &class, booking.member_id, None)?.is_some_and(|it| it.is_busy);
        let Some(mut booking) = queries::find_booking(tx, booking.id)? else { continue };
        if busy {
            let released = seats.end(tx, booking, BookingStatus::CancelledByClub)?;
            letters::announce(tx, News::Displaced, &released)?;
            continue;
        }
        booking.free_until = booking.free_until.max(free_until);
        if booking.is_prepaid() {
            fees::release(tx, seats.origin, &mut booking)?;
        }
        fees::reserve(tx, &class, &mut booking)?;
        queries::keep_booking(tx, &booking)?;
    }
    // What they wait for at the old time is open to them now.
    Ok(line::wake(tx, &members)?)
}

/// Everybody who has a place or waits is released, at once; fees that were reserved are given back.
pub(crate) fn release_everybody(tx: &mut Tx<'_>, origin: &Origin, class: &Class) -> Result<(), Fault> {
    let now = tx.now();
    let booked = bookings::table
        .filter(bookings::class_id.eq(class.id))
        .filter(bookings::is_live.eq(true))
        .filter(bookings::status.eq_any([BookingStatus::Booked, BookingStatus::Waitlisted]));
    // The fees are those of the rows as they are now, whatever was reserved a moment ago.
    let mut released: Vec<(UserId, BookingId, Option<LotId>)> = diesel::update(booked)
        .set((
            bookings::version.eq(bookings::version + 1),
            bookings::status.eq(BookingStatus::CancelledByClub),
            bookings::is_live.eq(false),
            bookings::is_seated.eq(false),
            bookings::is_waiting.eq(false),
            bookings::place.eq(None::<i32>),
            bookings::decided_at.eq(now),
        ))
        .returning((bookings::member_id, bookings::id, bookings::lot_id))
        .get_results(&mut **tx)
        .map_err(DbError::from)?;
    released.sort_unstable();
    let members: Vec<UserId> = released.iter().map(|(member, ..)| *member).collect();
    for (member, id, lot) in released {
        let Some(lot) = lot else { continue };
        diesel::update(bookings::table.filter(bookings::id.eq(id)))
            .set(bookings::lot_id.eq(None::<LotId>))
            .execute(&mut **tx)
            .map_err(DbError::from)?;
        prepaid::release(tx, origin, lot)?;
        fees::cover(tx, origin, member)?;
    }
    Ok(line::wake(tx, &members)?)
}
