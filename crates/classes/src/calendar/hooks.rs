//! What becomes of somebody's calendar when something happens to them.

use std::sync::Arc;

use muster_auth::{Beginning, PersonHooks};
use muster_kernel::UserId;
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::fault::Fault;

use super::secrets;

struct Hooks;

/// The calendars' part in what happens to people. That nobody reads the calendar of somebody who cannot sign in is
/// asked whenever it is read.
pub fn person_hooks() -> Arc<dyn PersonHooks> {
    Arc::new(Hooks)
}

impl PersonHooks for Hooks {
    fn created(&self, _: &mut Tx<'_>, _: UserId, _: Beginning, _: Option<UserId>) -> Result<(), Fault> {
        Ok(())
    }

    fn erase(&self, tx: &mut Tx<'_>, user: UserId) -> Result<(), Fault> {
        secrets::forget(tx, user)?;
        Ok(())
    }

    fn export(&self, conn: &mut Conn, user: UserId) -> DbResult<Option<(&'static str, serde_json::Value)>> {
        let made_at = secrets::made_at(conn, user)?;
        Ok(made_at.map(|made_at| ("calendar", serde_json::json!({"address_made_at": made_at}))))
    }
}
