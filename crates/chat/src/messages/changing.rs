//! Changing what was written: its words, whether it is pinned, and whether it is there.

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use muster_auth::Can;
use muster_auth::permissions::Chat;
use muster_kernel::db::{DbError, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::sql::Json;
use muster_kernel::{Expected, Fields};

use super::writing::{mention, mentioned};
use super::{check, hold, must_be_heard, must_be_open};
use crate::log::{self, EventKind, What};
use crate::message::{Message, MessageId, Reaction};
use crate::room::{RoomKind, Seat};
use crate::schema::{message_mentions, message_reactions, messages};

/// Changes the words of a message: one's own.
///
/// # Errors
/// When there is no such message, it is somebody else's or deleted, or the words cannot be.
pub fn edit(
    tx: &mut Tx<'_>,
    can: &Can<Chat>,
    id: MessageId,
    expected: &Expected,
    content: &str,
    title: Option<&str>,
) -> Result<Message, Fault> {
    let content = content.trim();
    let mut fields = Fields::new();
    check(&mut fields, content, title);
    fields.done()?;
    let (mut seat, mut message) = hold(tx, can.actor(), id)?;
    if message.user_id != can.user_id() {
        return Err(Fault::new(Code::Forbidden, "Only who wrote a message changes it."));
    }
    must_be_there(&message)?;
    expected.allows(message.version)?;
    must_be_heard(tx, &mut seat)?;
    if message.content.as_deref() == Some(content) && message.title.as_deref() == title {
        return Ok(message);
    }
    message.mentions = mentioned(tx, &seat, content)?;
    diesel::delete(message_mentions::table.filter(message_mentions::message_id.eq(id)))
        .execute(&mut **tx)
        .map_err(DbError::from)?;
    mention(tx, id, message.room_id, message.seq, &message.mentions)?;
    message.content = Some(content.to_owned());
    message.title = title.map(str::to_owned);
    message.edited_at = Some(tx.now());
    keep(tx, can, &mut seat, message, EventKind::MessageUpdated)
}

/// Deletes a message: one's own, or as a moderator anybody's. What is left says that there was one. Deleting it again
/// changes nothing.
///
/// # Errors
/// When there is no such message, or one may not.
pub fn delete(tx: &mut Tx<'_>, can: &Can<Chat>, id: MessageId, expected: &Expected) -> Result<(), Fault> {
    let (mut seat, mut message) = hold(tx, can.actor(), id)?;
    if message.user_id != can.user_id() && !seat.moderates() {
        return Err(Fault::new(Code::Forbidden, "Only who wrote a message, or a moderator, deletes it."));
    }
    if message.deleted_at.is_some() {
        return Ok(());
    }
    expected.allows(message.version)?;
    must_be_open(tx, &mut seat)?;
    for done in [
        diesel::delete(message_mentions::table.filter(message_mentions::message_id.eq(id)))
            .execute(&mut **tx),
        diesel::delete(message_reactions::table.filter(message_reactions::message_id.eq(id)))
            .execute(&mut **tx),
    ] {
        done.map_err(DbError::from)?;
    }
    (message.content, message.title) = (None, None);
    (message.mentions, message.reactions) = (Vec::new(), Vec::new());
    message.pinned = false;
    message.deleted_at = Some(tx.now());
    message.deleted_by = Some(can.user_id());
    keep(tx, can, &mut seat, message, EventKind::MessageDeleted)?;
    Ok(())
}

/// Pins a message, or not any more: moderators do, and in a direct room all of those in it.
///
/// # Errors
/// When there is no such message, it is deleted, or one may not.
pub fn pin(tx: &mut Tx<'_>, can: &Can<Chat>, id: MessageId, pinned: bool) -> Result<Message, Fault> {
    let (mut seat, mut message) = hold(tx, can.actor(), id)?;
    if !seat.moderates() && seat.room.kind != RoomKind::Direct {
        return Err(Fault::new(Code::Forbidden, "Only moderators pin messages here."));
    }
    must_be_there(&message)?;
    must_be_open(tx, &mut seat)?;
    if message.pinned == pinned {
        return Ok(message);
    }
    message.pinned = pinned;
    let event = if pinned { EventKind::MessagePinned } else { EventKind::MessageUnpinned };
    keep(tx, can, &mut seat, message, event)
}

pub(super) fn must_be_there(message: &Message) -> Result<(), Fault> {
    match message.deleted_at {
        None => Ok(()),
        Some(_) => Err(Fault::new(Code::MessageDeleted, "This message is deleted.")),
    }
}

/// Writes a message down as it is now, and tells of it.
fn keep(
    tx: &mut Tx<'_>,
    can: &Can<Chat>,
    seat: &mut Seat,
    message: Message,
    event: EventKind,
) -> Result<Message, Fault> {
    let message = Message { version: message.version + 1, updated_seq: log::next(&seat.room), ..message };
    diesel::update(messages::table.filter(messages::id.eq(message.id)))
        .set((
            messages::version.eq(message.version),
            messages::updated_seq.eq(message.updated_seq),
            messages::content.eq(&message.content),
            messages::title.eq(&message.title),
            messages::mentions.eq(Json(message.mentions.clone())),
            messages::reactions.eq(Json::<Vec<Reaction>>(message.reactions.clone())),
            messages::pinned.eq(message.pinned),
            messages::edited_at.eq(message.edited_at),
            messages::deleted_at.eq(message.deleted_at),
            messages::deleted_by.eq(message.deleted_by),
        ))
        .execute(&mut **tx)
        .map_err(DbError::from)?;
    log::append(tx, can.origin(), &mut seat.room, event, What::Message(Box::new(message.clone())))?;
    Ok(message)
}
