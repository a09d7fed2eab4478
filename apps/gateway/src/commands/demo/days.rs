//! The days that the demo is about: from the first of the month four months ago until now.

use chrono::{Days as Count, Months, NaiveDate, NaiveTime, TimeDelta};
use chrono_tz::Tz;
use muster_classes::recurrence;
use muster_finance::Month;
use muster_kernel::Timestamp;

/// Where the club is.
pub(super) const ZONE: Tz = chrono_tz::Europe::Berlin;
/// So many whole months lie behind it.
pub(super) const WHOLE_MONTHS: u32 = 4;

/// The days until now, where the club is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Days {
    /// The end of it all.
    pub(super) now: Timestamp,
    /// Its day.
    pub(super) today: NaiveDate,
}

impl Days {
    pub(super) fn until(now: Timestamp) -> Days {
        Days { now, today: now.utc().with_timezone(&ZONE).date_naive() }
    }

    /// The months, the whole ones and the present one.
    pub(super) fn months(&self) -> Vec<Month> {
        let first = Month::of(Month::of(self.today).first_day() - Months::new(WHOLE_MONTHS));
        std::iter::successors(Some(first), |month| Some(month.next()))
            .take_while(|month| month.first_day() <= self.today)
            .collect()
    }

    /// The first day of the first month.
    pub(super) fn first(&self) -> NaiveDate {
        Month::of(self.today).first_day() - Months::new(WHOLE_MONTHS)
    }

    /// A day of a month, by the month's place from 0 on. (Every month has the 28th.)
    pub(super) fn of_month(&self, month: u32, day: u32) -> NaiveDate {
        self.first() + Months::new(month) + Count::new(u64::from(day.clamp(1, 28)) - 1)
    }

    /// So many days before today.
    pub(super) fn ago(&self, days: u32) -> NaiveDate {
        self.today - Count::new(days.into())
    }

    /// A time of a day.
    pub(super) fn at(&self, day: NaiveDate, hour: u32, minute: u32) -> Timestamp {
        let time = NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or(NaiveTime::MIN);
        Timestamp::new(recurrence::instant(ZONE, day.and_time(time)))
    }

    /// So many minutes before now.
    pub(super) fn minutes_ago(&self, minutes: u32) -> Timestamp {
        self.now.plus(-TimeDelta::minutes(minutes.into()))
    }

    /// The day that it is at a time.
    pub(super) fn day_of(&self, at: Timestamp) -> NaiveDate {
        at.utc().with_timezone(&ZONE).date_naive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn until(now: &str) -> Days {
        Days::until(serde_json::from_value(now.into()).expect("a time"))
    }

    #[test]
    fn four_whole_months_lie_behind_every_day() {
        for (now, first) in [
            ("2026-11-22T10:00:00Z", "2026-07-01"),
            ("2026-03-31T21:59:00Z", "2025-11-01"),
            // Where the club is it is April already.
            ("2026-03-31T22:01:00Z", "2025-12-01"),
        ] {
            let days = until(now);
            assert_eq!(days.first().to_string(), first, "{now}");
            assert_eq!(days.months().len(), 5, "{now}");
            assert_eq!(days.of_month(0, 1), days.first());
        }
    }
}
