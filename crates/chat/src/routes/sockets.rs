//! Routes of sockets: opening one, and the tickets that open one.

use actix_web::http::header::AUTHORIZATION;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, get, post, web};
use muster_auth::permissions::ReadRooms;
use muster_auth::{Actor, Can, Site, tickets};
use muster_kernel::audit::Origin;
use muster_kernel::db::Db;
use muster_kernel::fault::{Code, Fault};
use muster_kernel::http::{Caller, Params, Reply};
use serde::{Deserialize, Serialize};

use crate::hub::Hub;
use crate::ws;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SocketQuery {
    /// A ticket of `POST /api/chat/tickets`, for pages that can send no header.
    ticket: Option<String>,
}

/// Open a socket, over which the protocol `chat.v1` is spoken. Signed in by the header, by a cookie with an `Origin` that is
/// allowed, or by a ticket.
#[utoipa::path(
    tag = "chat",
    params(SocketQuery),
    responses(
        (status = 101, description = "A WebSocket from here on"),
        (status = 400, description = "The request asks for no WebSocket"),
        (status = 403, description = "A page of another site, with this site's cookies"),
        (status = 429, description = "Ten sockets are open already: `too_many_connections`")
    ),
    extensions(("x-permission" = json!("rooms.read")))
)]
#[get("/chat/ws")]
pub(super) async fn open_socket(
    req: HttpRequest,
    Params(query): Params<SocketQuery>,
    payload: web::Payload,
    site: web::Data<Site>,
    db: web::Data<Db>,
    hub: web::Data<Hub>,
) -> Result<HttpResponse, Fault> {
    let actor = match query.ticket {
        Some(ticket) => with_ticket(&req, &db, ticket).await?,
        None => {
            if !req.headers().contains_key(AUTHORIZATION) && req.extensions().get::<Actor>().is_some() {
                site.refuse_sockets_of_other_sites(req.head())?;
            }
            let actor = req.extensions().get::<Actor>().cloned();
            actor.ok_or_else(|| Fault::new(Code::Unauthenticated, "Sign in, or sign in again."))?
        }
    };
    actor.can::<ReadRooms>()?;
    ws::open(&req, payload, actor, (db.get_ref().clone(), hub.get_ref().clone())).await
}

async fn with_ticket(req: &HttpRequest, db: &Db, ticket: String) -> Result<Actor, Fault> {
    let origin = Origin { actor: None, request_id: Some(muster_kernel::http::RequestId::of(req).0) };
    let actor = db.write(move |tx| tickets::take(tx, &ticket, &origin)).await?;
    req.extensions_mut().insert(Caller(actor.user_id()));
    Ok(actor)
}

/// A ticket.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Ticket {
    /// What it says.
    ticket: String,
    /// For so many seconds it holds.
    expires_in: i64,
}

/// Take a ticket, which opens one socket of one's own: for pages of another origin, that can send no header with it.
#[utoipa::path(
    tag = "chat",
    responses((status = 200, description = "The ticket", body = Ticket)),
    extensions(("x-permission" = json!("rooms.read")))
)]
#[post("/chat/tickets")]
pub(super) async fn take_ticket(can: Can<ReadRooms>, db: web::Data<Db>) -> Result<Reply, Fault> {
    let ticket = db.write(move |tx| tickets::issue(tx, &can)).await?;
    Ok(Reply::plain(&Ticket { ticket, expires_in: tickets::LIFE.num_seconds() })?.secret())
}
