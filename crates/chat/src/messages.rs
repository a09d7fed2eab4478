//! Messages: writing, changing, reacting, reading.

mod changing;
mod reacting;
mod reading;
mod searching;
mod writing;

pub use changing::{delete, edit, pin};
pub use reacting::react;
pub(crate) use reacting::reactions_of;
pub use reading::{Backwards, find, history, mine};
pub use searching::search;
pub use writing::{NewMessage, Sent, send};

use muster_kernel::Fields;
use muster_kernel::db::{Conn, Tx};
use muster_kernel::fault::{Code, Fault};

use crate::message::{self, Message, MessageId};
use crate::room::{RoomKind, Seat};
use crate::{minors, seats};

/// The longest message.
const LONGEST: usize = 8000;
const LONGEST_TITLE: usize = 200;

/// Checks the words of a message.
fn check(fields: &mut Fields, content: &str, title: Option<&str>) {
    fields.lines("/content", content, 1..=LONGEST);
    if let Some(title) = title {
        fields.text("/title", title, 1..=LONGEST_TITLE);
    }
}

/// Whether anything can be changed in a room at all.
fn must_be_open(tx: &mut Tx<'_>, seat: &mut Seat) -> Result<(), Fault> {
    if seat.room.archived_at.is_some() {
        return Err(Fault::new(Code::ReadOnly, "This room is archived: it can be read only."));
    }
    match seat.room.kind {
        RoomKind::Direct => minors::must_be_fine_now(tx, &mut seat.room),
        _ => Ok(()),
    }
}

/// Whether somebody may speak in a room now.
fn must_be_heard(tx: &mut Tx<'_>, seat: &mut Seat) -> Result<(), Fault> {
    must_be_open(tx, seat)?;
    match seat.silenced_until {
        Some(until) if until > tx.now() => {
            Err(Fault::new(Code::Muted, format!("A moderator has you be quiet here until {until}.")))
        }
        _ => Ok(()),
    }
}

/// A message of a room whose seat was found; what came before the seat is not there.
fn of_room(conn: &mut Conn, seat: &Seat, id: MessageId) -> Result<Message, Fault> {
    message::find(conn, id)?
        .filter(|it| it.room_id == seat.room.id && it.seq >= seat.from_seq)
        .ok_or_else(Fault::not_found)
}

/// The seat from which somebody sees a message, with the room locked, and the message.
fn hold(tx: &mut Tx<'_>, actor: &muster_auth::Actor, id: MessageId) -> Result<(Seat, Message), Fault> {
    let room = message::room_of(tx, id)?.ok_or_else(Fault::not_found)?;
    let seat = seats::hold(tx, actor, room)?;
    let message = of_room(tx, &seat, id)?;
    Ok((seat, message))
}
