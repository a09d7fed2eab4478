//! Who may do what: the one table that services, routes, the documentation and the tests read.

use crate::permission::permissions;

permissions! {
    /// See the club's name, currency, time zone and policies.
    ReadClub "club.read" { Member: All, Coach: All, Treasurer: All, Admin: All }

    /// Change the club's name, currency, time zone and policies.
    EditClub "club.edit" { Admin: All }

    /// Read who did what and when.
    ReadAudit "audit.read" { Admin: All }

    /// See the work that waits, runs or failed, and retry it.
    ManageJobs "jobs.manage" { Admin: All }
}
