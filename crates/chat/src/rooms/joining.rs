//! Who is in a room: joining, leaving, being added, removed, and told to be quiet.

use diesel::{ExpressionMethods, JoinOnDsl, QueryDsl, RunQueryDsl};
use muster_auth::permissions::{Chat, ReadRooms};
use muster_auth::read::users;
use muster_auth::{Can, people};
use muster_kernel::audit::{self, Event, Origin};
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::page::PageRequest;
use muster_kernel::{Timestamp, UserId};
use muster_members::read::members as member_records;
use serde::Serialize;

use super::opening::{key, must_know, of_people};
use super::{MOST_DIRECT, OBJECT};
use crate::log::{self, EventKind, What};
use crate::room::{Room, RoomId, RoomKind, RoomRole, Seat};
use crate::schema::{room_marks, room_members, rooms};
use crate::{marks, minors, seats};

/// Somebody in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct RoomMember {
    /// Who.
    pub user_id: UserId,
    /// What they are called.
    pub name: String,
    /// What they are in the room.
    pub role: RoomRole,
    /// A moderator has them be quiet until then.
    pub muted_until: Option<Timestamp>,
    /// Since when they are in it; null in the club's room, where everybody is.
    pub joined_at: Option<Timestamp>,
}

/// Has somebody be in a room whose row is locked, if they are not. What they may see of a direct room begins here.
pub(crate) fn enter(
    tx: &mut Tx<'_>,
    origin: &Origin,
    room: &mut Room,
    user: UserId,
    role: RoomRole,
    stays_until: Option<Timestamp>,
) -> DbResult<bool> {
    let now = tx.now();
    if !seats::present(tx, room, &[user])?.is_empty() {
        return Ok(false);
    }
    // Of a direct room somebody sees what comes after them, but for those it was opened with.
    let is_opening = room.member_count == i32::try_from(room.head_seq).unwrap_or(i32::MAX);
    let from_seq = if room.kind == RoomKind::Direct && !is_opening { log::next(room) } else { 1 };
    diesel::insert_into(room_members::table)
        .values((
            room_members::room_id.eq(room.id),
            room_members::user_id.eq(user),
            room_members::role.eq(role),
            room_members::from_seq.eq(from_seq),
            room_members::joined_at.eq(now),
            room_members::stays_until.eq(stays_until),
        ))
        .execute(&mut **tx)?;
    room.member_count += 1;
    log::append(tx, origin, room, EventKind::MemberJoined, What::Member(user))?;
    Ok(true)
}

/// Has somebody be in a room whose row is locked no more. What is told of it is the last they hear.
pub(crate) fn go(
    tx: &mut Tx<'_>,
    origin: &Origin,
    room: &mut Room,
    user: UserId,
    event: EventKind,
) -> DbResult<bool> {
    let gone = diesel::delete(
        room_members::table.filter(room_members::room_id.eq(room.id)).filter(room_members::user_id.eq(user)),
    )
    .execute(&mut **tx)?;
    if gone == 0 {
        return Ok(false);
    }
    room.member_count -= 1;
    log::append(tx, origin, room, event, What::Member(user))?;
    if room.kind == RoomKind::Direct {
        people_changed(tx, room)?;
    }
    Ok(true)
}

/// Who is in a direct room has changed: they find it again by who they are now, and a minor may need a guardian.
fn people_changed(tx: &mut Tx<'_>, room: &mut Room) -> DbResult<()> {
    let left: Vec<UserId> = room_members::table
        .filter(room_members::room_id.eq(room.id))
        .order(room_members::user_id)
        .select(room_members::user_id)
        .load(&mut **tx)?;
    let is_taken = of_people(tx, &left)?.is_some_and(|other| other != room.id);
    let people = (!is_taken && left.len() > 1).then(|| key(&left));
    diesel::update(rooms::table.filter(rooms::id.eq(room.id)))
        .set(rooms::people.eq(people))
        .execute(&mut **tx)?;
    minors::look_again(tx, room, &left)
}

/// Joins a channel or an announcement room; being in it already is fine.
///
/// # Errors
/// When there is no room that one can join, or it is archived.
pub fn join(tx: &mut Tx<'_>, can: &Can<Chat>, id: RoomId) -> Result<Seat, Fault> {
    seats::must_take_part(tx, can.actor())?;
    people::hold(tx, can.user_id())?;
    let mut room = seats::lock(tx, id)?;
    if let Ok(seat) = seats::in_room(tx, can.actor(), room.clone()) {
        return Ok(seat);
    }
    if !matches!(room.kind, RoomKind::Channel | RoomKind::Announcement) {
        return Err(Fault::not_found());
    }
    must_not_be_archived(&room)?;
    enter(tx, can.origin(), &mut room, can.user_id(), RoomRole::Member, None)?;
    seats::in_room(tx, can.actor(), room)
}

fn must_not_be_archived(room: &Room) -> Result<(), Fault> {
    match room.archived_at {
        None => Ok(()),
        Some(_) => Err(Fault::new(Code::ReadOnly, "This room is archived: it can be read only.")),
    }
}

/// Leaves a room.
///
/// # Errors
/// When one is not in it, or it is one that people belong to: the club's, or that of a class they booked.
pub fn leave(tx: &mut Tx<'_>, can: &Can<Chat>, id: RoomId) -> Result<(), Fault> {
    people::hold(tx, can.user_id())?;
    let mut seat = seats::hold(tx, can.actor(), id)?;
    belongs_to_nothing_else(&seat.room)?;
    go(tx, can.origin(), &mut seat.room, can.user_id(), EventKind::MemberLeft)?;
    Ok(())
}

/// Who is in these rooms follows from something else.
fn belongs_to_nothing_else(room: &Room) -> Result<(), Fault> {
    if room.is_club {
        return Err(Fault::new(Code::InvalidState, "Everybody of the club is in its room; mute it instead."));
    }
    if room.kind == RoomKind::Class {
        let detail = "Whoever has booked the class is in its room, and its coach; mute it instead.";
        return Err(Fault::new(Code::InvalidState, detail));
    }
    Ok(())
}

/// Adds somebody: moderators do, and in a direct room all of those in it. True when they were not in it before.
///
/// # Errors
/// When one may not, there is no such person, or it is full.
pub fn add(tx: &mut Tx<'_>, can: &Can<Chat>, id: RoomId, user: UserId) -> Result<(RoomMember, bool), Fault> {
    let unknown = || Fault::field("/user_id", "unknown", "There is nobody there whom you may write to.");
    people::hold(tx, user).map_err(|_| unknown())?;
    let mut seat = seats::hold(tx, can.actor(), id)?;
    let is_direct = seat.room.kind == RoomKind::Direct;
    if !is_direct && !seat.moderates() {
        return Err(Fault::new(Code::Forbidden, "Only moderators add people here."));
    }
    belongs_to_nothing_else(&seat.room)?;
    must_not_be_archived(&seat.room)?;
    if seats::present(tx, &seat.room, &[user])?.is_empty() {
        must_know(tx, can, &[user]).map_err(|_| unknown())?;
        if is_direct {
            if seat.room.member_count as usize >= MOST_DIRECT {
                return Err(Fault::new(Code::InvalidState, "Eight people at most are in a direct room."));
            }
            minors::may_join(tx, &seat.room, user)?;
        }
    }
    let is_new = enter(tx, can.origin(), &mut seat.room, user, RoomRole::Member, None)?;
    if is_new && is_direct {
        people_changed(tx, &mut seat.room)?;
    }
    Ok((member(tx, &seat.room, user)?, is_new))
}

/// Removes somebody: moderators do. Afterwards they hear nothing of the room.
///
/// # Errors
/// When one may not, or they are not in it.
pub fn remove(tx: &mut Tx<'_>, can: &Can<Chat>, id: RoomId, user: UserId) -> Result<(), Fault> {
    let mut seat = seats::hold(tx, can.actor(), id)?;
    if user == can.user_id() {
        belongs_to_nothing_else(&seat.room)?;
        go(tx, can.origin(), &mut seat.room, user, EventKind::MemberLeft)?;
        return Ok(());
    }
    if !seat.moderates() {
        return Err(Fault::new(Code::Forbidden, "Only moderators remove people."));
    }
    belongs_to_nothing_else(&seat.room)?;
    if !go(tx, can.origin(), &mut seat.room, user, EventKind::MemberRemoved)? {
        return Err(Fault::not_found());
    }
    record(tx, can, id, "room.member_removed")
}

fn record(tx: &mut Tx<'_>, can: &Can<Chat>, id: RoomId, action: &str) -> Result<(), Fault> {
    let event = Event { action, object_type: OBJECT, object_id: id.0, reason: None };
    Ok(audit::append(tx, can.origin(), event)?)
}

/// Has somebody be quiet until then, or lets them speak again: moderators do.
///
/// # Errors
/// When one may not, or they are not in the room.
pub fn silence(
    tx: &mut Tx<'_>,
    can: &Can<Chat>,
    id: RoomId,
    user: UserId,
    until: Option<Timestamp>,
) -> Result<RoomMember, Fault> {
    let mut seat = seats::hold(tx, can.actor(), id)?;
    if !seat.moderates() || user == can.user_id() {
        return Err(Fault::new(Code::Forbidden, "Only moderators have others be quiet."));
    }
    must_not_be_archived(&seat.room)?;
    let before = member(tx, &seat.room, user)?;
    if before.muted_until == until {
        return Ok(before);
    }
    marks::silence(tx, user, id, until)?;
    log::append(tx, can.origin(), &mut seat.room, EventKind::MemberMuted, What::Member(user))?;
    record(tx, can, id, "room.member_muted")?;
    Ok(RoomMember { muted_until: until, ..before })
}

type Row = (UserId, String, String, Option<Timestamp>);

/// Somebody in a room.
fn member(conn: &mut Conn, room: &Room, user: UserId) -> Result<RoomMember, Fault> {
    if seats::present(conn, room, &[user])?.is_empty() {
        return Err(Fault::not_found());
    }
    let page = PageRequest::read("room_members", Some(1), None)?;
    let found = load(conn, room, Some(user), &page)?;
    found.into_iter().next().ok_or_else(Fault::not_found)
}

/// Those in a room, in the order of their ids. The club's list is for staff.
///
/// # Errors
/// When one is not in the room, or it is the club's and one is no staff.
pub fn members(
    conn: &mut Conn,
    can: &Can<ReadRooms>,
    id: RoomId,
    page: &PageRequest<i64>,
) -> Result<Vec<RoomMember>, Fault> {
    let seat = seats::find(conn, can.actor(), id)?;
    if seat.room.is_club && !seat.is_staff {
        return Err(Fault::new(Code::Forbidden, "Who is in the club is for its staff to know."));
    }
    Ok(load(conn, &seat.room, None, page)?)
}

fn load(
    conn: &mut Conn,
    room: &Room,
    only: Option<UserId>,
    page: &PageRequest<i64>,
) -> DbResult<Vec<RoomMember>> {
    use diesel::{BoolExpressionMethods, NullableExpressionMethods};
    let after = only.map_or_else(|| page.after().copied().unwrap_or(0), |id| id.0 - 1);
    let limit = if only.is_some() { 1 } else { page.fetch() };
    if room.is_club {
        let rows: Vec<Row> = member_records::table
            .inner_join(users::table.on(users::id.eq(member_records::id)))
            .left_join(
                room_marks::table
                    .on(room_marks::user_id.eq(member_records::id).and(room_marks::room_id.eq(room.id))),
            )
            .filter(member_records::id.gt(after))
            .filter(member_records::status.eq_any(seats::TAKING_PART))
            .order(member_records::id)
            .limit(limit)
            .select((
                member_records::id,
                users::first_name,
                users::last_name,
                room_marks::silenced_until.nullable(),
            ))
            .load(conn)?;
        let shown = |(user_id, first, last, muted_until): Row| RoomMember {
            user_id,
            name: format!("{first} {last}"),
            role: RoomRole::Member,
            muted_until,
            joined_at: None,
        };
        return Ok(rows.into_iter().map(shown).collect());
    }
    let rows: Vec<(Row, RoomRole, Timestamp)> = room_members::table
        .inner_join(users::table.on(users::id.eq(room_members::user_id)))
        .left_join(
            room_marks::table
                .on(room_marks::user_id.eq(room_members::user_id).and(room_marks::room_id.eq(room.id))),
        )
        .filter(room_members::room_id.eq(room.id))
        .filter(room_members::user_id.gt(after))
        .order(room_members::user_id)
        .limit(limit)
        .select((
            (
                room_members::user_id,
                users::first_name,
                users::last_name,
                room_marks::silenced_until.nullable(),
            ),
            room_members::role,
            room_members::joined_at,
        ))
        .load(conn)?;
    let shown = |((user_id, first, last, muted_until), role, joined_at): (Row, RoomRole, Timestamp)| {
        RoomMember { user_id, name: format!("{first} {last}"), role, muted_until, joined_at: Some(joined_at) }
    };
    Ok(rows.into_iter().map(shown).collect())
}
