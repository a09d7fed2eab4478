//! Reading what was written.

use diesel::{ExpressionMethods, JoinOnDsl, QueryDsl, QueryableByName, RunQueryDsl};
use muster_auth::Can;
use muster_auth::permissions::ReadRooms;
use muster_auth::read::users;
use muster_kernel::db::{Conn, DbError, DbResult, MultiBackend};
use muster_kernel::fault::Fault;
use muster_kernel::page::PageRequest;
use muster_kernel::sql::{Prepared, among};

use super::of_room;
use crate::message::{self, Message, MessageId, ShownRow};
use crate::room::RoomId;
use crate::schema::messages;
use crate::seats;

/// A part of a room's messages.
#[derive(Debug, Clone, Copy, Default)]
pub struct Backwards {
    /// Those before this number, the latest first.
    pub before: Option<i64>,
    /// Those after this number, the earliest first.
    pub after: Option<i64>,
}

/// A message one may see.
///
/// # Errors
/// When there is no such message, or one is not in its room.
pub fn find(conn: &mut Conn, can: &Can<ReadRooms>, id: MessageId) -> Result<Message, Fault> {
    let room = message::room_of(conn, id)?.ok_or_else(Fault::not_found)?;
    let seat = seats::find(conn, can.actor(), room)?;
    of_room(conn, &seat, id)
}

/// The messages of a room, deleted ones among them: the latest first, or those after a number in order.
///
/// # Errors
/// When one is not in the room.
pub fn history(
    conn: &mut Conn,
    can: &Can<ReadRooms>,
    room: RoomId,
    part: Backwards,
    page: &PageRequest<i64>,
) -> Result<Vec<Message>, Fault> {
    let seat = seats::find(conn, can.actor(), room)?;
    let query = messages::table
        .inner_join(users::table.on(users::id.eq(messages::user_id)))
        .filter(messages::room_id.eq(room))
        .filter(messages::seq.ge(seat.from_seq))
        .limit(page.fetch())
        .select(message::SHOWN)
        .into_boxed::<MultiBackend>();
    let query = match part {
        Backwards { after: Some(after), before } => query
            .filter(messages::seq.gt(page.after().copied().unwrap_or(after)))
            .filter(messages::seq.lt(before.unwrap_or(i64::MAX)))
            .order(messages::seq.asc()),
        Backwards { after: None, before } => query
            .filter(messages::seq.lt(page.after().copied().or(before).unwrap_or(i64::MAX)))
            .order(messages::seq.desc()),
    };
    let rows: Vec<ShownRow> = query.load(conn).map_err(DbError::from)?;
    Ok(rows.into_iter().map(Message::from).collect())
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    id: i64,
}

/// The last messages of all rooms one is in, the latest first.
///
/// # Errors
/// When one takes no part in the club.
pub fn mine(conn: &mut Conn, can: &Can<ReadRooms>, page: &PageRequest<i64>) -> Result<Vec<Message>, Fault> {
    seats::must_take_part(conn, can.actor())?;
    let before = page.after().copied().unwrap_or(i64::MAX);
    let found: Vec<Found> =
        Prepared::new(LATEST, [can.user_id().0, before, page.fetch()]).load(conn).map_err(DbError::from)?;
    Ok(shown(conn, found.into_iter().map(|it| MessageId(it.id)).collect())?)
}

/// Of each room only so many as are wanted are looked at: a room with much in it, or many rooms of others, cost nothing.
const LATEST: &str = "SELECT m.id AS id FROM (\
      SELECT room_id, from_seq FROM room_members WHERE user_id = $1 \
      UNION ALL SELECT id, 1 FROM rooms WHERE is_club\
    ) r JOIN messages m ON m.room_id = r.room_id AND m.seq >= r.from_seq AND m.id < $2 AND m.id >= COALESCE((\
      SELECT x.id FROM messages x WHERE x.room_id = r.room_id AND x.id < $2 ORDER BY x.id DESC LIMIT 1 OFFSET $3\
    ), 0) ORDER BY m.id DESC LIMIT $3";

/// Messages by their numbers, the latest first.
pub(super) fn shown(conn: &mut Conn, ids: Vec<MessageId>) -> DbResult<Vec<Message>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<ShownRow> = messages::table
        .inner_join(users::table.on(users::id.eq(messages::user_id)))
        .filter(among(messages::id, ids))
        .order(messages::id.desc())
        .select(message::SHOWN)
        .load(conn)?;
    Ok(rows.into_iter().map(Message::from).collect())
}
