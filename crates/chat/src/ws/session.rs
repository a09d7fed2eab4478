//! A client's session: what it says, and what it is answered.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use actix_ws::{AggregatedMessage, AggregatedMessageStream, ProtocolError};
use muster_auth::permissions::Chat;
use muster_kernel::db::Db;
use muster_kernel::fault::{Code, Fault};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::allowance::{Allowance, Verdict};
use super::frames::{LONGEST, Watched};
use super::outbox;
use super::worker::{Socket, Worker};
use crate::hub::{Connected, Hub};
use crate::marks;
use crate::message::MessageId;
use crate::messages::{self, NewMessage, Sent};
use crate::room::RoomId;
use crate::told::Told;

/// How often the server pings.
const HEARTBEAT: Duration = Duration::from_secs(25);
/// The longest `id` of a request.
const LONGEST_ID: usize = 64;

/// What every request has.
#[derive(Deserialize)]
struct Head {
    r#type: String,
    id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Subscribe {
    #[serde(rename = "type")]
    _type: IgnoredAny,
    #[serde(rename = "id")]
    _id: Option<IgnoredAny>,
    pub(super) epoch: Option<String>,
    /// The last number known of each room.
    pub(super) rooms: BTreeMap<RoomId, i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unsubscribe {
    #[serde(rename = "type")]
    _type: IgnoredAny,
    #[serde(rename = "id")]
    _id: Option<IgnoredAny>,
    rooms: Vec<RoomId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Send {
    #[serde(rename = "type")]
    _type: IgnoredAny,
    #[serde(rename = "id")]
    _id: Option<IgnoredAny>,
    room: RoomId,
    client_id: Option<String>,
    content: String,
    title: Option<String>,
    reply_to: Option<MessageId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    #[serde(rename = "type")]
    _type: IgnoredAny,
    #[serde(rename = "id")]
    _id: Option<IgnoredAny>,
    room: RoomId,
    seq: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Typing {
    #[serde(rename = "type")]
    _type: IgnoredAny,
    #[serde(rename = "id")]
    _id: Option<IgnoredAny>,
    room: RoomId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ping {
    #[serde(rename = "type")]
    _type: IgnoredAny,
    #[serde(rename = "id")]
    _id: Option<IgnoredAny>,
}

/// Why a request is refused.
pub(super) struct Refusal {
    code: &'static str,
    detail: String,
    retry_after: Option<Duration>,
}

impl Refusal {
    pub(super) fn bad(detail: impl Into<String>) -> Refusal {
        Refusal { code: "bad_request", detail: detail.into(), retry_after: None }
    }

    fn too_fast(wait: Duration) -> Refusal {
        Refusal { code: "rate_limited", detail: "Too fast; wait.".into(), retry_after: Some(wait) }
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Refusal {
        let code = match fault.code {
            Code::NotFound | Code::MessageDeleted => "not_found",
            Code::Forbidden | Code::TotpSetupRequired | Code::Unauthenticated => "forbidden",
            Code::TooLarge => "too_large",
            Code::ClientIdConflict => "client_id_conflict",
            Code::RateLimited => "rate_limited",
            Code::Muted => "muted",
            Code::ReadOnly => "read_only",
            Code::GuardianRequired => "guardian_required",
            Code::Unavailable | Code::Internal => "unavailable",
            _ => "bad_request",
        };
        if let Some(cause) = fault.cause.as_ref().filter(|_| fault.code == Code::Internal) {
            log::error!("a request over a socket: {cause}");
        }
        let retry_after = fault.retry_after.map(|seconds| Duration::from_secs(seconds.into()));
        Refusal { code, detail: fault.detail.into_owned(), retry_after }
    }
}

pub(super) struct Session {
    pub(super) db: Db,
    pub(super) hub: Hub,
    pub(super) worker: Worker,
    pub(super) socket: Rc<Socket>,
    pub(super) epoch: String,
    watched: Rc<RefCell<Watched>>,
    allowance: Allowance,
    _connected: Connected,
}

impl Session {
    pub(super) fn new(
        (db, hub, worker): (Db, Hub, Worker),
        socket: Rc<Socket>,
        watched: Rc<RefCell<Watched>>,
        connected: Connected,
        epoch: String,
    ) -> Session {
        let allowance = Allowance::new(hub.is_limited());
        Session { db, hub, worker, socket, epoch, watched, allowance, _connected: connected }
    }

    pub(super) fn greet(&self) {
        self.socket.tell(&Told::Hello {
            version: 1,
            epoch: &self.epoch,
            user_id: self.socket.user_id(),
            heartbeat_ms: millis(HEARTBEAT),
            max_bytes: LONGEST,
        });
    }

    /// Says what does no harm when it is missed.
    pub(super) fn whisper(&self, told: &Told<'_>) {
        self.socket.outbox.whisper(outbox::text(&told.json()));
    }

    /// Answers until either side ends it.
    pub(super) async fn run(mut self, mut incoming: AggregatedMessageStream) {
        let mut beat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        let socket = self.socket.clone();
        while !socket.is_closed() {
            tokio::select! {
                next = incoming.recv() => match next {
                    Some(Ok(message)) => {
                        self.hear(message).await;
                        heard = Instant::now();
                    }
                    // Most of what can be wrong with frames is seen before they have arrived.
                    Some(Err(ProtocolError::Io(_))) => {
                        self.close_broken();
                        socket.close(1007, "This is not UTF-8.");
                    }
                    Some(Err(_)) => {
                        self.close_broken();
                        socket.close(1002, "This is no frame of a client.");
                    }
                    None => {
                        self.close_broken();
                        socket.close(1001, "");
                    }
                },
                _ = beat.tick() => {
                    if heard.elapsed() >= HEARTBEAT * 2 {
                        socket.close(4001, "Nothing was heard of you.");
                    } else {
                        socket.outbox.whisper(outbox::ping());
                    }
                }
                () = socket.end.notified() => socket.close(1012, "The server starts anew; connect again."),
            }
        }
        self.worker.disconnect(&socket);
    }

    fn close_broken(&self) {
        if let Some(broken) = self.watched.borrow().broken {
            let (code, why) = broken.goodbye();
            self.socket.close(code, why);
        }
    }

    async fn hear(&mut self, message: AggregatedMessage) {
        let came = self.watched.borrow_mut().frames.take_whole();
        let verdict = self.allowance.frames(came);
        if verdict == Verdict::FarTooFast {
            return self.socket.close(4003, "Far too fast.");
        }
        match message {
            AggregatedMessage::Text(text) => self.request(&text, verdict).await,
            AggregatedMessage::Ping(words) if verdict == Verdict::Fine => {
                self.socket.outbox.whisper(outbox::pong(&words));
            }
            AggregatedMessage::Ping(_) | AggregatedMessage::Pong(_) => {}
            AggregatedMessage::Binary(_) => self.socket.close(1003, "Only text is understood here."),
            AggregatedMessage::Close(None) => self.socket.close_with(outbox::silent_goodbye()),
            AggregatedMessage::Close(Some(reason)) => self.socket.close(reason.code.into(), ""),
        }
    }

    async fn request(&mut self, text: &str, verdict: Verdict) {
        let Ok(head) = serde_json::from_str::<Head>(text) else {
            return self.refuse(None, Refusal::bad("Send a JSON object with a `type`, and an `id` of text."));
        };
        let id = head.id;
        if id.as_ref().is_some_and(|id| id.len() > LONGEST_ID) {
            return self.refuse(None, Refusal::bad("An `id` has 64 bytes at most."));
        }
        let outcome = match (head.r#type.as_str(), verdict) {
            ("send", _) => self.send(id.as_deref(), text).await,
            (_, Verdict::Wait(wait)) => Err(Refusal::too_fast(wait)),
            ("subscribe", _) => match read(text) {
                Ok(wanted) => self.subscribe(id.as_deref(), wanted).await,
                Err(refusal) => Err(refusal),
            },
            ("unsubscribe", _) => read(text).map(|Unsubscribe { rooms, .. }| {
                for room in rooms {
                    self.worker.unsubscribe(&self.socket, room);
                }
            }),
            ("read", _) => self.mark_read(text).await,
            ("typing", _) => read(text).map(|Typing { room, .. }| self.worker.typing(&self.socket, room)),
            ("ping", _) => read(text).map(|Ping { .. }| self.socket.tell(&Told::Pong { id: id.as_deref() })),
            _ => Err(Refusal::bad("There is no request of this type.")),
        };
        if let Err(refusal) = outcome {
            self.refuse(id.as_deref(), refusal);
        }
    }

    async fn send(&mut self, id: Option<&str>, text: &str) -> Result<(), Refusal> {
        let Send { room, client_id, content, title, reply_to, .. } = read(text)?;
        let new = NewMessage { room_id: room, content, title, reply_to, client_id };
        let actor = self.socket.actor();
        let can = actor.can::<Chat>().map_err(Fault::from)?;
        self.hub.may_send(actor.user_id()).map_err(Refusal::too_fast)?;
        self.allowance.was_message();
        let Sent { message, is_repeated } =
            self.db.write(move |tx| messages::send(tx, &can, &new)).await.map_err(Refusal::from)?;
        let (room, seq, message_id) = (message.room_id, message.seq, message.id);
        self.socket.tell(&Told::Ack { id, room, seq, message_id, duplicate: is_repeated });
        Ok(())
    }

    async fn mark_read(&self, text: &str) -> Result<(), Refusal> {
        let Read { room, seq, .. } = read(text)?;
        let can = self.socket.actor().can::<Chat>().map_err(Fault::from)?;
        self.db.write(move |tx| marks::read(tx, &can, room, seq)).await.map_err(Refusal::from)?;
        Ok(())
    }

    fn refuse(&mut self, id: Option<&str>, refusal: Refusal) {
        self.socket.tell(&Told::Error {
            id,
            room: None,
            code: refusal.code,
            detail: Some(&refusal.detail),
            retry_after_ms: refusal.retry_after.map(millis),
        });
        if refusal.code == "bad_request" && !self.allowance.wrong() {
            self.socket.close(1008, "Too many wrong requests.");
        }
    }
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, Refusal> {
    serde_json::from_str(text).map_err(|_| Refusal::bad("A field is missing, unknown or of the wrong type."))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
