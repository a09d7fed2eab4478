//! What several gateways tell each other. None of it lasts: whatever of a room's events is lost, doubled or out of order on
//! the way is put right from the database, and everything else does no harm when it is missed.

use std::sync::Arc;

use muster_kernel::UserId;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::{Hub, Inner};
use crate::log::RoomEvent;
use crate::marks::HasRead;
use crate::room::RoomId;

/// On so many channels gateways talk; what happens in one room is always told on the same.
pub const CHANNELS: u64 = 16;
/// What waits to be told. What does not fit is not told: those who miss it find it in the database.
const MOST_WAITING: usize = 4096;

/// What a gateway says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "said", rename_all = "snake_case")]
pub(super) enum Said {
    /// Something lasting happened in a room.
    Happened { event: Box<RoomEvent>, about_seq: Option<i64> },
    /// Somebody has read a room up to here.
    Read { user: UserId, room: RoomId, seq: i64 },
    /// Somebody types.
    Typing { user: UserId, room: RoomId },
    /// Somebody is there, or not any more: for those who know them.
    Presence { user: UserId, is_online: bool, to: Vec<UserId> },
    /// Somebody hides, wherever they are: for those who know them.
    Hidden { user: UserId, to: Vec<UserId> },
    /// Which of these are there? Somebody who knows them has come.
    WhoIsThere { of: Vec<UserId>, to: UserId },
    /// Somebody was signed out, or is something else in the club.
    Standings,
}

impl Said {
    fn channel(&self) -> u64 {
        let number = match self {
            Said::Happened { event, .. } => event.room.0,
            Said::Read { room, .. } | Said::Typing { room, .. } => room.0,
            Said::Presence { user, .. } | Said::Hidden { user, .. } | Said::WhoIsThere { to: user, .. } => {
                user.0
            }
            Said::Standings => 0,
        };
        number.unsigned_abs() % CHANNELS
    }
}

/// What a gateway has to say to the others, for whoever carries it to them.
pub struct Bus(mpsc::Receiver<(u64, Vec<u8>)>);

impl Bus {
    /// Waits for something to be told, and gives what there is of it, up to so much: each on its channel. Nothing when there
    /// will be no more.
    pub async fn next(&mut self, most: usize) -> Vec<(u64, Vec<u8>)> {
        let mut said = Vec::new();
        self.0.recv_many(&mut said, most).await;
        said
    }
}

impl Hub {
    /// From now on this gateway tells others what happens. Asked for once; the second time there is nothing to be had.
    pub fn bus(&self) -> Option<Bus> {
        let (say, said) = mpsc::channel(MOST_WAITING);
        self.0.bus.set(say).ok().map(|()| Bus(said))
    }

    /// Another gateway said something; what this one said itself may come back, too.
    pub fn hear_from_bus(&self, said: &[u8]) {
        match serde_json::from_slice(said) {
            Ok(said) => self.hear_said(said),
            // Another version of this program, or somebody else.
            Err(e) => log::debug!("something unknown came over the bus: {e}"),
        }
    }

    /// After a time in which things may have been lost: the database is asked at once.
    pub fn bus_is_back(&self) {
        self.0.missed.notify_one();
        self.0.standings.notify_one();
    }

    fn hear_said(&self, said: Said) {
        match said {
            Said::Happened { event, about_seq } => self.0.hear(Arc::new(RoomEvent { about_seq, ..*event })),
            Said::Read { user, room, seq } => self.0.tell_read(&HasRead { user, room, seq }),
            Said::Typing { user, room } => self.0.tell_typing(room, user),
            // They are here instead.
            Said::Presence { user, is_online: false, to } if self.is_online(user) => {
                self.0.say(|| Said::Presence { user, is_online: true, to });
            }
            Said::Presence { user, is_online, to } => self.0.tell_presence(user, is_online, &to),
            Said::Hidden { user, to } => self.0.tell_presence(user, false, &to),
            Said::WhoIsThere { of, to } => {
                for user in of.into_iter().filter(|user| self.is_online(*user)) {
                    self.0.say(|| Said::Presence { user, is_online: true, to: vec![to] });
                }
            }
            Said::Standings => self.0.standings.notify_one(),
        }
    }
}

impl Inner {
    /// Tells the other gateways, if there is a way to.
    pub(super) fn say(&self, what: impl FnOnce() -> Said) {
        let Some(bus) = self.bus.get() else { return };
        let said = what();
        if let Ok(text) = serde_json::to_vec(&said) {
            // When it is full the others find it in the database.
            let _ = bus.try_send((said.channel(), text));
        }
    }
}
