//! Ratings of classes.

use actix_web::{get, put, web};
use muster_auth::Can;
use muster_auth::permissions::RateClasses;
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{Body, PathOf, Reply};
use serde::Deserialize;

use crate::class::ClassId;
use crate::ratings::{self, Rating};

/// What one thought of a class.
#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = Stars)]
pub(super) struct StarsBody {
    /// One to five.
    #[schema(minimum = 1, maximum = 5)]
    stars: i32,
}

/// Rate a class that you attended, after it began; again, to say otherwise. Nobody else sees your stars: the coach sees
/// averages, and only of three ratings or more.
#[utoipa::path(
    tag = "classes",
    params(("id" = ClassId, Path, description = "The class")),
    request_body = StarsBody,
    responses(
        (status = 200, description = "Your rating", body = Rating),
        (status = 409, description = "You did not attend it, or taught it, or it has not begun")
    ),
    extensions(("x-permission" = json!("classes.rate")))
)]
#[put("/classes/{id}/rating")]
pub(super) async fn rate_class(
    can: Can<RateClasses>,
    PathOf(id): PathOf<ClassId>,
    Body(body): Body<StarsBody>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let rating = db.write(move |tx| ratings::rate(tx, &can, id, body.stars)).await?;
    Reply::of(rating.version, &rating)
}

/// Your own rating of a class.
#[utoipa::path(
    tag = "classes",
    params(("id" = ClassId, Path, description = "The class")),
    responses(
        (status = 200, description = "Your rating", body = Rating),
        (status = 304, description = "As you know it: `If-None-Match` has its ETag"),
    ),
    extensions(("x-permission" = json!("classes.rate")))
)]
#[get("/classes/{id}/rating")]
pub(super) async fn get_rating(
    can: Can<RateClasses>,
    PathOf(id): PathOf<ClassId>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let rating = db.read_one(move |conn| ratings::mine(conn, &can, id)).await?;
    Reply::of(rating.version, &rating)
}
