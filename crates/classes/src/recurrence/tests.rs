//! What people expect of a rule.

mod agreement;
mod texts;

use chrono::{NaiveDate, NaiveDateTime};
use chrono_tz::Tz;

use super::*;

fn at(text: &str) -> NaiveDateTime {
    text.parse().unwrap()
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn rule(text: &str) -> Recurrence {
    Recurrence::read(text, Tz::Europe__Berlin).unwrap_or_else(|wrong| panic!("{text}: {wrong:?}"))
}

/// The dates of a rule that starts at 19:00 on a day, as text.
fn dates(text: &str, start: &str, from: &str, through: &str) -> Vec<String> {
    let found = rule(text).dates(at(&format!("{start}T19:00:00")), date(from), date(through));
    found.iter().map(|at| at.date().to_string()).collect()
}

#[test]
fn a_class_on_two_days_a_week_is_on_those_days() {
    let found = dates("FREQ=WEEKLY;BYDAY=TU,TH", "2026-11-24", "2026-11-21", "2026-12-04");
    assert_eq!(found, ["2026-11-24", "2026-11-26", "2026-12-01", "2026-12-03"]);
}

#[test]
fn what_the_rule_does_not_say_is_taken_from_the_start() {
    let through = "2027-12-31";
    assert_eq!(
        dates("FREQ=WEEKLY;COUNT=2", "2026-11-25", "2026-01-01", through),
        ["2026-11-25", "2026-12-02"]
    );
    assert_eq!(
        dates("FREQ=MONTHLY;COUNT=2", "2027-01-31", "2026-01-01", through),
        ["2027-01-31", "2027-03-31"]
    );
    assert_eq!(
        dates("FREQ=YEARLY;COUNT=2", "2026-11-25", "2026-01-01", through),
        ["2026-11-25", "2027-11-25"]
    );
    let in_june = dates("FREQ=YEARLY;BYMONTH=6;COUNT=1", "2026-11-25", "2026-01-01", through);
    assert_eq!(in_june, ["2027-06-25"]);
    let by_week = dates("FREQ=YEARLY;BYWEEKNO=1;COUNT=1", "2026-11-25", "2026-01-01", through);
    assert_eq!(by_week, ["2027-01-06"], "the Wednesday of that week");
}

#[test]
fn the_start_is_an_occurrence_only_if_the_rule_meets_it() {
    // The 25th is a Wednesday.
    let found = dates("FREQ=WEEKLY;BYDAY=MO;COUNT=2", "2026-11-25", "2026-11-01", "2027-01-31");
    assert_eq!(found, ["2026-11-30", "2026-12-07"]);
    assert_eq!(
        rule("FREQ=WEEKLY;BYDAY=MO").first(at("2026-11-25T19:00:00")),
        Some(at("2026-11-30T19:00:00"))
    );
}

#[test]
fn a_count_is_counted_from_the_start_whatever_is_asked_for() {
    let found = dates("FREQ=DAILY;COUNT=10", "2026-11-21", "2026-11-29", "2027-11-29");
    assert_eq!(found, ["2026-11-29", "2026-11-30"]);
    assert!(dates("FREQ=DAILY;COUNT=10", "2026-11-21", "2026-12-01", "2027-11-29").is_empty());
}

#[test]
fn every_second_week_stays_in_step_over_the_years() {
    let found = dates("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE", "2020-01-01", "2026-11-20", "2026-12-12");
    // 2020-01-01 is a Wednesday; its week begins on 2019-12-30, and 2026-11-23 is 360 weeks after that.
    assert_eq!(found, ["2026-11-23", "2026-11-25", "2026-12-07", "2026-12-09"]);
    let found = dates("FREQ=DAILY;INTERVAL=3", "2020-01-01", "2026-11-20", "2026-11-27");
    assert_eq!(found, ["2026-11-22", "2026-11-25"], "2,517 and 2,520 days after it");
    let found = dates("FREQ=MONTHLY;INTERVAL=5;BYMONTHDAY=-1", "2020-01-15", "2026-06-01", "2027-06-30");
    assert_eq!(found, ["2026-09-30", "2027-02-28"], "80 and 85 months after it");
}

#[test]
fn until_may_be_a_day_a_local_time_or_an_instant() {
    let last = |until: &str| rule(&format!("FREQ=DAILY;UNTIL={until}")).last(at("2026-10-20T19:00:00"));
    assert_eq!(last("20261031"), Some(at("2026-10-31T19:00:00")), "the whole day");
    assert_eq!(last("20261031T190000"), Some(at("2026-10-31T19:00:00")));
    assert_eq!(last("20261031T185959"), Some(at("2026-10-30T19:00:00")));
    // In Berlin it is 19:00 at 17:00Z in summer, at 18:00Z in winter.
    assert_eq!(last("20261024T170000Z"), Some(at("2026-10-24T19:00:00")));
    assert_eq!(last("20261031T170000Z"), Some(at("2026-10-30T19:00:00")));
    assert_eq!(last("20261031T180000Z"), Some(at("2026-10-31T19:00:00")));
}

#[test]
fn a_rule_that_ends_has_a_last_occurrence() {
    let start = at("2026-11-24T19:00:00");
    let last = |text: &str| rule(text).last(start).map(|at| at.date().to_string());
    assert_eq!(last("FREQ=WEEKLY;COUNT=3").as_deref(), Some("2026-12-08"));
    assert_eq!(last("FREQ=WEEKLY;UNTIL=20261231").as_deref(), Some("2026-12-29"));
    assert_eq!(last("FREQ=YEARLY;UNTIL=20401231").as_deref(), Some("2040-11-24"));
    assert_eq!(last("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;UNTIL=20311231").as_deref(), Some("2028-02-29"));
    assert_eq!(last("FREQ=WEEKLY"), None);
    assert_eq!(last("FREQ=WEEKLY;UNTIL=20261101"), None, "over before it began");
    assert_eq!(last("FREQ=YEARLY;COUNT=1000"), None, "not within a hundred years");
    assert_eq!(last("FREQ=DAILY;UNTIL=99991231"), None, "not within a hundred years");
    assert!(rule("FREQ=YEARLY;COUNT=1000").is_bounded() && !rule("FREQ=YEARLY").is_bounded());
}

#[test]
fn positions_choose_among_all_days_of_a_period_also_of_the_first() {
    // From RFC 5545: the second-to-last weekday of the month.
    let found =
        dates("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", "1997-09-29", "1997-09-01", "1997-12-31");
    assert_eq!(found, ["1997-09-29", "1997-10-30", "1997-11-27", "1997-12-30"]);
    // The series begins on a Wednesday; the first of the two days of that week was the Monday before.
    let found = dates("FREQ=WEEKLY;BYDAY=MO,WE;BYSETPOS=1", "2026-11-25", "2026-11-01", "2026-12-08");
    assert_eq!(found, ["2026-11-30", "2026-12-07"]);
}

#[test]
fn the_examples_of_the_standard_come_out_as_it_says() {
    let start = "1997-09-02";
    let cases = [
        ("FREQ=MONTHLY;COUNT=4;BYDAY=1FR", "1997-09-05 1997-10-03 1997-11-07 1997-12-05"),
        ("FREQ=MONTHLY;INTERVAL=2;COUNT=4;BYDAY=1SU,-1SU", "1997-09-07 1997-09-28 1997-11-02 1997-11-30"),
        ("FREQ=MONTHLY;COUNT=4;BYMONTHDAY=2,15", "1997-09-02 1997-09-15 1997-10-02 1997-10-15"),
        ("FREQ=MONTHLY;COUNT=4;BYMONTHDAY=1,-1", "1997-09-30 1997-10-01 1997-10-31 1997-11-01"),
        ("FREQ=MONTHLY;COUNT=3;BYDAY=FR;BYMONTHDAY=13", "1998-02-13 1998-03-13 1998-11-13"),
        ("FREQ=YEARLY;COUNT=4;BYMONTH=6,7", "1998-06-02 1998-07-02 1999-06-02 1999-07-02"),
        ("FREQ=YEARLY;COUNT=3;BYDAY=20MO", "1998-05-18 1999-05-17 2000-05-15"),
        ("FREQ=YEARLY;COUNT=3;BYWEEKNO=20;BYDAY=MO", "1998-05-11 1999-05-17 2000-05-15"),
        ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "1997-09-02 1997-09-07 1997-09-16 1997-09-21"),
        ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "1997-09-02 1997-09-14 1997-09-16 1997-09-28"),
        (
            "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8;COUNT=2",
            "1997-11-04 2001-11-06",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(dates(text, start, start, "2010-01-01").join(" "), expected, "{text}");
    }
}

#[test]
fn one_call_tells_so_many_dates_at_most() {
    assert_eq!(dates("FREQ=DAILY", "2026-11-21", "2026-11-21", "2099-12-31").len(), MOST_DATES);
}

#[test]
fn a_rule_that_meets_no_day_is_refused() {
    let codes = |text: &str, start: &str| {
        let mut fields = Fields::new();
        let found = Recurrence::check(&mut fields, "/rrule", text, Tz::Europe__Berlin, at(start));
        let faults = fields.done().err().map(|fault| fault.fields).unwrap_or_default();
        assert_eq!(found.is_none(), !faults.is_empty());
        faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect::<Vec<_>>()
    };
    let start = "2026-11-21T19:00:00";
    let never = [("/rrule".to_owned(), "never")];
    assert_eq!(codes("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31", start), never);
    assert_eq!(codes("FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30", start), never);
    assert_eq!(codes("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", start), never);
    assert_eq!(codes("FREQ=WEEKLY;BYDAY=MO;BYSETPOS=2", start), never);
    assert_eq!(codes("FREQ=MONTHLY;INTERVAL=12;BYMONTH=2", start), never, "always in November");
    assert_eq!(codes("FREQ=DAILY;UNTIL=20261120", start), never, "over before it begins");
    assert_eq!(codes("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", start), [], "but rarely is not never");
    assert_eq!(codes("FREQ=HOURLY", start), [("/rrule".to_owned(), "unsupported")]);
}

#[test]
fn a_class_at_seven_is_at_seven_in_summer_and_in_winter() {
    let cases = [
        (Tz::Europe__Berlin, "2026-03-24", ["18:00", "17:00"]),
        (Tz::Europe__Berlin, "2026-10-20", ["17:00", "18:00"]),
        (Tz::America__New_York, "2026-03-03", ["00:00", "23:00"]),
        (Tz::America__New_York, "2026-10-27", ["23:00", "00:00"]),
        // Half an hour only.
        (Tz::Australia__Lord_Howe, "2026-03-31", ["08:00", "08:30"]),
        (Tz::Australia__Lord_Howe, "2026-09-29", ["08:30", "08:00"]),
    ];
    for (zone, start, utc) in cases {
        let start = at(&format!("{start}T19:00:00"));
        let days = rule("FREQ=WEEKLY;COUNT=2").dates(start, start.date(), date("2026-12-31"));
        assert!(days.iter().all(|day| local(zone, instant(zone, *day)) == *day), "{zone}");
        let found: Vec<_> = days.iter().map(|day| instant(zone, *day).format("%H:%M").to_string()).collect();
        assert_eq!(found, utc, "{zone} from {start}");
    }
}

#[test]
fn a_time_that_does_not_exist_moves_forward_by_what_was_skipped() {
    let cases = [
        (Tz::Europe__Berlin, "2026-03-29T02:30:00", "2026-03-29T03:30:00"),
        (Tz::Europe__Berlin, "2026-03-29T02:00:00", "2026-03-29T03:00:00"),
        (Tz::Europe__Berlin, "2026-03-29T02:59:59", "2026-03-29T03:59:59"),
        (Tz::America__New_York, "2026-03-08T02:15:00", "2026-03-08T03:15:00"),
        (Tz::Australia__Lord_Howe, "2026-10-04T02:15:00", "2026-10-04T02:45:00"),
        // A whole day was skipped when Samoa went over the date line.
        (Tz::Pacific__Apia, "2011-12-30T19:00:00", "2011-12-31T19:00:00"),
    ];
    for (zone, planned, shown) in cases {
        assert_eq!(local(zone, instant(zone, at(planned))), at(shown), "{zone} {planned}");
    }
}

#[test]
fn of_a_time_that_is_there_twice_it_is_the_first() {
    let cases = [
        (Tz::Europe__Berlin, "2026-10-25T02:30:00", "2026-10-25T00:30:00"),
        (Tz::America__New_York, "2026-11-01T01:30:00", "2026-11-01T05:30:00"),
        (Tz::Australia__Lord_Howe, "2026-04-05T01:45:00", "2026-04-04T14:45:00"),
    ];
    for (zone, planned, utc) in cases {
        assert_eq!(instant(zone, at(planned)).naive_utc(), at(utc), "{zone} {planned}");
    }
}

#[test]
fn zones_have_the_names_of_iana() {
    assert_eq!(zone("Europe/Berlin"), Some(Tz::Europe__Berlin));
    for name in ["", "europe/berlin", "CEST", "+02:00", "Europe/Berlin ", "Mars/Olympus"] {
        assert_eq!(zone(name), None, "{name}");
    }
}
