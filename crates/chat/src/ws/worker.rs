//! The sockets of one worker thread. Everything here is one thread's own; what comes from elsewhere comes through the hub.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use muster_auth::sessions::SessionId;
use muster_auth::{Actor, Changed};
use muster_kernel::UserId;
use muster_kernel::http::LastCall;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use super::outbox::{self, Outbox, TooSlow};
use crate::hub::{Delivery, Hub};
use crate::log::{EventKind, RoomEvent};
use crate::room::RoomId;
use crate::told::Told;

/// Events of a room that wait while a socket catches up with it.
const MOST_WAITING: usize = 600;
/// How long a socket that is too slow has to hear so.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// The time over which all sockets say goodbye, and in how many parts: so that not all of them come back at once.
const GOODBYES: Duration = Duration::from_millis(1500);
const PARTS: usize = 30;
/// How often somebody's typing in a room is told.
const TYPING: Duration = Duration::from_secs(3);

/// Something that happened in a room, and how it is told.
pub(super) type Happened = (Arc<RoomEvent>, Bytes);

/// A connected client.
pub(super) struct Socket {
    number: u64,
    actor: RefCell<Actor>,
    pub(super) outbox: Outbox,
    lines: RefCell<HashMap<RoomId, Line>>,
    is_closed: Cell<bool>,
    /// Rung when it is to end as soon as what is under way is answered.
    pub(super) end: Notify,
    last_call: Option<Rc<LastCall>>,
}

/// What a socket hears of a room.
struct Line {
    state: State,
    /// What it may hear of begins here; known once it is live.
    from_seq: i64,
    /// When its typing was told.
    typed: Option<Instant>,
    /// There are so many that nobody wants to know who types.
    is_crowded: bool,
}

enum State {
    /// It catches up; what happens meanwhile waits.
    CatchingUp(Vec<Happened>),
    /// It has everything up to here.
    Live(i64),
}

/// What became of an event at a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    Fine,
    /// It was the last they hear of the room.
    Last,
    TooSlow,
}

impl Socket {
    pub(super) fn user_id(&self) -> UserId {
        self.actor.borrow().user_id()
    }

    pub(super) fn actor(&self) -> Actor {
        self.actor.borrow().clone()
    }

    /// How many rooms it listens to.
    pub(super) fn rooms(&self) -> usize {
        self.lines.borrow().len()
    }

    /// Something happened in a room that it listens to.
    fn hear(&self, event: &Arc<RoomEvent>, frame: &Bytes) -> Heard {
        let mut lines = self.lines.borrow_mut();
        let Some(line) = lines.get_mut(&event.room) else { return Heard::Fine };
        match &mut line.state {
            State::CatchingUp(waiting) => {
                waiting.push((event.clone(), frame.clone()));
                if waiting.len() > MOST_WAITING { Heard::TooSlow } else { Heard::Fine }
            }
            State::Live(last) if event.seq <= *last => Heard::Fine,
            // There is no hole in what the hub lets go; were there one, the client asks again.
            State::Live(last) if event.seq > *last + 1 => Heard::TooSlow,
            State::Live(last) => {
                *last = event.seq;
                match self.outbox.send(shown(event, frame, line.from_seq)) {
                    Err(TooSlow) => Heard::TooSlow,
                    Ok(()) if self.is_told_to_go(event) => Heard::Last,
                    Ok(()) => Heard::Fine,
                }
            }
        }
    }

    /// Whether this is the last that its user hears of a room.
    pub(super) fn is_told_to_go(&self, event: &RoomEvent) -> bool {
        matches!(event.event, EventKind::MemberRemoved | EventKind::MemberLeft)
            && event.user_id == Some(self.user_id())
    }

    /// Closes it: what waits is sent before.
    pub(super) fn close(&self, code: u16, why: &str) {
        self.close_with(outbox::goodbye(code, why));
    }

    pub(super) fn close_with(&self, goodbye: Bytes) {
        if !self.is_closed.replace(true) {
            self.outbox.close(goodbye);
            self.end.notify_one();
        }
    }

    /// Has it end as soon as what is under way is answered.
    fn leave(&self) {
        self.end.notify_one();
    }

    /// Closes it for being too slow: what waits is not sent, since nobody takes it.
    fn give_up(&self) {
        if !self.is_closed.get() {
            self.outbox.drop_all();
            self.close(4000, "Too slow; connect again and ask for what you missed.");
            if let Some(last_call) = &self.last_call {
                last_call.within(LAST_WORDS);
            }
        }
    }

    /// Sends what must not be missed.
    pub(super) fn tell(&self, told: &Told<'_>) {
        self.tell_json(&told.json());
    }

    fn tell_json(&self, json: &[u8]) {
        if self.outbox.send(outbox::text(json)) == Err(TooSlow) {
            self.give_up();
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.get() || self.outbox.is_gone()
    }
}

/// An event as somebody sees it whose part of the room begins at `from_seq`.
pub(super) fn shown(event: &Arc<RoomEvent>, frame: &Bytes, from_seq: i64) -> Bytes {
    if event.is_seen_from(from_seq) {
        return frame.clone();
    }
    let seen = RoomEvent::clone(event).seen_from(from_seq);
    serde_json::to_vec(&seen).map_or_else(|_| Bytes::new(), |json| outbox::text(&json))
}

/// The sockets of this thread.
#[derive(Clone)]
pub struct Worker(Rc<Inner>);

struct Inner {
    hub: Hub,
    sockets: RefCell<HashMap<u64, Rc<Socket>>>,
    rooms: RefCell<HashMap<RoomId, Vec<Rc<Socket>>>>,
    users: RefCell<HashMap<UserId, Vec<Rc<Socket>>>>,
    next: Cell<u64>,
    listens: Cell<bool>,
}

impl Worker {
    /// A worker's part; made once on each thread that answers requests, and given to the application there.
    pub fn new(hub: &Hub) -> Worker {
        Worker(Rc::new(Inner {
            hub: hub.clone(),
            sockets: RefCell::default(),
            rooms: RefCell::default(),
            users: RefCell::default(),
            next: Cell::new(1),
            listens: Cell::new(false),
        }))
    }

    /// Listens to the hub, from the first socket on.
    fn listen(&self) {
        if self.0.listens.replace(true) {
            return;
        }
        let mut deliveries = self.0.hub.deliveries();
        let weak = Rc::downgrade(&self.0);
        actix_web::rt::spawn(async move {
            loop {
                let delivery = deliveries.recv().await;
                let Some(inner) = weak.upgrade() else { return };
                match delivery {
                    Ok(delivery) => inner.deliver(delivery),
                    // What was missed is in the database: whoever reconnects gets it.
                    Err(RecvError::Lagged(_)) => inner.all().iter().for_each(|socket| socket.give_up()),
                    Err(RecvError::Closed) => return,
                }
            }
        });
    }

    pub(super) fn connect(&self, actor: Actor, last_call: Option<Rc<LastCall>>) -> Rc<Socket> {
        self.listen();
        let number = self.0.next.replace(self.0.next.get() + 1);
        let user = actor.user_id();
        let socket = Rc::new(Socket {
            number,
            actor: RefCell::new(actor),
            outbox: Outbox::default(),
            lines: RefCell::default(),
            is_closed: Cell::new(false),
            end: Notify::new(),
            last_call,
        });
        self.0.sockets.borrow_mut().insert(number, socket.clone());
        self.0.users.borrow_mut().entry(user).or_default().push(socket.clone());
        socket
    }

    pub(super) fn disconnect(&self, socket: &Socket) {
        self.0.unsubscribe_all(socket);
        take_out(&mut self.0.users.borrow_mut(), socket.user_id(), socket);
        self.0.sockets.borrow_mut().remove(&socket.number);
    }

    /// From now on what happens in a room waits for this socket, until it has [caught up](Worker::take_waiting).
    pub(super) fn subscribe(&self, socket: &Rc<Socket>, room: RoomId) {
        let line = Line { state: State::CatchingUp(Vec::new()), from_seq: 1, typed: None, is_crowded: false };
        if socket.lines.borrow_mut().insert(room, line).is_none() {
            self.0.rooms.borrow_mut().entry(room).or_default().push(socket.clone());
            self.0.hub.watch(room);
        }
    }

    pub(super) fn unsubscribe(&self, socket: &Socket, room: RoomId) {
        self.0.unsubscribe(socket, room);
    }

    /// A socket was sent everything up to `head`: gives what has waited meanwhile; once there is nothing, it is live.
    pub(super) fn take_waiting(
        &self,
        socket: &Socket,
        room: RoomId,
        head: i64,
        sees: &Sees,
    ) -> Vec<Happened> {
        let mut lines = socket.lines.borrow_mut();
        let Some(line) = lines.get_mut(&room) else { return Vec::new() };
        line.from_seq = sees.from_seq;
        line.is_crowded = sees.is_crowded;
        match &mut line.state {
            State::CatchingUp(waiting) if waiting.is_empty() => {
                line.state = State::Live(head);
                Vec::new()
            }
            State::CatchingUp(waiting) => std::mem::take(waiting),
            State::Live(_) => Vec::new(),
        }
    }

    /// Somebody types in a room; told when it was not told just now.
    pub(super) fn typing(&self, socket: &Socket, room: RoomId) {
        let mut lines = socket.lines.borrow_mut();
        let Some(line) = lines.get_mut(&room) else { return };
        if line.is_crowded || line.typed.is_some_and(|at| at.elapsed() < TYPING) {
            return;
        }
        line.typed = Some(Instant::now());
        self.0.hub.tell_typing(room, socket.user_id());
    }
}

/// How much of a room somebody sees.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sees {
    pub(super) from_seq: i64,
    pub(super) is_crowded: bool,
}

fn take_out<K: std::hash::Hash + Eq>(of: &mut HashMap<K, Vec<Rc<Socket>>>, key: K, socket: &Socket) {
    if let Some(sockets) = of.get_mut(&key) {
        if let Some(at) = sockets.iter().position(|it| it.number == socket.number) {
            sockets.swap_remove(at);
        }
        if sockets.is_empty() {
            of.remove(&key);
        }
    }
}

impl Inner {
    fn all(&self) -> Vec<Rc<Socket>> {
        self.sockets.borrow().values().cloned().collect()
    }

    fn unsubscribe(&self, socket: &Socket, room: RoomId) {
        if socket.lines.borrow_mut().remove(&room).is_some() {
            take_out(&mut self.rooms.borrow_mut(), room, socket);
            self.hub.unwatch(room);
        }
    }

    fn unsubscribe_all(&self, socket: &Socket) -> Vec<RoomId> {
        let rooms: Vec<RoomId> = socket.lines.borrow().keys().copied().collect();
        for room in &rooms {
            self.unsubscribe(socket, *room);
        }
        rooms
    }

    fn deliver(&self, delivery: Delivery) {
        match delivery {
            Delivery::Event { event, json } => self.event(&event, &json),
            Delivery::Joined { room, user, json } => {
                let sockets = self.users.borrow().get(&user).cloned().unwrap_or_default();
                for socket in sockets {
                    if !socket.lines.borrow().contains_key(&room) {
                        socket.tell_json(&json);
                    }
                }
            }
            Delivery::ToUser { user, json } => {
                let frame = outbox::text(&json);
                for socket in self.users.borrow().get(&user).into_iter().flatten() {
                    socket.outbox.whisper(frame.clone());
                }
            }
            Delivery::Typing { room, user, json } => {
                let frame = outbox::text(&json);
                for socket in self.rooms.borrow().get(&room).into_iter().flatten() {
                    if socket.user_id() != user {
                        socket.outbox.whisper(frame.clone());
                    }
                }
            }
            Delivery::Changed(changed) => self.changed(&changed),
            Delivery::Outside(users) => self.outside(&users),
            Delivery::Goodbye => self.goodbye(),
        }
    }

    fn event(&self, event: &Arc<RoomEvent>, json: &[u8]) {
        let mut gone = Vec::new();
        {
            let rooms = self.rooms.borrow();
            let Some(sockets) = rooms.get(&event.room) else { return };
            let frame = outbox::text(json);
            for socket in sockets {
                match socket.hear(event, &frame) {
                    Heard::Fine => {}
                    Heard::Last => gone.push(socket.clone()),
                    Heard::TooSlow => socket.give_up(),
                }
            }
        }
        for socket in gone {
            self.unsubscribe(&socket, event.room);
        }
    }

    /// Those who are signed out are told so; others have other roles.
    fn changed(&self, changed: &[(SessionId, Changed)]) {
        let sockets = self.all();
        for (session, change) in changed {
            for socket in sockets.iter().filter(|it| it.actor.borrow().session() == Some(*session)) {
                match change {
                    Changed::Roles(actor) => {
                        socket.actor.replace(actor.clone());
                    }
                    Changed::Expired => socket.close(4002, "The session has run out; sign in again."),
                    Changed::Revoked => {
                        socket.outbox.drop_all();
                        socket.close(4500, "You are signed out.");
                    }
                }
            }
        }
    }

    /// Those who take no part in the club any more hear of no room.
    fn outside(&self, users: &[UserId]) {
        for user in users {
            let sockets = self.users.borrow().get(user).cloned().unwrap_or_default();
            for socket in sockets {
                for room in self.unsubscribe_all(&socket) {
                    let gone = Told::Error {
                        id: None,
                        room: Some(room),
                        code: "not_found",
                        detail: Some("You take part in the club no more."),
                        retry_after_ms: None,
                    };
                    socket.tell(&gone);
                }
            }
        }
    }

    /// All sockets end, one part after the other.
    fn goodbye(&self) {
        let sockets = self.all();
        let part = sockets.len().div_ceil(PARTS).max(1);
        actix_web::rt::spawn(async move {
            for part in sockets.chunks(part) {
                for socket in part {
                    socket.leave();
                }
                tokio::time::sleep(GOODBYES / PARTS as u32).await;
            }
        });
    }
}
