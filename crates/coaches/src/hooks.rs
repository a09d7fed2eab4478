//! What coaches do when something happens to a person.

use std::sync::Arc;

use muster_auth::{Beginning, PersonHooks, Role, Roles};
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::{Minor, UserId};
use serde_json::json;

use crate::purse::{self, Purse};
use crate::{availability, pay_lines, payouts, planning, profile, terms};

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

    fn renamed(&self, tx: &mut Tx<'_>, user: UserId) -> DbResult<()> {
        profile::take_name(tx, user)
    }

    fn roles_changed(&self, tx: &mut Tx<'_>, user: UserId, roles: Roles) -> Result<(), Fault> {
        let is_coach = roles.has(Role::Coach);
        if is_coach || purse::lock(tx, user)?.is_some() {
            purse::enter(tx, user, is_coach)?;
        }
        Ok(())
    }

    fn may_erase(&self, conn: &mut Conn, user: UserId) -> Result<(), Fault> {
        match profile::find(conn, user)? {
            Some(coach) => settled(coach.payment_balance),
            None => Ok(()),
        }
    }

    fn erase(&self, tx: &mut Tx<'_>, user: UserId) -> Result<(), Fault> {
        let Some(purse) = purse::lock(tx, user)? else { return Ok(()) };
        // Something may have been earned before the person was locked.
        settled(purse.balance)?;
        purse::keep(tx, &Purse { is_coach: false, ..purse })?;
        availability::forget(tx, user)?;
        Ok(profile::forget(tx, user)?)
    }

    fn export(&self, conn: &mut Conn, user: UserId) -> DbResult<Option<(&'static str, serde_json::Value)>> {
        let Some(coach) = profile::find(conn, user)? else { return Ok(None) };
        let availability = availability::find(conn, user)?.map(|(_, says)| says);
        let part = json!({
            "public_name": coach.public_name,
            "bio": coach.bio,
            "specialities": coach.specialities.0,
            "classes_taught_total": coach.classes_taught_total,
            "payment_balance": coach.payment_balance,
            "last_payment_balance": coach.last_payment_balance,
            "availability": availability,
            "terms": terms::of(conn, user, None, i64::MAX)?,
            "pay": pay_lines::of(conn, user)?,
            "payouts": payouts::queries::list(conn, user, None, i64::MAX)?,
        });
        Ok(Some(("coaches", part)))
    }
}

/// Whoever is owed something, or owes something, cannot be erased.
fn settled(balance: Minor) -> Result<(), Fault> {
    if balance == Minor::ZERO {
        return Ok(());
    }
    Err(Fault::new(
        Code::OpenBalance,
        "Pay the coach what is due first, or have what was overpaid corrected.",
    ))
}
