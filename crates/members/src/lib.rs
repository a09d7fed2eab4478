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
#[cfg(feature = "http")]
mod routes;
mod schema;

pub use domain::domain;
pub use hooks::person_hooks;
use muster_auth::permissions::ReadMembers;
use muster_auth::{Can, people};
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::fault::Fault;
use muster_kernel::{Timestamp, UserId, text_enum};
#[cfg(feature = "http")]
pub use routes::mount;

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

/// A member's record.
#[derive(Debug, Clone, diesel::Queryable)]
pub struct Member {
    /// The id; the person has the same.
    pub id: UserId,
    /// Goes up with every change.
    pub version: i64,
    /// The person's first name.
    pub first_name: String,
    /// The person's last name.
    pub last_name: String,
    /// The person's address, if there is one.
    pub email: Option<String>,
    /// Where the membership stands.
    pub status: Standing,
    /// Since when.
    pub status_since: Timestamp,
}

/// A member's record, if the caller may see it.
///
/// # Errors
/// When there is none with this id that the caller may see.
pub fn find(conn: &mut Conn, can: &Can<ReadMembers>, id: UserId, now: Timestamp) -> Result<Member, Fault> {
    if !people::is_within(conn, can, id, now)? {
        return Err(Fault::not_found());
    }
    queries::find(conn, id)?.ok_or_else(Fault::not_found)
}

/// Makes the member record of a new user.
///
/// # Errors
/// When the database fails.
pub fn enrol(tx: &mut Tx<'_>, user: UserId, standing: Standing) -> DbResult<()> {
    queries::insert(tx, user, standing)?;
    muster_finance::open_account(tx, user)
}
