//! Who is in a room.

use actix_web::{delete, get, post, put, web};
use muster_auth::permissions::{Chat, ReadRooms};
use muster_auth::{Can, Whom};
use muster_kernel::UserId;
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{Body, Params, PathOf, Reply};
use muster_kernel::page::{Page, PageRequest};
use serde::Deserialize;

use super::PageQuery;
use super::rooms::Until;
use crate::room::RoomId;
use crate::rooms::{self, Listed, RoomMember};

/// Those in a room. The club's list is for staff.
#[utoipa::path(
    tag = "chat",
    params(("id" = RoomId, Path, description = "The room"), PageQuery),
    responses((status = 200, description = "A page of people", body = Page<RoomMember>)),
    extensions(("x-permission" = json!("rooms.read")))
)]
#[get("/rooms/{id}/members")]
pub(super) async fn list_room_members(
    can: Can<ReadRooms>,
    PathOf(id): PathOf<RoomId>,
    Params(query): Params<PageQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let page = PageRequest::read("room_members", query.limit, query.cursor.as_deref())?;
    let page = db
        .read::<_, Fault, _>(move |conn| {
            let rows = rooms::members(conn, &can, id, &page)?;
            Ok(page.page(rows, |row| row.user_id.0, |row| row))
        })
        .await?;
    Reply::page(&page)
}

/// Who is to be in it.
#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = NewRoomMember)]
pub(super) struct Newcomer {
    user_id: UserId,
}

/// Add somebody: moderators do, and in a direct room all of those in it.
#[utoipa::path(
    tag = "chat",
    params(("id" = RoomId, Path, description = "The room")),
    request_body = Newcomer,
    responses(
        (status = 201, description = "They are in it", body = RoomMember),
        (status = 200, description = "They were in it already", body = RoomMember),
        (status = 409, description = "Who is in it follows from something else, it is full or archived, or a guardian is missing")
    ),
    extensions(("x-permission" = json!("rooms.write")))
)]
#[post("/rooms/{id}/members")]
pub(super) async fn add_member(
    can: Can<Chat>,
    PathOf(id): PathOf<RoomId>,
    Body(newcomer): Body<Newcomer>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let (member, is_new) = db.write(move |tx| rooms::add(tx, &can, id, newcomer.user_id)).await?;
    let reply = Reply::plain(&member)?;
    Ok(if is_new { reply.status(201) } else { reply })
}

/// Remove somebody: moderators do; oneself is leaving.
#[utoipa::path(
    tag = "chat",
    params(
        ("id" = RoomId, Path, description = "The room"),
        ("user_id" = String, Path, description = "Who, or `me`")
    ),
    responses(
        (status = 204, description = "They are in it no more"),
        (status = 409, description = "Who is in it follows from something else")
    ),
    extensions(("x-permission" = json!("rooms.write")))
)]
#[delete("/rooms/{id}/members/{user_id}")]
pub(super) async fn remove_member(
    can: Can<Chat>,
    PathOf((id, whom)): PathOf<(RoomId, Whom)>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let user = whom.of(&can);
    db.write(move |tx| rooms::remove(tx, &can, id, user)).await?;
    Ok(Reply::nothing())
}

/// Have somebody be quiet until then, or let them speak again: moderators do.
#[utoipa::path(
    tag = "chat",
    params(
        ("id" = RoomId, Path, description = "The room"),
        ("user_id" = UserId, Path, description = "Who")
    ),
    request_body = Until,
    responses((status = 200, description = "They, as they are in it now", body = RoomMember)),
    extensions(("x-permission" = json!("rooms.write")))
)]
#[put("/rooms/{id}/members/{user_id}/mute")]
pub(super) async fn mute_member(
    can: Can<Chat>,
    PathOf((id, user)): PathOf<(RoomId, UserId)>,
    Body(until): Body<Until>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let member = db.write(move |tx| rooms::silence(tx, &can, id, user, until.muted_until)).await?;
    Reply::plain(&member)
}

/// Join a channel or an announcement room.
#[utoipa::path(
    tag = "chat",
    params(("id" = RoomId, Path, description = "The room")),
    responses(
        (status = 200, description = "The room as you see it now", body = Listed),
        (status = 409, description = "It is archived")
    ),
    extensions(("x-permission" = json!("rooms.write")))
)]
#[post("/rooms/{id}/join")]
pub(super) async fn join_room(
    can: Can<Chat>,
    PathOf(id): PathOf<RoomId>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let room = db
        .write(move |tx| {
            rooms::join(tx, &can, id)?;
            let can: Can<ReadRooms> = can.actor().can()?;
            rooms::find(tx, &can, id)
        })
        .await?;
    Reply::of(room.version, &room)
}

/// Leave a room.
#[utoipa::path(
    tag = "chat",
    params(("id" = RoomId, Path, description = "The room")),
    responses(
        (status = 204, description = "You are in it no more"),
        (status = 409, description = "Who is in it follows from something else")
    ),
    extensions(("x-permission" = json!("rooms.write")))
)]
#[post("/rooms/{id}/leave")]
pub(super) async fn leave_room(
    can: Can<Chat>,
    PathOf(id): PathOf<RoomId>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    db.write(move |tx| rooms::leave(tx, &can, id)).await?;
    Ok(Reply::nothing())
}
