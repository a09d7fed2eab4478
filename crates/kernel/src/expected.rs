//! Changing only what one has seen.

use crate::fault::{Code, Fault};

/// Which version of a thing a change was meant for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Whatever it is now.
    Any,
    /// One of these.
    OneOf(Vec<i64>),
}

impl Expected {
    /// Compares with the version that is there. Ask while the row is locked, or in the statement that changes it.
    ///
    /// # Errors
    /// When somebody changed the thing meanwhile.
    pub fn allows(&self, version: i64) -> Result<(), Fault> {
        match self {
            Expected::Any => Ok(()),
            Expected::OneOf(versions) if versions.contains(&version) => Ok(()),
            Expected::OneOf(_) => Err(Fault::new(
                Code::Stale,
                "Somebody changed this meanwhile; load it again, then change it.",
            )),
        }
    }
}
