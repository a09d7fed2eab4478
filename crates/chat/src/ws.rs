//! Sockets: the protocol `chat.v1` over WebSocket.
//!
//! | in `ws/` | |
//! |---|---|
//! | `session` | what a client says, and what it is answered; begin here |
//! | `subscribing` | catching up with rooms, and listening from there on |
//! | `worker` | the sockets of one thread, and which of them listens to what |
//! | `outbox` | what waits to be sent over a socket, within bounds |
//! | `frames` | frames, looked at before they have arrived |
//! | `allowance` | how much a socket may say in a minute |

mod allowance;
mod frames;
mod outbox;
mod session;
mod subscribing;
mod worker;

use std::pin::Pin;
use std::rc::Rc;

use actix_web::body::MessageBody;
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use futures_core::Stream;
use muster_auth::Actor;
use muster_kernel::UserId;
use muster_kernel::db::Db;
use muster_kernel::fault::{Code, Fault};
use muster_kernel::http::LastCall;
use muster_kernel::installation;

use crate::acquaintances;
use crate::hub::Hub;
use crate::told::Told;
use frames::{Guarded, LONGEST};
use session::Session;
pub use worker::Worker;

/// What is spoken here, by its name.
const PROTOCOL: &str = "chat.v1";

/// Makes a request a socket. Whatever speaks against it is told as an answer to the request.
///
/// # Errors
/// When the request asks for no WebSocket, they have too many, or the database fails.
pub(crate) async fn open(
    req: &HttpRequest,
    payload: web::Payload,
    actor: Actor,
    (db, hub): (Db, Hub),
) -> Result<HttpResponse, Fault> {
    let no_worker = || Fault::internal(std::io::Error::other("this thread was given no worker"));
    let worker = req.app_data::<Worker>().cloned().ok_or_else(no_worker)?;
    let (guarded, watched) = Guarded::new(payload.into_inner());
    let guarded: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> = Box::pin(guarded);
    let refused =
        |_| Fault::new(Code::Malformed, "Ask for a WebSocket here: GET, `Upgrade: websocket`, version 13.");
    let payload = web::Payload::from_request(req, &mut Payload::from(guarded)).await.map_err(refused)?;
    let (response, _, incoming) =
        actix_ws::handle_with_protocols(req, payload, &[PROTOCOL]).map_err(refused)?;

    let user = actor.user_id();
    let greeting =
        db.read::<_, Fault, _>(move |conn| Ok((installation::epoch(conn)?, acquaintances::of(conn, user)?)));
    let (epoch, known) = greeting.await?;
    let connected = hub.connect(&actor)?;
    if connected.is_first && known.shows_presence {
        hub.tell_presence(user, true, known.user_ids());
    }
    let socket = worker.connect(actor, req.conn_data::<Rc<LastCall>>().cloned());
    let response = response.map_body(|_, body| socket.outbox.body(body).boxed());
    let friends = known.others.into_iter().filter(|(_, is_shown)| *is_shown).map(|(friend, _)| friend);
    let (here, elsewhere): (Vec<UserId>, Vec<UserId>) = friends.partition(|friend| hub.is_online(*friend));
    hub.ask_who_is_there(elsewhere, user);
    let session = Session::new((db, hub, worker), socket, watched, connected, epoch);
    session.greet();
    for friend in here {
        session.whisper(&Told::Presence { user_id: friend, online: true });
    }
    let longest = usize::try_from(LONGEST).unwrap_or(usize::MAX);
    let incoming = incoming.max_frame_size(longest).aggregate_continuations().max_continuation_size(longest);
    actix_web::rt::spawn(session.run(incoming));
    Ok(response)
}
