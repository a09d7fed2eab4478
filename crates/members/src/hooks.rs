//! What members do when something happens to a person.

use std::sync::Arc;

use muster_auth::{Beginning, PersonHooks};
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::fault::Fault;
use muster_kernel::{UserId, audit};
use serde_json::json;

use crate::lifecycle::{AllHooks, StandingHooks};
use crate::{Standing, history, import, lifecycle, list, profile, queries, record};

struct Hooks(AllHooks);

/// This crate's part in what happens to people, with every other domain's part in what that does to memberships.
pub fn person_hooks(hooks: Vec<Arc<dyn StandingHooks>>) -> Arc<dyn PersonHooks> {
    Arc::new(Hooks(hooks.into()))
}

impl PersonHooks for Hooks {
    fn created(
        &self,
        tx: &mut Tx<'_>,
        user: UserId,
        beginning: Beginning,
        by: Option<UserId>,
    ) -> Result<(), Fault> {
        let standing = match beginning {
            Beginning::Pending => Standing::Pending,
            Beginning::Active => Standing::Active,
        };
        lifecycle::begin(tx, &self.0, user, standing, by)
    }

    fn renamed(&self, tx: &mut Tx<'_>, user: UserId) -> DbResult<()> {
        list::keep(tx, user)
    }

    fn export(&self, conn: &mut Conn, user: UserId) -> DbResult<Option<(&'static str, serde_json::Value)>> {
        let Some(member) = record::one(conn, user)? else { return Ok(None) };
        let change = |change: history::Change| json!({"from": change.from, "to": change.to, "at": change.at, "reason": change.reason});
        let record = json!({
            "status": member.status,
            "status_since": member.status_since,
            "active_since": member.active_since,
            "plan_id": member.money.plan_id,
            "attendance_count": member.attendance_count,
            "phone": member.contact.phone,
            "address": member.contact.address,
            "emergency_contact": member.contact.emergency_contact,
            // What was noted of somebody is theirs to know.
            "notes": member.notes,
            "external_id": member.external_id,
            "history": history::of(conn, user)?.into_iter().map(change).collect::<Vec<_>>(),
        });
        Ok(Some(("members", record)))
    }

    fn erase(&self, tx: &mut Tx<'_>, user: UserId) -> Result<(), Fault> {
        // While it is still known by what they are called in a file.
        import::forget(tx, user)?;
        lifecycle::end(tx, &self.0, user)?;
        profile::forget(tx, user)?;
        history::redact(tx, user)?;
        Ok(audit::redact(tx, record::OBJECT, user.0)?)
    }

    fn may_replace(&self, conn: &mut Conn, user: UserId) -> DbResult<bool> {
        Ok(queries::standing(conn, user)? == Some(Standing::Pending))
    }
}
