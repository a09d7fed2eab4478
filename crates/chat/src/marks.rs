//! What somebody has read of a room, and how they want to hear of it.

use diesel::query_dsl::methods::FilterDsl;
use diesel::upsert::excluded;
use diesel::{ExpressionMethods, RunQueryDsl};
use muster_auth::Can;
use muster_auth::permissions::Chat;
use muster_kernel::db::{DbError, DbResult, Tx};
use muster_kernel::fault::Fault;
use muster_kernel::sql::Portable;
use muster_kernel::{Fields, Timestamp, UserId};

use crate::room::{RoomId, Seat};
use crate::schema::room_marks;
use crate::seats;

/// Somebody has read a room up to here: for their own other devices.
#[derive(Debug, Clone, Copy)]
pub struct HasRead {
    /// Who.
    pub user: UserId,
    /// Which room.
    pub room: RoomId,
    /// Up to where.
    pub seq: i64,
}

/// Somebody has read a room up to a number. It only goes forward.
///
/// # Errors
/// When one is not in the room, or nothing has this number yet.
pub fn read(tx: &mut Tx<'_>, can: &Can<Chat>, id: RoomId, seq: i64) -> Result<Seat, Fault> {
    let mut seat = seats::find(tx, can.actor(), id)?;
    let mut fields = Fields::new();
    fields.number("/seq", seq, 0..=seat.room.head_seq);
    fields.done()?;
    if seq > seat.last_read_seq {
        mark(tx, can.user_id(), id, seq)?;
        seat.last_read_seq = seq;
        tx.signal(HasRead { user: can.user_id(), room: id, seq });
    }
    Ok(seat)
}

fn mark(tx: &mut Tx<'_>, user: UserId, room: RoomId, seq: i64) -> DbResult<()> {
    let insert = diesel::insert_into(room_marks::table)
        .values((
            room_marks::user_id.eq(user),
            room_marks::room_id.eq(room),
            room_marks::last_read_seq.eq(seq),
        ))
        .on_conflict((room_marks::user_id, room_marks::room_id))
        .do_update()
        .set(room_marks::last_read_seq.eq(excluded(room_marks::last_read_seq)));
    // Of two devices at once the one that is further on is right.
    let further =
        FilterDsl::filter(insert, room_marks::last_read_seq.lt(excluded(room_marks::last_read_seq)));
    Portable(further).execute(&mut **tx)?;
    Ok(())
}

/// Does not want to hear of a room until then; with nothing, they do again.
///
/// # Errors
/// When one is not in the room.
pub fn mute(tx: &mut Tx<'_>, can: &Can<Chat>, id: RoomId, until: Option<Timestamp>) -> Result<Seat, Fault> {
    let mut seat = seats::find(tx, can.actor(), id)?;
    let insert = diesel::insert_into(room_marks::table)
        .values((
            room_marks::user_id.eq(can.user_id()),
            room_marks::room_id.eq(id),
            room_marks::muted_until.eq(until),
        ))
        .on_conflict((room_marks::user_id, room_marks::room_id))
        .do_update()
        .set(room_marks::muted_until.eq(excluded(room_marks::muted_until)));
    Portable(insert).execute(&mut **tx).map_err(DbError::from)?;
    seat.muted_until = until;
    Ok(seat)
}

/// Has somebody be quiet in a room until then, or lets them speak again.
pub(crate) fn silence(tx: &mut Tx<'_>, user: UserId, room: RoomId, until: Option<Timestamp>) -> DbResult<()> {
    let insert = diesel::insert_into(room_marks::table)
        .values((
            room_marks::user_id.eq(user),
            room_marks::room_id.eq(room),
            room_marks::silenced_until.eq(until),
        ))
        .on_conflict((room_marks::user_id, room_marks::room_id))
        .do_update()
        .set(room_marks::silenced_until.eq(excluded(room_marks::silenced_until)));
    Portable(insert).execute(&mut **tx)?;
    Ok(())
}

/// Forgets what somebody has read.
pub(crate) fn forget(tx: &mut Tx<'_>, user: UserId) -> DbResult<()> {
    diesel::delete(FilterDsl::filter(room_marks::table, room_marks::user_id.eq(user))).execute(&mut **tx)?;
    Ok(())
}
