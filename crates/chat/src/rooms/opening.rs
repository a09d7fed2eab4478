//! Opening rooms: channels and announcements by staff, direct rooms by everybody.

use diesel::{BoolExpressionMethods, ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_auth::permissions::{Chat, Moderate};
use muster_auth::read::user_roles;
use muster_auth::{Can, Role, people};
use muster_kernel::audit::{self, Event};
use muster_kernel::db::{Conn, DbError, DbResult, Tx};
use muster_kernel::fault::Fault;
use muster_kernel::{Fields, UserId};
use serde::Deserialize;

use super::{MOST_DIRECT, OBJECT, check_name, enter};
use crate::minors;
use crate::room::{self, Room, RoomId, RoomKind, RoomRole};
use crate::schema::{room_members, rooms};
use crate::seats;

/// A room to be opened.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct NewRoom {
    /// `channel`, `announcement` or `direct`.
    pub kind: RoomKind,
    /// What it is called; not of a direct room.
    #[cfg_attr(feature = "http", schema(min_length = 1, max_length = 120, example = "Tournament"))]
    pub room_name: Option<String>,
    /// Whether others than staff may answer announcements.
    pub replies_allowed: Option<bool>,
    /// Of a direct room: the one to seven others.
    #[cfg_attr(feature = "http", schema(min_items = 1, max_items = 7))]
    pub user_ids: Option<Vec<UserId>>,
}

/// What came of opening a room.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The room.
    pub id: RoomId,
    /// Whether it is new: the same people find their room again.
    pub is_new: bool,
}

/// Opens a room.
///
/// # Errors
/// When one may not, a field is wrong, or somebody under age would be alone with an adult who is no guardian of theirs.
pub fn open(tx: &mut Tx<'_>, can: &Can<Chat>, new: &NewRoom) -> Result<Opened, Fault> {
    seats::must_take_part(tx, can.actor())?;
    match new.kind {
        RoomKind::Channel | RoomKind::Announcement => open_public(tx, can, new),
        RoomKind::Direct => open_direct(tx, can, new),
        RoomKind::Class => {
            Err(Fault::field("/kind", "does_not_fit", "Rooms of classes come with their classes."))
        }
    }
}

fn open_public(tx: &mut Tx<'_>, can: &Can<Chat>, new: &NewRoom) -> Result<Opened, Fault> {
    let is_announcement = new.kind == RoomKind::Announcement;
    let mut fields = Fields::new();
    match &new.room_name {
        Some(name) => check_name(&mut fields, name),
        None => fields.wrong("/room_name", "required", "What is it called?"),
    }
    fields.must(new.user_ids.is_none(), "/user_ids", "does_not_fit", "People join this kind of room.");
    let fine = is_announcement || new.replies_allowed.is_none();
    fields.must(fine, "/replies_allowed", "does_not_fit", "In a channel everybody writes.");
    let can_moderate: Can<Moderate> = can.actor().can()?;
    fields.done()?;
    people::hold(tx, can.user_id())?;
    let replies = new.replies_allowed.unwrap_or(false);
    let mut room = insert(tx, can, new.kind, new.room_name.as_deref(), replies, None)?;
    enter(tx, can.origin(), &mut room, can_moderate.user_id(), RoomRole::Moderator, None)?;
    Ok(Opened { id: room.id, is_new: true })
}

fn open_direct(tx: &mut Tx<'_>, can: &Can<Chat>, new: &NewRoom) -> Result<Opened, Fault> {
    let me = can.user_id();
    let mut fields = Fields::new();
    fields.must(new.room_name.is_none(), "/room_name", "does_not_fit", "It is called by those in it.");
    fields.must(new.replies_allowed.is_none(), "/replies_allowed", "does_not_fit", "All of them write.");
    let mut others = new.user_ids.clone().unwrap_or_default();
    others.sort_unstable();
    others.dedup();
    others.retain(|id| *id != me);
    fields.must(!others.is_empty(), "/user_ids", "too_short", "One other person at least.");
    fields.must(others.len() < MOST_DIRECT, "/user_ids", "too_long", "Seven others at most.");
    fields.done()?;
    let mut everybody = others.clone();
    everybody.push(me);
    everybody.sort_unstable();
    // Held in order: whoever opens the same room at the same time comes after this, and finds it.
    for id in &everybody {
        people::hold(tx, *id).map_err(|_| unknown())?;
    }
    must_know(tx, can, &others)?;
    if let Some(id) = of_people(tx, &everybody)? {
        return Ok(Opened { id, is_new: false });
    }
    minors::must_be_fine(tx, &everybody)?;
    let mut room = insert(tx, can, RoomKind::Direct, None, false, Some(key(&everybody)))?;
    for id in everybody {
        enter(tx, can.origin(), &mut room, id, RoomRole::Member, None)?;
    }
    Ok(Opened { id: room.id, is_new: true })
}

fn unknown() -> Fault {
    Fault::field("/user_ids", "unknown", "There is nobody there whom you may write to.")
}

/// Everybody writes to staff, to whom they share a room with, and staff to all. Of others one does not even learn that they
/// are there.
pub(super) fn must_know(conn: &mut Conn, can: &Can<Chat>, others: &[UserId]) -> Result<(), Fault> {
    if seats::taking_part(conn, others)?.len() < others.len() {
        return Err(unknown());
    }
    if seats::is_staff(can.actor()) {
        return Ok(());
    }
    let me = can.user_id();
    let mut known: Vec<UserId> = user_roles::table
        .filter(user_roles::user_id.eq_any(others.to_vec()))
        .filter(user_roles::role.eq_any([Role::Coach, Role::Treasurer, Role::Admin].map(Role::as_str)))
        .select(user_roles::user_id)
        .load(conn)
        .map_err(DbError::from)?;
    let theirs = diesel::alias!(room_members as theirs);
    let shared: Vec<UserId> = room_members::table
        .inner_join(
            theirs.on(theirs
                .field(room_members::room_id)
                .eq(room_members::room_id)
                .and(theirs.field(room_members::user_id).eq_any(others.to_vec()))),
        )
        .filter(room_members::user_id.eq(me))
        .select(theirs.field(room_members::user_id))
        .distinct()
        .load(conn)
        .map_err(DbError::from)?;
    known.extend(shared);
    for ward in muster_auth::guardians::of(conn, others)? {
        if ward.1 == me {
            known.push(ward.0);
        }
    }
    match others.iter().all(|id| known.contains(id)) {
        true => Ok(()),
        false => Err(unknown()),
    }
}

/// By what the direct room of these people is found again.
pub(super) fn key(people: &[UserId]) -> String {
    people.iter().map(UserId::to_string).collect::<Vec<_>>().join(",")
}

/// The direct room of these people, in the order of their ids.
pub(super) fn of_people(conn: &mut Conn, people: &[UserId]) -> DbResult<Option<RoomId>> {
    Ok(rooms::table.filter(rooms::people.eq(key(people))).select(rooms::id).get_result(conn).optional()?)
}

fn insert(
    tx: &mut Tx<'_>,
    can: &Can<Chat>,
    kind: RoomKind,
    name: Option<&str>,
    replies_allowed: bool,
    people: Option<String>,
) -> Result<Room, Fault> {
    let now = tx.now();
    let room: Room = diesel::insert_into(rooms::table)
        .values((
            rooms::kind.eq(kind),
            rooms::is_joinable.eq(kind != RoomKind::Direct),
            rooms::room_name.eq(name),
            rooms::replies_allowed.eq(replies_allowed),
            rooms::people.eq(people),
            rooms::made_by.eq(can.user_id()),
            rooms::made_at.eq(now),
        ))
        .returning(room::COLUMNS)
        .get_result(&mut **tx)
        .map_err(DbError::from)?;
    let event = Event { action: "room.opened", object_type: OBJECT, object_id: room.id.0, reason: None };
    audit::append(tx, can.origin(), event)?;
    Ok(room)
}
