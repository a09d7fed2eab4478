//! The months of the books.

use muster_auth::Can;
use muster_auth::permissions::ReadBooks;
use muster_kernel::db::{Conn, DbResult};
use muster_kernel::page::PageRequest;
use muster_kernel::{Timestamp, UserId, text_enum};

use super::{Month, closing, today};

text_enum! {
    /// Whether a month takes entries.
    pub enum PeriodState {
        /// It does.
        Open = "open",
        /// It does not.
        Closed = "closed",
    }
}

/// A month of the books.
#[derive(Debug, Clone)]
pub struct Period {
    /// Which.
    pub period: Month,
    /// Whether it takes entries.
    pub state: PeriodState,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// Who closed it.
    pub closed_by: Option<UserId>,
}

/// The months from the first entry on, the present one first.
///
/// # Errors
/// When the database fails.
pub fn list(
    conn: &mut Conn,
    _: &Can<ReadBooks>,
    now: Timestamp,
    page: &PageRequest<String>,
) -> DbResult<Vec<Period>> {
    let present = Month::of(today(conn, now)?);
    let begun = closing::first_entry(conn)?.map(Month::of);
    let first = [begun, closing::first_closed(conn)?].into_iter().flatten().min().unwrap_or(present);
    let newest = match page.after().and_then(|after| after.parse::<Month>().ok()) {
        Some(after) => after.previous(),
        None => present,
    };
    let mut months = Vec::new();
    let mut month = newest;
    while month >= first && (months.len() as i64) < page.fetch() {
        months.push(month);
        month = month.previous();
    }
    let closed = closing::closed(conn, first, newest)?;
    let shown = |period: Month| {
        let name = period.to_string();
        let found = closed.iter().find(|(closed, _, _)| *closed == name);
        Period {
            period,
            state: if found.is_some() { PeriodState::Closed } else { PeriodState::Open },
            closed_at: found.map(|(_, at, _)| *at),
            closed_by: found.map(|(_, _, by)| *by),
        }
    };
    let through = super::closed_through(conn)?;
    Ok(months
        .into_iter()
        .map(shown)
        // The months before the first one that was closed are closed with it.
        .map(|period| match through {
            Some(day) if period.period.last_day() <= day => Period { state: PeriodState::Closed, ..period },
            _ => period,
        })
        .collect())
}
