//! A booking: somebody's place in a class, or in its line.

use muster_finance::prepaid::LotId;
use muster_finance::{ChargeId, EntryId};
use muster_kernel::{Minor, Timestamp, UserId, id_type, text_enum};

use crate::class::ClassId;
use crate::schema::bookings;

id_type! {
    /// A booking.
    pub struct BookingId;
}

text_enum! {
    /// What became of a booking.
    pub enum BookingStatus {
        /// They have a place.
        Booked = "booked",
        /// They are in line.
        Waitlisted = "waitlisted",
        /// They were there.
        Attended = "attended",
        /// They were not there.
        NoShow = "no_show",
        /// They were not there, and need not pay.
        Excused = "excused",
        /// Cancelled in time, or never out of the line.
        Cancelled = "cancelled",
        /// Cancelled too late to be free of charge.
        LateCancelled = "late_cancelled",
        /// The club cancelled it.
        CancelledByClub = "cancelled_by_club",
    }
}

impl BookingStatus {
    /// Not cancelled.
    pub fn is_live(self) -> bool {
        use BookingStatus::{Attended, Booked, Excused, NoShow, Waitlisted};
        matches!(self, Booked | Waitlisted | Attended | NoShow | Excused)
    }

    /// Takes a place of the class.
    pub fn is_seated(self) -> bool {
        matches!(self, BookingStatus::Booked | BookingStatus::Attended | BookingStatus::NoShow)
    }

    /// Costs the fee.
    pub fn costs(self) -> bool {
        matches!(self, BookingStatus::Attended | BookingStatus::NoShow | BookingStatus::LateCancelled)
    }
}

/// A booking as its row says.
#[derive(Debug, Clone, PartialEq, Eq, diesel::Queryable)]
pub struct Booking {
    /// Its number.
    pub id: BookingId,
    /// Goes up with every change.
    pub version: i64,
    /// The class.
    pub class_id: ClassId,
    /// Whose it is.
    pub member_id: UserId,
    /// What became of it.
    pub status: BookingStatus,
    /// The place in line; positions are counted from it.
    pub(crate) place: Option<i32>,
    /// What it costs, as it was when it was made or promoted.
    pub fee: Minor,
    /// Until when it can be cancelled free of charge.
    pub free_until: Timestamp,
    /// The lot of the class fee paid in advance that is reserved for it, or was used.
    pub(crate) lot_id: Option<LotId>,
    pub(crate) charge_id: Option<ChargeId>,
    pub(crate) use_entry_id: Option<EntryId>,
    /// They came without a booking.
    pub walk_in: bool,
    /// When it was made.
    pub booked_at: Timestamp,
}

pub(crate) type Columns = (
    bookings::id,
    bookings::version,
    bookings::class_id,
    bookings::member_id,
    bookings::status,
    bookings::place,
    bookings::fee,
    bookings::free_until,
    bookings::lot_id,
    bookings::charge_id,
    bookings::use_entry_id,
    bookings::walk_in,
    bookings::booked_at,
);

pub(crate) const COLUMNS: Columns = (
    bookings::id,
    bookings::version,
    bookings::class_id,
    bookings::member_id,
    bookings::status,
    bookings::place,
    bookings::fee,
    bookings::free_until,
    bookings::lot_id,
    bookings::charge_id,
    bookings::use_entry_id,
    bookings::walk_in,
    bookings::booked_at,
);

impl Booking {
    /// Whether a class fee paid in advance is reserved for it, or was used.
    pub fn is_prepaid(&self) -> bool {
        self.lot_id.is_some()
    }
}
