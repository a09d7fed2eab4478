//! Places of a class: who takes one, who gives one back, and who moves up from the line. Everything here happens with the
//! class's row locked, so that however many race, they come one after the other; the table itself refuses an overbooked
//! class.

use chrono::NaiveDate;
use muster_auth::club::{self, Policies};
use muster_auth::people;
use muster_kernel::audit::Origin;
use muster_kernel::db::{DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::{Timestamp, UserId};

use crate::booking::{Booking, BookingId, BookingStatus};
use crate::class::Class;
use crate::letters::{self, News};
use crate::queries::{self, Candidate, NewBooking};
use crate::{chat_rooms, fees, line};

/// People in line who are looked at in one go.
const AT_ONCE: i64 = 20;

/// A class whose row is locked, with what decides about its places.
pub(crate) struct Seats<'a> {
    pub class: Class,
    pub policies: Policies,
    /// The day it is where the club is.
    pub today: NaiveDate,
    pub now: Timestamp,
    pub origin: &'a Origin,
    /// Those who gave back a place, or may have: they may have to leave the room of the class.
    touched: Vec<UserId>,
    /// Those who took one: they join it.
    seated: Vec<UserId>,
}

impl<'a> Seats<'a> {
    /// Those of a class whose row is locked.
    pub(crate) fn of(tx: &mut Tx<'_>, class: Class, origin: &'a Origin) -> DbResult<Seats<'a>> {
        let (now, club) = (tx.now(), club::settings(tx)?);
        Ok(Seats {
            class,
            today: club.today(now),
            policies: club.policies,
            now,
            origin,
            touched: Vec::new(),
            seated: Vec::new(),
        })
    }

    /// Whether there is a place.
    pub(crate) fn has_room(&self) -> bool {
        self.class.free_places() > 0
    }

    /// Gives somebody who is held a place, or a place in line when there is none.
    pub(crate) fn take(
        &mut self,
        tx: &mut Tx<'_>,
        member: UserId,
        candidate: &Candidate,
        walk_in: bool,
    ) -> Result<Booking, Fault> {
        let seated = self.has_room();
        let lot = match seated && self.class.fee.0 > 0 && candidate.has_prepaid() {
            true => muster_finance::prepaid::reserve(tx, member, self.class.local_date)?,
            false => None,
        };
        let place = (!seated).then_some(self.class.next_place);
        let booking = queries::insert_booking(
            tx,
            &self.class,
            &NewBooking {
                member,
                status: if seated { BookingStatus::Booked } else { BookingStatus::Waitlisted },
                place,
                fee: self.class.fee,
                free_until: self.class.free_until(&self.policies, self.now),
                lot,
                walk_in,
                made_by: self.origin.actor,
            },
        )?;
        if seated {
            self.seated.push(member);
            self.class.booked_count += 1;
        } else {
            self.class.waitlist_count += 1;
            self.class.next_place += 1;
        }
        Ok(booking)
    }

    /// Gives somebody in line, who is held, a place. Fee and deadline are those of now.
    pub(crate) fn move_up(&mut self, tx: &mut Tx<'_>, mut booking: Booking) -> Result<Booking, Fault> {
        booking.status = BookingStatus::Booked;
        booking.place = None;
        booking.fee = self.class.fee;
        booking.free_until = self.class.free_until(&self.policies, self.now);
        fees::reserve(tx, &self.class, &mut booking)?;
        let booking = queries::keep_booking(tx, &booking)?;
        self.class.booked_count += 1;
        self.class.waitlist_count -= 1;
        self.seated.push(booking.member_id);
        letters::announce(tx, News::Promoted, &booking)?;
        Ok(booking)
    }

    /// Ends a booking of somebody who is held: free of charge, or as late as it was.
    pub(crate) fn end(
        &mut self,
        tx: &mut Tx<'_>,
        mut booking: Booking,
        status: BookingStatus,
    ) -> Result<Booking, Fault> {
        let had_place = booking.status != BookingStatus::Waitlisted;
        match had_place {
            true => self.class.booked_count -= 1,
            false => self.class.waitlist_count -= 1,
        }
        booking.status = status;
        booking.place = None;
        if status.costs() {
            fees::settle(tx, self.origin, &self.class, &mut booking, self.today)?;
        }
        let gives_fee_back = !status.costs() && booking.is_prepaid();
        if gives_fee_back {
            fees::release(tx, self.origin, &mut booking)?;
        }
        let booking = queries::keep_booking(tx, &booking)?;
        if gives_fee_back {
            fees::cover(tx, self.origin, booking.member_id)?;
        }
        if had_place {
            self.touch(booking.member_id);
            line::wake(tx, &[booking.member_id])?;
        }
        Ok(booking)
    }

    /// Gives what places are free to those who have waited longest, past those who cannot take one now: these stay in
    /// line.
    pub(crate) fn promote(&mut self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let mut after = 0;
        while self.has_room()
            && self.class.waitlist_count > 0
            && self.class.promotes(&self.policies, self.now)
        {
            let some = queries::in_line(tx, self.class.id, after, AT_ONCE)?;
            let Some(last) = some.last().and_then(|booking| booking.place) else { break };
            after = last;
            for booking in some {
                if !self.has_room() {
                    break;
                }
                people::hold(tx, booking.member_id)?;
                let candidate = queries::candidate(tx, &self.class, booking.member_id, None)?;
                if candidate.is_some_and(|it| it.may_book() && !it.is_busy) {
                    self.move_up(tx, booking)?;
                }
            }
        }
        Ok(())
    }

    /// Sends home whoever is still in line.
    pub(crate) fn dissolve_line(&mut self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        while self.class.waitlist_count > 0 {
            let some = queries::in_line(tx, self.class.id, 0, AT_ONCE)?;
            if some.is_empty() {
                break;
            }
            for booking in some {
                self.end(tx, booking, BookingStatus::Cancelled)?;
            }
        }
        Ok(())
    }

    /// Somebody may have taken a place, or given it back.
    pub(crate) fn touch(&mut self, member: UserId) {
        self.touched.push(member);
    }

    /// Writes down how many places are taken now, and has whoever took or gave back one join or leave the room.
    pub(crate) fn keep(&mut self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        queries::keep_counts(tx, &self.class)?;
        let (touched, seated) = (std::mem::take(&mut self.touched), std::mem::take(&mut self.seated));
        chat_rooms::keep_some(tx, self.origin, &self.class, (&touched, &seated))
    }

    /// Somebody who can take a place here, held until the transaction ends. `leaving` is a booking that they give up for
    /// it.
    pub(crate) fn candidate(
        &self,
        tx: &mut Tx<'_>,
        member: UserId,
        leaving: Option<BookingId>,
    ) -> Result<Candidate, Fault> {
        people::hold(tx, member)?;
        let candidate = queries::candidate(tx, &self.class, member, leaving)?.ok_or_else(Fault::not_found)?;
        if !candidate.may_book() {
            let detail = "Only somebody with an active membership books.";
            return Err(Fault::new(Code::InvalidState, detail));
        }
        Ok(candidate)
    }
}

/// The fault of two classes at the same time.
pub(crate) fn overlap() -> Fault {
    Fault::new(Code::Overlap, "They have a place in another class at this time.")
}

/// The fault of a class without a free place.
pub(crate) fn full() -> Fault {
    Fault::new(Code::ClassFull, "All places are taken.")
}
