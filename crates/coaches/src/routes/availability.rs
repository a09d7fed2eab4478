//! When a coach is there.

use actix_web::{get, put, web};
use muster_auth::permissions::{EditCoaches, ReadCoaches};
use muster_auth::{Can, Whom};
use muster_kernel::UserId;
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{Body, IfMatch, PathOf, Reply};
use serde::Serialize;

use crate::availability::{self, Availability};

/// When a coach is there.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CoachAvailability)]
struct AvailabilityShown {
    /// The coach.
    id: UserId,
    /// Goes up with every change; 0 before the first.
    version: i64,
    #[serde(flatten)]
    says: Availability,
}

fn reply(id: UserId, (version, says): (i64, Availability)) -> Result<Reply, Fault> {
    Reply::of(version, &AvailabilityShown { id, version, says })
}

/// When a coach is there: every week, and otherwise on some days. Times are those of the place.
#[utoipa::path(
    tag = "coaches",
    params(("id" = String, Path, description = "The coach, or `me`")),
    responses(
        (status = 200, description = "What they said; nothing when they never did", body = AvailabilityShown),
        (status = 304, description = "As you know it: `If-None-Match` has its ETag")
    ),
    extensions(("x-permission" = json!("coaches.read")))
)]
#[get("/coaches/{id}/availability")]
pub(super) async fn get_availability(
    can: Can<ReadCoaches>,
    PathOf(whom): PathOf<Whom>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let id = whom.of(&can);
    let says = db.read(move |conn| availability::read(conn, &can, id)).await?;
    reply(id, says)
}

/// Say when one is there (`me`), and as an admin when anybody is: this and nothing else. A class outside of it is a
/// warning to whoever plans it.
#[utoipa::path(
    tag = "coaches",
    params(
        ("id" = String, Path, description = "The coach, or `me`"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what you saw")
    ),
    request_body = Availability,
    responses(
        (status = 200, description = "As it is now", body = AvailabilityShown),
        (status = 409, description = "They were erased"),
        (status = 412, description = "Changed meanwhile")
    ),
    extensions(("x-permission" = json!("coaches.edit")))
)]
#[put("/coaches/{id}/availability")]
pub(super) async fn put_availability(
    can: Can<EditCoaches>,
    PathOf(whom): PathOf<Whom>,
    IfMatch(expected): IfMatch,
    Body(says): Body<Availability>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let id = whom.of(&can);
    let says = db.write(move |tx| availability::set(tx, &can, id, &expected, &says)).await?;
    reply(id, says)
}
