//! Member records: every user has exactly one, with the same id. How a membership begins and ends, how somebody can
//! be reached, and the list of everybody.
//!
//! The record is made in the transaction that makes the user, through [`person_hooks`]. From then on only [`Members`]
//! moves a membership, and it cannot be made without saying which domains have a part in that ([`StandingHooks`]).
//!
//! ```
//! use muster_members::{Move, Standing};
//! assert!(Standing::Suspended.is_approved());
//! assert_eq!(Move::Approve.of(Standing::Pending), Some(Standing::Active));
//! assert_eq!(Move::Approve.of(Standing::Left), None);
//! ```
//!
//! It calls finance for what members owe, and auth for who they are.

mod attendance;
mod checks;
mod domain;
pub mod dues;
pub mod export;
mod history;
mod hooks;
pub mod import;
mod letters;
mod lifecycle;
mod list;
mod moves;
mod payment;
pub mod plans;
mod profile;
mod queries;
#[allow(missing_docs, reason = "the macro makes items that it does not document")]
pub mod read;
mod record;
mod reminders;
#[cfg(feature = "http")]
mod routes;
mod schema;
mod sight;
mod standing;

pub use attendance::count_attendance;
pub use domain::domain;
pub use history::{Change, ChangeId, history};
pub use hooks::person_hooks;
pub use lifecycle::{Members, MoveRequest, StandingHooks};
pub use list::{By, Filter, Order, Place, count, list};
pub use moves::Move;
pub use payment::{Money, PaymentStatus};
pub use profile::{MemberPatch, edit};
pub use record::{Contact, Member, find};
pub use reminders::ReminderJob;
#[cfg(feature = "http")]
pub use routes::mount;
pub use sight::Sight;
pub use standing::Standing;
