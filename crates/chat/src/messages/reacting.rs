//! Reactions: one emoji, said once by each.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_auth::Can;
use muster_auth::permissions::Chat;
use muster_kernel::UserId;
use muster_kernel::db::{Conn, DbError, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::sql::Json;

use super::changing::must_be_there;
use super::{hold, must_be_heard};
use crate::log::{self, EventKind, What};
use crate::message::{Message, MessageId, Reaction};
use crate::schema::{message_reactions, messages};

/// Kinds of reactions to one message.
const MOST_KINDS: usize = 20;
/// Of so many people it is said who reacted so.
const NAMED: usize = 20;
/// The longest emoji, in bytes.
const LONGEST: usize = 32;

/// Reacts to a message, or takes it back. What changes nothing is no event.
///
/// # Errors
/// When there is no such message, it is deleted, that is no emoji, or there are too many kinds.
pub fn react(
    tx: &mut Tx<'_>,
    can: &Can<Chat>,
    id: MessageId,
    emoji: &str,
    is_on: bool,
) -> Result<Message, Fault> {
    if emoji.len() > LONGEST || emojis::get(emoji).is_none() {
        return Err(Fault::field("emoji", "malformed", "One emoji."));
    }
    let (mut seat, mut message) = hold(tx, can.actor(), id)?;
    must_be_there(&message)?;
    must_be_heard(tx, &mut seat)?;
    let user = can.user_id();
    let is_there = has_reacted(tx, id, emoji, user)?;
    if is_there == is_on {
        return Ok(message);
    }
    if is_on {
        add(tx, &mut message, emoji, user)?;
    } else {
        remove(tx, &mut message, emoji, user)?;
    }
    message.version += 1;
    message.updated_seq = log::next(&seat.room);
    diesel::update(messages::table.filter(messages::id.eq(id)))
        .set((
            messages::version.eq(message.version),
            messages::updated_seq.eq(message.updated_seq),
            messages::reactions.eq(Json(message.reactions.clone())),
        ))
        .execute(&mut **tx)
        .map_err(DbError::from)?;
    let event = if is_on { EventKind::ReactionAdded } else { EventKind::ReactionRemoved };
    let what = What::Reaction((id, message.seq), emoji.to_owned(), user);
    log::append(tx, can.origin(), &mut seat.room, event, what)?;
    Ok(message)
}

fn has_reacted(conn: &mut Conn, id: MessageId, emoji: &str, user: UserId) -> DbResult<bool> {
    let there: Option<UserId> = message_reactions::table
        .filter(message_reactions::message_id.eq(id))
        .filter(message_reactions::emoji.eq(emoji))
        .filter(message_reactions::user_id.eq(user))
        .select(message_reactions::user_id)
        .get_result(conn)
        .optional()?;
    Ok(there.is_some())
}

fn add(tx: &mut Tx<'_>, message: &mut Message, emoji: &str, user: UserId) -> Result<(), Fault> {
    let kinds = message.reactions.len();
    match message.reactions.iter_mut().find(|it| it.emoji == emoji) {
        Some(kind) => {
            kind.count += 1;
            if kind.user_ids.len() < NAMED {
                kind.user_ids.push(user);
            }
        }
        None if kinds >= MOST_KINDS => {
            return Err(Fault::new(Code::InvalidState, "Twenty kinds of reactions at most."));
        }
        None => message.reactions.push(Reaction { emoji: emoji.to_owned(), count: 1, user_ids: vec![user] }),
    }
    let now = tx.now();
    diesel::insert_into(message_reactions::table)
        .values((
            message_reactions::message_id.eq(message.id),
            message_reactions::emoji.eq(emoji),
            message_reactions::user_id.eq(user),
            message_reactions::made_at.eq(now),
        ))
        .execute(&mut **tx)
        .map_err(DbError::from)?;
    Ok(())
}

fn remove(tx: &mut Tx<'_>, message: &mut Message, emoji: &str, user: UserId) -> Result<(), Fault> {
    diesel::delete(
        message_reactions::table
            .filter(message_reactions::message_id.eq(message.id))
            .filter(message_reactions::emoji.eq(emoji))
            .filter(message_reactions::user_id.eq(user)),
    )
    .execute(&mut **tx)
    .map_err(DbError::from)?;
    for kind in message.reactions.iter_mut().filter(|it| it.emoji == emoji) {
        kind.count -= 1;
        if kind.user_ids.contains(&user) {
            kind.user_ids = first(tx, message.id, emoji)?;
        }
    }
    message.reactions.retain(|it| it.count > 0);
    Ok(())
}

/// The first who reacted so.
fn first(conn: &mut Conn, id: MessageId, emoji: &str) -> DbResult<Vec<UserId>> {
    Ok(message_reactions::table
        .filter(message_reactions::message_id.eq(id))
        .filter(message_reactions::emoji.eq(emoji))
        .order((message_reactions::made_at, message_reactions::user_id))
        .limit(NAMED as i64)
        .select(message_reactions::user_id)
        .load(conn)?)
}

/// What somebody reacted with, to which messages.
pub(crate) fn reactions_of(conn: &mut Conn, user: UserId) -> DbResult<Vec<(MessageId, String)>> {
    Ok(message_reactions::table
        .filter(message_reactions::user_id.eq(user))
        .order(message_reactions::message_id)
        .select((message_reactions::message_id, message_reactions::emoji))
        .load(conn)?)
}
