//! What this program did not hear of, read from the database: what another gateway committed, and what was overtaken.

use std::sync::Arc;

use diesel::{QueryDsl, RunQueryDsl};
use muster_kernel::db::{Conn, DbResult};
use muster_kernel::sql::among;

use super::Inner;
use crate::log::{self as room_log, RoomEvent};
use crate::room::RoomId;
use crate::schema::rooms;

/// Events that are read at once.
const AT_ONCE: i64 = 500;

impl Inner {
    /// Reads what came between events that overtook it.
    pub(super) async fn fill_gaps(&self) {
        for (room, released) in self.watch.with_gaps() {
            self.read_after(room, released).await;
        }
    }

    /// Reads what has happened in rooms that are further than this program knows.
    pub(super) async fn catch_up_with_others(&self) {
        let known = self.watch.released();
        if known.is_empty() {
            return;
        }
        let ids: Vec<RoomId> = known.keys().copied().collect();
        match self.db.read_one(move |conn| heads(conn, &ids)).await {
            Ok(heads) => {
                for (room, head) in heads {
                    if let Some(released) = known.get(&room).filter(|released| head > **released) {
                        self.read_after(room, *released).await;
                    }
                }
            }
            Err(e) => log::warn!("whether anything happened in rooms could not be read: {e}"),
        }
    }

    async fn read_after(&self, room: RoomId, mut seq: i64) {
        loop {
            let events: Vec<RoomEvent> =
                match self.db.read(move |conn| room_log::after(conn, room, seq, AT_ONCE)).await {
                    Ok(events) => events,
                    Err(e) => return log::warn!("what happened in room {room} could not be read: {e}"),
                };
            let is_all = (events.len() as i64) < AT_ONCE;
            for event in events {
                seq = event.seq;
                self.hear(Arc::new(event));
            }
            if is_all {
                return;
            }
        }
    }
}

fn heads(conn: &mut Conn, ids: &[RoomId]) -> DbResult<Vec<(RoomId, i64)>> {
    Ok(rooms::table.filter(among(rooms::id, ids)).select((rooms::id, rooms::head_seq)).load(conn)?)
}
