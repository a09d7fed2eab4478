//! Messages.

use actix_web::{delete, get, post, put, web};
use muster_auth::Can;
use muster_auth::permissions::{Chat, ReadRooms};
use muster_kernel::db::Db;
use muster_kernel::fault::{Code, Fault};
use muster_kernel::http::{Body, IfMatch, Params, PathOf, Reply};
use muster_kernel::page::{Page, PageRequest};
use serde::Deserialize;

use crate::Hub;
use crate::events::{self, CatchUp};
use crate::message::{Message, MessageId};
use crate::messages::{self, Backwards, NewMessage, Sent};
use crate::room::RoomId;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryQuery {
    /// Those before this number, the latest first.
    #[param(minimum = 1)]
    before: Option<i64>,
    /// Those after this number, the earliest first.
    #[param(minimum = 0)]
    after: Option<i64>,
    /// So many rows, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// Where the page begins, as `next_cursor` said.
    cursor: Option<String>,
}

/// The messages of a room, deleted ones among them as such: the latest first, or with `after` in order.
#[utoipa::path(
    tag = "chat",
    params(("id" = RoomId, Path, description = "The room"), HistoryQuery),
    responses((status = 200, description = "A page of messages", body = Page<Message>)),
    extensions(("x-permission" = json!("rooms.read")))
)]
#[get("/rooms/{id}/messages")]
pub(super) async fn list_of_room(
    can: Can<ReadRooms>,
    PathOf(id): PathOf<RoomId>,
    Params(query): Params<HistoryQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let part = Backwards { before: query.before, after: query.after };
    let name = if part.after.is_some() { "messages_after" } else { "messages_before" };
    let page = PageRequest::read(name, query.limit, query.cursor.as_deref())?;
    let page = db
        .read::<_, Fault, _>(move |conn| {
            let rows = messages::history(conn, &can, id, part, &page)?;
            Ok(page.page(rows, |row| row.seq, |row| row))
        })
        .await?;
    Reply::page(&page)
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsQuery {
    /// What came after this number.
    #[param(minimum = 0, default = 0)]
    after: Option<i64>,
    /// So many, 1 to 500.
    #[param(minimum = 1, maximum = 500, default = 500)]
    limit: Option<i64>,
}

/// All that happened in a room after a number, in order: for whoever was away. A message is shown as it is now.
#[utoipa::path(
    tag = "chat",
    params(("id" = RoomId, Path, description = "The room"), EventsQuery),
    responses((status = 200, description = "What happened", body = CatchUp)),
    extensions(("x-permission" = json!("rooms.read")))
)]
#[get("/rooms/{id}/events")]
pub(super) async fn list_events(
    can: Can<ReadRooms>,
    PathOf(id): PathOf<RoomId>,
    Params(query): Params<EventsQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let (after, limit) = (query.after.unwrap_or(0), query.limit.unwrap_or(events::MOST));
    if after < 0 || !(1..=events::MOST).contains(&limit) {
        return Err(Fault::new(Code::Malformed, "`after` is a number from 0 on, `limit` one from 1 to 500."));
    }
    let caught_up = db.read::<_, Fault, _>(move |conn| events::after(conn, &can, id, after, limit)).await?;
    Reply::plain(&caught_up)
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct MessagesQuery {
    /// Of this room only.
    room_id: Option<RoomId>,
    /// So many rows, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// Where the page begins, as `next_cursor` said.
    cursor: Option<String>,
}

/// The messages of all rooms one is in, or of one of them: the latest first.
#[utoipa::path(
    tag = "chat",
    params(MessagesQuery),
    responses((status = 200, description = "A page of messages", body = Page<Message>)),
    extensions(("x-permission" = json!("rooms.read")))
)]
#[get("/messages")]
pub(super) async fn list_messages(
    can: Can<ReadRooms>,
    Params(query): Params<MessagesQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let room = query.room_id;
    let name = if room.is_some() { "messages_before" } else { "messages" };
    let page = PageRequest::read(name, query.limit, query.cursor.as_deref())?;
    let page = db
        .read::<_, Fault, _>(move |conn| {
            Ok(match room {
                Some(room) => {
                    let rows = messages::history(conn, &can, room, Backwards::default(), &page)?;
                    page.page(rows, |row| row.seq, |row| row)
                }
                None => page.page(messages::mine(conn, &can, &page)?, |row| row.id.0, |row| row),
            })
        })
        .await?;
    Reply::page(&page)
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SearchQuery {
    /// The words to look for: all of them, each at least by its beginning.
    q: String,
    /// In this room only.
    room_id: Option<RoomId>,
    /// So many rows, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// Where the page begins, as `next_cursor` said.
    cursor: Option<String>,
}

/// Find messages by their words, in the rooms one is in: the latest first.
#[utoipa::path(
    tag = "chat",
    params(SearchQuery),
    responses((status = 200, description = "A page of messages", body = Page<Message>)),
    extensions(("x-permission" = json!("rooms.read")))
)]
#[get("/messages/search")]
pub(super) async fn search_messages(
    can: Can<ReadRooms>,
    Params(query): Params<SearchQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let page = PageRequest::read("found_messages", query.limit, query.cursor.as_deref())?;
    let page = db
        .read::<_, Fault, _>(move |conn| {
            let rows = messages::search(conn, &can, &query.q, query.room_id, &page)?;
            Ok(page.page(rows, |row| row.id.0, |row| row))
        })
        .await?;
    Reply::page(&page)
}

/// Write a message. Sent again under the same `client_id` it is the same message (200).
#[utoipa::path(
    tag = "chat",
    request_body = NewMessage,
    responses(
        (status = 201, description = "The message", body = Message),
        (status = 200, description = "It was sent before", body = Message),
        (status = 409, description = "The room is archived or lacks a guardian, or the `client_id` was used for another message")
    ),
    extensions(("x-permission" = json!("rooms.write")))
)]
#[post("/messages")]
pub(super) async fn send_message(
    can: Can<Chat>,
    Body(new): Body<NewMessage>,
    db: web::Data<Db>,
    hub: web::Data<Hub>,
) -> Result<Reply, Fault> {
    hub.may_send(can.user_id()).map_err(|wait| {
        let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
        Fault::new(Code::RateLimited, "Five messages a second are enough.").retry_after(seconds)
    })?;
    let Sent { message, is_repeated } = db.write(move |tx| messages::send(tx, &can, &new)).await?;
    match is_repeated {
        true => Reply::of(message.version, &message),
        false => Reply::created(format!("/api/messages/{}", message.id), message.version, &message),
    }
}

/// A message of a room one is in.
#[utoipa::path(
    tag = "chat",
    params(("id" = MessageId, Path, description = "The message")),
    responses(
        (status = 200, description = "The message", body = Message),
        (status = 304, description = "As you know it: `If-None-Match` has its ETag")
    ),
    extensions(("x-permission" = json!("rooms.read")))
)]
#[get("/messages/{id}")]
pub(super) async fn get_message(
    can: Can<ReadRooms>,
    PathOf(id): PathOf<MessageId>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let message = db.read::<_, Fault, _>(move |conn| messages::find(conn, &can, id)).await?;
    Reply::of(message.version, &message)
}

/// Other words.
#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = MessageReplacement)]
pub(super) struct Words {
    /// What it says.
    #[schema(min_length = 1, max_length = 8000)]
    content: String,
    /// The title; none, unless it is given.
    #[schema(min_length = 1, max_length = 200)]
    title: Option<String>,
}

/// Change the words of a message of one's own.
#[utoipa::path(
    tag = "chat",
    params(
        ("id" = MessageId, Path, description = "The message"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what you saw")
    ),
    request_body = Words,
    responses(
        (status = 200, description = "The message as it is now", body = Message),
        (status = 409, description = "It is deleted, or the room is archived"),
        (status = 412, description = "Changed meanwhile")
    ),
    extensions(("x-permission" = json!("rooms.write")))
)]
#[put("/messages/{id}")]
pub(super) async fn put_message(
    can: Can<Chat>,
    PathOf(id): PathOf<MessageId>,
    IfMatch(expected): IfMatch,
    Body(words): Body<Words>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let message = db
        .write(move |tx| messages::edit(tx, &can, id, &expected, &words.content, words.title.as_deref()))
        .await?;
    Reply::of(message.version, &message)
}

/// Delete a message: one's own, or as a moderator anybody's. What is left says that there was one.
#[utoipa::path(
    tag = "chat",
    params(
        ("id" = MessageId, Path, description = "The message"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what you saw")
    ),
    responses(
        (status = 204, description = "It is deleted"),
        (status = 409, description = "The room is archived"),
        (status = 412, description = "Changed meanwhile")
    ),
    extensions(("x-permission" = json!("rooms.write")))
)]
#[delete("/messages/{id}")]
pub(super) async fn delete_message(
    can: Can<Chat>,
    PathOf(id): PathOf<MessageId>,
    IfMatch(expected): IfMatch,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    db.write(move |tx| messages::delete(tx, &can, id, &expected)).await?;
    Ok(Reply::nothing())
}

async fn react(db: &Db, can: Can<Chat>, id: MessageId, emoji: String, is_on: bool) -> Result<Reply, Fault> {
    let message = db.write(move |tx| messages::react(tx, &can, id, &emoji, is_on)).await?;
    Reply::of(message.version, &message)
}

/// React to a message with an emoji.
#[utoipa::path(
    tag = "chat",
    params(
        ("id" = MessageId, Path, description = "The message"),
        ("emoji" = String, Path, description = "One emoji", example = "👍")
    ),
    responses(
        (status = 200, description = "The message as it is now", body = Message),
        (status = 409, description = "It is deleted, the room is archived, or there are twenty kinds already")
    ),
    extensions(("x-permission" = json!("rooms.write")))
)]
#[put("/messages/{id}/reactions/{emoji}")]
pub(super) async fn add_reaction(
    can: Can<Chat>,
    PathOf((id, emoji)): PathOf<(MessageId, String)>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    react(&db, can, id, emoji, true).await
}

/// Take a reaction back.
#[utoipa::path(
    tag = "chat",
    params(
        ("id" = MessageId, Path, description = "The message"),
        ("emoji" = String, Path, description = "One emoji", example = "👍")
    ),
    responses(
        (status = 200, description = "The message as it is now", body = Message),
        (status = 409, description = "It is deleted, or the room is archived")
    ),
    extensions(("x-permission" = json!("rooms.write")))
)]
#[delete("/messages/{id}/reactions/{emoji}")]
pub(super) async fn remove_reaction(
    can: Can<Chat>,
    PathOf((id, emoji)): PathOf<(MessageId, String)>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    react(&db, can, id, emoji, false).await
}

async fn pin(db: &Db, can: Can<Chat>, id: MessageId, pinned: bool) -> Result<Reply, Fault> {
    let message = db.write(move |tx| messages::pin(tx, &can, id, pinned)).await?;
    Reply::of(message.version, &message)
}

/// Pin a message: moderators do, and in a direct room all of those in it.
#[utoipa::path(
    tag = "chat",
    params(("id" = MessageId, Path, description = "The message")),
    responses(
        (status = 200, description = "The message as it is now", body = Message),
        (status = 409, description = "It is deleted, or the room is archived")
    ),
    extensions(("x-permission" = json!("rooms.write")))
)]
#[put("/messages/{id}/pin")]
pub(super) async fn pin_message(
    can: Can<Chat>,
    PathOf(id): PathOf<MessageId>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    pin(&db, can, id, true).await
}

/// Pin it no more.
#[utoipa::path(
    tag = "chat",
    params(("id" = MessageId, Path, description = "The message")),
    responses(
        (status = 200, description = "The message as it is now", body = Message),
        (status = 409, description = "It is deleted, or the room is archived")
    ),
    extensions(("x-permission" = json!("rooms.write")))
)]
#[delete("/messages/{id}/pin")]
pub(super) async fn unpin_message(
    can: Can<Chat>,
    PathOf(id): PathOf<MessageId>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    pin(&db, can, id, false).await
}
