//! The SQL that classes, bookings and attendance share. Whoever changes bookings of a class, or what is counted of them,
//! has locked its row first, then the members in question.

use diesel::dsl::exists;
use diesel::{BoolExpressionMethods, ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_auth::read::users;
use muster_finance::read::standing;
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::fault::Fault;
use muster_kernel::sql::Locked;
use muster_kernel::{Minor, Timestamp, UserId};
use muster_members::Standing;
use muster_members::read::members;

use crate::booking::{self, Booking, BookingId, BookingStatus};
use crate::class::{self, Class, ClassId, ClassStatus};
use crate::schema::{bookings, classes};

muster_kernel::join_across!(users, bookings);
muster_kernel::join_across!(standing, bookings);
muster_kernel::join_across!(members, bookings);
muster_kernel::join_across!(users, classes);

/// No class is longer: what overlaps another began so much before it at most.
const LONGEST: chrono::TimeDelta = chrono::TimeDelta::minutes(1440);

/// A class whose bookings or counts are to be changed.
pub(crate) fn lock(tx: &mut Tx<'_>, id: ClassId) -> Result<Class, Fault> {
    Locked(classes::table.filter(classes::id.eq(id)).select(class::COLUMNS))
        .get_result(&mut **tx)
        .optional()
        .map_err(muster_kernel::db::DbError::from)?
        .ok_or_else(Fault::not_found)
}

pub(crate) fn find(conn: &mut Conn, id: ClassId) -> DbResult<Option<Class>> {
    Ok(classes::table.filter(classes::id.eq(id)).select(class::COLUMNS).get_result(conn).optional()?)
}

/// Writes down how many places of a class are taken, how many wait and how many attended.
pub(crate) fn keep_counts(tx: &mut Tx<'_>, class: &Class) -> DbResult<()> {
    let open = class.status == ClassStatus::Scheduled;
    diesel::update(classes::table.filter(classes::id.eq(class.id)))
        .set((
            classes::booked_count.eq(class.booked_count),
            classes::waitlist_count.eq(class.waitlist_count),
            classes::attended_count.eq(class.attended_count),
            classes::next_place.eq(class.next_place),
            classes::has_room.eq(open && class.booked_count < class.capacity),
            classes::has_line.eq(class.waitlist_count > 0),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// Whether a coach teaches another class at this time.
pub(crate) fn coach_is_busy(
    conn: &mut Conn,
    coach: UserId,
    (starts, ends): (Timestamp, Timestamp),
    except: Option<ClassId>,
) -> DbResult<bool> {
    let other: Option<ClassId> = classes::table
        .filter(classes::coach_id.eq(coach))
        .filter(classes::starts_at.lt(ends))
        .filter(classes::starts_at.gt(starts.plus(-LONGEST)))
        .filter(classes::ends_at.gt(starts))
        .filter(classes::status.ne(ClassStatus::Cancelled))
        .filter(classes::id.ne(except.unwrap_or(ClassId(0))))
        .select(classes::id)
        .limit(1)
        .get_result(conn)
        .optional()?;
    Ok(other.is_some())
}

/// Somebody who wants a place.
#[derive(Debug, Clone, diesel::Queryable)]
pub(crate) struct Candidate {
    pub standing: Standing,
    pub is_active: bool,
    prepaid: i32,
    reserved: i32,
    /// Has a place in another class at the same time.
    pub is_busy: bool,
}

impl Candidate {
    pub(crate) fn may_book(&self) -> bool {
        self.is_active && self.standing == Standing::Active
    }

    pub(crate) fn has_prepaid(&self) -> bool {
        self.prepaid > self.reserved
    }
}

/// The same of somebody who is held. `leaving` is a booking that would be given up.
pub(crate) fn candidate(
    tx: &mut Tx<'_>,
    class: &Class,
    member: UserId,
    leaving: Option<BookingId>,
) -> DbResult<Option<Candidate>> {
    let others = bookings::table
        .filter(bookings::member_id.eq(member))
        .filter(bookings::is_live.eq(true))
        .filter(bookings::starts_at.lt(class.ends_at))
        .filter(bookings::starts_at.gt(class.starts_at.plus(-LONGEST)))
        .filter(bookings::ends_at.gt(class.starts_at))
        .filter(bookings::is_seated.eq(true))
        .filter(bookings::class_id.ne(class.id))
        .filter(bookings::id.ne(leaving.unwrap_or(BookingId(0))));
    Ok(members::table
        .inner_join(users::table.on(users::id.eq(members::id)))
        .inner_join(standing::table.on(standing::member_id.eq(members::id)))
        .filter(members::id.eq(member))
        .select((
            members::status,
            users::is_active,
            standing::prepaid_fees,
            standing::prepaid_reserved,
            exists(others),
        ))
        .get_result(&mut **tx)
        .optional()?)
}

pub(crate) fn find_booking(conn: &mut Conn, id: BookingId) -> DbResult<Option<Booking>> {
    Ok(bookings::table.filter(bookings::id.eq(id)).select(booking::COLUMNS).get_result(conn).optional()?)
}

/// The booking of somebody in a class that is not cancelled.
pub(crate) fn live_booking(conn: &mut Conn, class: ClassId, member: UserId) -> DbResult<Option<Booking>> {
    Ok(bookings::table
        .filter(bookings::class_id.eq(class))
        .filter(bookings::member_id.eq(member))
        .filter(bookings::is_live.eq(true))
        .select(booking::COLUMNS)
        .get_result(conn)
        .optional()?)
}

/// A booking to be made.
pub(crate) struct NewBooking {
    pub member: UserId,
    pub status: BookingStatus,
    pub place: Option<i32>,
    pub fee: Minor,
    pub free_until: Timestamp,
    pub lot: Option<muster_finance::prepaid::LotId>,
    pub walk_in: bool,
    pub made_by: Option<UserId>,
}

pub(crate) fn insert_booking(tx: &mut Tx<'_>, class: &Class, new: &NewBooking) -> DbResult<Booking> {
    let (now, status) = (tx.now(), new.status);
    Ok(diesel::insert_into(bookings::table)
        .values((
            bookings::class_id.eq(class.id),
            bookings::member_id.eq(new.member),
            bookings::status.eq(status),
            bookings::is_live.eq(status.is_live()),
            bookings::is_seated.eq(status.is_seated()),
            bookings::is_waiting.eq(status == BookingStatus::Waitlisted),
            bookings::place.eq(new.place),
            bookings::fee.eq(new.fee),
            bookings::free_until.eq(new.free_until),
            bookings::lot_id.eq(new.lot),
            bookings::walk_in.eq(new.walk_in),
            bookings::booked_at.eq(now),
            bookings::made_by.eq(new.made_by),
            bookings::starts_at.eq(class.starts_at),
            bookings::ends_at.eq(class.ends_at),
        ))
        .returning(booking::COLUMNS)
        .get_result(&mut **tx)?)
}

/// Writes down what became of a booking.
pub(crate) fn keep_booking(tx: &mut Tx<'_>, booking: &Booking) -> DbResult<Booking> {
    let (now, status) = (tx.now(), booking.status);
    Ok(diesel::update(bookings::table.filter(bookings::id.eq(booking.id)))
        .set((
            bookings::version.eq(bookings::version + 1),
            bookings::status.eq(status),
            bookings::is_live.eq(status.is_live()),
            bookings::is_seated.eq(status.is_seated()),
            bookings::is_waiting.eq(status == BookingStatus::Waitlisted),
            bookings::place.eq(booking.place),
            bookings::fee.eq(booking.fee),
            bookings::free_until.eq(booking.free_until),
            bookings::lot_id.eq(booking.lot_id),
            bookings::charge_id.eq(booking.charge_id),
            bookings::use_entry_id.eq(booking.use_entry_id),
            bookings::walk_in.eq(booking.walk_in),
            bookings::decided_at.eq(now),
        ))
        .returning(booking::COLUMNS)
        .get_result(&mut **tx)?)
}

/// Where somebody stands in line: one more than those before them.
pub(crate) fn position(conn: &mut Conn, booking: &Booking) -> DbResult<Option<i64>> {
    let Some(place) = booking.place else { return Ok(None) };
    let before: i64 = bookings::table
        .filter(bookings::class_id.eq(booking.class_id))
        .filter(bookings::is_waiting.eq(true))
        .filter(bookings::place.lt(place))
        .count()
        .get_result(conn)?;
    Ok(Some(before + 1))
}

/// Those in line after a place, in order.
pub(crate) fn in_line(conn: &mut Conn, class: ClassId, after: i32, limit: i64) -> DbResult<Vec<Booking>> {
    Ok(bookings::table
        .filter(bookings::class_id.eq(class))
        .filter(bookings::is_waiting.eq(true))
        .filter(bookings::place.gt(after))
        .order(bookings::place)
        .limit(limit)
        .select(booking::COLUMNS)
        .load(conn)?)
}

/// What a member has booked, or waits for, of classes that have not begun, with the class.
pub(crate) fn to_come(
    conn: &mut Conn,
    member: UserId,
    now: Timestamp,
) -> DbResult<Vec<(ClassId, BookingId)>> {
    Ok(bookings::table
        .filter(bookings::member_id.eq(member))
        .filter(bookings::is_live.eq(true))
        .filter(bookings::starts_at.gt(now))
        .filter(bookings::is_seated.eq(true).or(bookings::is_waiting.eq(true)))
        .order(bookings::class_id)
        .select((bookings::class_id, bookings::id))
        .load(conn)?)
}

/// Whether somebody attended a class, or was missed.
pub(crate) fn is_marked(conn: &mut Conn, class: ClassId) -> DbResult<bool> {
    let marked: Option<BookingId> = bookings::table
        .filter(bookings::class_id.eq(class))
        .filter(bookings::is_live.eq(true))
        .filter(bookings::status.eq_any([BookingStatus::Attended, BookingStatus::NoShow]))
        .select(bookings::id)
        .limit(1)
        .get_result(conn)
        .optional()?;
    Ok(marked.is_some())
}
