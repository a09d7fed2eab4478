//! Member records: every user has exactly one, with the same id.
//!
//! [`enrol`] makes it, in the transaction that makes the user; [`person_hooks`] is how `muster-auth` calls it.
//!
//! ```
//! use muster_members::Standing;
//! assert!(Standing::Suspended.is_approved());
//! ```

mod domain;
mod hooks;
mod queries;
mod schema;

pub use domain::domain;
pub use hooks::person_hooks;
use muster_kernel::UserId;
use muster_kernel::db::{DbResult, Tx};
use muster_kernel::text_enum;

text_enum! {
    /// Where a membership stands.
    pub enum Standing {
        /// Applied; nobody has said yes or no.
        Pending = "pending",
        /// A full member.
        Active = "active",
        /// A member who cannot book for now.
        Suspended = "suspended",
        /// Applied in vain.
        Rejected = "rejected",
        /// Was a member.
        Left = "left",
    }
}

impl Standing {
    /// What the seed documents call `membership_approved`.
    pub fn is_approved(self) -> bool {
        matches!(self, Standing::Active | Standing::Suspended)
    }
}

/// Makes the member record of a new user.
///
/// # Errors
/// When the database fails.
pub fn enrol(tx: &mut Tx<'_>, user: UserId, standing: Standing) -> DbResult<()> {
    queries::insert(tx, user, standing)
}
