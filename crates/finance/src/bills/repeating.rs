//! Bills that come again by themselves: the rent of every month.
//!
//! The days are counted from the first bill's: one of 31 January comes again on 28 February and on 31 March. What stands
//! for a closed month takes the first open day, and what has been missed is caught up, the latest two dozen at most.

use std::future::Future;
use std::pin::Pin;

use chrono::{Datelike, Months, NaiveDate};
use muster_auth::Can;
use muster_auth::permissions::KeepBooks;
use muster_kernel::Expected;
use muster_kernel::audit::Origin;
use muster_kernel::db::Tx;
use muster_kernel::fault::{Code, Fault};
use muster_kernel::job::{JobError, JobKind, JobRun, Progress};

use super::{Bill, BillId, Made, Repeat, make, queries, record_event};
use crate::periods;

/// So many of a series that were missed are caught up.
const MOST_MISSED: usize = 24;
/// Bills that are made in one step.
const AT_ONCE: i64 = 20;

/// Says how often a bill comes again, from now on: `Some(None)` is not at all, `None` leaves it as it is.
///
/// # Errors
/// When there is no such bill, it is not the first of its series, was taken back, or was changed meanwhile.
pub fn set(
    tx: &mut Tx<'_>,
    can: &Can<KeepBooks>,
    id: BillId,
    expected: &Expected,
    repeat: Option<Option<Repeat>>,
) -> Result<Bill, Fault> {
    let bill = queries::lock(tx, id)?.ok_or_else(Fault::not_found)?;
    expected.allows(bill.version)?;
    let Some(repeat) = repeat else { return Ok(bill) };
    if let Some(first) = bill.repeats {
        let detail = format!("This bill comes of bill {first}: change how often that one comes.");
        return Err(Fault::new(Code::InvalidState, detail));
    }
    if bill.is_reversed {
        return Err(Fault::new(Code::InvalidState, "This bill was taken back; it does not come again."));
    }
    if bill.repeat == repeat {
        return Ok(bill);
    }
    let now = tx.now();
    let today = periods::today(tx, now)?;
    let made = queries::last_made(tx, id)?;
    let next = repeat.map(|repeat| {
        // What was not wanted meanwhile is not caught up.
        let after = [Some(today), made].into_iter().flatten().fold(bill.date, NaiveDate::max);
        (repeat, next_after(bill.date, repeat, after))
    });
    queries::set_repeat(tx, id, next)?;
    record_event(tx, can.origin(), "bill.repetition_changed", id)?;
    queries::find(tx, id)?.ok_or_else(Fault::not_found)
}

/// Makes the bills whose day has come. True when there may be more.
///
/// # Errors
/// When the database fails.
pub fn repeat_some(tx: &mut Tx<'_>) -> Result<bool, Fault> {
    let now = tx.now();
    let today = periods::today(tx, now)?;
    let coming = queries::coming(tx, today, AT_ONCE)?;
    for first in &coming {
        repeat_one(tx, *first, today)?;
    }
    Ok(!coming.is_empty())
}

fn repeat_one(tx: &mut Tx<'_>, first: BillId, today: NaiveDate) -> Result<(), Fault> {
    // What was read before the row was locked may have been done by somebody else meanwhile.
    let Some(first) = queries::lock(tx, first)? else { return Ok(()) };
    let (Some(repeat), Some(next)) = (first.repeat, first.next_on) else { return Ok(()) };
    let Some(day) = due(first.date, repeat, next, today) else { return Ok(()) };
    let later = months_between(first.date, day);
    let made = Made {
        payee: &first.payee,
        text: &first.text,
        amount: first.amount,
        account: first.account_id,
        date: periods::open_day(tx, day)?,
        due_on: in_months(first.due_on, later).min(periods::LAST_DAY),
        repeat: None,
        stands_for: Some((first.id, day)),
    };
    make(tx, &Origin::default(), &made)?;
    Ok(queries::set_next(tx, first.id, next_after(first.date, repeat, day))?)
}

/// Of the days of a series from `next` until today the one that is made next: the first, or where too many were missed
/// the first of the latest.
fn due(first: NaiveDate, repeat: Repeat, next: NaiveDate, today: NaiveDate) -> Option<NaiveDate> {
    let mut missed: Vec<NaiveDate> = Vec::new();
    let mut day = next;
    while day <= today {
        missed.push(day);
        day = next_after(first, repeat, day);
    }
    let skipped = missed.len().saturating_sub(MOST_MISSED);
    missed.get(skipped).copied()
}

impl Repeat {
    fn months(self) -> u32 {
        match self {
            Repeat::Month => 1,
            Repeat::Quarter => 3,
            Repeat::Year => 12,
        }
    }
}

/// The first day of a series that is later than this one.
pub(super) fn next_after(first: NaiveDate, repeat: Repeat, after: NaiveDate) -> NaiveDate {
    let each = repeat.months();
    let mut times = (months_between(first, after) / each).max(1);
    while in_months(first, times * each) <= after && times < u32::MAX / 12 {
        times += 1;
    }
    in_months(first, times * each)
}

/// A day so many months later; the month's last day if it is shorter.
fn in_months(day: NaiveDate, months: u32) -> NaiveDate {
    day.checked_add_months(Months::new(months)).unwrap_or(NaiveDate::MAX)
}

/// From the month of a day to that of a later one.
fn months_between(from: NaiveDate, to: NaiveDate) -> u32 {
    let months = |day: NaiveDate| i64::from(day.year()) * 12 + i64::from(day.month0());
    u32::try_from(months(to) - months(from)).unwrap_or_default()
}

/// Bills come again by themselves.
#[derive(Debug, Clone, Copy)]
pub struct RepeatJob;

impl RepeatJob {
    /// Its name in the database.
    pub const KIND: &'static str = "finance.bills";
}

impl JobKind for RepeatJob {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        Box::pin(async move { run.step(|tx, ()| Ok(repeat_some(tx)?.then_some(()))).await })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    #[test]
    fn the_days_of_a_series_are_counted_from_the_first() {
        for (first, repeat, after, next) in [
            ("2026-01-31", Repeat::Month, "2026-01-31", "2026-02-28"),
            ("2026-01-31", Repeat::Month, "2026-02-28", "2026-03-31"),
            ("2026-01-31", Repeat::Month, "2026-03-30", "2026-03-31"),
            ("2024-02-29", Repeat::Year, "2024-02-29", "2025-02-28"),
            ("2024-02-29", Repeat::Year, "2027-12-31", "2028-02-29"),
            ("2026-11-30", Repeat::Quarter, "2026-11-30", "2027-02-28"),
            ("2026-11-30", Repeat::Quarter, "2027-02-28", "2027-05-30"),
            ("2026-05-05", Repeat::Month, "2020-01-01", "2026-06-05"),
        ] {
            assert_eq!(next_after(day(first), repeat, day(after)), day(next), "{first} after {after}");
        }
    }

    #[test]
    fn of_what_was_missed_the_latest_are_caught_up() {
        let first = day("2020-01-15");
        let made = |next: &str, today: &str| due(first, Repeat::Month, day(next), day(today));
        assert_eq!(made("2020-02-15", "2020-02-14"), None);
        assert_eq!(made("2020-02-15", "2020-05-20"), Some(day("2020-02-15")));
        assert_eq!(made("2020-02-15", "2026-01-15"), Some(day("2024-02-15")));
    }
}
