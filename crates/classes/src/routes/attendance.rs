//! Attendance, and the end of a class.

use actix_web::{get, post, put, web};
use muster_auth::Can;
use muster_auth::permissions::RunClasses;
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{Body, IfMatch, PathOf, Reply};
use serde::{Deserialize, Serialize};

use super::classes::shown;
use super::shown::ClassShown;
use crate::attendance::{self, MarkOf, RosterLine};
use crate::class::{Class, ClassId};
use crate::completion;

/// The roster of a class.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Roster)]
pub(super) struct RosterShown {
    /// Who has a place, by name.
    items: Vec<RosterLine>,
}

fn reply((class, items): (Class, Vec<RosterLine>)) -> Result<Reply, Fault> {
    Reply::of(class.version, &RosterShown { items })
}

/// The roster of a class: who has a place, and what became of them. For its coach and admins.
#[utoipa::path(
    tag = "classes",
    params(("id" = ClassId, Path, description = "The class")),
    responses((status = 200, description = "The roster", body = RosterShown)),
    extensions(("x-permission" = json!("classes.run")))
)]
#[get("/classes/{id}/attendance")]
pub(super) async fn get_attendance(
    can: Can<RunClasses>,
    PathOf(id): PathOf<ClassId>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    reply(db.read::<_, Fault, _>(move |conn| attendance::roster(conn, &can, id)).await?)
}

/// What became of whom.
#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = Marks)]
pub(super) struct MarksBody {
    /// Of all, or of some; 200 at most.
    #[schema(min_items = 1, max_items = 200)]
    marks: Vec<MarkOf>,
}

/// Take attendance, at once or one by one, from shortly before the start on; somebody who had not booked is a walk-in. Marks
/// can be corrected as long as the month is open in the books: what they cost, and what the coach earns, follows.
#[utoipa::path(
    tag = "classes",
    params(("id" = ClassId, Path, description = "The class")),
    request_body = MarksBody,
    responses(
        (status = 200, description = "The roster as it is now", body = RosterShown),
        (status = 409, description = "Too early, the month is closed, or no place for a walk-in")
    ),
    extensions(("x-permission" = json!("classes.run")))
)]
#[put("/classes/{id}/attendance")]
pub(super) async fn put_attendance(
    can: Can<RunClasses>,
    PathOf(id): PathOf<ClassId>,
    Body(body): Body<MarksBody>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    reply(db.write(move |tx| attendance::mark(tx, &can, id, &body.marks)).await?)
}

/// Nothing more to say.
#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = ClassCompleting)]
pub(super) struct Completing {
    #[schema(min_length = 1, max_length = 500)]
    reason: Option<String>,
}

/// End a class: whoever nobody marked counts as the club's policy says, and the coach's pay is accrued. Of a large class the
/// rest is done soon after; until then it is still `scheduled`.
#[utoipa::path(
    tag = "classes",
    params(
        ("id" = ClassId, Path, description = "The class"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what you saw")
    ),
    request_body = Completing,
    responses(
        (status = 200, description = "The class as it is now", body = ClassShown),
        (status = 409, description = "It has not begun, or is over or off already"),
        (status = 412, description = "Changed meanwhile")
    ),
    extensions(("x-permission" = json!("classes.run")))
)]
#[post("/classes/{id}/complete")]
pub(super) async fn complete_class(
    can: Can<RunClasses>,
    PathOf(id): PathOf<ClassId>,
    IfMatch(expected): IfMatch,
    Body(body): Body<Completing>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let class = db
        .write(move |tx| {
            completion::complete(tx, &can, id, &expected, body.reason.as_deref())?;
            shown(tx, can.actor(), id)
        })
        .await?;
    Reply::of(class.version, &class)
}
