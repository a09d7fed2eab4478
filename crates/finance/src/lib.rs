//! The club's books: a double-entry ledger, and what stands on it.
//!
//! Money is moved by entries whose postings sum to zero ([`entries`], `ledger`). An entry is never changed; another
//! one reverses it. What members owe and paid is kept item by item ([`charges`], [`credits`]), matched oldest first
//! ([`settling`]), and summed up for every member in one row ([`Standing`]), all in the same transaction.
//!
//! ```
//! let month: muster_finance::Month = "2026-11".parse()?;
//! assert_eq!(month.last_day().to_string(), "2026-11-30");
//! # Ok::<(), muster_kernel::fault::Fault>(())
//! ```

pub mod accounts;
mod amounts;
pub mod balances;
pub mod bills;
pub mod charges;
mod checks;
pub mod credits;
mod daily_sums;
mod domain;
pub mod entries;
mod exports;
mod hooks;
pub mod journal;
mod ledger;
mod letters;
mod listing;
mod of_member;
pub mod pay;
pub mod periods;
pub mod prepaid;
pub mod read;
pub mod reports;
#[cfg(feature = "http")]
mod routes;
mod schema;
pub mod settling;
mod standing;
mod statement;

pub use charges::{ByRule, ChargeId, Income, charge_by_rule};
pub use domain::domain;
pub use hooks::person_hooks;
pub use ledger::{EntryId, EntryKind, EntryRow, PostingRow};
pub use letters::Letters;
pub use listing::{Listing, NotSeen, not_seen, set_listed_attendance, set_listing};
pub use of_member::{Items, OfMember};
pub use periods::{FIRST_DAY, LAST_DAY, Month};
pub use prepaid::{PrepaidFees, PrepaidHooks};
#[cfg(feature = "http")]
pub use routes::mount;
pub use standing::{Standing, open_account, set_grace, standing_of};
pub use statement::{CoachStatement, Line, Statement};
