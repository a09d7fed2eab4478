//! How a membership came to stand where it stands.

use actix_web::{get, web};
use muster_auth::permissions::ReadMembers;
use muster_auth::{Can, Whom};
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{Params, PathOf, Reply};
use muster_kernel::page::{Page, PageRequest};
use muster_kernel::{Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::Standing;
use crate::history::{Change, ChangeId, history};

/// A change of a membership.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = MemberChange)]
pub(super) struct ChangeShown {
    id: ChangeId,
    /// Null where the membership began.
    from: Option<Standing>,
    to: Standing,
    at: Timestamp,
    /// Who did it; null for somebody who was not signed in.
    by: Option<UserId>,
    reason: Option<String>,
}

impl From<Change> for ChangeShown {
    fn from(change: Change) -> ChangeShown {
        let Change { id, from, to, at, by, reason, member_id: _ } = change;
        ChangeShown { id, from, to, at, by, reason }
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryQuery {
    /// So many rows, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// Where the page begins, as `next_cursor` said.
    cursor: Option<String>,
}

/// How a membership came to stand where it stands, newest first: one's own (`me`), one's ward's, or for staff anybody's.
/// Memberships that are older than this list have no beginning in it.
#[utoipa::path(
    tag = "members",
    params(("id" = String, Path, description = "The member, or `me`"), HistoryQuery),
    responses((status = 200, description = "A page of changes", body = Page<ChangeShown>)),
    extensions(("x-permission" = json!("members.read")))
)]
#[get("/members/{id}/history")]
pub(super) async fn get_history(
    can: Can<ReadMembers>,
    PathOf(whom): PathOf<Whom>,
    Params(query): Params<HistoryQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let page = PageRequest::read("members:history", query.limit, query.cursor.as_deref())?;
    let (id, now) = (whom.of(&can), db.clock().now());
    let (page, changes) = db
        .read::<_, Fault, _>(move |conn| {
            let changes = history(conn, &can, id, now, &page)?;
            Ok((page, changes))
        })
        .await?;
    Reply::page(&page.page(changes, |change| change.id.0, ChangeShown::from))
}
