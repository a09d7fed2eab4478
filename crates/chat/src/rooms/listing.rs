//! Rooms as somebody in them sees them: with what they have not read.

use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
use diesel::{ExpressionMethods, JoinOnDsl, QueryDsl, QueryableByName, RunQueryDsl};
use muster_auth::Can;
use muster_auth::permissions::{Moderate, ReadRooms};
use muster_auth::read::users;
use muster_kernel::db::{Conn, DbError, DbResult};
use muster_kernel::fault::Fault;
use muster_kernel::page::PageRequest;
use muster_kernel::sql::{Moment, Prepared, among};
use muster_kernel::{Timestamp, UserId};
use serde::Serialize;

use crate::room::{RoomId, RoomKind, RoomRole};
use crate::schema::room_members;
use crate::seats;

/// A room as somebody sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "http", schema(as = Room))]
pub struct Listed {
    /// Its number.
    pub id: RoomId,
    /// Goes up with every change of the room itself.
    pub version: i64,
    /// What it is called; a direct room by the others in it.
    pub room_name: String,
    /// What kind it is.
    pub kind: RoomKind,
    /// The class it is of.
    pub class_id: Option<i64>,
    /// The series it is of.
    pub series_id: Option<i64>,
    /// Whether others than staff may answer announcements.
    pub replies_allowed: bool,
    /// A minor is in it with an adult: nobody writes until a guardian joins.
    pub needs_guardian: bool,
    /// Since when it can only be read.
    pub archived_at: Option<Timestamp>,
    /// The number of what happened last.
    pub head_seq: i64,
    /// What you may see begins here.
    pub from_seq: i64,
    /// Up to where you have read.
    pub last_read_seq: i64,
    /// How many messages of others are after that; counted to 100.
    pub unread_count: i64,
    /// How many of them mention you; counted to 100.
    pub mention_count: i64,
    /// You do not want to hear of it until then.
    pub muted_until: Option<Timestamp>,
    /// What you are in it; null when you are not in it.
    pub my_role: Option<RoomRole>,
    /// How many are in it; of the club's room counted to 10,000.
    pub member_count: i64,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Nullable<Text>)]
    room_name: Option<String>,
    #[diesel(sql_type = Text)]
    kind: RoomKind,
    #[diesel(sql_type = Bool)]
    is_club: bool,
    #[diesel(sql_type = Nullable<BigInt>)]
    class_id: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    series_id: Option<i64>,
    #[diesel(sql_type = Bool)]
    replies_allowed: bool,
    #[diesel(sql_type = Bool)]
    needs_guardian: bool,
    #[diesel(sql_type = Nullable<Moment>)]
    archived_at: Option<Timestamp>,
    #[diesel(sql_type = BigInt)]
    head_seq: i64,
    #[diesel(sql_type = Integer)]
    member_count: i32,
    #[diesel(sql_type = Nullable<Text>)]
    role: Option<RoomRole>,
    #[diesel(sql_type = BigInt)]
    from_seq: i64,
    #[diesel(sql_type = BigInt)]
    last_read_seq: i64,
    #[diesel(sql_type = Nullable<Moment>)]
    muted_until: Option<Timestamp>,
    #[diesel(sql_type = BigInt)]
    unread: i64,
    #[diesel(sql_type = BigInt)]
    mentioned: i64,
}

/// What is told of a room `r` that somebody, `$1`, has the seat `m` in. What they have not read is counted to a hundred, by
/// the numbers of the room.
macro_rules! told {
    ($which:literal) => {
        concat!(
            "SELECT r.id, r.version, r.room_name, r.kind, r.is_club, r.class_id, r.series_id, r.replies_allowed, \
      r.needs_guardian, r.archived_at, r.head_seq, r.member_count, m.role, COALESCE(m.from_seq, 1) AS from_seq, \
      COALESCE(k.last_read_seq, 0) AS last_read_seq, k.muted_until, \
      (SELECT COUNT(*) FROM (SELECT 1 FROM messages x WHERE x.room_id = r.id AND x.seq > COALESCE(k.last_read_seq, 0) \
        AND x.seq >= COALESCE(m.from_seq, 1) AND x.deleted_at IS NULL AND x.user_id <> $1 LIMIT 100) u) AS unread, \
      (SELECT COUNT(*) FROM (SELECT 1 FROM message_mentions x JOIN messages y ON y.id = x.message_id \
        WHERE x.user_id = $1 AND x.room_id = r.id \
        AND x.seq > COALESCE(k.last_read_seq, 0) AND x.seq >= COALESCE(m.from_seq, 1) AND y.user_id <> $1 \
        LIMIT 100) v) AS mentioned \
    FROM rooms r LEFT JOIN room_members m ON m.room_id = r.id AND m.user_id = $1 \
    LEFT JOIN room_marks k ON k.user_id = $1 AND k.room_id = r.id ",
            $which
        )
    };
}

const MINE: &str = told!(
    "WHERE r.id IN (SELECT id FROM (\
       SELECT id FROM rooms WHERE is_club AND id > $2 UNION ALL \
       SELECT id FROM (SELECT room_id AS id FROM room_members WHERE user_id = $1 AND room_id > $2 \
         ORDER BY room_id LIMIT $3) few\
     ) theirs) ORDER BY r.id LIMIT $3"
);

const JOINABLE: &str =
    told!("WHERE r.is_joinable AND m.user_id IS NULL AND r.id > $2 ORDER BY r.id LIMIT $3");

const ONE: &str = told!("WHERE r.id = $2");

/// The rooms one is in, in the order of their numbers: the club's is the first.
///
/// # Errors
/// When one takes no part in the club.
pub fn mine(conn: &mut Conn, can: &Can<ReadRooms>, page: &PageRequest<i64>) -> Result<Vec<Listed>, Fault> {
    seats::must_take_part(conn, can.actor())?;
    let rows: Vec<Row> =
        Prepared::new(MINE, [can.user_id().0, page.after().copied().unwrap_or(0), page.fetch()])
            .load(conn)
            .map_err(DbError::from)?;
    Ok(told(conn, can, rows)?)
}

/// The rooms that one could join.
///
/// # Errors
/// When one takes no part in the club.
pub fn joinable(
    conn: &mut Conn,
    can: &Can<ReadRooms>,
    page: &PageRequest<i64>,
) -> Result<Vec<Listed>, Fault> {
    seats::must_take_part(conn, can.actor())?;
    let rows: Vec<Row> =
        Prepared::new(JOINABLE, [can.user_id().0, page.after().copied().unwrap_or(0), page.fetch()])
            .load(conn)
            .map_err(DbError::from)?;
    Ok(told(conn, can, rows)?)
}

/// A room one is in.
///
/// # Errors
/// When there is no such room, or one is not in it.
pub fn find(conn: &mut Conn, can: &Can<ReadRooms>, id: RoomId) -> Result<Listed, Fault> {
    seats::find(conn, can.actor(), id)?;
    let rows: Vec<Row> = Prepared::new(ONE, [can.user_id().0, id.0]).load(conn).map_err(DbError::from)?;
    told(conn, can, rows)?.into_iter().next().ok_or_else(Fault::not_found)
}

fn told(conn: &mut Conn, can: &Can<ReadRooms>, rows: Vec<Row>) -> DbResult<Vec<Listed>> {
    let direct: Vec<RoomId> =
        rows.iter().filter(|row| row.kind == RoomKind::Direct).map(|row| RoomId(row.id)).collect();
    let others = others(conn, can.user_id(), &direct)?;
    let keeps_order = can.actor().can::<Moderate>().is_ok();
    let mut listed = Vec::with_capacity(rows.len());
    for row in rows {
        let is_in = row.role.is_some() || row.is_club;
        let role = match keeps_order && row.kind != RoomKind::Direct {
            true => RoomRole::Moderator,
            false => RoomRole::Member,
        };
        let called = |(_, name): &(RoomId, String)| name.clone();
        let in_it = || others.iter().filter(|(id, _)| id.0 == row.id).map(called).collect::<Vec<_>>();
        listed.push(Listed {
            id: RoomId(row.id),
            version: row.version,
            room_name: row.room_name.unwrap_or_else(|| in_it().join(", ")),
            kind: row.kind,
            class_id: row.class_id,
            series_id: row.series_id,
            replies_allowed: row.replies_allowed,
            needs_guardian: row.needs_guardian,
            archived_at: row.archived_at,
            head_seq: row.head_seq,
            from_seq: row.from_seq,
            last_read_seq: row.last_read_seq,
            unread_count: if is_in { row.unread } else { 0 },
            mention_count: if is_in { row.mentioned } else { 0 },
            muted_until: row.muted_until,
            my_role: is_in.then_some(role),
            member_count: if row.is_club { in_the_club(conn)? } else { row.member_count.into() },
        });
    }
    Ok(listed)
}

/// What the others in these direct rooms are called.
fn others(conn: &mut Conn, me: UserId, rooms: &[RoomId]) -> DbResult<Vec<(RoomId, String)>> {
    if rooms.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(RoomId, String, String)> = room_members::table
        .inner_join(users::table.on(users::id.eq(room_members::user_id)))
        .filter(among(room_members::room_id, rooms))
        .filter(room_members::user_id.ne(me))
        .order((room_members::room_id, room_members::user_id))
        .select((room_members::room_id, users::first_name, users::last_name))
        .load(conn)?;
    Ok(rows.into_iter().map(|(room, first, last)| (room, format!("{first} {last}"))).collect())
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

const IN_THE_CLUB: &str = "SELECT COUNT(*) AS number FROM (\
      SELECT 1 FROM members WHERE status IN ('active', 'suspended') LIMIT 10000) few";

fn in_the_club(conn: &mut Conn) -> DbResult<i64> {
    let counted: Counted = Prepared::new(IN_THE_CLUB, []).get_result(conn)?;
    Ok(counted.number)
}
