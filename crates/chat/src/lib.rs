//! Chat: rooms, messages, the sequence log, WebSocket sessions.
//!
//! It takes its place among the domains; its tables, rules and routes come with its first slice.

use muster_kernel::Domain;

/// This crate's part in the commands of the program.
///
/// ```
/// assert_eq!(muster_chat::domain().name, "chat");
/// ```
pub fn domain() -> Domain {
    Domain { name: "chat", ..Domain::default() }
}
