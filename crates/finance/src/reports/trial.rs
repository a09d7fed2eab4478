//! The trial balance: what every account stands at, on its side.

use chrono::NaiveDate;
use muster_auth::Can;
use muster_auth::permissions::ReadBooks;
use muster_kernel::Minor;
use muster_kernel::db::{Conn, DbResult};

use crate::accounts::AccountType;
use crate::balances;

/// An account of a trial balance: one of the two sides is zero.
#[derive(Debug, Clone)]
pub struct TrialLine {
    /// Its name in requests.
    pub account: String,
    /// What kind it is.
    pub kind: AccountType,
    /// What it stands at, if debits outweigh.
    pub debit: Minor,
    /// What it stands at, if credits outweigh.
    pub credit: Minor,
}

/// What every account stood at when a day ended; those that stood at nothing are left out.
#[derive(Debug, Clone)]
pub struct TrialBalance {
    /// The day.
    pub as_of: NaiveDate,
    /// The accounts.
    pub accounts: Vec<TrialLine>,
    /// The sum of one side.
    pub total_debit: Minor,
    /// The sum of the other, which is the same.
    pub total_credit: Minor,
}

/// The trial balance as of a day.
///
/// # Errors
/// When the database fails.
pub fn trial_balance(conn: &mut Conn, can: &Can<ReadBooks>, as_of: NaiveDate) -> DbResult<TrialBalance> {
    let standing = balances::all(conn, can, Some(as_of))?;
    let accounts: Vec<_> = standing
        .into_iter()
        .filter(|(_, balance)| *balance != Minor::ZERO)
        .map(|(account, balance)| TrialLine {
            account: account.account,
            kind: account.kind,
            debit: balance.max(Minor::ZERO),
            credit: Minor(-balance.0).max(Minor::ZERO),
        })
        .collect();
    let total_debit = Minor(accounts.iter().map(|line| line.debit.0).sum());
    let total_credit = Minor(accounts.iter().map(|line| line.credit.0).sum());
    Ok(TrialBalance { as_of, accounts, total_debit, total_credit })
}
