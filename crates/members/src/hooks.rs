//! What members do when something happens to a person.

use std::sync::Arc;

use muster_auth::{Beginning, PersonHooks};
use muster_kernel::UserId;
use muster_kernel::db::{DbResult, Tx};

use crate::{Standing, enrol};

struct Hooks;

/// This crate's part in what happens to people.
pub fn person_hooks() -> Arc<dyn PersonHooks> {
    Arc::new(Hooks)
}

impl PersonHooks for Hooks {
    fn created(&self, tx: &mut Tx<'_>, user: UserId, beginning: Beginning) -> DbResult<()> {
        let standing = match beginning {
            Beginning::Pending => Standing::Pending,
            Beginning::Active => Standing::Active,
        };
        enrol(tx, user, standing)
    }
}
