//! The devices on which one is signed in.

use actix_web::{delete, get, web};
use muster_kernel::Timestamp;
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{Params, PathOf, Reply};
use muster_kernel::page::{Page, PageRequest};
use serde::{Deserialize, Serialize};

use crate::permissions::OwnAccount;
use crate::sessions::{self, Session, SessionId};
use crate::{Accounts, Can};

/// A device on which one is signed in.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Session)]
pub(super) struct SessionShown {
    id: SessionId,
    version: i64,
    created_at: Timestamp,
    /// When its tokens were refreshed the last time, which a client in use does every ten minutes.
    last_seen_at: Timestamp,
    /// When it ends unless it is refreshed.
    expires_at: Timestamp,
    /// What the device calls itself.
    user_agent: Option<String>,
    /// Whether it is the one that asks.
    current: bool,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SessionQuery {
    /// So many rows, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// Where the page begins, as `next_cursor` said.
    cursor: Option<String>,
    /// Also tell how many there are in all.
    count: Option<bool>,
}

/// The devices on which one is signed in, the latest sign-in first.
#[utoipa::path(
    tag = "auth",
    params(SessionQuery),
    responses((status = 200, description = "A page of sessions", body = Page<SessionShown>)),
    extensions(("x-permission" = json!("account.own")))
)]
#[get("/auth/sessions")]
pub(super) async fn list_sessions(
    can: Can<OwnAccount>,
    Params(query): Params<SessionQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let page = PageRequest::read("sessions", query.limit, query.cursor.as_deref())?;
    let (present, now) = (can.actor().session(), db.clock().now());
    let (page, rows, total) = db
        .read::<_, Fault, _>(move |conn| {
            let total = match query.count {
                Some(true) => Some(sessions::count(conn, &can, now)?),
                _ => None,
            };
            let rows = sessions::list(conn, &can, &page, now)?;
            Ok((page, rows, total))
        })
        .await?;
    let show = |session: Session| SessionShown {
        id: session.id,
        version: session.generation + 1,
        created_at: session.created_at,
        last_seen_at: session.last_seen_at,
        expires_at: session.expires_at,
        user_agent: session.user_agent,
        current: Some(session.id) == present,
    };
    Reply::page(&page.page(rows, |session| session.id.0, show).with_total(total))
}

/// Sign out one device.
#[utoipa::path(
    tag = "auth",
    params(("id" = SessionId, Path, description = "The session")),
    responses((status = 204, description = "Signed out")),
    extensions(("x-permission" = json!("account.own")))
)]
#[delete("/auth/sessions/{id}")]
pub(super) async fn end_session(
    can: Can<OwnAccount>,
    PathOf(id): PathOf<SessionId>,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    db.write(move |tx| accounts.end_session(tx, &can, id)).await?;
    Ok(Reply::nothing())
}

/// Sign out all other devices.
#[utoipa::path(
    tag = "auth",
    responses((status = 204, description = "Signed out")),
    extensions(("x-permission" = json!("account.own")))
)]
#[delete("/auth/sessions")]
pub(super) async fn end_other_sessions(
    can: Can<OwnAccount>,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    db.write(move |tx| accounts.end_other_sessions(tx, &can)).await?;
    Ok(Reply::nothing())
}
