//! Coaches: profiles, pay terms, accruals, payouts.
//!
//! It takes its place among the domains; its tables, rules and routes come with its first slice.

use muster_kernel::Domain;

/// This crate's part in the commands of the program.
///
/// ```
/// assert_eq!(muster_coaches::domain().name, "coaches");
/// ```
pub fn domain() -> Domain {
    Domain { name: "coaches", ..Domain::default() }
}
