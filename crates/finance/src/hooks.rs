//! What the books do when something happens to a person.

use std::sync::Arc;

use muster_auth::{Beginning, PersonHooks};
use muster_kernel::Minor;
use muster_kernel::UserId;
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};

use crate::{ledger, standing, statement};

struct Hooks;

/// This crate's part in what happens to people.
pub fn person_hooks() -> Arc<dyn PersonHooks> {
    Arc::new(Hooks)
}

impl PersonHooks for Hooks {
    /// The member record opens the account: it is made by the same hook of members.
    fn created(&self, _: &mut Tx<'_>, _: UserId, _: Beginning, _: Option<UserId>) -> Result<(), Fault> {
        Ok(())
    }

    fn may_erase(&self, conn: &mut Conn, user: UserId) -> Result<(), Fault> {
        let Some(standing) = standing::standing_of(conn, user)? else { return Ok(()) };
        if standing.balance != Minor::ZERO || standing.prepaid_fees > 0 {
            let detail = "Settle, refund or write off what is open, and pay back unused class fees, first.";
            return Err(Fault::new(Code::OpenBalance, detail));
        }
        Ok(())
    }

    fn erase(&self, tx: &mut Tx<'_>, user: UserId) -> Result<(), Fault> {
        Ok(ledger::redact(tx, user)?)
    }

    fn export(&self, conn: &mut Conn, user: UserId) -> DbResult<Option<(&'static str, serde_json::Value)>> {
        let statement = statement::of(conn, user, None, None)?;
        let lines: Vec<_> = statement
            .lines
            .iter()
            .map(|line| {
                serde_json::json!({
                    "date": line.date, "text": line.text, "amount": line.amount, "balance": line.balance,
                })
            })
            .collect();
        let prepaid = standing::standing_of(conn, user)?.map_or(0, |standing| standing.prepaid_fees);
        let all = serde_json::json!({"balance": statement.balance, "prepaid_fees": prepaid, "lines": lines});
        Ok(Some(("finance", all)))
    }
}
