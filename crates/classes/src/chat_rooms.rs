//! Who is in the room of a class follows from who has a place in it, and who teaches it. Whoever takes or gives back a place
//! joins or leaves in the same transaction; what concerns everybody of a class is done soon after.

use std::future::Future;
use std::pin::Pin;

use chrono::TimeDelta;
use diesel::{BoolExpressionMethods, ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_chat::class_rooms::{self, Of};
use muster_chat::{RoomId, RoomRole};
use muster_kernel::audit::Origin;
use muster_kernel::db::{DbError, DbResult, Tx};
use muster_kernel::fault::Fault;
use muster_kernel::job::{self, JobError, JobKind, JobRun, NewJob, Progress};
use muster_kernel::{Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::booking::BookingStatus;
use crate::class::{Class, ClassId, ClassStatus, SeriesId};
use crate::queries;
use crate::schema::{bookings, class_series, classes};

/// Nobody stays in a room for longer after a session, and none is longer than a day.
const LOOKED_BACK: TimeDelta = TimeDelta::days(16);
/// People who are looked at in one step.
const AT_ONCE: i64 = 20;

/// Opens the room of a class that belongs to no series.
pub(crate) fn open_of_class(tx: &mut Tx<'_>, id: ClassId, title: &str) -> DbResult<RoomId> {
    let room = class_rooms::open(tx, Of::Class(id.0), title)?;
    diesel::update(classes::table.filter(classes::id.eq(id)))
        .set(classes::room_id.eq(room))
        .execute(&mut **tx)?;
    Ok(room)
}

/// Opens the room of a series.
pub(crate) fn open_of_series(tx: &mut Tx<'_>, id: SeriesId, title: &str) -> DbResult<RoomId> {
    let room = class_rooms::open(tx, Of::Series(id.0), title)?;
    diesel::update(class_series::table.filter(class_series::id.eq(id)))
        .set(class_series::room_id.eq(room))
        .execute(&mut **tx)?;
    Ok(room)
}

/// When the last of somebody's bookings of this kind in the classes of a room ends.
macro_rules! last_booked {
    ($tx:expr, $user:expr, $room:expr, $is_live:literal, $which:expr) => {
        bookings::table
            .inner_join(classes::table.on(classes::id.eq(bookings::class_id)))
            .filter(bookings::member_id.eq($user))
            .filter(bookings::is_live.eq($is_live))
            .filter(bookings::starts_at.gt($tx.now().plus(-LOOKED_BACK)))
            .filter($which)
            .filter(classes::room_id.eq($room))
            .order(bookings::starts_at.desc())
            .select(bookings::ends_at)
            .limit(1)
            .get_result::<Timestamp>(&mut **$tx)
            .optional()
            .map_err(DbError::from)
    };
}

/// Has somebody be in a room as long as it is theirs: until some time after the last session that they teach or have a
/// place in.
pub(crate) fn keep(tx: &mut Tx<'_>, origin: &Origin, room: RoomId, user: UserId) -> Result<(), Fault> {
    let since = tx.now().plus(-LOOKED_BACK);
    let teaches: Option<Timestamp> = classes::table
        .filter(classes::room_id.eq(room))
        .filter(classes::coach_id.eq(user))
        .filter(classes::starts_at.gt(since))
        .order(classes::starts_at.desc())
        .select(classes::ends_at)
        .limit(1)
        .get_result(&mut **tx)
        .optional()
        .map_err(DbError::from)?;
    let attends = last_booked!(tx, user, room, true, bookings::is_seated.eq(true))?;
    // Of a class that was called off people talk, too.
    let off =
        bookings::status.eq(BookingStatus::CancelledByClub).and(classes::status.eq(ClassStatus::Cancelled));
    let would_have = last_booked!(tx, user, room, false, off)?;
    let role = if teaches.is_some() { RoomRole::Moderator } else { RoomRole::Member };
    class_rooms::keep(tx, origin, room, user, role, teaches.max(attends).max(would_have))
}

/// The same of several people of a class: of many of them soon after. Of those who have just been `seated` it is known
/// already that the class is theirs.
pub(crate) fn keep_some(
    tx: &mut Tx<'_>,
    origin: &Origin,
    class: &Class,
    (touched, seated): (&[UserId], &[UserId]),
) -> Result<(), Fault> {
    let Some(room) = class.room_id else { return Ok(()) };
    let mut some = [touched, seated].concat();
    some.sort_unstable();
    some.dedup();
    if some.len() as i64 > AT_ONCE {
        return Ok(look_again(tx, class.id, &[room])?);
    }
    for user in some {
        match touched.contains(&user) {
            true => keep(tx, origin, room, user)?,
            false => class_rooms::stay(tx, origin, room, user, class.ends_at)?,
        }
    }
    Ok(())
}

/// Looks soon at everybody of a class again: it has moved, or is off.
pub(crate) fn look_again(tx: &mut Tx<'_>, class: ClassId, rooms: &[RoomId]) -> DbResult<()> {
    if !rooms.is_empty() {
        let place = Place { class, rooms: rooms.to_vec(), after: UserId(0) };
        job::enqueue(tx, NewJob::new(LookJob::KIND, place))?;
    }
    Ok(())
}

/// How far it has come with whom.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Place {
    class: ClassId,
    rooms: Vec<RoomId>,
    after: UserId,
}

/// Has everybody of a class be in its room who is to be, and nobody else of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LookJob;

impl LookJob {
    const KIND: &'static str = "classes.rooms";
}

impl JobKind for LookJob {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        Box::pin(async move { run.step(look).await })
    }
}

fn look(tx: &mut Tx<'_>, place: Place) -> Result<Option<Place>, Fault> {
    // Locked, so that nobody takes or gives back a place meanwhile.
    let class = match queries::lock(tx, place.class) {
        Ok(class) => class,
        Err(_) => return Ok(None),
    };
    let mut some: Vec<UserId> = bookings::table
        .filter(bookings::class_id.eq(class.id))
        .filter(bookings::member_id.gt(place.after))
        .order(bookings::member_id)
        .select(bookings::member_id)
        .distinct()
        .limit(AT_ONCE)
        .load(&mut **tx)
        .map_err(DbError::from)?;
    let last = some.last().copied().filter(|_| some.len() as i64 == AT_ONCE);
    if place.after == UserId(0) {
        some.push(class.coach_id);
        some.push(class.planned_coach_id);
        some.sort_unstable();
        some.dedup();
    }
    let mut rooms = place.rooms.clone();
    rooms.sort_unstable();
    for room in rooms {
        for user in &some {
            keep(tx, &Origin::default(), room, *user)?;
        }
    }
    Ok(last.map(|after| Place { after, ..place }))
}
