//! Rooms: opening, changing and archiving them, who is in them, and how they are listed.

mod changing;
mod joining;
mod listing;
mod opening;

pub use changing::{RoomPatch, archive, change};
pub use joining::{RoomMember, add, join, leave, members, remove, silence};
pub(crate) use joining::{enter, go};
pub use listing::{Listed, find, joinable, mine};
pub use opening::{NewRoom, Opened, open};

use muster_kernel::Fields;

/// What stands in the audit log.
pub(crate) const OBJECT: &str = "room";
/// The most people in a direct room.
pub(crate) const MOST_DIRECT: usize = 8;

/// Checks the name of a room.
fn check_name(fields: &mut Fields, name: &str) {
    fields.text("/room_name", name, 1..=120);
}
