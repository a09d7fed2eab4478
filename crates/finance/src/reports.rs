//! What the books say: month by month, between two days, as of a day; who owes what, and what is unpaid.
//!
//! Sums over all of the ledger begin at what was kept when the last month before was closed, so that they cost the same
//! however long the club has been there.

mod income;
mod monthly;
mod payables;
mod prepaid;
mod receivables;
mod trial;

use chrono::NaiveDate;
use muster_kernel::db::{Conn, DbResult};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::{Timestamp, UserId};

use crate::periods;

pub use income::{IncomeStatement, Sum, income_statement};
pub use monthly::{MonthFigures, monthly};
pub use payables::{Payable, PayableKey, PayableKind, PayableTotals, payable_totals, payables};
pub use prepaid::{LotLeft, prepaid, prepaid_total};
pub use receivables::{Owed, receivables, receivables_total};
pub use trial::{TrialBalance, TrialLine, trial_balance};

/// The day that a report is about: today unless it is given, and not later.
///
/// # Errors
/// When it is in the future, or before there are books.
pub fn day(conn: &mut Conn, now: Timestamp, as_of: Option<NaiveDate>) -> Result<NaiveDate, Fault> {
    let today = periods::today(conn, now)?;
    let day = as_of.unwrap_or(today);
    if day > today {
        return Err(Fault::new(
            Code::Malformed,
            "`as_of` is today at the latest: what is to come is not in the books.",
        ));
    }
    known("as_of", day)?;
    Ok(day)
}

/// From one day to another: the present year until today, unless they are given.
///
/// # Errors
/// When the one is after the other, or out of bounds.
pub fn span(
    conn: &mut Conn,
    now: Timestamp,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
) -> Result<(NaiveDate, NaiveDate), Fault> {
    let to = match to {
        Some(to) => to,
        None => periods::today(conn, now)?.max(from.unwrap_or(periods::FIRST_DAY)),
    };
    known("to", to)?;
    let from = from.unwrap_or_else(|| first_of_year(to));
    known("from", from)?;
    if from > to {
        return Err(Fault::new(Code::Malformed, "`from` is not after `to`."));
    }
    Ok((from, to))
}

fn first_of_year(day: NaiveDate) -> NaiveDate {
    use chrono::Datelike;
    NaiveDate::from_ymd_opt(day.year(), 1, 1).unwrap_or(day)
}

fn known(name: &str, day: NaiveDate) -> Result<(), Fault> {
    if (periods::FIRST_DAY..=periods::LAST_DAY).contains(&day) {
        return Ok(());
    }
    Err(Fault::new(Code::Malformed, format!("`{name}` is a day from 1970 to 2999.")))
}

/// What people are called.
fn names(conn: &mut Conn, of: &[UserId]) -> DbResult<Vec<(UserId, String)>> {
    use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
    use muster_auth::read::users;
    if of.is_empty() {
        return Ok(Vec::new());
    }
    let found: Vec<(UserId, String, String)> = users::table
        .filter(users::id.eq_any(of.to_vec()))
        .select((users::id, users::first_name, users::last_name))
        .load(conn)?;
    Ok(found.into_iter().map(|(id, first, last)| (id, format!("{first} {last}").trim().to_owned())).collect())
}

fn name_in(names: &[(UserId, String)], of: UserId) -> String {
    names.iter().find(|(id, _)| *id == of).map_or_else(String::new, |(_, name)| name.clone())
}
