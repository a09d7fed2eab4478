//! This crate's part in the commands of the program.

use muster_kernel::domain::Domain;

/// Checks, exports and jobs of coaches.
pub fn domain() -> Domain {
    Domain { name: "coaches", ..Domain::default() }
}
