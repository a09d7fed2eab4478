//! The rooms that somebody here listens to, and how far each of them was let go.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::log::RoomEvent;
use crate::room::RoomId;

#[derive(Default)]
pub(super) struct Watch {
    rooms: Mutex<HashMap<RoomId, Watched>>,
    /// Rung when an event has overtaken another.
    gap: Notify,
}

#[derive(Default)]
struct Watched {
    sockets: usize,
    /// Up to this number everything was let go; not known until somebody has read where the room is.
    released: Option<i64>,
    /// What came too early.
    early: BTreeMap<i64, Arc<RoomEvent>>,
}

impl Watched {
    fn let_go(&mut self, mut each: impl FnMut(Arc<RoomEvent>)) {
        let Some(mut released) = self.released else { return };
        self.early.retain(|seq, _| *seq > released);
        while let Some(event) = self.early.remove(&(released + 1)) {
            released += 1;
            each(event);
        }
        self.released = Some(released);
    }
}

impl Watch {
    fn rooms(&self) -> MutexGuard<'_, HashMap<RoomId, Watched>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self, room: RoomId) {
        self.rooms().entry(room).or_default().sockets += 1;
    }

    pub(super) fn end(&self, room: RoomId) {
        let mut rooms = self.rooms();
        if let Some(watched) = rooms.get_mut(&room) {
            watched.sockets = watched.sockets.saturating_sub(1);
            if watched.sockets == 0 {
                rooms.remove(&room);
            }
        }
    }

    /// Somebody knows of everything in a room up to `head`: whoever is the first to say so decides where it begins to be let
    /// go, and `each` is given what came meanwhile. Tells up to where it was let go: whoever knows less has to read that.
    pub(super) fn is_at(&self, room: RoomId, head: i64, each: impl FnMut(Arc<RoomEvent>)) -> i64 {
        let mut rooms = self.rooms();
        let Some(watched) = rooms.get_mut(&room) else { return head };
        if watched.released.is_none() {
            watched.released = Some(head);
            watched.let_go(each);
            self.ring(watched);
        }
        watched.released.unwrap_or(head)
    }

    /// Something was committed: `each` is given what is next in order. Heard twice it is given once.
    pub(super) fn hear(&self, event: Arc<RoomEvent>, each: impl FnMut(Arc<RoomEvent>)) {
        let mut rooms = self.rooms();
        let Some(watched) = rooms.get_mut(&event.room) else { return };
        if watched.released.is_some_and(|released| event.seq <= released) {
            return;
        }
        watched.early.insert(event.seq, event);
        watched.let_go(each);
        self.ring(watched);
    }

    fn ring(&self, watched: &Watched) {
        if watched.released.is_some() && !watched.early.is_empty() {
            self.gap.notify_one();
        }
    }

    /// Waits until an event has overtaken another.
    pub(super) async fn overtaken(&self) {
        self.gap.notified().await;
    }

    /// Rooms in which something came too early, and up to where they were let go.
    pub(super) fn with_gaps(&self) -> Vec<(RoomId, i64)> {
        let rooms = self.rooms();
        let gaps = rooms.iter().filter(|(_, watched)| !watched.early.is_empty());
        gaps.filter_map(|(room, watched)| Some((*room, watched.released?))).collect()
    }

    /// Every room, and up to where it was let go.
    pub(super) fn released(&self) -> HashMap<RoomId, i64> {
        self.rooms().iter().filter_map(|(room, watched)| Some((*room, watched.released?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{EventKind, EventWord};
    use muster_kernel::Timestamp;

    const ROOM: RoomId = RoomId(7);

    fn event(seq: i64) -> Arc<RoomEvent> {
        Arc::new(RoomEvent {
            kind: EventWord::Event,
            room: ROOM,
            seq,
            event: EventKind::RoomUpdated,
            actor_id: None,
            timestamp: Timestamp::EPOCH,
            message: None,
            message_id: None,
            emoji: None,
            user_id: None,
            state: None,
            about_seq: None,
        })
    }

    /// What is let go when these are heard, of a room that is at 10.
    fn let_go(heard: &[i64]) -> Vec<i64> {
        let watch = Watch::default();
        let mut seen = Vec::new();
        watch.begin(ROOM);
        watch.is_at(ROOM, 10, |event| seen.push(event.seq));
        for seq in heard {
            watch.hear(event(*seq), |event| seen.push(event.seq));
        }
        seen
    }

    #[test]
    fn events_go_in_order_and_once_however_they_come() {
        assert_eq!(let_go(&[11, 12, 13]), [11, 12, 13]);
        assert_eq!(let_go(&[12, 13, 11]), [11, 12, 13], "what overtook waits");
        assert_eq!(let_go(&[11, 11, 12, 11, 10, 3]), [11, 12], "twice is once");
        assert_eq!(let_go(&[12, 14]), [0; 0], "nothing goes before what is missing");
    }

    #[test]
    fn what_comes_before_it_is_known_where_the_room_is_waits() {
        let watch = Watch::default();
        let mut seen = Vec::new();
        watch.hear(event(10), |event| seen.push(event.seq));
        watch.begin(ROOM);
        for seq in [11, 10, 12] {
            watch.hear(event(seq), |event| seen.push(event.seq));
        }
        assert_eq!(seen, [0; 0]);
        assert_eq!(watch.is_at(ROOM, 11, |event| seen.push(event.seq)), 12);
        assert_eq!(seen, [12]);
        assert_eq!(watch.is_at(ROOM, 4, |_| ()), 12, "whoever read it earlier has to read on");
        assert_eq!(watch.is_at(ROOM, 14, |_| ()), 12, "whoever read it later does not hear what they know");
    }

    #[test]
    fn rooms_that_nobody_listens_to_are_forgotten() {
        let watch = Watch::default();
        watch.begin(ROOM);
        watch.begin(ROOM);
        watch.is_at(ROOM, 1, |_| ());
        watch.end(ROOM);
        assert_eq!(watch.released().len(), 1);
        watch.end(ROOM);
        assert_eq!(watch.released().len(), 0);
    }

    #[test]
    fn gaps_are_known() {
        let watch = Watch::default();
        watch.begin(ROOM);
        watch.is_at(ROOM, 10, |_| ());
        watch.hear(event(12), |_| ());
        assert_eq!(watch.with_gaps(), [(ROOM, 10)]);
        watch.hear(event(11), |_| ());
        assert_eq!(watch.with_gaps(), []);
    }
}
