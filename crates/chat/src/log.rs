//! What happens in a room, in order: every lasting change takes the room's next number, in its own transaction and with the
//! room's row locked.

use std::sync::Arc;

use diesel::{ExpressionMethods, JoinOnDsl, QueryDsl, RunQueryDsl};
use muster_auth::read::users;
use muster_kernel::audit::Origin;
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::sql::{Json, among};
use muster_kernel::{Timestamp, UserId, text_enum};
use serde::{Deserialize, Serialize};

use crate::message::{self, Message, MessageId};
use crate::room::{Room, RoomId, RoomState};
use crate::schema::{messages, room_events, rooms};

text_enum! {
    /// What happened.
    pub enum EventKind {
        /// Somebody wrote a message.
        MessageCreated = "message.created",
        /// They changed its words.
        MessageUpdated = "message.updated",
        /// It was deleted.
        MessageDeleted = "message.deleted",
        /// It was pinned.
        MessagePinned = "message.pinned",
        /// It was pinned no more.
        MessageUnpinned = "message.unpinned",
        /// Somebody reacted to a message.
        ReactionAdded = "reaction.added",
        /// They took it back.
        ReactionRemoved = "reaction.removed",
        /// Somebody is in the room now.
        MemberJoined = "member.joined",
        /// Somebody left it.
        MemberLeft = "member.left",
        /// Somebody was removed.
        MemberRemoved = "member.removed",
        /// A moderator has somebody be quiet, or lets them speak again.
        MemberMuted = "member.muted",
        /// The room itself changed.
        RoomUpdated = "room.updated",
    }
}

/// Something that happened in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct RoomEvent {
    /// Always `event`.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "http", schema(value_type = String, example = "event"))]
    pub kind: EventWord,
    /// The room.
    pub room: RoomId,
    /// Its place in the room.
    pub seq: i64,
    /// What happened.
    pub event: EventKind,
    /// Who did it; nobody when the program did.
    pub actor_id: Option<UserId>,
    /// When.
    pub timestamp: Timestamp,
    /// Of `message.*`: the message as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Message>,
    /// Of `reaction.*`: to which message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// Of `reaction.*`: which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emoji: Option<String>,
    /// Of `reaction.*` and `member.*`: who it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Of `room.updated`: what the room is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<RoomState>,
    /// Where the message is that it is about.
    #[serde(skip)]
    pub(crate) about_seq: Option<i64>,
}

impl RoomEvent {
    /// Whether all of it is for somebody whose part of a room begins here.
    pub(crate) fn is_seen_from(&self, from_seq: i64) -> bool {
        self.about_seq.is_none_or(|seq| seq >= from_seq)
    }

    /// The same for somebody whose part of a room begins here: what it is about may be from before that. That something
    /// happened is told, so that there is no hole; what it was is not.
    #[must_use]
    pub(crate) fn seen_from(self, from_seq: i64) -> RoomEvent {
        if self.is_seen_from(from_seq) {
            return self;
        }
        RoomEvent { message: None, message_id: None, emoji: None, user_id: None, ..self }
    }
}

/// The word that begins every event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventWord {
    /// The only one.
    Event,
}

/// What is to be told.
#[derive(Debug, Clone)]
pub(crate) enum What {
    /// A message, as it is once this has happened; its `seq` and `updated_seq` are set here.
    Message(Box<Message>),
    /// To which message, and where that is.
    Reaction((MessageId, i64), String, UserId),
    Member(UserId),
    Room(RoomState),
}

/// The news of a commit, for those in this program who are connected.
#[derive(Debug, Clone)]
pub struct News(pub Arc<RoomEvent>);

/// The number that what happens next in a room will have.
pub(crate) fn next(room: &Room) -> i64 {
    room.head_seq + 1
}

/// Writes down what happened in a room whose row is locked, and tells it once it is committed.
pub(crate) fn append(
    tx: &mut Tx<'_>,
    origin: &Origin,
    room: &mut Room,
    event: EventKind,
    what: What,
) -> DbResult<i64> {
    let (seq, at) = (next(room), tx.now());
    diesel::update(rooms::table.filter(rooms::id.eq(room.id)))
        .set((rooms::head_seq.eq(seq), rooms::member_count.eq(room.member_count)))
        .execute(&mut **tx)?;
    room.head_seq = seq;
    let mut told = RoomEvent {
        kind: EventWord::Event,
        room: room.id,
        seq,
        event,
        actor_id: origin.actor,
        timestamp: at,
        message: None,
        message_id: None,
        emoji: None,
        user_id: None,
        state: None,
        about_seq: None,
    };
    match what {
        What::Message(message) => {
            told.about_seq = Some(message.seq);
            told.message = Some(*message);
        }
        What::Reaction((message, about), emoji, user) => {
            told.about_seq = Some(about);
            (told.message_id, told.emoji, told.user_id) = (Some(message), Some(emoji), Some(user));
        }
        What::Member(user) => told.user_id = Some(user),
        What::Room(state) => told.state = Some(state),
    }
    diesel::insert_into(room_events::table)
        .values((
            room_events::room_id.eq(room.id),
            room_events::seq.eq(seq),
            room_events::event.eq(event),
            room_events::message_id.eq(told.message.as_ref().map(|it| it.id).or(told.message_id)),
            room_events::user_id.eq(told.user_id),
            room_events::emoji.eq(told.emoji.clone()),
            room_events::state.eq(told.state.clone().map(Json)),
            room_events::actor_id.eq(told.actor_id),
            room_events::at.eq(at),
        ))
        .execute(&mut **tx)?;
    tx.signal(News(Arc::new(told)));
    Ok(seq)
}

type Row = (
    i64,
    EventKind,
    Option<MessageId>,
    Option<UserId>,
    Option<String>,
    Option<Json<RoomState>>,
    Option<UserId>,
    Timestamp,
);

/// What happened in a room after a number, in order: two statements however much it is. Messages are shown as they are now.
pub(crate) fn after(conn: &mut Conn, room: RoomId, seq: i64, limit: i64) -> DbResult<Vec<RoomEvent>> {
    let rows: Vec<Row> = room_events::table
        .filter(room_events::room_id.eq(room))
        .filter(room_events::seq.gt(seq))
        .order(room_events::seq)
        .limit(limit)
        .select((
            room_events::seq,
            room_events::event,
            room_events::message_id,
            room_events::user_id,
            room_events::emoji,
            room_events::state,
            room_events::actor_id,
            room_events::at,
        ))
        .load(conn)?;
    let ids: Vec<MessageId> = rows.iter().filter_map(|row| row.2).collect();
    let mut shown = std::collections::HashMap::with_capacity(ids.len());
    if !ids.is_empty() {
        let found: Vec<message::ShownRow> = messages::table
            .inner_join(users::table.on(users::id.eq(messages::user_id)))
            .filter(among(messages::id, ids))
            .select(message::SHOWN)
            .load(conn)?;
        shown.extend(found.into_iter().map(Message::from).map(|message| (message.id, message)));
    }
    let told = |(seq, event, message_id, user_id, emoji, state, actor_id, timestamp): Row| {
        let about = message_id.and_then(|id| shown.get(&id));
        let message = about.filter(|_| is_of_message(event)).cloned();
        RoomEvent {
            kind: EventWord::Event,
            room,
            seq,
            event,
            actor_id,
            timestamp,
            message_id: message_id.filter(|_| message.is_none()),
            message,
            emoji,
            user_id,
            state: state.map(|Json(state)| state),
            about_seq: about.map(|it| it.seq),
        }
    };
    Ok(rows.into_iter().map(told).collect())
}

/// Whether an event carries the message itself.
fn is_of_message(event: EventKind) -> bool {
    use EventKind::{MessageCreated, MessageDeleted, MessagePinned, MessageUnpinned, MessageUpdated};
    matches!(event, MessageCreated | MessageUpdated | MessageDeleted | MessagePinned | MessageUnpinned)
}
