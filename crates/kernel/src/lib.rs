//! What every domain of Muster stands on.

// The macros name this crate as others do.
extern crate self as muster_kernel;

pub mod db;
mod clock;
mod id;
mod money;
pub mod sql;

pub use clock::{Clock, ClockFileError, Timestamp};
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
