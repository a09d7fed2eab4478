//! Rules are compared with a second expansion that knows no shortcuts: it looks at every day and asks whether the
//! rule means it.

use std::collections::BTreeMap;

use chrono::{Datelike, Days};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;

const WEEK: [Weekday; 7] =
    [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

/// Whether a day is in a period of the rule, and in which, counted from that of the start.
fn period(rule: &Recurrence, start: NaiveDate, day: NaiveDate) -> i64 {
    let week = |day: NaiveDate| day - Days::new(day.weekday().days_since(rule.week_start).into());
    match rule.every {
        Every::Day => (day - start).num_days(),
        Every::Week => (week(day) - week(start)).num_weeks(),
        Every::Month => {
            i64::from(day.year() - start.year()) * 12 + i64::from(day.month()) - i64::from(start.month())
        }
        Every::Year => i64::from(day.year() - start.year()),
    }
}

/// The how-manieth of its weekday a day is in its month or year, from the beginning and from the end.
fn places(rule: &Recurrence, day: NaiveDate) -> [i16; 2] {
    let in_month = rule.every == Every::Month || !rule.months.is_empty();
    let same = |other: NaiveDate| other.year() == day.year() && (!in_month || other.month() == day.month());
    let count = |forward: bool| {
        let step = |n: u64| if forward { day + Days::new(7 * n) } else { day - Days::new(7 * n) };
        (1..).take_while(|n| same(step(*n))).count() as i16 + 1
    };
    [count(false), -count(true)]
}

fn means(rule: &Recurrence, start: NaiveDate, day: NaiveDate) -> bool {
    let from_end = |day: NaiveDate| {
        let days = (28..=31).filter(|d| day.with_day(*d).is_some()).max().unwrap();
        day.day() as i8 - days as i8 - 1
    };
    let silent = rule.days.is_empty() && rule.month_days.is_empty();
    let by_start = match rule.every {
        _ if !silent => true,
        Every::Day => true,
        Every::Week => day.weekday() == start.weekday(),
        Every::Month => day.day() == start.day(),
        Every::Year => day.day() == start.day() && (!rule.months.is_empty() || day.month() == start.month()),
    };
    let by_week = rule.every != Every::Week || !rule.days.is_empty() || day.weekday() == start.weekday();
    by_start
        && by_week
        && (rule.months.is_empty() || rule.months.contains(&(day.month() as u8)))
        && (rule.month_days.is_empty()
            || rule.month_days.contains(&(day.day() as i8))
            || rule.month_days.contains(&from_end(day)))
        && (rule.days.is_empty()
            || rule.days.iter().any(|wanted| {
                wanted.weekday == day.weekday()
                    && (wanted.nth == 0 || places(rule, day).contains(&wanted.nth))
            }))
}

/// Every day from the start on for some years, looked at one by one.
fn one_by_one(rule: &Recurrence, start: NaiveDateTime, through: NaiveDate) -> Vec<NaiveDateTime> {
    let mut periods: BTreeMap<i64, Vec<NaiveDate>> = BTreeMap::new();
    let mut day = start.date() - Days::new(366);
    // Positions from the end need the whole period.
    while day <= through + Days::new(366) {
        let number = period(rule, start.date(), day);
        if number >= 0 && number % i64::from(rule.interval) == 0 && means(rule, start.date(), day) {
            periods.entry(number).or_default().push(day);
        }
        day = day + Days::new(1);
    }
    let chosen = periods.into_values().flat_map(|days| {
        let wanted = |index: usize| {
            let (front, back) = (index as i32 + 1, index as i32 - days.len() as i32);
            rule.positions.is_empty() || rule.positions.contains(&front) || rule.positions.contains(&back)
        };
        (0..days.len()).filter(|index| wanted(*index)).map(|index| days[index]).collect::<Vec<_>>()
    });
    let most = if let End::After(count) = rule.end { count.into() } else { usize::MAX };
    chosen
        .map(|day| day.and_time(start.time()))
        .filter(|at| *at >= start && rule.end.allows(*at))
        .take(most)
        .take_while(|at| at.date() <= through)
        .collect()
}

fn some_days(every: Every) -> BoxedStrategy<Vec<Day>> {
    let plain = subsequence(WEEK.to_vec(), 0..=7)
        .prop_map(|days| days.into_iter().map(|weekday| Day { weekday, nth: 0 }).collect());
    let numbered = vec((select(WEEK.to_vec()), select(vec![1i16, 2, 4, 5, -1, -2])), 0..3)
        .prop_map(|days| days.into_iter().map(|(weekday, nth)| Day { weekday, nth }).collect());
    match every {
        Every::Day | Every::Week => plain.boxed(),
        Every::Month | Every::Year => prop_oneof![plain, numbered].boxed(),
    }
}

prop_compose! {
    fn some_rule()(every in select(vec![Every::Day, Every::Week, Every::Month, Every::Year]))(
        every in Just(every),
        interval in prop_oneof![3 => 1u16..4, 1 => 1u16..20],
        end in prop_oneof![
            Just(End::Never),
            (1u16..60).prop_map(End::After),
            (0u64..1500).prop_map(|days| End::On(NaiveDate::from_ymd_opt(2025, 1, 1).unwrap() + Days::new(days))),
        ],
        months in prop_oneof![2 => Just(Vec::new()), 1 => subsequence((1u8..=12).collect::<Vec<_>>(), 1..=6)],
        month_days in prop_oneof![2 => Just(Vec::new()), 1 => vec(select(vec![1i8, 2, 13, 15, 29, 30, 31, -1, -3, -31]), 1..4)],
        days in some_days(every),
        positions in prop_oneof![2 => Just(Vec::new()), 1 => vec(select(vec![1i32, 2, 3, -1, -2]), 1..3)],
        week_start in select(WEEK.to_vec()),
    ) -> Recurrence {
        let month_days = if every == Every::Week { Vec::new() } else { month_days };
        let free = months.is_empty() && month_days.is_empty() && days.is_empty();
        let positions = if free || every == Every::Day { Vec::new() } else { positions };
        Recurrence { every, interval, end, months, weeks: Vec::new(), month_days, days, positions, week_start }
    }
}

prop_compose! {
    fn some_start()(days in 0u64..1000, minutes in 0i64..1440) -> NaiveDateTime {
        let day = NaiveDate::from_ymd_opt(2024, 12, 20).unwrap() + Days::new(days);
        day.and_time(NaiveTime::MIN) + TimeDelta::minutes(minutes)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn a_rule_means_the_days_that_looking_at_every_day_finds(
        rule in some_rule(), start in some_start(), into in 0u64..700, span in 0u64..400,
    ) {
        let from = start.date() + Days::new(into) - Days::new(20);
        let through = from + Days::new(span);
        let text = rule.to_string();
        let read = Recurrence::read(&text, Tz::UTC).map_err(|wrong| TestCaseError::fail(format!("{text} {wrong:?}")))?;
        let found = read.dates(start, from, through);
        let mut expected = one_by_one(&rule, start, through);
        expected.retain(|at| at.date() >= from);
        prop_assert_eq!(found, expected, "{} from {}", text, start);
    }

    #[test]
    fn the_last_occurrence_is_the_last_of_all(rule in some_rule(), start in some_start()) {
        let through = start.date() + Days::new(366 * 5);
        let last = rule.last(start);
        if let (Some(last), true) = (last, rule.is_bounded()) {
            prop_assume!(last.date() <= through);
            prop_assert_eq!(one_by_one(&rule, start, through).pop(), Some(last), "{}", rule);
        } else if let End::On(_) = rule.end {
            prop_assert_eq!(one_by_one(&rule, start, through), [], "{}", rule);
        }
    }

    #[test]
    fn a_weekly_class_stays_at_its_time_in_every_zone(
        zone in select(chrono_tz::TZ_VARIANTS.to_vec()), start in some_start(),
    ) {
        let days = Recurrence::read("FREQ=WEEKLY;COUNT=60", zone).unwrap().dates(start, start.date(), date("2030-01-01"));
        prop_assert_eq!(days.len(), 60);
        for day in days {
            let shown = local(zone, instant(zone, day));
            // A time that the clocks skipped is later, never earlier, and no other is moved.
            prop_assert!(shown >= day, "{} {} is shown as {}", zone, day, shown);
            let skipped = chrono::TimeZone::from_local_datetime(&zone, &day).earliest().is_none();
            prop_assert_eq!(skipped, shown != day, "{} {}", zone, day);
        }
    }

    #[test]
    fn numbered_weeks_are_those_of_iso_8601(
        weeks in subsequence((1i8..=53).collect::<Vec<_>>(), 1..=30),
        days in subsequence(WEEK.to_vec(), 1..=7),
        start in some_start(),
    ) {
        let (names, days): (Vec<_>, Vec<_>) = days.into_iter().map(|day| (two_letters(day), day)).unzip();
        let weeks_text: Vec<_> = weeks.iter().map(ToString::to_string).collect();
        let text = format!("FREQ=YEARLY;BYWEEKNO={};BYDAY={}", weeks_text.join(","), names.join(","));
        let through = start.date() + Days::new(380);
        let found = Recurrence::read(&text, Tz::UTC).unwrap().dates(start, start.date(), through);
        let meant = |day: &NaiveDate| weeks.contains(&(day.iso_week().week() as i8)) && days.contains(&day.weekday());
        let expected: Vec<_> = start.date().iter_days().take(381).filter(meant).collect();
        prop_assert_eq!(found.into_iter().map(|at| at.date()).collect::<Vec<_>>(), expected, "{}", text);
    }

    #[test]
    fn what_was_read_is_read_the_same_from_what_is_kept(rule in some_rule()) {
        let kept = Recurrence::read(&rule.to_string(), Tz::UTC).unwrap();
        prop_assert_eq!(kept.to_string(), Recurrence::read(&kept.to_string(), Tz::Asia__Tokyo).unwrap().to_string());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn nonsense_does_no_harm(
        text in prop_oneof![
            any::<String>(),
            "(RRULE:)?FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY)(;(INTERVAL|COUNT)=[0-9]{1,4})?(;BY(DAY|MONTH|MONTHDAY|WEEKNO|SETPOS)=-?[0-9]{0,3}(MO|SU|FR)?(,[0-9]{1,3}){0,3}){0,4}",
            "FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY);UNTIL=[0-9]{8}(T[0-9]{6}Z?)?",
        ],
        years in -300_000i32..300_000,
        seconds in 0i64..86_400 * 366,
    ) {
        let year = NaiveDate::from_ymd_opt(years.clamp(-262_000, 262_000), 1, 1).unwrap_or_default();
        for start in [year, NaiveDate::from_ymd_opt(2026, 1, 1).unwrap()] {
            let start = start.and_time(NaiveTime::MIN) + TimeDelta::seconds(seconds);
            let Ok(rule) = Recurrence::read(&text, Tz::Europe__Berlin) else { continue };
            for (from, through) in [
                (start.date(), NaiveDate::MAX),
                (NaiveDate::MIN, NaiveDate::MAX),
                (NaiveDate::MAX, NaiveDate::MIN),
                (date("2126-06-01"), date("2127-01-01")),
            ] {
                prop_assert!(rule.dates(start, from, through).len() <= MOST_DATES);
            }
            let (first, last) = (rule.first(start), rule.last(start));
            prop_assert!(first.is_none_or(|first| first >= start));
            prop_assert!(last.is_none_or(|last| last >= start && rule.is_bounded()));
            instant(Tz::Pacific__Apia, start);
        }
        let (today, read) = (date("2026-11-21"), Recurrence::read(&text, Tz::UTC));
        if let Ok(rule) = read {
            prop_assert!(expansion::expand(&rule, today, today).is_some(), "what is read can be expanded: {}", text);
        }
    }
}
