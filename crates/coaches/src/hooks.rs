//! What coaches do when something happens to a person.

use std::sync::Arc;

use muster_auth::{Beginning, PersonHooks, Role, Roles};
use muster_kernel::UserId;
use muster_kernel::db::Tx;
use muster_kernel::fault::Fault;

use crate::{planning, purse};

struct Hooks;

/// This crate's part in what happens to people.
pub fn person_hooks() -> Arc<dyn PersonHooks> {
    Arc::new(Hooks)
}

impl PersonHooks for Hooks {
    fn created(&self, tx: &mut Tx<'_>, user: UserId, _: Beginning, _: Option<UserId>) -> Result<(), Fault> {
        if planning::is_active(tx, user)?.is_some() {
            purse::enter(tx, user, true)?;
        }
        Ok(())
    }

    fn roles_changed(&self, tx: &mut Tx<'_>, user: UserId, roles: Roles) -> Result<(), Fault> {
        let is_coach = roles.has(Role::Coach);
        if is_coach || purse::lock(tx, user)?.is_some() {
            purse::enter(tx, user, is_coach)?;
        }
        Ok(())
    }
}
