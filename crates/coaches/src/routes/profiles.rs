//! Coaches and their profiles.

use actix_web::{get, patch, post, web};
use muster_auth::permissions::{EditCoaches, MakeCoaches, ReadCoaches};
use muster_auth::{Can, Whom};
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{Body, IfMatch, Params, PathOf, Reply};
use muster_kernel::page::{Page, PageRequest};

use super::PageQuery;
use super::shown::CoachShown;
use crate::profile::{self, CoachPatch, NewCoach, Place, Seen};

/// The coaches of the club, by name.
#[utoipa::path(
    tag = "coaches",
    params(PageQuery),
    responses((status = 200, description = "A page of coaches", body = Page<CoachShown>)),
    extensions(("x-permission" = json!("coaches.read")))
)]
#[get("/coaches")]
pub(super) async fn list_coaches(
    can: Can<ReadCoaches>,
    Params(query): Params<PageQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let page = PageRequest::<Place>::read("coaches", query.limit, query.cursor.as_deref())?;
    let now = db.clock().now();
    let page = db
        .read::<_, Fault, _>(move |conn| {
            let total = match query.count {
                Some(true) => Some(profile::count(conn, &can)?),
                _ => None,
            };
            let rows = profile::list(conn, &can, &page, now)?;
            let show = |seen: Seen| CoachShown::to(can.actor(), seen);
            Ok(page.page(rows, |(coach, _)| coach.place(), show).with_total(total))
        })
        .await?;
    Reply::page(&page)
}

/// Fill in the profile of somebody who has the role.
#[utoipa::path(
    tag = "coaches",
    request_body = NewCoach,
    responses(
        (status = 201, description = "The coach", body = CoachShown),
        (status = 409, description = "`already_exists`: there is a profile. `invalid_state`: they were erased")
    ),
    extensions(("x-permission" = json!("coaches.make")))
)]
#[post("/coaches")]
pub(super) async fn make_coach(
    can: Can<MakeCoaches>,
    Body(new): Body<NewCoach>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let shown = db
        .write::<_, Fault, _>(move |tx| {
            let (coach, now) = (profile::create(tx, &can, &new)?, tx.now());
            Ok(CoachShown::to(can.actor(), profile::with_month(tx, coach, now)?))
        })
        .await?;
    Reply::created(format!("/api/coaches/{}", shown.id), shown.version, &shown)
}

/// A coach; `me` is oneself.
#[utoipa::path(
    tag = "coaches",
    params(("id" = String, Path, description = "The coach, or `me`")),
    responses(
        (status = 200, description = "The coach", body = CoachShown),
        (status = 304, description = "As you know it: `If-None-Match` has its ETag")
    ),
    extensions(("x-permission" = json!("coaches.read")))
)]
#[get("/coaches/{id}")]
pub(super) async fn get_coach(
    can: Can<ReadCoaches>,
    PathOf(whom): PathOf<Whom>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let (id, now) = (whom.of(&can), db.clock().now());
    let shown = db
        .read::<_, Fault, _>(move |conn| Ok(CoachShown::to(can.actor(), profile::read(conn, &can, id, now)?)))
        .await?;
    Reply::of(shown.version, &shown)
}

/// Change a coach's profile: one's own (`me`), and as an admin anybody's.
#[utoipa::path(
    tag = "coaches",
    params(
        ("id" = String, Path, description = "The coach, or `me`"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what you saw")
    ),
    request_body = CoachPatch,
    responses(
        (status = 200, description = "The coach as they are now", body = CoachShown),
        (status = 409, description = "They were erased"),
        (status = 412, description = "Changed meanwhile")
    ),
    extensions(("x-permission" = json!("coaches.edit")))
)]
#[patch("/coaches/{id}")]
pub(super) async fn patch_coach(
    can: Can<EditCoaches>,
    PathOf(whom): PathOf<Whom>,
    IfMatch(expected): IfMatch,
    Body(patch): Body<CoachPatch>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let id = whom.of(&can);
    let shown = db
        .write::<_, Fault, _>(move |tx| {
            let (coach, now) = (profile::edit(tx, &can, id, &expected, &patch)?, tx.now());
            Ok(CoachShown::to(can.actor(), profile::with_month(tx, coach, now)?))
        })
        .await?;
    Reply::of(shown.version, &shown)
}
