//! From a commit to the sockets of this program: events of a room are let go in the order of their numbers, encoded once,
//! and handed over once to each worker.
//!
//! ```text
//! commit ──signal──▶ Hub ──in order, without a hole──▶ each worker ──▶ the sockets that listen to the room
//!                     ▲
//!  the database, asked every two seconds and when an event overtook another
//! ```

mod bus;
mod connected;
mod missed;
mod pace;
mod watched;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use muster_auth::people::PresenceShown;
use muster_auth::sessions::SessionId;
use muster_auth::{Actor, Changed, StandingsChanged};
use muster_kernel::UserId;
use muster_kernel::db::Db;
use muster_kernel::fault::{Code, Fault};
use tokio::sync::{Notify, broadcast, mpsc};

use bus::Said;
pub use bus::{Bus, CHANNELS};
pub(crate) use connected::Connected;
use connected::Registry;
use pace::Pace;
use watched::Watch;

use crate::acquaintances::{self, Acquaintances};
use crate::log::{EventKind, News, RoomEvent};
use crate::marks::HasRead;
use crate::room::RoomId;
use crate::seats;
use crate::told::Told;

/// Deliveries that a worker may be behind. Whoever is further behind has their sockets closed: they ask again.
const BEHIND: usize = 4096;
/// How often the database is asked whether something was missed, and what became of those who are connected.
const LOOK: Duration = Duration::from_secs(2);
/// How long an event is waited for that another one has overtaken, before the database is asked.
const OVERTAKEN: Duration = Duration::from_millis(20);

/// What workers are handed.
#[derive(Debug, Clone)]
pub(crate) enum Delivery {
    /// Something lasting happened in a room.
    Event { event: Arc<RoomEvent>, json: Arc<[u8]> },
    /// Somebody is in a room now, whose sockets cannot listen to it yet.
    Joined { room: RoomId, user: UserId, json: Arc<[u8]> },
    /// For all sockets of somebody; does no harm when it is missed.
    ToUser { user: UserId, json: Arc<[u8]> },
    /// Somebody types in a room: for the others in it. Does no harm when it is missed.
    Typing { room: RoomId, user: UserId, json: Arc<[u8]> },
    /// What became of those who are signed in.
    Changed(Arc<[(SessionId, Changed)]>),
    /// They take no part in the club any more.
    Outside(Arc<[UserId]>),
    /// The program ends.
    Goodbye,
}

/// The hub of a program.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    db: Db,
    watch: Watch,
    people: Registry,
    pace: Option<Pace>,
    out: broadcast::Sender<Delivery>,
    /// Rung when somebody's standing has changed.
    standings: Notify,
    /// Those who want to be seen now, or do not any more: to be told to those who know them.
    shown: Mutex<Vec<PresenceShown>>,
    /// Rung when there are such.
    shows: Notify,
    /// Rung when events may have been missed.
    missed: Notify,
    /// To the other gateways.
    bus: OnceLock<mpsc::Sender<(u64, Vec<u8>)>>,
    ends: AtomicBool,
}

impl Hub {
    /// A hub that hears of what is committed by this program. Without limits people send as fast as they like: for
    /// measuring and for tests.
    pub fn new(db: Db, limits: bool) -> Hub {
        let (out, _) = broadcast::channel(BEHIND);
        let hub = Hub(Arc::new(Inner {
            db: db.clone(),
            watch: Watch::default(),
            people: Registry::default(),
            pace: limits.then(Pace::new),
            out,
            standings: Notify::new(),
            shown: Mutex::default(),
            shows: Notify::new(),
            missed: Notify::new(),
            bus: OnceLock::new(),
            ends: AtomicBool::new(false),
        }));
        hub.hears(&db, |inner, News(event): &News| {
            inner.say(|| Said::Happened {
                event: Box::new(RoomEvent::clone(event)),
                about_seq: event.about_seq,
            });
            inner.hear(event.clone());
        });
        hub.hears(&db, |inner, read: &HasRead| {
            inner.say(|| Said::Read { user: read.user, room: read.room, seq: read.seq });
            inner.tell_read(read);
        });
        hub.hears(&db, |inner, shown: &PresenceShown| {
            // Whoever hides may be connected elsewhere.
            if !shown.is_shown || inner.people.is_online(shown.user) {
                inner.shown.lock().unwrap_or_else(PoisonError::into_inner).push(*shown);
                inner.shows.notify_one();
            }
        });
        hub.hears(&db, |inner, _: &StandingsChanged| {
            inner.say(|| Said::Standings);
            inner.standings.notify_one();
        });
        hub
    }

    fn hears<T: 'static>(&self, db: &Db, hear: impl Fn(&Inner, &T) + Send + Sync + 'static) {
        // The database must not keep the hub that keeps it.
        let inner = Arc::downgrade(&self.0);
        db.listen(move |news: &T| {
            if let Some(inner) = inner.upgrade() {
                hear(&inner, news);
            }
        });
    }

    /// What a worker listens to.
    pub(crate) fn deliveries(&self) -> broadcast::Receiver<Delivery> {
        self.0.out.subscribe()
    }

    /// Whether limits hold here.
    pub(crate) fn is_limited(&self) -> bool {
        self.0.pace.is_some()
    }

    /// Counts a message that somebody sends.
    ///
    /// # Errors
    /// How long they have to wait.
    pub(crate) fn may_send(&self, user: UserId) -> Result<(), Duration> {
        self.0.pace.as_ref().map_or(Ok(()), |pace| pace.may_send(user))
    }

    /// Somebody opens a socket.
    ///
    /// # Errors
    /// When they have as many open as they may, or the program ends.
    pub(crate) fn connect(&self, actor: &Actor) -> Result<Connected, Fault> {
        if self.0.ends.load(Ordering::Acquire) {
            let detail = "The server starts anew; try again shortly.";
            return Err(Fault::new(Code::Unavailable, detail).retry_after(2));
        }
        Connected::new(self.clone(), actor)
    }

    /// Tells those who know somebody whether they are there.
    pub(crate) fn tell_presence(&self, user: UserId, is_online: bool, to: Vec<UserId>) {
        self.0.tell_presence(user, is_online, &to);
        self.0.say(|| Said::Presence { user, is_online, to });
    }

    /// Has other gateways tell somebody who has come which of these are there.
    pub(crate) fn ask_who_is_there(&self, of: Vec<UserId>, to: UserId) {
        if !of.is_empty() {
            self.0.say(|| Said::WhoIsThere { of, to });
        }
    }

    /// Whether somebody is connected, or was until a moment ago.
    pub(crate) fn is_online(&self, user: UserId) -> bool {
        self.0.people.is_online(user)
    }

    /// Another socket listens to a room.
    pub(crate) fn watch(&self, room: RoomId) {
        self.0.watch.begin(room);
    }

    /// One socket less does.
    pub(crate) fn unwatch(&self, room: RoomId) {
        self.0.watch.end(room);
    }

    /// A room that is listened to was read up to here: what comes next is let go. Tells up to where that was done already:
    /// whoever knows less has to read on.
    pub(crate) fn is_at(&self, room: RoomId, head: i64) -> i64 {
        self.0.watch.is_at(room, head, |event| self.0.let_go(event))
    }

    /// Somebody types in a room.
    pub(crate) fn tell_typing(&self, room: RoomId, user: UserId) {
        self.0.tell_typing(room, user);
        self.0.say(|| Said::Typing { user, room });
    }

    /// Has all sockets say goodbye, and lets nobody open another.
    pub fn goodbye(&self) {
        self.0.ends.store(true, Ordering::Release);
        self.0.send(Delivery::Goodbye);
    }

    /// Does what has to be done from time to time, for as long as the program runs: repairs what was missed, looks what
    /// became of those who are connected, and tells who is gone.
    pub async fn keep_up(&self) {
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = look.tick() => {
                    self.0.catch_up_with_others().await;
                    self.0.look_after_people().await;
                    self.tell_who_is_gone().await;
                    if let Some(pace) = &self.0.pace {
                        pace.forget_the_quiet();
                    }
                }
                () = self.0.watch.overtaken() => {
                    tokio::time::sleep(OVERTAKEN).await;
                    self.0.fill_gaps().await;
                }
                () = self.0.missed.notified() => self.0.catch_up_with_others().await,
                () = self.0.standings.notified() => self.0.look_after_people().await,
                () = self.0.shows.notified() => self.tell_who_is_shown().await,
            }
        }
    }

    async fn tell_who_is_gone(&self) {
        for user in self.0.people.take_gone() {
            if let Some(known) = self.known_of(user).await.filter(|known| known.shows_presence) {
                self.tell_presence(user, false, known.user_ids());
            }
        }
    }

    /// Whoever hides is gone for others, and there again once they do not.
    async fn tell_who_is_shown(&self) {
        let shown = std::mem::take(&mut *self.0.shown.lock().unwrap_or_else(PoisonError::into_inner));
        for PresenceShown { user, is_shown } in shown {
            let Some(to) = self.known_of(user).await.map(|known| known.user_ids()) else { continue };
            if is_shown {
                self.tell_presence(user, true, to);
            } else {
                self.0.tell_presence(user, false, &to);
                self.0.say(|| Said::Hidden { user, to });
            }
        }
    }

    async fn known_of(&self, user: UserId) -> Option<Acquaintances> {
        let known = self.0.db.read(move |conn| acquaintances::of(conn, user)).await;
        known.map_err(|e| log::warn!("who knows user {user} could not be read: {e}")).ok()
    }
}

impl Inner {
    fn send(&self, delivery: Delivery) {
        // Nobody may be there to hear it.
        let _ = self.out.send(delivery);
    }

    fn hear(&self, event: Arc<RoomEvent>) {
        if event.event == EventKind::MemberJoined
            && let Some(user) = event.user_id
            && self.people.is_online(user)
            && let Ok(json) = serde_json::to_vec(&*event)
        {
            self.send(Delivery::Joined { room: event.room, user, json: json.into() });
        }
        self.watch.hear(event, |event| self.let_go(event));
    }

    fn let_go(&self, event: Arc<RoomEvent>) {
        // A room's events have nothing in them that could not be written as JSON.
        if let Ok(json) = serde_json::to_vec(&*event) {
            self.send(Delivery::Event { event, json: json.into() });
        }
    }

    fn tell_presence(&self, user: UserId, is_online: bool, to: &[UserId]) {
        let json: Arc<[u8]> = Told::Presence { user_id: user, online: is_online }.json().into();
        for friend in to.iter().filter(|friend| self.people.is_online(**friend)) {
            self.send(Delivery::ToUser { user: *friend, json: json.clone() });
        }
    }

    fn tell_typing(&self, room: RoomId, user: UserId) {
        self.send(Delivery::Typing { room, user, json: Told::Typing { room, user_id: user }.json().into() });
    }

    fn tell_read(&self, read: &HasRead) {
        if self.people.is_online(read.user) {
            let json = Told::Read { room: read.room, seq: read.seq }.json().into();
            self.send(Delivery::ToUser { user: read.user, json });
        }
    }

    /// Looks what became of those who are connected: who is signed out, has other roles, or takes no part any more.
    async fn look_after_people(&self) {
        let people = self.people.actors();
        if people.is_empty() {
            return;
        }
        let now = self.db.clock().now();
        let looked = self.db.read::<_, Fault, _>(move |conn| {
            let changed = muster_auth::sessions::changed(conn, &people, now)?;
            Ok((changed, seats::outside(conn, &people)?))
        });
        match looked.await {
            Ok((changed, outside)) => {
                self.people.update(&changed);
                if !changed.is_empty() {
                    self.send(Delivery::Changed(changed.into()));
                }
                if !outside.is_empty() {
                    self.send(Delivery::Outside(outside.into()));
                }
            }
            Err(e) => log::warn!("what became of those who are connected could not be read: {e}"),
        }
    }
}
