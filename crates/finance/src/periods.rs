//! Months that take no more entries.

mod closing;
mod list;

use chrono::{Datelike, Days, Months, NaiveDate};
use diesel::{QueryDsl, RunQueryDsl};
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::{Fields, Timestamp};

use crate::schema::books;

pub(crate) use closing::kept_before;
pub use closing::{close, reopen};
pub use list::{Period, PeriodState, list};

/// Before this day there are no entries.
pub const FIRST_DAY: NaiveDate = match NaiveDate::from_ymd_opt(1970, 1, 1) {
    Some(day) => day,
    None => NaiveDate::MIN,
};

/// After this day nothing is due.
pub const LAST_DAY: NaiveDate = match NaiveDate::from_ymd_opt(2999, 12, 31) {
    Some(day) => day,
    None => NaiveDate::MAX,
};

/// Today, where the club is.
pub(crate) fn today(conn: &mut Conn, now: Timestamp) -> DbResult<NaiveDate> {
    Ok(muster_auth::club::settings(conn)?.today(now))
}

/// The last day that is closed.
pub(crate) fn closed_through(conn: &mut Conn) -> DbResult<Option<NaiveDate>> {
    Ok(books::table.find(1i64).select(books::closed_through).get_result(conn)?)
}

/// Whether entries can be dated on this day.
///
/// # Errors
/// When the database fails.
pub fn is_open(conn: &mut Conn, day: NaiveDate) -> DbResult<bool> {
    Ok(closed_through(conn)?.is_none_or(|closed| day > closed))
}

pub(crate) fn closed_fault() -> Fault {
    Fault::new(Code::PeriodClosed, "This month is closed: choose a later day, or have an admin reopen it.")
}

/// The day of an entry that somebody makes: today unless it is given, never in the future, never in a closed month.
pub(crate) fn day(tx: &mut Tx<'_>, given: Option<NaiveDate>, mut fields: Fields) -> Result<NaiveDate, Fault> {
    let now = tx.now();
    let today = today(tx, now)?;
    let date = given.unwrap_or(today);
    fields.must(date <= today, "/date", "in_future", "Entries are never dated in the future.");
    fields.must(date >= FIRST_DAY, "/date", "out_of_range", "On 1970-01-01 or later.");
    fields.done()?;
    if closed_through(tx)?.is_some_and(|closed| date <= closed) {
        return Err(closed_fault());
    }
    Ok(date)
}

/// The day of an entry that must not be blocked: this one, or if it is closed the first one that is open.
pub(crate) fn open_day(conn: &mut Conn, wanted: NaiveDate) -> DbResult<NaiveDate> {
    Ok(match closed_through(conn)? {
        Some(closed) if wanted <= closed => closed + Days::new(1),
        _ => wanted,
    })
}

/// A month: `2026-11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(NaiveDate);

impl Month {
    /// The month of a day.
    pub fn of(day: NaiveDate) -> Month {
        Month(day.with_day(1).unwrap_or(day))
    }

    /// Its first day.
    pub fn first_day(self) -> NaiveDate {
        self.0
    }

    /// Its last day.
    pub fn last_day(self) -> NaiveDate {
        self.0 + Months::new(1) - Days::new(1)
    }

    /// The one after it.
    pub fn next(self) -> Month {
        Month(self.0 + Months::new(1))
    }

    /// The one before it.
    pub fn previous(self) -> Month {
        Month(self.0 - Months::new(1))
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m"))
    }
}

impl std::str::FromStr for Month {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Month, Fault> {
        let wrong = || Fault::new(Code::Malformed, "A month is given as YYYY-MM, from 1970 to 2999.");
        if text.len() != 7 {
            return Err(wrong());
        }
        let day: NaiveDate = format!("{text}-01").parse().map_err(|_| wrong())?;
        if (1970..3000).contains(&day.year()) { Ok(Month(day)) } else { Err(wrong()) }
    }
}
