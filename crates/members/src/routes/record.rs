//! A member's record.

use actix_web::{get, web};
use muster_auth::permissions::ReadMembers;
use muster_auth::{Can, Whom};
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{PathOf, Reply};

use super::shown::{MemberShown, show};

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
    let (version, shown) = db
        .read_one::<_, Fault, _>(move |conn| {
            let member = crate::find(conn, &can, id, now)?;
            show(conn, member)
        })
        .await?;
    Reply::of(version, &shown)
}
