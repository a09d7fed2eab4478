//! Catching up with rooms, and listening from there on: what happens from the beginning on waits, what happened before is
//! read and sent, then what has waited, then what comes.

use std::collections::{BTreeMap, HashMap};

use muster_kernel::fault::{Code, Fault};

use super::outbox::{self, Over};
use super::session::{Refusal, Session, Subscribe};
use super::worker::{Sees, shown};
use crate::log::{self, RoomEvent};
use crate::room::{RoomId, Seat};
use crate::told::Told;
use crate::{events, seats};

/// Rooms of one request.
const MOST_AT_ONCE: usize = 200;
/// Rooms that one socket listens to.
const MOST: usize = 1000;
/// In rooms with more than these nobody is told who types.
const CROWD: i32 = 100;

/// What a client has to catch up with.
enum Gap {
    Nothing,
    /// Everything after this number is sent.
    After(i64),
    /// It asks by REST, for this reason.
    Reset(&'static str),
}

impl Session {
    pub(super) async fn subscribe(&mut self, id: Option<&str>, wanted: Subscribe) -> Result<(), Refusal> {
        let Subscribe { epoch, rooms, .. } = wanted;
        if rooms.len() > MOST_AT_ONCE {
            return Err(Refusal::bad("At most 200 rooms in one request."));
        }
        if rooms.values().any(|last| *last < 0) {
            return Err(Refusal::bad("Numbers of events begin with 0 for none."));
        }
        if self.socket.rooms() + rooms.len() > MOST {
            return Err(Refusal::bad("One socket listens to 1000 rooms at most; unsubscribe from some."));
        }
        let same_epoch = epoch.is_none_or(|epoch| epoch == self.epoch);
        for room in rooms.keys() {
            self.worker.subscribe(&self.socket, *room);
        }
        let answer = self.catch_up(&rooms, same_epoch).await;
        if answer.is_err() {
            for room in rooms.keys() {
                self.worker.unsubscribe(&self.socket, *room);
            }
        }
        let (heads, refused) = match answer? {
            Ok(answer) => answer,
            // Nobody is there to be answered.
            Err(Over) => return Ok(()),
        };
        self.socket.tell(&Told::Subscribed { id, heads, refused });
        Ok(())
    }

    async fn catch_up(
        &self,
        rooms: &BTreeMap<RoomId, i64>,
        same_epoch: bool,
    ) -> Result<Result<Answer, Over>, Fault> {
        let (actor, ids): (_, Vec<RoomId>) = (self.socket.actor(), rooms.keys().copied().collect());
        let seats = self.db.read::<_, Fault, _>(move |conn| Ok(seats::of(conn, &actor, &ids)?)).await?;
        let mut seats: HashMap<RoomId, Seat> = seats.into_iter().map(|seat| (seat.room.id, seat)).collect();
        let (mut heads, mut refused) = Answer::default();
        for (room, last) in rooms {
            let head = match seats.remove(room) {
                Some(seat) => self.catch_up_with(seat, *last, same_epoch).await?,
                None => Ok(None),
            };
            match head {
                Ok(Some(head)) => {
                    heads.insert(*room, head);
                }
                Ok(None) => {
                    self.worker.unsubscribe(&self.socket, *room);
                    refused.insert(*room, "not_found");
                }
                Err(Over) => return Ok(Err(Over)),
            }
        }
        Ok(Ok((heads, refused)))
    }

    /// Sends what happened in a room after a number, and has the socket be live. Nothing when they are not in it any more.
    async fn catch_up_with(
        &self,
        mut seat: Seat,
        last: i64,
        same_epoch: bool,
    ) -> Result<Result<Option<i64>, Over>, Fault> {
        let (room, head) = (seat.room.id, seat.room.head_seq);
        let mut known = match gap(&seat, last, same_epoch) {
            Gap::Nothing => head,
            Gap::After(last) => last,
            Gap::Reset(reason) => {
                self.socket.tell(&Told::Reset { room, head, reason });
                head
            }
        };
        // Until it is where the hub goes on: others may have read later, and have it go on from there.
        while known < seat.room.head_seq || known < self.hub.is_at(room, known) {
            let Some((seat_now, missed)) = self.read_on(room, known).await? else { return Ok(Ok(None)) };
            seat = seat_now;
            known = missed.last().map_or(seat.room.head_seq, |event| event.seq);
            for event in missed {
                let json = serde_json::to_vec(&event.seen_from(seat.from_seq)).map_err(Fault::internal)?;
                if self.socket.outbox.send_patiently(outbox::text(&json)).await.is_err() {
                    return Ok(Err(Over));
                }
            }
        }
        let sees =
            Sees { from_seq: seat.from_seq, is_crowded: seat.room.is_club || seat.room.member_count > CROWD };
        loop {
            let waited = self.worker.take_waiting(&self.socket, room, known, &sees);
            if waited.is_empty() {
                return Ok(Ok(Some(known)));
            }
            for (event, frame) in waited {
                if event.seq <= known {
                    continue;
                }
                known = event.seq;
                let frame = shown(&event, &frame, sees.from_seq);
                if self.socket.outbox.send_patiently(frame).await.is_err() {
                    return Ok(Err(Over));
                }
                if self.socket.is_told_to_go(&event) {
                    return Ok(Ok(None));
                }
            }
        }
    }

    /// Somebody's seat and what happened after a number, seen at once: nobody sees what came after they were removed.
    async fn read_on(&self, room: RoomId, last: i64) -> Result<Option<(Seat, Vec<RoomEvent>)>, Fault> {
        let actor = self.socket.actor();
        let read = self.db.read::<_, Fault, _>(move |conn| {
            let seat = seats::find(conn, &actor, room)?;
            Ok((seat, log::after(conn, room, last, events::MOST)?))
        });
        match read.await {
            Ok(found) => Ok(Some(found)),
            Err(fault) if fault.code == Code::NotFound => Ok(None),
            Err(fault) => Err(fault),
        }
    }
}

/// Where each room is, and which ones they are not in.
type Answer = (BTreeMap<RoomId, i64>, BTreeMap<RoomId, &'static str>);

fn gap(seat: &Seat, last: i64, same_epoch: bool) -> Gap {
    let head = seat.room.head_seq;
    if !same_epoch {
        return Gap::Reset("epoch");
    }
    match last {
        last if last > head => Gap::Reset("ahead"),
        last if last == head => Gap::Nothing,
        last if last < seat.from_seq - 1 => Gap::Reset("joined_later"),
        last if head - last > events::MOST => Gap::Reset("too_far"),
        last => Gap::After(last),
    }
}
