//! What members do when something happens to a person.

use std::sync::Arc;

use muster_auth::{Beginning, PersonHooks};
use muster_kernel::UserId;
use muster_kernel::db::{Conn, DbResult, Tx};

use crate::{Standing, enrol, queries};

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

    fn export(&self, conn: &mut Conn, user: UserId) -> DbResult<Option<(&'static str, serde_json::Value)>> {
        let record = queries::find(conn, user)?
            .map(|member| serde_json::json!({"status": member.status, "status_since": member.status_since}));
        Ok(record.map(|record| ("members", record)))
    }

    fn erase(&self, tx: &mut Tx<'_>, user: UserId) -> DbResult<()> {
        match queries::standing(tx, user)? {
            Some(Standing::Active | Standing::Suspended) => queries::set_standing(tx, user, Standing::Left),
            Some(Standing::Pending) => queries::set_standing(tx, user, Standing::Rejected),
            _ => Ok(()),
        }
    }

    fn may_replace(&self, conn: &mut Conn, user: UserId) -> DbResult<bool> {
        Ok(queries::standing(conn, user)? == Some(Standing::Pending))
    }
}
