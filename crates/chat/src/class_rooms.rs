//! Rooms of classes: one of a series, else one of a session. Who is in them follows from who booked; it is said here by
//! whoever books, in the same transaction. Somebody stays until two weeks after their last session.

use std::future::Future;
use std::pin::Pin;

use chrono::TimeDelta;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_kernel::audit::Origin;
use muster_kernel::db::{Conn, DbError, DbResult, Tx};
use muster_kernel::fault::Fault;
use muster_kernel::job::{JobError, JobKind, JobRun, Progress, Schedule};
use muster_kernel::{Timestamp, UserId};

use crate::log::{self, EventKind, What};
use crate::room::{Room, RoomId, RoomKind, RoomRole};
use crate::schema::{room_members, rooms};
use crate::{rooms as people, seats};

/// How long somebody stays after their last session.
const STAY: TimeDelta = TimeDelta::days(14);
/// People who are let go in one step.
const AT_ONCE: i64 = 50;

/// Of what a room is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// A single class.
    Class(i64),
    /// A series.
    Series(i64),
}

/// The room of a class or a series, if there is one already.
///
/// # Errors
/// When the database fails.
pub fn of(conn: &mut Conn, of: Of) -> DbResult<Option<RoomId>> {
    let query = rooms::table.select(rooms::id);
    Ok(match of {
        Of::Class(id) => query.filter(rooms::class_id.eq(id)).get_result(conn),
        Of::Series(id) => query.filter(rooms::series_id.eq(id)).get_result(conn),
    }
    .optional()?)
}

/// Opens the room of a class or a series that is new.
///
/// # Errors
/// When the database fails.
pub fn open(tx: &mut Tx<'_>, of: Of, name: &str) -> DbResult<RoomId> {
    let now = tx.now();
    let (class, series) = match of {
        Of::Class(id) => (Some(id), None),
        Of::Series(id) => (None, Some(id)),
    };
    Ok(diesel::insert_into(rooms::table)
        .values((
            rooms::kind.eq(RoomKind::Class),
            rooms::room_name.eq(name),
            rooms::class_id.eq(class),
            rooms::series_id.eq(series),
            rooms::made_at.eq(now),
        ))
        .returning(rooms::id)
        .get_result(&mut **tx)?)
}

/// Calls a room otherwise, as its class is.
///
/// # Errors
/// When the database fails.
pub fn rename(tx: &mut Tx<'_>, origin: &Origin, id: RoomId, name: &str) -> Result<(), Fault> {
    let mut room = seats::lock(tx, id)?;
    if room.room_name.as_deref() == Some(name) {
        return Ok(());
    }
    room.room_name = Some(name.to_owned());
    room.version += 1;
    diesel::update(rooms::table.filter(rooms::id.eq(id)))
        .set((rooms::room_name.eq(name), rooms::version.eq(room.version)))
        .execute(&mut **tx)
        .map_err(DbError::from)?;
    let state = room.state();
    log::append(tx, origin, &mut room, EventKind::RoomUpdated, What::Room(state))?;
    Ok(())
}

/// Somebody's last session of a room ends then: they are in the room until two weeks after it. With nothing they have none,
/// and are in it no more.
///
/// # Errors
/// When the database fails.
pub fn keep(
    tx: &mut Tx<'_>,
    origin: &Origin,
    id: RoomId,
    user: UserId,
    role: RoomRole,
    last_ends: Option<Timestamp>,
) -> Result<(), Fault> {
    let mut room = seats::lock(tx, id)?;
    let now = tx.now();
    let Some(until) = last_ends.map(|ends| ends.plus(STAY)).filter(|until| *until > now) else {
        people::go(tx, origin, &mut room, user, EventKind::MemberLeft)?;
        return Ok(());
    };
    if people::enter(tx, origin, &mut room, user, role, Some(until))? {
        return Ok(());
    }
    diesel::update(
        room_members::table.filter(room_members::room_id.eq(id)).filter(room_members::user_id.eq(user)),
    )
    .set((room_members::role.eq(role), room_members::stays_until.eq(until)))
    .execute(&mut **tx)
    .map_err(DbError::from)?;
    Ok(())
}

/// Somebody has a place in a session of a room that ends then: they are in the room until two weeks after it, or for longer
/// if they are.
///
/// # Errors
/// When the database fails.
pub fn stay(
    tx: &mut Tx<'_>,
    origin: &Origin,
    id: RoomId,
    user: UserId,
    ends: Timestamp,
) -> Result<(), Fault> {
    let until = ends.plus(STAY);
    if until <= tx.now() {
        return Ok(());
    }
    let mut room = seats::lock(tx, id)?;
    if people::enter(tx, origin, &mut room, user, RoomRole::Member, Some(until))? {
        return Ok(());
    }
    diesel::update(
        room_members::table
            .filter(room_members::room_id.eq(id))
            .filter(room_members::user_id.eq(user))
            .filter(room_members::stays_until.lt(until)),
    )
    .set(room_members::stays_until.eq(until))
    .execute(&mut **tx)
    .map_err(DbError::from)?;
    Ok(())
}

/// Lets those go whose last session is two weeks ago.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LetGoJob;

impl LetGoJob {
    const KIND: &'static str = "chat.let_go";
    pub(crate) const SCHEDULE: Schedule = Schedule { kind: Self::KIND, every: TimeDelta::hours(1) };
}

impl JobKind for LetGoJob {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        Box::pin(async move { run.step(|tx, ()| Ok(let_go(tx)?.then_some(()))).await })
    }
}

/// Lets some of them go. True when there may be more.
fn let_go(tx: &mut Tx<'_>) -> Result<bool, Fault> {
    let now = tx.now();
    let mut over: Vec<(RoomId, UserId)> = room_members::table
        .filter(room_members::stays_until.le(now))
        .order(room_members::stays_until)
        .limit(AT_ONCE)
        .select((room_members::room_id, room_members::user_id))
        .load(&mut **tx)
        .map_err(DbError::from)?;
    let more = over.len() as i64 == AT_ONCE;
    over.sort_unstable();
    for (id, user) in over {
        let mut room: Room = seats::lock(tx, id)?;
        // They may have booked again at this moment.
        let stays: Option<Option<Timestamp>> = room_members::table
            .filter(room_members::room_id.eq(id))
            .filter(room_members::user_id.eq(user))
            .select(room_members::stays_until)
            .get_result(&mut **tx)
            .optional()
            .map_err(DbError::from)?;
        if stays.flatten().is_some_and(|until| until <= now) {
            people::go(tx, &Origin::default(), &mut room, user, EventKind::MemberLeft)?;
        }
    }
    Ok(more)
}
