//! Changing a room, and archiving it.

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use muster_auth::Can;
use muster_auth::permissions::Chat;
use muster_kernel::audit::{self, Event};
use muster_kernel::db::{DbError, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::{Expected, Fields};
use serde::Deserialize;

use super::{OBJECT, check_name};
use crate::log::{self, EventKind, What};
use crate::room::{RoomId, RoomKind, Seat};
use crate::schema::rooms;
use crate::seats;

/// What is to change of a room; what is absent stays.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct RoomPatch {
    /// What it is called.
    #[cfg_attr(feature = "http", schema(min_length = 1, max_length = 120))]
    pub room_name: Option<String>,
    /// Whether others than staff may answer announcements.
    pub replies_allowed: Option<bool>,
}

fn hold(tx: &mut Tx<'_>, can: &Can<Chat>, id: RoomId, expected: &Expected) -> Result<Seat, Fault> {
    let seat = seats::hold(tx, can.actor(), id)?;
    if !seat.moderates() {
        return Err(Fault::new(Code::Forbidden, "Only moderators change a room."));
    }
    expected.allows(seat.room.version)?;
    Ok(seat)
}

/// Changes a room: moderators do.
///
/// # Errors
/// When one may not, it is archived, somebody changed it meanwhile, or a field is wrong.
pub fn change(
    tx: &mut Tx<'_>,
    can: &Can<Chat>,
    id: RoomId,
    expected: &Expected,
    patch: &RoomPatch,
) -> Result<Seat, Fault> {
    let mut fields = Fields::new();
    if let Some(name) = &patch.room_name {
        check_name(&mut fields, name);
    }
    let mut seat = hold(tx, can, id, expected)?;
    let fits = patch.replies_allowed.is_none() || seat.room.kind == RoomKind::Announcement;
    fields.must(fits, "/replies_allowed", "does_not_fit", "This is for announcement rooms.");
    fields.done()?;
    if seat.room.archived_at.is_some() {
        return Err(Fault::new(Code::ReadOnly, "This room is archived: it can be read only."));
    }
    let mut after = seat.room.clone();
    after.room_name = patch.room_name.clone().or(after.room_name);
    after.replies_allowed = patch.replies_allowed.unwrap_or(after.replies_allowed);
    if after == seat.room {
        return Ok(seat);
    }
    after.version += 1;
    seat.room = after;
    keep(tx, can, &mut seat, "room.changed")?;
    Ok(seat)
}

/// Archives a room: from then on it can only be read. Moderators do; doing it again changes nothing.
///
/// # Errors
/// When one may not, or it is a room that goes with something else.
pub fn archive(tx: &mut Tx<'_>, can: &Can<Chat>, id: RoomId, expected: &Expected) -> Result<(), Fault> {
    let mut seat = hold(tx, can, id, expected)?;
    if seat.room.is_club || seat.room.kind == RoomKind::Class {
        return Err(Fault::new(Code::InvalidState, "This room is there as long as what it is of."));
    }
    if seat.room.archived_at.is_some() {
        return Ok(());
    }
    seat.room.archived_at = Some(tx.now());
    seat.room.version += 1;
    keep(tx, can, &mut seat, "room.archived")
}

fn keep(tx: &mut Tx<'_>, can: &Can<Chat>, seat: &mut Seat, action: &str) -> Result<(), Fault> {
    let room = &mut seat.room;
    diesel::update(rooms::table.filter(rooms::id.eq(room.id)))
        .set((
            rooms::version.eq(room.version),
            rooms::room_name.eq(&room.room_name),
            rooms::replies_allowed.eq(room.replies_allowed),
            rooms::archived_at.eq(room.archived_at),
            rooms::is_joinable.eq(room.is_joinable()),
        ))
        .execute(&mut **tx)
        .map_err(DbError::from)?;
    let state = room.state();
    log::append(tx, can.origin(), room, EventKind::RoomUpdated, What::Room(state))?;
    let event = Event { action, object_type: OBJECT, object_id: room.id.0, reason: None };
    Ok(audit::append(tx, can.origin(), event)?)
}
