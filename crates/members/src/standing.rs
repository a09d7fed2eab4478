//! Where a membership can stand.

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
