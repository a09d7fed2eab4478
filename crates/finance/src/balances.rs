//! What the accounts stand at on a day: what was kept when the last month before it was closed, and what came since.

use chrono::NaiveDate;
use muster_auth::Can;
use muster_auth::permissions::ReadBooks;
use muster_kernel::Minor;
use muster_kernel::db::{Conn, DbResult};

use crate::accounts::{self as book_accounts, Account, AccountId};
use crate::{daily_sums, periods};

/// Every account, with what it stood at when a day ended; now, without one.
///
/// # Errors
/// When the database fails.
pub fn all(conn: &mut Conn, _: &Can<ReadBooks>, as_of: Option<NaiveDate>) -> DbResult<Vec<(Account, Minor)>> {
    let balances = as_of_day(conn, as_of)?;
    let balance = |id| balances.iter().find(|(known, _)| *known == id).map_or(Minor::ZERO, |(_, b)| *b);
    Ok(book_accounts::all(conn)?
        .into_iter()
        .map(|account| {
            let balance = balance(account.id);
            (account, balance)
        })
        .collect())
}

/// The balances of the accounts that have any.
pub(crate) fn as_of_day(conn: &mut Conn, as_of: Option<NaiveDate>) -> DbResult<Vec<(AccountId, Minor)>> {
    let (kept, since) = periods::kept_before(conn, as_of)?;
    let sums = daily_sums::between(conn, since, as_of.unwrap_or(periods::LAST_DAY))?;
    Ok(added(kept, sums))
}

/// Balances with what came to them.
pub(crate) fn added(
    mut balances: Vec<(AccountId, Minor)>,
    sums: Vec<(AccountId, Minor)>,
) -> Vec<(AccountId, Minor)> {
    for (account, sum) in sums {
        match balances.iter_mut().find(|(known, _)| *known == account) {
            Some((_, balance)) => *balance = Minor(balance.0 + sum.0),
            None => balances.push((account, sum)),
        }
    }
    balances.retain(|(_, balance)| *balance != Minor::ZERO);
    balances
}

/// What one account stood at when a day ended.
pub(crate) fn of_account(conn: &mut Conn, account: AccountId, as_of: NaiveDate) -> DbResult<Minor> {
    let balances = as_of_day(conn, Some(as_of))?;
    Ok(balances.iter().find(|(known, _)| *known == account).map_or(Minor::ZERO, |(_, balance)| *balance))
}
