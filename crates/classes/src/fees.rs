//! What a booking costs: a class fee paid in advance is reserved for it where there is one; it is settled when its outcome
//! is final, and taken back when that was wrong.

use chrono::NaiveDate;
use diesel::{ExpressionMethods, JoinOnDsl, QueryDsl, RunQueryDsl};
use muster_finance::{ByRule, Income, PrepaidHooks, charge_by_rule, charges, prepaid};
use muster_kernel::UserId;
use muster_kernel::audit::Origin;
use muster_kernel::db::{DbError, DbResult, Tx};
use muster_kernel::fault::Fault;

use crate::booking::{Booking, BookingId};
use crate::class::Class;
use crate::schema::{bookings, classes};

/// Bookings that fees are reserved for at once.
const MOST: i64 = 200;

/// Settles what a booking costs on this day: with the fee that is reserved, else by a charge.
pub(crate) fn settle(
    tx: &mut Tx<'_>,
    origin: &Origin,
    class: &Class,
    booking: &mut Booking,
    date: NaiveDate,
) -> Result<(), Fault> {
    if let Some(lot) = booking.lot_id {
        booking.use_entry_id = Some(prepaid::use_fee(tx, origin, lot, date)?);
    } else if booking.fee.0 > 0 {
        let text = format!("Class {} on {}", class.id, class.local_date);
        let rule = ByRule { income: Income::Classes, amount: booking.fee, text: &text, date, due_on: date };
        booking.charge_id = Some(charge_by_rule(tx, origin, booking.member_id, &rule)?.id);
    }
    Ok(())
}

/// Takes back what settled a booking: a fee that was used is reserved again.
pub(crate) fn unsettle(
    tx: &mut Tx<'_>,
    origin: &Origin,
    booking: &mut Booking,
    date: NaiveDate,
) -> Result<(), Fault> {
    if let (Some(lot), Some(entry)) = (booking.lot_id, booking.use_entry_id.take()) {
        prepaid::return_used(tx, origin, lot, entry, date)?;
    }
    if let Some(charge) = booking.charge_id.take() {
        charges::take_back(tx, origin, charge, date)?;
    }
    Ok(())
}

/// Reserves a fee that was paid in advance, if there is one for the day of the class.
pub(crate) fn reserve(tx: &mut Tx<'_>, class: &Class, booking: &mut Booking) -> Result<(), Fault> {
    if booking.fee.0 > 0 && booking.lot_id.is_none() {
        booking.lot_id = prepaid::reserve(tx, booking.member_id, class.local_date)?;
    }
    Ok(())
}

/// Gives back the fee that was reserved for a booking. It covers another booking of the same member that has none.
pub(crate) fn release(tx: &mut Tx<'_>, origin: &Origin, booking: &mut Booking) -> Result<(), Fault> {
    if let Some(lot) = booking.lot_id.take() {
        prepaid::release(tx, origin, lot)?;
    }
    Ok(())
}

/// Reserves fees for what a member has booked and none is reserved for, by the day of the class.
pub(crate) fn cover(tx: &mut Tx<'_>, origin: &Origin, member: UserId) -> Result<(), Fault> {
    for (id, class_day) in uncovered(tx, member)? {
        // A lot may be too old for a later class, and fit none; one without an expiry would have fitted this one.
        let Some(lot) = prepaid::reserve(tx, member, class_day)? else { continue };
        let covered = diesel::update(
            bookings::table
                .filter(bookings::id.eq(id))
                .filter(bookings::status.eq("booked"))
                .filter(bookings::lot_id.is_null()),
        )
        .set((bookings::lot_id.eq(lot), bookings::version.eq(bookings::version + 1)))
        .execute(&mut **tx)
        .map_err(DbError::from)?;
        // It was cancelled at this very moment.
        if covered == 0 {
            prepaid::release(tx, origin, lot)?;
        }
    }
    Ok(())
}

/// What a member has booked of coming classes that costs something and no fee is reserved for.
fn uncovered(tx: &mut Tx<'_>, member: UserId) -> DbResult<Vec<(BookingId, NaiveDate)>> {
    let now = tx.now();
    Ok(bookings::table
        .inner_join(classes::table.on(classes::id.eq(bookings::class_id)))
        .filter(bookings::member_id.eq(member))
        .filter(bookings::is_live.eq(true))
        .filter(bookings::starts_at.gt(now))
        .filter(bookings::is_seated.eq(true))
        .filter(bookings::lot_id.is_null())
        .filter(bookings::fee.gt(0))
        .order((bookings::starts_at, bookings::id))
        .limit(MOST)
        .select((bookings::id, classes::local_date))
        .load(&mut **tx)?)
}

/// Fees bought later are reserved for what is booked already.
pub struct Covering;

impl PrepaidHooks for Covering {
    fn bought(&self, tx: &mut Tx<'_>, origin: &Origin, member: UserId) -> Result<(), Fault> {
        cover(tx, origin, member)
    }
}
