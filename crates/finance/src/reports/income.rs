//! The income statement: what came in and what was spent between two days.

use chrono::NaiveDate;
use muster_auth::Can;
use muster_auth::permissions::ReadBooks;
use muster_kernel::Minor;
use muster_kernel::db::{Conn, DbResult};

use crate::accounts::{self, AccountId, AccountType};
use crate::{balances, daily_sums, periods};

/// What came to one account.
#[derive(Debug, Clone)]
pub struct Sum {
    /// Its name in requests.
    pub account: String,
    /// How much: above zero in the usual direction of its kind.
    pub amount: Minor,
}

/// What came in and what was spent between two days, both included.
#[derive(Debug, Clone)]
pub struct IncomeStatement {
    /// The first day.
    pub from: NaiveDate,
    /// The last.
    pub to: NaiveDate,
    /// What came in.
    pub income: Vec<Sum>,
    /// What was spent.
    pub expenses: Vec<Sum>,
    /// The one less the other.
    pub result: Minor,
}

/// The income statement between two days.
///
/// # Errors
/// When the database fails.
pub fn income_statement(
    conn: &mut Conn,
    _: &Can<ReadBooks>,
    (from, to): (NaiveDate, NaiveDate),
) -> DbResult<IncomeStatement> {
    let moved = moved(conn, from, to)?;
    let (mut income, mut expenses) = (Vec::new(), Vec::new());
    for account in accounts::all(conn)? {
        let amount = moved.iter().find(|(id, _)| *id == account.id).map_or(0, |(_, amount)| amount.0);
        match account.kind {
            _ if amount == 0 => {}
            AccountType::Income => income.push(Sum { account: account.account, amount: Minor(-amount) }),
            AccountType::Expense => expenses.push(Sum { account: account.account, amount: Minor(amount) }),
            AccountType::Asset | AccountType::Liability | AccountType::Equity => {}
        }
    }
    let sum = |of: &[Sum]| of.iter().map(|sum| sum.amount.0).sum::<i64>();
    let result = Minor(sum(&income) - sum(&expenses));
    Ok(IncomeStatement { from, to, income, expenses, result })
}

/// What came to the accounts. Where months of the span are closed it is what was kept of them, and the rest.
fn moved(conn: &mut Conn, from: NaiveDate, to: NaiveDate) -> DbResult<Vec<(AccountId, Minor)>> {
    let some_closed = periods::closed_through(conn)?.is_some_and(|closed| closed >= from);
    let before = from.pred_opt().filter(|_| some_closed);
    let Some(before) = before else { return daily_sums::between(conn, from, to) };
    let after = balances::as_of_day(conn, Some(to))?;
    let less = balances::as_of_day(conn, Some(before))?.into_iter().map(|(id, sum)| (id, Minor(-sum.0)));
    Ok(balances::added(after, less.collect()))
}
