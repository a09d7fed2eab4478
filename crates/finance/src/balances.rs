//! What the accounts stand at on a day: what was kept when the last month before it was closed, and what came since.

use chrono::NaiveDate;
use diesel::{ExpressionMethods, JoinOnDsl, QueryDsl, RunQueryDsl};
use muster_auth::Can;
use muster_auth::permissions::ReadBooks;
use muster_kernel::Minor;
use muster_kernel::db::{Conn, DbResult};
use muster_kernel::sql::total;

use crate::accounts::{self as book_accounts, Account, AccountId};
use crate::periods;
use crate::schema::{accounts, postings};

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
    let sums = sums(conn, since, as_of.unwrap_or(periods::LAST_DAY))?;
    Ok(added(kept, sums))
}

/// What came to every account from one day to another: a range of an index for each of them.
pub(crate) fn sums(conn: &mut Conn, from: NaiveDate, to: NaiveDate) -> DbResult<Vec<(AccountId, Minor)>> {
    let of_account = postings::table
        .filter(postings::account_id.eq(accounts::id))
        .filter(postings::date.between(from, to))
        .select(total(postings::amount))
        .single_value();
    let sums: Vec<(AccountId, Option<Minor>)> =
        accounts::table.order(accounts::id).select((accounts::id, of_account)).load(conn)?;
    Ok(sums.into_iter().map(|(id, sum)| (id, sum.unwrap_or_default())).collect())
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

/// What came to every account on each day from one to another, in the order of accounts and days.
pub(crate) fn by_day(
    conn: &mut Conn,
    from: NaiveDate,
    to: NaiveDate,
) -> DbResult<Vec<(AccountId, NaiveDate, Minor)>> {
    Ok(accounts::table
        .inner_join(postings::table.on(postings::account_id.eq(accounts::id)))
        .filter(postings::date.between(from, to))
        .group_by((accounts::id, postings::date))
        .order((accounts::id, postings::date))
        .select((accounts::id, postings::date, total(postings::amount)))
        .load(conn)?)
}

/// What one account stood at when a day ended.
pub(crate) fn of_account(conn: &mut Conn, account: AccountId, as_of: NaiveDate) -> DbResult<Minor> {
    let balances = as_of_day(conn, Some(as_of))?;
    Ok(balances.iter().find(|(known, _)| *known == account).map_or(Minor::ZERO, |(_, balance)| *balance))
}
