//! What `muster export` writes of chat.

use diesel::{ExpressionMethods, JoinOnDsl, QueryDsl, RunQueryDsl};
use muster_auth::read::users;
use muster_kernel::UserId;
use muster_kernel::domain::{Export, ExportRow};

use crate::message::{self, Message, MessageId, ShownRow};
use crate::room::{self, Room, RoomId, RoomRole};
use crate::schema::{messages, room_members, rooms};

pub(crate) const ALL: [Export; 3] = [ROOMS, MEMBERS, MESSAGES];

const ROOMS: Export = Export {
    name: "rooms",
    columns: &[
        "id",
        "kind",
        "room_name",
        "class_id",
        "series_id",
        "replies_allowed",
        "archived_at",
        "head_seq",
    ],
    rows: |conn, after, limit| {
        let rows: Vec<Room> = rooms::table
            .filter(rooms::id.gt(RoomId(after)))
            .order(rooms::id)
            .limit(limit)
            .select(room::COLUMNS)
            .load(conn)?;
        let row = |it: Room| ExportRow {
            key: it.id.0,
            values: vec![
                it.id.0.into(),
                it.kind.as_str().into(),
                it.room_name.into(),
                it.class_id.into(),
                it.series_id.into(),
                it.replies_allowed.into(),
                it.archived_at.map(|at| at.to_string()).into(),
                it.head_seq.into(),
            ],
        };
        Ok(rows.into_iter().map(row).collect())
    },
};

/// Whole rooms at once: the next part begins after the last of these.
const MEMBERS: Export = Export {
    name: "room_members",
    columns: &["room_id", "user_id", "role"],
    rows: |conn, after, limit| {
        let some: Vec<RoomId> = room_members::table
            .filter(room_members::room_id.gt(RoomId(after)))
            .order(room_members::room_id)
            .select(room_members::room_id)
            .distinct()
            .limit(limit.min(100))
            .load(conn)?;
        let (Some(first), Some(last)) = (some.first(), some.last()) else { return Ok(Vec::new()) };
        let rows: Vec<(RoomId, UserId, RoomRole)> = room_members::table
            .filter(room_members::room_id.between(*first, *last))
            .order((room_members::room_id, room_members::user_id))
            .select((room_members::room_id, room_members::user_id, room_members::role))
            .load(conn)?;
        let row = |(room, user, role): (RoomId, UserId, RoomRole)| ExportRow {
            key: room.0,
            values: vec![room.0.into(), user.0.into(), role.as_str().into()],
        };
        Ok(rows.into_iter().map(row).collect())
    },
};

const MESSAGES: Export = Export {
    name: "messages",
    columns: &[
        "id",
        "room_id",
        "seq",
        "user_id",
        "title",
        "content",
        "reply_to",
        "pinned",
        "timestamp",
        "edited_at",
        "deleted_at",
    ],
    rows: |conn, after, limit| {
        let rows: Vec<ShownRow> = messages::table
            .inner_join(users::table.on(users::id.eq(messages::user_id)))
            .filter(messages::id.gt(MessageId(after)))
            .order(messages::id)
            .limit(limit)
            .select(message::SHOWN)
            .load(conn)?;
        let row = |it: Message| ExportRow {
            key: it.id.0,
            values: vec![
                it.id.0.into(),
                it.room_id.0.into(),
                it.seq.into(),
                it.user_id.0.into(),
                it.title.into(),
                it.content.into(),
                it.reply_to.map(|id| id.0).into(),
                it.pinned.into(),
                it.timestamp.to_string().into(),
                it.edited_at.map(|at| at.to_string()).into(),
                it.deleted_at.map(|at| at.to_string()).into(),
            ],
        };
        Ok(rows.into_iter().map(Message::from).map(row).collect())
    },
};
