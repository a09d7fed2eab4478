//! What every domain of Muster stands on: the database behind one type for both engines ([`db`], [`sql`]), time,
//! ids and money, faults with stable codes ([`fault`]), the audit log ([`audit`]), work after the commit
//! ([`job`], [`mail`]) and, with the feature `http`, what all routes have in common ([`http`]).
//!
//! It knows no domain. A service of a domain looks like this:
//!
//! ```
//! use muster_kernel::audit::{self, Event, Origin};
//! use muster_kernel::db::{DbResult, Tx};
//!
//! fn open_the_doors(tx: &mut Tx<'_>, origin: &Origin) -> DbResult<()> {
//!     // … change something through `tx` …
//!     audit::append(tx, origin, Event { action: "doors.opened", object_type: "club", object_id: 1, reason: None })
//! }
//! ```

// The macros name this crate as others do.
extern crate self as muster_kernel;

pub mod audit;
mod client;
mod clock;
pub mod csv;
pub mod db;
pub mod domain;
mod expected;
pub mod fault;
mod fields;
mod housekeeping;
#[cfg(feature = "http")]
pub mod http;
mod id;
pub mod idempotency;
pub mod installation;
pub mod job;
pub mod leftovers;
pub mod mail;
mod money;
pub mod page;
pub mod patch;
pub mod private;
pub mod random;
mod schema;
pub mod sql;

pub use client::Client;
pub use clock::{Clock, ClockFileError, Timestamp};
pub use domain::Domain;
pub use expected::Expected;
pub use fault::{Code, Fault};
pub use fields::Fields;
pub use id::UserId;
pub use money::Minor;

/// What the macros of this crate refer to; not for direct use.
#[doc(hidden)]
pub mod macros {
    pub use diesel;
    pub use serde;
    #[cfg(feature = "http")]
    pub use utoipa;
}
