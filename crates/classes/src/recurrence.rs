//! How a class repeats: an RRULE of iCalendar (RFC 5545), expanded in local time.
//!
//! A class at 19:00 is at 19:00 on both sides of a change of the clocks, so rules are expanded on local times that
//! know no zone, and each of them becomes an instant afterwards ([`instant`]). Expanding with the zone would lose the
//! times that do not exist on one day of the year.
//!
//! What is decided here and not by RFC 5545:
//! - **The first occurrence is the first date of the rule on or after the start.** The start itself is one only if the
//!   rule meets it: a class "every Tuesday from the 1st" begins on the first Tuesday, and `COUNT=10` is ten classes
//!   that take place. (The RFC leaves a start that is not in step with its rule undefined.)
//! - **`UNTIL`** may be a date, which is that whole day, a local time, or an instant, which is read in the zone of the
//!   series. It is kept as a local date or time.
//! - **A rule says days, the start says the time.** Finer frequencies and `BYHOUR` and its like are refused, so that
//!   there is at most one class a day.
//!
//! ```
//! use muster_classes::recurrence::{Recurrence, instant, zone};
//! let berlin = zone("Europe/Berlin").ok_or("no such zone")?;
//! let tuesdays = Recurrence::read("RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=3", berlin).map_err(|_| "no such rule")?;
//! let start = "2026-10-19T19:00:00".parse()?;
//! let days = tuesdays.dates(start, "2026-10-01".parse()?, "2026-12-31".parse()?);
//! assert_eq!(days.len(), 3);
//! assert_eq!(instant(berlin, days[0]).to_rfc3339(), "2026-10-20T17:00:00+00:00");
//! assert_eq!(instant(berlin, days[1]).to_rfc3339(), "2026-10-27T18:00:00+00:00");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod expansion;
mod reading;
mod zones;

#[cfg(test)]
mod tests;

use std::fmt;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Weekday};
use chrono_tz::Tz;
use muster_kernel::Fields;

pub use zones::{instant, local, zone};

/// How many occurrences one call tells at most: more than a year of days.
pub const MOST_DATES: usize = 400;
/// Rules are followed for so many years from their start.
const HORIZON_YEARS: i64 = 100;

/// What is wrong with the text of a rule, to be told at its field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// What kind of fault it is: `too_long`, `invalid`, `unsupported`, `out_of_range` or `never`.
    pub code: &'static str,
    /// What is wrong, in words.
    pub message: String,
}

/// A rule that was read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recurrence {
    every: Every,
    interval: u16,
    end: End,
    months: Vec<u8>,
    weeks: Vec<i8>,
    month_days: Vec<i8>,
    days: Vec<Day>,
    positions: Vec<i32>,
    week_start: Weekday,
}

/// In what steps a rule goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Every {
    Day,
    Week,
    Month,
    Year,
}

/// How a rule ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Never,
    After(u16),
    /// The last day, all of it.
    On(NaiveDate),
    /// The last local time.
    At(NaiveDateTime),
}

/// A weekday, of each week or only the so-manieth of the month or year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Day {
    weekday: Weekday,
    /// From the end when negative; every one when 0.
    nth: i16,
}

impl Recurrence {
    /// Reads a rule, with or without `RRULE:` in front. An instant in `UNTIL` is read in the `zone` of the series.
    ///
    /// # Errors
    /// When it is no rule that classes can follow.
    pub fn read(text: &str, zone: Tz) -> Result<Recurrence, Wrong> {
        reading::read(text, zone)
    }

    /// Reads what came in, and makes sure that there will be a class at all. `None` when something is wrong, which
    /// `fields` then says.
    pub fn check(
        fields: &mut Fields,
        pointer: &str,
        text: &str,
        zone: Tz,
        local_start: NaiveDateTime,
    ) -> Option<Recurrence> {
        let read = Recurrence::read(text, zone).and_then(|rule| match rule.first(local_start) {
            Some(_) => Ok(rule),
            None => Err(Wrong { code: "never", message: "This rule meets no day from its start on.".into() }),
        });
        read.map_err(|wrong| fields.wrong(pointer, wrong.code, wrong.message)).ok()
    }

    /// The first occurrence on or after the start, `None` when there is none within a hundred years.
    pub fn first(&self, local_start: NaiveDateTime) -> Option<NaiveDateTime> {
        self.occurrences(local_start, local_start.date()).next()
    }

    /// The occurrences within these local dates, both included, at most [`MOST_DATES`]. `COUNT` counts from the start.
    pub fn dates(
        &self,
        local_start: NaiveDateTime,
        from: NaiveDate,
        through: NaiveDate,
    ) -> Vec<NaiveDateTime> {
        self.occurrences(local_start, from)
            .skip_while(|at| at.date() < from)
            .take_while(|at| at.date() <= through)
            .take(MOST_DATES)
            .collect()
    }

    /// Whether the rule ends by itself.
    pub fn is_bounded(&self) -> bool {
        self.end != End::Never
    }

    /// The last occurrence of a rule that ends. `None` when it does not end, or not within a hundred years, or when
    /// it meets no day at all.
    pub fn last(&self, local_start: NaiveDateTime) -> Option<NaiveDateTime> {
        let until = match self.end {
            End::Never => return None,
            End::After(_) => {
                let all = self.occurrences(local_start, local_start.date());
                let (told, last) = all.fold((0, None), |(told, _), at| (told + 1, Some(at)));
                return last.filter(|_| End::After(told) == self.end);
            }
            End::On(day) => day.and_time(NaiveTime::MIN),
            End::At(time) => time,
        };
        if until > horizon(local_start)? {
            return None;
        }
        // From the end backwards, in spans that grow: most rules meet a day in the month before it.
        [31, 366, 366 * 30, 366 * 100].into_iter().find_map(|days| {
            let from = until.date().checked_sub_signed(TimeDelta::days(days))?.max(local_start.date());
            self.occurrences(local_start, from).last()
        })
    }

    /// Occurrences in their order, those before `from` perhaps left out.
    fn occurrences(
        &self,
        local_start: NaiveDateTime,
        from: NaiveDate,
    ) -> impl Iterator<Item = NaiveDateTime> {
        // What is counted has to be counted from the start.
        let counted = match self.end {
            End::After(count) => Some(usize::from(count)),
            _ => None,
        };
        let from = if counted.is_some() { local_start.date() } else { from.max(local_start.date()) };
        let (end, horizon) = (self.end, horizon(local_start));
        expansion::days(self, local_start.date(), from)
            .map(move |day| day.and_time(local_start.time()))
            .skip_while(move |at| *at < local_start)
            .take_while(move |at| end.allows(*at) && horizon.is_some_and(|horizon| *at <= horizon))
            .take(counted.unwrap_or(usize::MAX))
    }
}

impl End {
    fn allows(self, at: NaiveDateTime) -> bool {
        match self {
            End::Never | End::After(_) => true,
            End::On(day) => at.date() <= day,
            End::At(time) => at <= time,
        }
    }
}

/// Until when a rule is followed.
fn horizon(local_start: NaiveDateTime) -> Option<NaiveDateTime> {
    local_start.checked_add_signed(TimeDelta::days(HORIZON_YEARS * 365))
}

/// The text to keep: the parts that say something, in one order, in local time.
impl fmt::Display for Recurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let every = match self.every {
            Every::Day => "DAILY",
            Every::Week => "WEEKLY",
            Every::Month => "MONTHLY",
            Every::Year => "YEARLY",
        };
        write!(f, "FREQ={every}")?;
        if self.interval != 1 {
            write!(f, ";INTERVAL={}", self.interval)?;
        }
        match self.end {
            End::Never => {}
            End::After(count) => write!(f, ";COUNT={count}")?,
            End::On(day) => write!(f, ";UNTIL={}", day.format("%Y%m%d"))?,
            End::At(time) => write!(f, ";UNTIL={}", time.format("%Y%m%dT%H%M%S"))?,
        }
        list(f, "BYMONTH", &self.months)?;
        list(f, "BYWEEKNO", &self.weeks)?;
        list(f, "BYMONTHDAY", &self.month_days)?;
        list(f, "BYDAY", &self.days)?;
        list(f, "BYSETPOS", &self.positions)?;
        if self.week_start != Weekday::Mon {
            write!(f, ";WKST={}", two_letters(self.week_start))?;
        }
        Ok(())
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nth != 0 {
            write!(f, "{}", self.nth)?;
        }
        f.write_str(two_letters(self.weekday))
    }
}

/// A part that is a list, unless the list is empty.
fn list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, key: &str, values: &[T]) -> fmt::Result {
    for (index, value) in values.iter().enumerate() {
        if index == 0 {
            write!(f, ";{key}={value}")?;
        } else {
            write!(f, ",{value}")?;
        }
    }
    Ok(())
}

fn two_letters(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "MO",
        Weekday::Tue => "TU",
        Weekday::Wed => "WE",
        Weekday::Thu => "TH",
        Weekday::Fri => "FR",
        Weekday::Sat => "SA",
        Weekday::Sun => "SU",
    }
}
