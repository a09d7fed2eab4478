//! Month by month: what a chart needs.

use std::collections::BTreeMap;

use chrono::Months;
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use muster_auth::Can;
use muster_auth::permissions::ReadBooks;
use muster_kernel::db::{Conn, DbResult};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::{Minor, Timestamp};

use crate::accounts::{self, AccountId, AccountType, fixed};
use crate::schema::period_balances;
use crate::{Month, balances, daily_sums, periods};

/// Months that are shown at most.
const MOST: usize = 120;

/// What happened in a month, and what was open when it ended.
#[derive(Debug, Clone, Copy)]
pub struct MonthFigures {
    /// Which.
    pub month: Month,
    /// What came in.
    pub revenue: Minor,
    /// What was spent.
    pub expenses: Minor,
    /// The one less the other.
    pub result: Minor,
    /// What members owed, less their credit.
    pub member_debts: Minor,
    /// What the club owed on bills.
    pub bills_open: Minor,
    /// What it owed to coaches.
    pub coach_pay_open: Minor,
}

type Balances = BTreeMap<AccountId, i64>;

/// The months from one to another: the last twelve, unless they are given.
///
/// # Errors
/// When they are too many or in the wrong order, or the database fails.
pub fn monthly(
    conn: &mut Conn,
    _: &Can<ReadBooks>,
    now: Timestamp,
    from: Option<Month>,
    to: Option<Month>,
) -> Result<Vec<MonthFigures>, Fault> {
    let months = months(conn, now, from, to)?;
    let (Some(from), Some(to)) = (months.first().copied(), months.last().copied()) else {
        return Ok(Vec::new());
    };
    let before = from.previous();
    let closed = periods::closed_through(conn)?.map(Month::of);
    let mut kept = BTreeMap::new();
    let mut standing: Balances = match closed {
        Some(last) if before <= last => {
            kept = kept_between(conn, before, last.min(to))?;
            kept.remove(&before.to_string()).unwrap_or_default()
        }
        _ => {
            balances::as_of_day(conn, Some(before.last_day()))?.into_iter().map(|(id, b)| (id, b.0)).collect()
        }
    };
    let open_from = closed.map_or(from, |last| last.next().max(from));
    let moved = if open_from <= to { moved_between(conn, open_from, to)? } else { BTreeMap::new() };
    let kinds: Vec<(AccountId, AccountType)> =
        accounts::all(conn)?.into_iter().map(|account| (account.id, account.kind)).collect();
    let mut figures = Vec::with_capacity(months.len());
    for month in months {
        let end = if closed.is_some_and(|last| month <= last) {
            kept.remove(&month.to_string()).unwrap_or_default()
        } else {
            with(&standing, moved.get(&month))
        };
        figures.push(of_month(month, &kinds, &standing, &end));
        standing = end;
    }
    Ok(figures)
}

fn months(
    conn: &mut Conn,
    now: Timestamp,
    from: Option<Month>,
    to: Option<Month>,
) -> Result<Vec<Month>, Fault> {
    let to = match to {
        Some(to) => to,
        None => {
            let present = Month::of(periods::today(conn, now)?);
            from.map_or(present, |from| from.max(present))
        }
    };
    let first = to.first_day().checked_sub_months(Months::new(11)).unwrap_or(to.first_day());
    let from = from.unwrap_or_else(|| Month::of(first));
    if from > to {
        return Err(Fault::new(Code::Malformed, "`from` is not after `to`."));
    }
    let months: Vec<_> = std::iter::successors(Some(from), |month| (*month < to).then(|| month.next()))
        .take(MOST + 1)
        .collect();
    if months.len() > MOST {
        return Err(Fault::new(Code::Malformed, "Ask for 120 months at most."));
    }
    Ok(months)
}

/// What the accounts stood at when each of these months ended that are closed.
fn kept_between(conn: &mut Conn, from: Month, to: Month) -> DbResult<BTreeMap<String, Balances>> {
    let rows: Vec<(String, AccountId, Minor)> = period_balances::table
        .filter(period_balances::period.between(from.to_string(), to.to_string()))
        .load(conn)?;
    let mut kept: BTreeMap<String, Balances> = BTreeMap::new();
    for (period, account, balance) in rows {
        kept.entry(period).or_default().insert(account, balance.0);
    }
    Ok(kept)
}

/// What came to the accounts in each of these months.
fn moved_between(conn: &mut Conn, from: Month, to: Month) -> DbResult<BTreeMap<Month, Balances>> {
    let mut moved: BTreeMap<Month, Balances> = BTreeMap::new();
    for (account, day, amount) in daily_sums::by_day(conn, from.first_day(), to.last_day())? {
        *moved.entry(Month::of(day)).or_default().entry(account).or_default() += amount.0;
    }
    Ok(moved)
}

fn with(before: &Balances, moved: Option<&Balances>) -> Balances {
    let mut after = before.clone();
    for (account, amount) in moved.into_iter().flatten() {
        *after.entry(*account).or_default() += amount;
    }
    after
}

fn of_month(
    month: Month,
    kinds: &[(AccountId, AccountType)],
    start: &Balances,
    end: &Balances,
) -> MonthFigures {
    let at = |balances: &Balances, account: &AccountId| balances.get(account).copied().unwrap_or_default();
    let came = |wanted: AccountType| -> i64 {
        let of_kind = kinds.iter().filter(|(_, kind)| *kind == wanted);
        of_kind.map(|(account, _)| at(end, account) - at(start, account)).sum()
    };
    let (revenue, expenses) = (-came(AccountType::Income), came(AccountType::Expense));
    MonthFigures {
        month,
        revenue: Minor(revenue),
        expenses: Minor(expenses),
        result: Minor(revenue - expenses),
        member_debts: Minor(at(end, &fixed::RECEIVABLES)),
        bills_open: Minor(-at(end, &fixed::PAYABLES)),
        coach_pay_open: Minor(-at(end, &fixed::COACH_PAY)),
    }
}
