//! Rooms.

use actix_web::{delete, get, patch, post, put, web};
use muster_auth::Can;
use muster_auth::permissions::{Chat, ReadRooms};
use muster_kernel::Timestamp;
use muster_kernel::db::{Db, Tx};
use muster_kernel::fault::Fault;
use muster_kernel::http::{Body, IfMatch, Params, PathOf, Reply};
use muster_kernel::page::{Page, PageRequest};
use serde::Deserialize;

use crate::marks;
use crate::room::RoomId;
use crate::rooms::{self, Listed, NewRoom, Opened, RoomPatch};

/// A room as whoever acts sees it now.
fn shown(tx: &mut Tx<'_>, can: &Can<Chat>, id: RoomId) -> Result<Listed, Fault> {
    let can: Can<ReadRooms> = can.actor().can()?;
    rooms::find(tx, &can, id)
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RoomQuery {
    /// Those that one could join, rather than one's own.
    joinable: Option<bool>,
    /// So many rows, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// Where the page begins, as `next_cursor` said.
    cursor: Option<String>,
}

/// The rooms one is in, with what one has not read; or those that one could join.
#[utoipa::path(
    tag = "chat",
    params(RoomQuery),
    responses((status = 200, description = "A page of rooms", body = Page<Listed>)),
    extensions(("x-permission" = json!("rooms.read")))
)]
#[get("/rooms")]
pub(super) async fn list_rooms(
    can: Can<ReadRooms>,
    Params(query): Params<RoomQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let joinable = query.joinable == Some(true);
    let name = if joinable { "joinable_rooms" } else { "rooms" };
    let page = PageRequest::read(name, query.limit, query.cursor.as_deref())?;
    let page = db
        .read::<_, Fault, _>(move |conn| {
            let rows = match joinable {
                true => rooms::joinable(conn, &can, &page)?,
                false => rooms::mine(conn, &can, &page)?,
            };
            Ok(page.page(rows, |row| row.id.0, |row| row))
        })
        .await?;
    Reply::page(&page)
}

/// Open a room: channels and announcement rooms as staff, direct rooms as anybody. The same people find their direct room
/// again (200).
#[utoipa::path(
    tag = "chat",
    request_body = NewRoom,
    responses(
        (status = 201, description = "The room", body = Listed),
        (status = 200, description = "The direct room that is there already", body = Listed),
        (status = 409, description = "Somebody under age needs a guardian of theirs in it")
    ),
    extensions(("x-permission" = json!("rooms.write")))
)]
#[post("/rooms")]
pub(super) async fn open_room(
    can: Can<Chat>,
    Body(new): Body<NewRoom>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let (room, is_new) = db
        .write(move |tx| {
            let Opened { id, is_new } = rooms::open(tx, &can, &new)?;
            Ok::<_, Fault>((shown(tx, &can, id)?, is_new))
        })
        .await?;
    match is_new {
        true => Reply::created(format!("/api/rooms/{}", room.id), room.version, &room),
        false => Reply::of(room.version, &room),
    }
}

/// A room one is in.
#[utoipa::path(
    tag = "chat",
    params(("id" = RoomId, Path, description = "The room")),
    responses(
        (status = 200, description = "The room", body = Listed),
        (status = 304, description = "As you know it: `If-None-Match` has its ETag")
    ),
    extensions(("x-permission" = json!("rooms.read")))
)]
#[get("/rooms/{id}")]
pub(super) async fn get_room(
    can: Can<ReadRooms>,
    PathOf(id): PathOf<RoomId>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let room = db.read::<_, Fault, _>(move |conn| rooms::find(conn, &can, id)).await?;
    Reply::of(room.version, &room)
}

/// What a room is to be.
#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = RoomReplacement)]
pub(super) struct Replacement {
    /// What it is called.
    #[schema(min_length = 1, max_length = 120)]
    room_name: String,
    /// Whether others than staff may answer announcements; as it is, unless it is given.
    replies_allowed: Option<bool>,
}

async fn change(
    db: &Db,
    can: Can<Chat>,
    id: RoomId,
    IfMatch(expected): IfMatch,
    patch: RoomPatch,
) -> Result<Reply, Fault> {
    let room = db
        .write(move |tx| {
            rooms::change(tx, &can, id, &expected, &patch)?;
            shown(tx, &can, id)
        })
        .await?;
    Reply::of(room.version, &room)
}

/// Say anew what a room is: moderators do.
#[utoipa::path(
    tag = "chat",
    params(
        ("id" = RoomId, Path, description = "The room"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what you saw")
    ),
    request_body = Replacement,
    responses(
        (status = 200, description = "The room as it is now", body = Listed),
        (status = 409, description = "It is archived"),
        (status = 412, description = "Changed meanwhile")
    ),
    extensions(("x-permission" = json!("rooms.write")))
)]
#[put("/rooms/{id}")]
pub(super) async fn put_room(
    can: Can<Chat>,
    PathOf(id): PathOf<RoomId>,
    expected: IfMatch,
    Body(body): Body<Replacement>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let patch = RoomPatch { room_name: Some(body.room_name), replies_allowed: body.replies_allowed };
    change(&db, can, id, expected, patch).await
}

/// Change a room: moderators do.
#[utoipa::path(
    tag = "chat",
    params(
        ("id" = RoomId, Path, description = "The room"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what you saw")
    ),
    request_body = RoomPatch,
    responses(
        (status = 200, description = "The room as it is now", body = Listed),
        (status = 409, description = "It is archived"),
        (status = 412, description = "Changed meanwhile")
    ),
    extensions(("x-permission" = json!("rooms.write")))
)]
#[patch("/rooms/{id}")]
pub(super) async fn patch_room(
    can: Can<Chat>,
    PathOf(id): PathOf<RoomId>,
    expected: IfMatch,
    Body(patch): Body<RoomPatch>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    change(&db, can, id, expected, patch).await
}

/// Archive a room: it stays and can be read. Moderators do.
#[utoipa::path(
    tag = "chat",
    params(
        ("id" = RoomId, Path, description = "The room"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what you saw")
    ),
    responses(
        (status = 204, description = "It is archived"),
        (status = 409, description = "It is there as long as what it is of"),
        (status = 412, description = "Changed meanwhile")
    ),
    extensions(("x-permission" = json!("rooms.write")))
)]
#[delete("/rooms/{id}")]
pub(super) async fn archive_room(
    can: Can<Chat>,
    PathOf(id): PathOf<RoomId>,
    IfMatch(expected): IfMatch,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    db.write(move |tx| rooms::archive(tx, &can, id, &expected)).await?;
    Ok(Reply::nothing())
}

/// Up to where one has read.
#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = ReadMarker)]
pub(super) struct Marker {
    /// The number of the last event one has seen.
    #[schema(minimum = 0, example = 1008)]
    seq: i64,
}

/// Say up to where you have read a room. It only goes forward.
#[utoipa::path(
    tag = "chat",
    params(("id" = RoomId, Path, description = "The room")),
    request_body = Marker,
    responses((status = 200, description = "The room as you see it now", body = Listed)),
    extensions(("x-permission" = json!("rooms.write")))
)]
#[put("/rooms/{id}/read")]
pub(super) async fn mark_read(
    can: Can<Chat>,
    PathOf(id): PathOf<RoomId>,
    Body(marker): Body<Marker>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let room = db
        .write(move |tx| {
            marks::read(tx, &can, id, marker.seq)?;
            shown(tx, &can, id)
        })
        .await?;
    Reply::of(room.version, &room)
}

/// Until when.
#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = Muting)]
pub(super) struct Until {
    /// Until then; null: not any more.
    #[serde(deserialize_with = "Option::deserialize")]
    pub(super) muted_until: Option<Timestamp>,
}

/// Do not want to hear of a room until then; or want to again.
#[utoipa::path(
    tag = "chat",
    params(("id" = RoomId, Path, description = "The room")),
    request_body = Until,
    responses((status = 200, description = "The room as you see it now", body = Listed)),
    extensions(("x-permission" = json!("rooms.write")))
)]
#[put("/rooms/{id}/mute")]
pub(super) async fn mute_room(
    can: Can<Chat>,
    PathOf(id): PathOf<RoomId>,
    Body(until): Body<Until>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let room = db
        .write(move |tx| {
            marks::mute(tx, &can, id, until.muted_until)?;
            shown(tx, &can, id)
        })
        .await?;
    Reply::of(room.version, &room)
}
