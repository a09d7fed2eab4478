//! The days of a rule, by the `rrule` crate.
//!
//! The crate is asked in UTC, where every day has every time, for days only, and without an end. What it would take
//! from its start is said to it, so that it can begin at any period of the rule: the years since a series began cost
//! nothing. It begins at the start of a period because `BYSETPOS` chooses among all days of one.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, Weekday};
use rrule::{Frequency, NWeekday, RRule, RRuleSet, RRuleSetIter};

use super::{Every, Recurrence};

/// What is outside of these years is no class.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=9000;

/// The days of the rule in their order, from a period that is not after `from`. It ends by itself after the year
/// 9000, and gives up when 100,000 periods in a row have no day.
pub(super) fn days(
    rule: &Recurrence,
    start: NaiveDate,
    from: NaiveDate,
) -> impl Iterator<Item = NaiveDate> + use<> {
    expand(rule, start, from)
        .into_iter()
        .flatten()
        .map(|at| at.date_naive())
        .take_while(|day| YEARS.contains(&day.year()))
}

/// `None` when the years are out of bounds.
pub(super) fn expand(rule: &Recurrence, start: NaiveDate, from: NaiveDate) -> Option<RRuleSetIter> {
    if !YEARS.contains(&start.year()) || !YEARS.contains(&from.year()) {
        return None;
    }
    let first = first_period(rule, start, from)?;
    let first: DateTime<rrule::Tz> = first.and_time(NaiveTime::MIN).and_utc().with_timezone(&rrule::Tz::UTC);
    let rule = complete(rule, start).validate(first).ok()?;
    Some((&RRuleSet::new(first).rrule(rule).limit()).into_iter())
}

/// The first day of a period of the rule that is not after `from`.
fn first_period(rule: &Recurrence, start: NaiveDate, from: NaiveDate) -> Option<NaiveDate> {
    let interval = u32::from(rule.interval);
    // So many whole steps of the rule fit between two periods.
    let steps = |periods: i64| u32::try_from(periods).map(|periods| periods / interval * interval);
    match rule.every {
        Every::Day => {
            let days = steps((from - start).num_days()).ok()?;
            start.checked_add_days(Days::new(days.into()))
        }
        Every::Week => {
            let into_week = |day: NaiveDate| day.weekday().days_since(rule.week_start);
            let week = start.checked_sub_days(Days::new(into_week(start).into()))?;
            let weeks = steps((from - week).num_days() / 7).ok()?;
            week.checked_add_signed(TimeDelta::weeks(weeks.into()))
        }
        Every::Month => {
            let month = |day: NaiveDate| i64::from(day.year()) * 12 + i64::from(day.month0());
            let months = steps(month(from) - month(start)).ok()?;
            start.with_day(1)?.checked_add_months(Months::new(months))
        }
        Every::Year => {
            let years = steps(i64::from(from.year() - start.year())).ok()?;
            start.with_ordinal(1)?.checked_add_months(Months::new(years * 12))
        }
    }
}

/// The rule with what it takes from its start written down.
fn complete(rule: &Recurrence, start: NaiveDate) -> RRule<rrule::Unvalidated> {
    let (mut months, mut month_days) = (rule.months.clone(), rule.month_days.clone());
    let mut days: Vec<NWeekday> = rule.days.iter().map(|day| weekday(day.weekday, day.nth)).collect();
    let says_no_day = days.is_empty() && month_days.is_empty();
    let day_of_month = i8::try_from(start.day()).unwrap_or(1);
    match rule.every {
        Every::Day => {}
        Every::Week if days.is_empty() => days.push(weekday(start.weekday(), 0)),
        Every::Month if says_no_day => month_days.push(day_of_month),
        Every::Year if says_no_day && !rule.weeks.is_empty() => days.push(weekday(start.weekday(), 0)),
        Every::Year if says_no_day => {
            month_days.push(day_of_month);
            if months.is_empty() {
                months.push(u8::try_from(start.month()).unwrap_or(1));
            }
        }
        Every::Week | Every::Month | Every::Year => {}
    }
    let months: Vec<chrono::Month> = months.into_iter().filter_map(|month| month.try_into().ok()).collect();
    let frequency = match rule.every {
        Every::Day => Frequency::Daily,
        Every::Week => Frequency::Weekly,
        Every::Month => Frequency::Monthly,
        Every::Year => Frequency::Yearly,
    };
    RRule::new(frequency)
        .interval(rule.interval)
        .week_start(rule.week_start)
        .by_month(&months)
        .by_week_no(rule.weeks.clone())
        .by_month_day(month_days)
        .by_weekday(days)
        .by_set_pos(rule.positions.clone())
}

fn weekday(day: Weekday, nth: i16) -> NWeekday {
    NWeekday::new((nth != 0).then_some(nth), day)
}
