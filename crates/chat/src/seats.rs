//! Who is in a room. Everybody in a room takes part in the club: staff, and members who are active or suspended. In the
//! club's own room are all of them, without rows; in every other those who have one.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods, OptionalExtension,
    QueryDsl, RunQueryDsl,
};
use muster_auth::permissions::Moderate;
use muster_auth::{Actor, Role};
use muster_kernel::db::{Conn, DbError, DbResult, Tx};
use muster_kernel::fault::Fault;
use muster_kernel::sql::{Locked, among};
use muster_kernel::{Timestamp, UserId};
use muster_members::Standing;
use muster_members::read::members;

use crate::room::{self, Room, RoomId, RoomKind, RoomRole, Seat};
use crate::schema::{room_marks, room_members, rooms};

/// Standings with which a member takes part.
pub(crate) const TAKING_PART: [Standing; 2] = [Standing::Active, Standing::Suspended];

/// Whether somebody works for the club.
pub(crate) fn is_staff(actor: &Actor) -> bool {
    [Role::Coach, Role::Treasurer, Role::Admin].into_iter().any(|role| actor.roles().has(role))
}

/// A room whose row is locked: whoever lets something happen in it holds it. Several rooms are locked in the order of
/// their ids, and after people.
pub(crate) fn lock(tx: &mut Tx<'_>, id: RoomId) -> Result<Room, Fault> {
    Locked(rooms::table.filter(rooms::id.eq(id)).select(room::COLUMNS))
        .get_result(&mut **tx)
        .optional()
        .map_err(DbError::from)?
        .ok_or_else(Fault::not_found)
}

type Marks = (Option<i64>, Option<Timestamp>, Option<Timestamp>);
type Row = (Option<RoomRole>, Option<i64>, Marks);

/// What there is of somebody in a room.
macro_rules! row {
    () => {
        (
            room_members::role.nullable(),
            room_members::from_seq.nullable(),
            (
                room_marks::last_read_seq.nullable(),
                room_marks::muted_until.nullable(),
                room_marks::silenced_until.nullable(),
            ),
        )
    };
}

/// Whether somebody of this standing takes part in the club.
fn takes_part(actor: &Actor, standing: Standing) -> bool {
    is_staff(actor) || TAKING_PART.contains(&standing)
}

/// The seat of somebody who takes part in the club, if they are in the room.
fn seat(actor: &Actor, room: Room, (role, from_seq, marks): Row) -> Option<Seat> {
    if role.is_none() && !room.is_club {
        return None;
    }
    let keeps_order = room.kind != RoomKind::Direct && actor.can::<Moderate>().is_ok();
    let (last_read_seq, muted_until, silenced_until) = marks;
    Some(Seat {
        user: actor.user_id(),
        // Whoever opened it and is no coach any more keeps no order either.
        role: if keeps_order { RoomRole::Moderator } else { RoomRole::Member },
        from_seq: from_seq.unwrap_or(1),
        last_read_seq: last_read_seq.unwrap_or(0),
        muted_until,
        silenced_until,
        is_staff: is_staff(actor),
        room,
    })
}

/// Somebody's seat in a room that was just read.
///
/// # Errors
/// Not found when they are not in it.
pub(crate) fn in_room(conn: &mut Conn, actor: &Actor, room: Room) -> Result<Seat, Fault> {
    let found: Option<(Standing, Row)> = members::table
        .left_join(
            room_members::table
                .on(room_members::user_id.eq(members::id).and(room_members::room_id.eq(room.id))),
        )
        .left_join(
            room_marks::table.on(room_marks::user_id.eq(members::id).and(room_marks::room_id.eq(room.id))),
        )
        .filter(members::id.eq(actor.user_id()))
        .select((members::status, row!()))
        .get_result(conn)
        .optional()
        .map_err(DbError::from)?;
    found
        .filter(|(standing, _)| takes_part(actor, *standing))
        .and_then(|(_, row)| seat(actor, room, row))
        .ok_or_else(Fault::not_found)
}

#[cfg(feature = "http")]
/// Somebody's seats in those of these rooms that they are in: two statements however many there are.
pub(crate) fn of(conn: &mut Conn, actor: &Actor, ids: &[RoomId]) -> DbResult<Vec<Seat>> {
    let user = actor.user_id();
    let standing: Option<Standing> =
        members::table.filter(members::id.eq(user)).select(members::status).get_result(conn).optional()?;
    if !standing.is_some_and(|standing| takes_part(actor, standing)) {
        return Ok(Vec::new());
    }
    let rows: Vec<(Room, Row)> = rooms::table
        .left_join(
            room_members::table.on(room_members::room_id.eq(rooms::id).and(room_members::user_id.eq(user))),
        )
        .left_join(room_marks::table.on(room_marks::room_id.eq(rooms::id).and(room_marks::user_id.eq(user))))
        .filter(among(rooms::id, ids))
        .select((room::COLUMNS, row!()))
        .load(conn)?;
    Ok(rows.into_iter().filter_map(|(room, row)| seat(actor, room, row)).collect())
}

#[cfg(feature = "http")]
/// Those of these people who take no part in the club.
pub(crate) fn outside(conn: &mut Conn, people: &[Actor]) -> DbResult<Vec<UserId>> {
    let others: Vec<UserId> = people.iter().filter(|it| !is_staff(it)).map(Actor::user_id).collect();
    if others.is_empty() {
        return Ok(others);
    }
    let standings: Vec<(UserId, Standing)> = members::table
        .filter(among(members::id, &others))
        .select((members::id, members::status))
        .load(conn)?;
    Ok(standings.into_iter().filter(|(_, it)| !TAKING_PART.contains(it)).map(|(id, _)| id).collect())
}

/// Somebody's seat in a room.
///
/// # Errors
/// Not found when there is no such room or they are not in it.
pub(crate) fn find(conn: &mut Conn, actor: &Actor, id: RoomId) -> Result<Seat, Fault> {
    let room = by_id(conn, id)?.ok_or_else(Fault::not_found)?;
    in_room(conn, actor, room)
}

/// The same with the room locked.
pub(crate) fn hold(tx: &mut Tx<'_>, actor: &Actor, id: RoomId) -> Result<Seat, Fault> {
    let room = lock(tx, id)?;
    in_room(tx, actor, room)
}

/// A room.
pub(crate) fn by_id(conn: &mut Conn, id: RoomId) -> DbResult<Option<Room>> {
    Ok(rooms::table.filter(rooms::id.eq(id)).select(room::COLUMNS).get_result(conn).optional()?)
}

/// Whether somebody takes part in the club at all.
///
/// # Errors
/// Not found when not: to them there is no chat.
pub(crate) fn must_take_part(conn: &mut Conn, actor: &Actor) -> Result<(), Fault> {
    if is_staff(actor) {
        return Ok(());
    }
    let standing: Option<Standing> = members::table
        .filter(members::id.eq(actor.user_id()))
        .select(members::status)
        .get_result(conn)
        .optional()
        .map_err(DbError::from)?;
    match standing.is_some_and(|standing| TAKING_PART.contains(&standing)) {
        true => Ok(()),
        false => Err(Fault::not_found()),
    }
}

/// Those of these people who are in a room, in the order of their ids.
pub(crate) fn present(conn: &mut Conn, room: &Room, people: &[UserId]) -> DbResult<Vec<UserId>> {
    if people.is_empty() {
        return Ok(Vec::new());
    }
    if room.is_club {
        return taking_part(conn, people);
    }
    Ok(room_members::table
        .filter(room_members::room_id.eq(room.id))
        .filter(among(room_members::user_id, people))
        .order(room_members::user_id)
        .select(room_members::user_id)
        .load(conn)?)
}

/// Those of these people who take part in the club and can sign in, in the order of their ids.
pub(crate) fn taking_part(conn: &mut Conn, people: &[UserId]) -> DbResult<Vec<UserId>> {
    use muster_auth::read::{user_roles, users};
    if people.is_empty() {
        return Ok(Vec::new());
    }
    let mut found: Vec<UserId> = users::table
        .inner_join(members::table.on(members::id.eq(users::id)))
        .filter(among(users::id, people))
        .filter(users::is_active.eq(true))
        .filter(members::status.eq_any(TAKING_PART))
        .select(users::id)
        .load(conn)?;
    let staff: Vec<UserId> = users::table
        .inner_join(user_roles::table.on(user_roles::user_id.eq(users::id)))
        .filter(among(users::id, people))
        .filter(users::is_active.eq(true))
        .filter(user_roles::role.eq_any([Role::Coach, Role::Treasurer, Role::Admin].map(Role::as_str)))
        .select(users::id)
        .load(conn)?;
    found.extend(staff);
    found.sort_unstable();
    found.dedup();
    Ok(found)
}
