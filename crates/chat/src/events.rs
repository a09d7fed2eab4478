//! Catching up: all that happened in a room after the last number one knows.

use muster_auth::Can;
use muster_auth::permissions::ReadRooms;
use muster_kernel::db::Conn;
use muster_kernel::fault::Fault;
use serde::Serialize;

use crate::log::{self, RoomEvent};
use crate::room::RoomId;
use crate::seats;

/// Events of one answer.
pub const MOST: i64 = 500;

/// What happened in a room.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "http", schema(as = RoomEvents))]
pub struct CatchUp {
    /// In order, without a hole.
    pub items: Vec<RoomEvent>,
    /// The number of what happened last: go on after the last of the items until you have it.
    pub head: i64,
}

/// What happened in a room after this number.
///
/// # Errors
/// When one is not in the room.
pub fn after(
    conn: &mut Conn,
    can: &Can<ReadRooms>,
    id: RoomId,
    seq: i64,
    limit: i64,
) -> Result<CatchUp, Fault> {
    let seat = seats::find(conn, can.actor(), id)?;
    let happened = log::after(conn, id, seq.max(seat.from_seq - 1), limit)?;
    let items = happened.into_iter().map(|event| event.seen_from(seat.from_seq)).collect();
    Ok(CatchUp { items, head: seat.room.head_seq })
}
