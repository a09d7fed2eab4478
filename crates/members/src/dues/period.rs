//! What dues are paid for: a month, a year, or once and for all.

use chrono::{Datelike, Months, NaiveDate};
use muster_finance::Month;
use muster_kernel::Fields;

use crate::plans::Every;

/// A time that dues are paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Period {
    Month(Month),
    /// By its first day.
    Year(NaiveDate),
    Once,
}

/// So many months after its end a period is charged at the latest.
const LATEST: Months = Months::new(12);

impl Period {
    /// Reads `2026-11`, `2026` or `once`.
    pub(crate) fn read(text: &str) -> Option<Period> {
        let period = match text.len() {
            4 if text == "once" => Period::Once,
            4 => Period::Year(NaiveDate::from_ymd_opt(text.parse().ok()?, 1, 1)?),
            _ => Period::Month(text.parse().ok()?),
        };
        // As it is written, without signs or spaces.
        (period.to_string() == text).then_some(period)
    }

    /// How often plans are paid that are paid for this.
    pub(crate) fn every(self) -> Every {
        match self {
            Period::Month(_) => Every::Month,
            Period::Year(_) => Every::Year,
            Period::Once => Every::Once,
        }
    }

    /// Its first and its last day, if it has any.
    pub(crate) fn days(self) -> Option<(NaiveDate, NaiveDate)> {
        match self {
            Period::Month(month) => Some((month.first_day(), month.last_day())),
            Period::Year(first) => Some((first, NaiveDate::from_ymd_opt(first.year(), 12, 31)?)),
            Period::Once => None,
        }
    }

    /// It has begun, and has not ended long ago.
    pub(crate) fn check(self, today: NaiveDate, fields: &mut Fields) {
        let Some((first, last)) = self.days() else { return };
        fields.must(first <= today, "/period", "in_future", "Dues are charged when the period has begun.");
        let fine = last.checked_add_months(LATEST).is_some_and(|latest| today <= latest);
        fields.must(fine, "/period", "out_of_range", "This ended more than 12 months ago.");
    }
}

impl std::fmt::Display for Period {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Period::Month(month) => month.fmt(f),
            Period::Year(first) => write!(f, "{}", first.year()),
            Period::Once => f.write_str("once"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    #[test]
    fn a_period_is_a_month_a_year_or_once() {
        for (text, every) in [
            ("2026-11", Some(Every::Month)),
            ("2026", Some(Every::Year)),
            ("once", Some(Every::Once)),
            ("2026-13", None),
            ("2026-1", None),
            ("+202", None),
            ("+202-01", None),
            ("2026-11-01", None),
            ("Once", None),
            ("", None),
        ] {
            assert_eq!(Period::read(text).map(Period::every), every, "{text}");
        }
    }

    #[test]
    fn a_period_has_begun_and_has_not_ended_long_ago() {
        let today = day("2026-11-21");
        for (text, fine) in [
            ("2026-11", true),
            ("2026-12", false),
            ("2025-11", true),
            ("2025-10", false),
            ("2026", true),
            ("2027", false),
            ("2025", true),
            ("2024", false),
            ("once", true),
        ] {
            let mut fields = Fields::new();
            Period::read(text).expect(text).check(today, &mut fields);
            assert_eq!(fields.done().is_ok(), fine, "{text}");
        }
    }
}
