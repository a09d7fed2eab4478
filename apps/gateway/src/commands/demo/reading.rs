//! What people have read of their rooms by now: some all, some hardly any, and most all but the latest.

use muster_auth::permissions::{Chat, ReadRooms};
use muster_chat::{RoomId, marks, rooms};
use muster_kernel::fault::Fault;
use muster_kernel::page::PageRequest;

use super::cast::{KATHARINA, LENA, NELE, SABINE, Who};
use super::chance::Chance;
use super::stage::Stage;

/// Rooms whose marks are set at once.
const AT_ONCE: usize = 8;
/// Those whom the command tells about find something new.
const CURIOUS: [Who; 4] = [LENA, SABINE, NELE, KATHARINA];

/// Has everybody have read what they have.
pub(super) async fn mark(stage: &Stage) -> Result<(), Fault> {
    for who in stage.cast.those(|it| it.speaks()) {
        let read = read_by(stage, who).await?;
        let can = stage.can::<Chat>(who)?;
        for some in read.chunks(AT_ONCE) {
            let (some, can) = (some.to_vec(), can.clone());
            stage
                .write(move |tx| {
                    for (room, seq) in &some {
                        marks::read(tx, &can, *room, *seq)?;
                    }
                    Ok(())
                })
                .await?;
        }
    }
    Ok(())
}

/// Up to where somebody has read each of their rooms.
async fn read_by(stage: &Stage, who: Who) -> Result<Vec<(RoomId, i64)>, Fault> {
    let can = stage.can::<ReadRooms>(who)?;
    let page = PageRequest::read("rooms", Some(100), None)?;
    let mine = stage.read(move |conn| rooms::mine(conn, &can, &page)).await?;
    let mut chance = Chance::of(&format!("what {who:?} has read"));
    let mut read = Vec::new();
    for room in mine {
        let unread = match chance.among(0..=9) {
            _ if CURIOUS.contains(&who) => i64::from(chance.among(9..=18)),
            0..=3 => 0,
            4..=8 => i64::from(chance.among(1..=12)),
            _ => room.head_seq,
        };
        // Whoever wrote something has read what was there.
        let own = stage.rooms.own.get(&(who, room.id)).copied().unwrap_or_default();
        let seq = (room.head_seq - unread).max(own);
        if seq > 0 {
            read.push((room.id, seq));
        }
    }
    Ok(read)
}
