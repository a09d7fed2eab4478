//! Chat: rooms, and what is written in them.
//!
//! Whatever happens in a room takes its next number, in its own transaction and with the room's row locked: there is no
//! hole, the order of the numbers is the order of the commits, and who was away asks for what came after the last number
//! they know. What was committed is told to whoever [listens](muster_kernel::db::Db::listen) for [`News`].
//!
//! ```
//! use muster_chat::EventKind;
//! assert_eq!(EventKind::MessageCreated.as_str(), "message.created");
//! ```

#[cfg(feature = "http")]
mod acquaintances;
mod checks;
pub mod class_rooms;
mod departing;
mod domain;
pub mod events;
mod exports;
mod hooks;
#[cfg(feature = "http")]
mod hub;
mod log;
pub mod marks;
mod message;
pub mod messages;
mod minors;
mod room;
pub mod rooms;
#[cfg(feature = "http")]
mod routes;
mod schema;
mod seats;
#[cfg(feature = "http")]
mod told;
#[cfg(feature = "http")]
mod ws;

pub use domain::domain;
pub use hooks::{person_hooks, standing_hooks};
#[cfg(feature = "http")]
pub use hub::{Bus, CHANNELS, Hub};
pub use log::{EventKind, EventWord, News, RoomEvent};
pub use message::{Message, MessageId, Reaction};
pub use room::{Room, RoomId, RoomKind, RoomRole, RoomState, Seat};
#[cfg(feature = "http")]
pub use routes::mount;
#[cfg(feature = "http")]
pub use ws::Worker;
