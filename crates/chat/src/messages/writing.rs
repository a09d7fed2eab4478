//! Writing a message. Sent twice under the client's own id, over whatever way, it is one message.

use std::collections::BTreeSet;

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_auth::permissions::Chat;
use muster_auth::read::users;
use muster_auth::{Actor, Can};
use muster_kernel::db::{Conn, DbError, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::sql::Json;
use muster_kernel::{Fields, Timestamp, UserId, on};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{check, must_be_heard};
use crate::log::{self, EventKind, What};
use crate::message::{self, Message, MessageId, Reaction};
use crate::room::{RoomId, RoomKind, Seat};
use crate::schema::{message_mentions, messages};
use crate::seats;

/// People whom one message can mention.
const MOST_MENTIONED: usize = 50;
const LONGEST_CLIENT_ID: usize = 64;

/// A message to be written.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct NewMessage {
    /// In which room.
    pub room_id: RoomId,
    /// What it says; `<@7>` mentions somebody.
    #[cfg_attr(feature = "http", schema(min_length = 1, max_length = 8000, example = "See you on Tuesday!"))]
    pub content: String,
    /// A title.
    #[cfg_attr(feature = "http", schema(min_length = 1, max_length = 200))]
    pub title: Option<String>,
    /// What it answers, in the same room.
    pub reply_to: Option<MessageId>,
    /// What your program knows it by: sent again under the same id, it is the same message.
    #[cfg_attr(feature = "http", schema(min_length = 1, max_length = 64, example = "c-018f"))]
    pub client_id: Option<String>,
}

/// What came of sending a message.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The message.
    pub message: Message,
    /// It had been sent before under the same id.
    pub is_repeated: bool,
}

/// Writes a message.
///
/// # Errors
/// When one is not in the room or may not write there, a field is wrong, or the client's id was used for another message.
pub fn send(tx: &mut Tx<'_>, can: &Can<Chat>, new: &NewMessage) -> Result<Sent, Fault> {
    let new = &NewMessage { content: new.content.trim().to_owned(), ..new.clone() };
    let mut fields = Fields::new();
    check(&mut fields, &new.content, new.title.as_deref());
    if let Some(id) = &new.client_id {
        fields.text("/client_id", id, 1..=LONGEST_CLIENT_ID);
    }
    fields.done()?;
    // The room first: whoever sends the same at the same time waits here, and then sees that it is sent.
    let mut seat = seats::hold(tx, can.actor(), new.room_id)?;
    if let Some(sent) = sent_before(tx, can.actor(), new)? {
        return Ok(Sent { message: sent, is_repeated: true });
    }
    must_be_heard(tx, &mut seat)?;
    let answers = answered(tx, &seat, new.reply_to)?;
    may_write(&seat, answers)?;
    let message = write(tx, can, &mut seat, new)?;
    Ok(Sent { message, is_repeated: false })
}

/// What was sent before under the client's id.
fn sent_before(conn: &mut Conn, actor: &Actor, new: &NewMessage) -> Result<Option<Message>, Fault> {
    let Some(client_id) = &new.client_id else { return Ok(None) };
    let before: Option<(MessageId, Option<String>)> = messages::table
        .filter(messages::user_id.eq(actor.user_id()))
        .filter(messages::client_id.eq(client_id))
        .select((messages::id, messages::fingerprint))
        .get_result(conn)
        .optional()
        .map_err(DbError::from)?;
    match before {
        None => Ok(None),
        Some((id, print)) if print.as_deref() == Some(&fingerprint(new)) => Ok(message::find(conn, id)?),
        Some(_) => Err(conflict()),
    }
}

fn conflict() -> Fault {
    Fault::new(Code::ClientIdConflict, "You sent another message under this `client_id`.")
}

/// Tells what was sent from something else, even after it was edited or deleted.
fn fingerprint(new: &NewMessage) -> String {
    let mut hash = Sha256::new();
    hash.update(new.room_id.0.to_be_bytes());
    hash.update(new.reply_to.map_or(0, |id| id.0).to_be_bytes());
    hash.update((new.title.as_ref().map_or(usize::MAX, String::len) as u64).to_be_bytes());
    hash.update(new.title.as_deref().unwrap_or_default());
    hash.update(&new.content);
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The message that is answered must be one that they see. True when there is one.
fn answered(conn: &mut Conn, seat: &Seat, id: Option<MessageId>) -> Result<bool, Fault> {
    let Some(id) = id else { return Ok(false) };
    let seq: Option<i64> = messages::table
        .filter(messages::id.eq(id))
        .filter(messages::room_id.eq(seat.room.id))
        .select(messages::seq)
        .get_result(conn)
        .optional()
        .map_err(DbError::from)?;
    match seq.is_some_and(|seq| seq >= seat.from_seq) {
        true => Ok(true),
        false => Err(Fault::field("/reply_to", "unknown", "There is no such message in this room.")),
    }
}

/// Announcements are staff's; others answer them where that is allowed.
fn may_write(seat: &Seat, answers: bool) -> Result<(), Fault> {
    let is_fine = seat.room.kind != RoomKind::Announcement
        || seat.is_staff
        || seat.moderates()
        || (answers && seat.room.replies_allowed);
    match is_fine {
        true => Ok(()),
        false => Err(Fault::new(Code::Forbidden, "Only staff write here.")),
    }
}

type Author = (String, String);

fn write(tx: &mut Tx<'_>, can: &Can<Chat>, seat: &mut Seat, new: &NewMessage) -> Result<Message, Fault> {
    let (author, now, seq) = (can.user_id(), tx.now(), log::next(&seat.room));
    let mentions = mentioned(tx, seat, &new.content)?;
    let (first, last): Author = users::table
        .filter(users::id.eq(author))
        .select((users::first_name, users::last_name))
        .get_result(&mut **tx)
        .map_err(DbError::from)?;
    let inserted = tx.attempt(|tx| insert(tx, author, seq, now, &mentions, new));
    let id = match inserted {
        // At the same moment it was used in another room.
        Err(e) if e.is_unique_violation() => return Err(conflict()),
        other => other?,
    };
    mention(tx, id, seat.room.id, seq, &mentions)?;
    let message = Message {
        id,
        version: 1,
        room_id: seat.room.id,
        seq,
        updated_seq: seq,
        user_id: author,
        user_name: format!("{first} {last}"),
        client_id: new.client_id.clone(),
        title: new.title.clone(),
        content: Some(new.content.clone()),
        reply_to: new.reply_to,
        mentions,
        reactions: Vec::new(),
        pinned: false,
        timestamp: now,
        edited_at: None,
        deleted_at: None,
        deleted_by: None,
    };
    let what = What::Message(Box::new(message.clone()));
    log::append(tx, can.origin(), &mut seat.room, EventKind::MessageCreated, what)?;
    Ok(message)
}

fn insert(
    tx: &mut Tx<'_>,
    author: UserId,
    seq: i64,
    now: Timestamp,
    mentions: &[UserId],
    new: &NewMessage,
) -> DbResult<MessageId> {
    Ok(diesel::insert_into(messages::table)
        .values((
            messages::room_id.eq(new.room_id),
            messages::seq.eq(seq),
            messages::updated_seq.eq(seq),
            messages::user_id.eq(author),
            messages::client_id.eq(&new.client_id),
            messages::fingerprint.eq(new.client_id.as_ref().map(|_| fingerprint(new))),
            messages::title.eq(&new.title),
            messages::content.eq(&new.content),
            messages::reply_to.eq(new.reply_to),
            messages::mentions.eq(Json(mentions.to_vec())),
            messages::reactions.eq(Json(Vec::<Reaction>::new())),
            messages::made_at.eq(now),
        ))
        .returning(messages::id)
        .get_result(&mut **tx)?)
}

/// Those in the room whom some words mention, in the order of their ids.
pub(super) fn mentioned(conn: &mut Conn, seat: &Seat, content: &str) -> Result<Vec<UserId>, Fault> {
    let ids: BTreeSet<UserId> = content
        .split("<@")
        .skip(1)
        .filter_map(|rest| rest.split_once('>'))
        .filter_map(|(id, _)| id.parse().ok().map(UserId))
        .collect();
    if ids.len() > MOST_MENTIONED {
        return Err(Fault::field("/content", "too_many", "One message mentions 50 people at most."));
    }
    Ok(seats::present(conn, &seat.room, &ids.into_iter().collect::<Vec<_>>())?)
}

#[derive(diesel::Insertable)]
#[diesel(table_name = message_mentions, treat_none_as_default_value = false)]
struct Mention {
    user_id: UserId,
    room_id: RoomId,
    seq: i64,
    message_id: MessageId,
}

/// Writes down whom a message mentions.
pub(super) fn mention(
    tx: &mut Tx<'_>,
    message_id: MessageId,
    room_id: RoomId,
    seq: i64,
    people: &[UserId],
) -> DbResult<()> {
    if people.is_empty() {
        return Ok(());
    }
    let rows: Vec<Mention> =
        people.iter().map(|user_id| Mention { user_id: *user_id, room_id, seq, message_id }).collect();
    on!(*tx, conn => diesel::insert_into(message_mentions::table).values(&rows).execute(conn))?;
    Ok(())
}
