//! Adults and minors: where somebody under age is in a direct room with an adult who is no guardian of theirs, a guardian
//! of theirs is in it, too. Of unknown age, whoever has guardians counts as a minor.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::{ExpressionMethods, JoinOnDsl, QueryDsl, RunQueryDsl};
use muster_auth::read::users;
use muster_auth::{club, guardians};
use muster_kernel::UserId;
use muster_kernel::audit::Origin;
use muster_kernel::db::{Conn, DbError, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};

use crate::log::{self, EventKind, What};
use crate::room::{Room, RoomId, RoomKind};
use crate::schema::{room_members, rooms};
use crate::seats;

/// Whether these people may be in a direct room together.
fn are_fine(tx: &mut Tx<'_>, people: &[UserId]) -> DbResult<bool> {
    if people.is_empty() {
        return Ok(true);
    }
    let today = club::settings(tx)?.today(tx.now());
    let born: Vec<(UserId, Option<NaiveDate>)> = users::table
        .filter(users::id.eq_any(people.to_vec()))
        .select((users::id, users::date_of_birth))
        .load(&mut **tx)?;
    let mut guarded: HashMap<UserId, Vec<UserId>> = HashMap::new();
    for (ward, guardian) in guardians::of(tx, people)? {
        guarded.entry(ward).or_default().push(guardian);
    }
    let is_minor = |id: UserId, born: Option<NaiveDate>| match born {
        Some(_) => guardians::is_minor(born, today),
        None => guarded.contains_key(&id),
    };
    let (minors, adults): (Vec<_>, Vec<_>) = born.into_iter().partition(|(id, born)| is_minor(*id, *born));
    if minors.is_empty() || adults.is_empty() {
        return Ok(true);
    }
    // Whoever cannot sign in, or left the club, looks after nobody here.
    let present = seats::taking_part(tx, people)?;
    Ok(minors.iter().all(|(minor, _)| {
        let theirs = guarded.get(minor).map(Vec::as_slice).unwrap_or_default();
        let guards = |(id, _): &(UserId, Option<NaiveDate>)| theirs.contains(id) && present.contains(id);
        adults.iter().any(guards)
    }))
}

/// # Errors
/// When somebody under age would be alone with an adult who is no guardian of theirs.
pub(crate) fn must_be_fine(tx: &mut Tx<'_>, people: &[UserId]) -> Result<(), Fault> {
    match are_fine(tx, people)? {
        true => Ok(()),
        false => {
            let detail =
                "With somebody under age and another adult, one of their guardians has to be in the room.";
            Err(Fault::new(Code::GuardianRequired, detail))
        }
    }
}

/// Somebody may join a direct room if it is fine then; or if it is not now, so that a guardian can.
pub(crate) fn may_join(tx: &mut Tx<'_>, room: &Room, user: UserId) -> Result<(), Fault> {
    let mut people = in_room(tx, room.id)?;
    people.push(user);
    match room.needs_guardian {
        true => Ok(()),
        false => must_be_fine(tx, &people),
    }
}

fn in_room(conn: &mut Conn, room: RoomId) -> DbResult<Vec<UserId>> {
    Ok(room_members::table
        .filter(room_members::room_id.eq(room))
        .order(room_members::user_id)
        .select(room_members::user_id)
        .load(conn)?)
}

/// Looks again at a direct room whose row is locked: nobody writes there until a guardian joins, if one has to.
pub(crate) fn look_again(tx: &mut Tx<'_>, room: &mut Room, people: &[UserId]) -> DbResult<()> {
    let needs_guardian = !are_fine(tx, people)?;
    if needs_guardian == room.needs_guardian {
        return Ok(());
    }
    room.needs_guardian = needs_guardian;
    room.version += 1;
    diesel::update(rooms::table.filter(rooms::id.eq(room.id)))
        .set((rooms::needs_guardian.eq(needs_guardian), rooms::version.eq(room.version)))
        .execute(&mut **tx)?;
    let state = room.state();
    log::append(tx, &Origin::default(), room, EventKind::RoomUpdated, What::Room(state))?;
    Ok(())
}

/// Somebody writes in a direct room whose row is locked: whether that is fine is asked each time, since people grow up, and
/// guardians go.
///
/// # Errors
/// When a guardian has to join first.
pub(crate) fn must_be_fine_now(tx: &mut Tx<'_>, room: &mut Room) -> Result<(), Fault> {
    let people = in_room(tx, room.id)?;
    if !are_fine(tx, &people)? {
        let detail = "Somebody under age is here with an adult: a guardian of theirs has to join first.";
        return Err(Fault::new(Code::GuardianRequired, detail));
    }
    Ok(look_again(tx, room, &people)?)
}

/// Looks again at every direct room of somebody whose age, guardians or roles are others now.
pub(crate) fn changed(tx: &mut Tx<'_>, user: UserId) -> Result<(), Fault> {
    let theirs: Vec<RoomId> = room_members::table
        .inner_join(rooms::table.on(rooms::id.eq(room_members::room_id)))
        .filter(room_members::user_id.eq(user))
        .filter(rooms::kind.eq(RoomKind::Direct))
        .order(room_members::room_id)
        .select(room_members::room_id)
        .load(&mut **tx)
        .map_err(DbError::from)?;
    for id in theirs {
        let mut room = seats::lock(tx, id)?;
        let people = in_room(tx, id)?;
        look_again(tx, &mut room, &people)?;
    }
    Ok(())
}
