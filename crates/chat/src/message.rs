//! A message, as everybody who receives it sees it.

use diesel::{ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_auth::read::users;
use muster_kernel::db::{Conn, DbResult};
use muster_kernel::sql::Json;
use muster_kernel::{Timestamp, UserId, id_type};
use serde::{Deserialize, Serialize};

use crate::room::RoomId;
use crate::schema::messages;

id_type! {
    /// A message.
    pub struct MessageId;
}

/// One kind of reaction to a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct Reaction {
    /// Which.
    pub emoji: String,
    /// How many people reacted so.
    pub count: i32,
    /// The first twenty of them.
    pub user_ids: Vec<UserId>,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct Message {
    /// Its number.
    pub id: MessageId,
    /// Goes up with every change.
    pub version: i64,
    /// The room.
    pub room_id: RoomId,
    /// Its place in the room.
    pub seq: i64,
    /// The number of what changed it last.
    pub updated_seq: i64,
    /// Who wrote it.
    pub user_id: UserId,
    /// What they are called.
    pub user_name: String,
    /// What their program knew it by.
    pub client_id: Option<String>,
    /// The title, if it has one.
    pub title: Option<String>,
    /// What it says; null once it is deleted.
    pub content: Option<String>,
    /// What it answers.
    pub reply_to: Option<MessageId>,
    /// Whom it mentions: `<@7>` in its content.
    pub mentions: Vec<UserId>,
    /// What people made of it.
    pub reactions: Vec<Reaction>,
    /// Whether it is pinned.
    pub pinned: bool,
    /// When it was written.
    pub timestamp: Timestamp,
    /// When its words were last changed.
    pub edited_at: Option<Timestamp>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// By whom.
    pub deleted_by: Option<UserId>,
}

muster_kernel::columns!(messages {
    id,
    version,
    room_id,
    seq,
    updated_seq,
    user_id,
    client_id,
    title,
    content,
    reply_to,
    mentions,
    reactions,
    pinned,
    made_at,
    edited_at,
    deleted_at,
    deleted_by,
});

/// What is selected to show a message.
pub(crate) type Shown = (Columns, users::first_name, users::last_name);

/// The same as a value.
pub(crate) const SHOWN: Shown = (COLUMNS, users::first_name, users::last_name);

type Row = (
    MessageId,
    i64,
    RoomId,
    i64,
    i64,
    UserId,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<MessageId>,
    Json<Vec<UserId>>,
    Json<Vec<Reaction>>,
    bool,
    Timestamp,
    Option<Timestamp>,
    Option<Timestamp>,
    Option<UserId>,
);

/// A row of [`SHOWN`].
pub(crate) type ShownRow = (Row, String, String);

impl From<ShownRow> for Message {
    fn from((row, first_name, last_name): ShownRow) -> Message {
        let (id, version, room_id, seq, updated_seq, user_id, client_id, title, content, reply_to, ..) = row;
        let (.., Json(mentions), Json(reactions), pinned, timestamp, edited_at, deleted_at, deleted_by) = row;
        Message {
            id,
            version,
            room_id,
            seq,
            updated_seq,
            user_id,
            user_name: format!("{first_name} {last_name}"),
            client_id,
            title,
            content,
            reply_to,
            mentions,
            reactions,
            pinned,
            timestamp,
            edited_at,
            deleted_at,
            deleted_by,
        }
    }
}

/// A message.
pub(crate) fn find(conn: &mut Conn, id: MessageId) -> DbResult<Option<Message>> {
    let row: Option<ShownRow> = messages::table
        .inner_join(users::table.on(users::id.eq(messages::user_id)))
        .filter(messages::id.eq(id))
        .select(SHOWN)
        .get_result(conn)
        .optional()?;
    Ok(row.map(Message::from))
}

/// In which room a message is.
pub(crate) fn room_of(conn: &mut Conn, id: MessageId) -> DbResult<Option<RoomId>> {
    Ok(messages::table.filter(messages::id.eq(id)).select(messages::room_id).get_result(conn).optional()?)
}
