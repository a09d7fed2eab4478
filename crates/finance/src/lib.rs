//! The club's books: a double-entry ledger and what stands on it.
//!
//! It takes its place among the domains; its tables, rules and routes come with its first slice.

pub mod read;
mod schema;
mod standing;

use muster_kernel::Domain;
pub use standing::open_account;

/// This crate's part in the commands of the program.
///
/// ```
/// assert_eq!(muster_finance::domain().name, "finance");
/// ```
pub fn domain() -> Domain {
    Domain { name: "finance", ..Domain::default() }
}
