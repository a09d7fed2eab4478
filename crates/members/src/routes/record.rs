//! A member's record.

use actix_web::{get, patch, web};
use muster_auth::permissions::{EditMembers, ReadMembers};
use muster_auth::{Can, Whom};
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{Body, IfMatch, PathOf, Reply};

use super::shown::{MemberShown, show};
use crate::{MemberPatch, profile};

/// A member's record: one's own (`me`), one's ward's, or for staff anybody's.
#[utoipa::path(
    tag = "members",
    params(("id" = String, Path, description = "The member, or `me`")),
    responses(
        (status = 200, description = "The record", body = MemberShown),
        (status = 304, description = "As you know it: `If-None-Match` has its ETag")
    ),
    extensions(("x-permission" = json!("members.read")))
)]
#[get("/members/{id}")]
pub(super) async fn get_member(
    can: Can<ReadMembers>,
    PathOf(whom): PathOf<Whom>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let (id, now) = (whom.of(&can), db.clock().now());
    let shown = db
        .read::<_, Fault, _>(move |conn| {
            let member = crate::find(conn, &can, id, now)?;
            show(conn, can.actor(), member, now)
        })
        .await?;
    Reply::of(shown.version, &shown)
}

/// Change how a member can be reached: oneself (`me`), one's ward, or as a treasurer or admin anybody; and what the
/// staff notes of them.
#[utoipa::path(
    tag = "members",
    params(
        ("id" = String, Path, description = "The member, or `me`"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what you saw")
    ),
    request_body = MemberPatch,
    responses(
        (status = 200, description = "The record as it is now", body = MemberShown),
        (status = 409, description = "`already_exists`: another member has this `external_id`. `invalid_state`: they were erased"),
        (status = 412, description = "Changed meanwhile")
    ),
    extensions(("x-permission" = json!("members.edit")))
)]
#[patch("/members/{id}")]
pub(super) async fn patch_member(
    can: Can<EditMembers>,
    PathOf(whom): PathOf<Whom>,
    IfMatch(expected): IfMatch,
    Body(patch): Body<MemberPatch>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let id = whom.of(&can);
    let shown = db
        .write::<_, Fault, _>(move |tx| {
            let member = profile::edit(tx, &can, id, &expected, &patch)?;
            let now = tx.now();
            show(tx, can.actor(), member, now)
        })
        .await?;
    Reply::of(shown.version, &shown)
}
