//! Classes: series, sessions, bookings, waitlists, attendance, the calendar.
//!
//! It takes its place among the domains; its tables, rules and routes come with its first slice.

pub mod recurrence;

use muster_kernel::Domain;

/// This crate's part in the commands of the program.
///
/// ```
/// assert_eq!(muster_classes::domain().name, "classes");
/// ```
pub fn domain() -> Domain {
    Domain { name: "classes", ..Domain::default() }
}
