//! A room, and somebody's seat in it.

use muster_kernel::{Timestamp, UserId, id_type, text_enum};
use serde::Serialize;

use crate::schema::rooms;

id_type! {
    /// A room.
    pub struct RoomId;
}

text_enum! {
    /// What kind of room it is.
    pub enum RoomKind {
        /// People join it, and all of them write.
        Channel = "channel",
        /// Staff write, all read; replies where they are allowed.
        Announcement = "announcement",
        /// Of a class or a series: its coach and whoever booked.
        Class = "class",
        /// Between two to eight people.
        Direct = "direct",
    }
}

text_enum! {
    /// What somebody is in a room.
    pub enum RoomRole {
        /// One of them.
        Member = "member",
        /// They keep order.
        Moderator = "moderator",
    }
}

/// A room as its row says.
#[derive(Debug, Clone, PartialEq, Eq, diesel::Queryable)]
pub struct Room {
    /// Its number.
    pub id: RoomId,
    /// Goes up with every change of the room itself.
    pub version: i64,
    /// What kind it is.
    pub kind: RoomKind,
    /// What it is called; direct rooms by those in them.
    pub room_name: Option<String>,
    /// The one that everybody of the club is in.
    pub is_club: bool,
    /// The class it is of.
    pub class_id: Option<i64>,
    /// The series it is of.
    pub series_id: Option<i64>,
    /// Whether others than staff may answer announcements.
    pub replies_allowed: bool,
    /// Nobody writes until a guardian joins.
    pub needs_guardian: bool,
    /// Since when it can only be read.
    pub archived_at: Option<Timestamp>,
    /// The number of what happened last.
    pub head_seq: i64,
    /// How many are in it.
    pub member_count: i32,
}

muster_kernel::columns!(rooms {
    id,
    version,
    kind,
    room_name,
    is_club,
    class_id,
    series_id,
    replies_allowed,
    needs_guardian,
    archived_at,
    head_seq,
    member_count,
});

impl Room {
    /// Whether whoever takes part in the club may join it.
    pub(crate) fn is_joinable(&self) -> bool {
        let is_open = matches!(self.kind, RoomKind::Channel | RoomKind::Announcement);
        is_open && !self.is_club && self.archived_at.is_none()
    }

    /// What of it can change, as those in it are told.
    pub fn state(&self) -> RoomState {
        RoomState {
            room_name: self.room_name.clone(),
            replies_allowed: self.replies_allowed,
            archived_at: self.archived_at,
            needs_guardian: self.needs_guardian,
        }
    }
}

/// What of a room can change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct RoomState {
    /// What it is called; null of direct rooms.
    pub room_name: Option<String>,
    /// Whether others than staff may answer announcements.
    pub replies_allowed: bool,
    /// Since when it can only be read.
    pub archived_at: Option<Timestamp>,
    /// A minor is in it with an adult: nobody writes until a guardian joins.
    pub needs_guardian: bool,
}

/// Somebody's seat in a room: proof that they may read it.
#[derive(Debug, Clone)]
pub struct Seat {
    /// The room.
    pub room: Room,
    /// Whose.
    pub user: UserId,
    /// What they are in it.
    pub role: RoomRole,
    /// What they may see begins here.
    pub from_seq: i64,
    /// Up to where they have read.
    pub last_read_seq: i64,
    /// They do not want to hear of it until then.
    pub muted_until: Option<Timestamp>,
    /// A moderator has them be quiet until then.
    pub silenced_until: Option<Timestamp>,
    /// Staff of the club.
    pub is_staff: bool,
}

impl Seat {
    /// Whether they keep order here.
    pub fn moderates(&self) -> bool {
        self.role == RoomRole::Moderator
    }
}
