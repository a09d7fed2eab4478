//! What is taken for a rule and what is not.

use super::*;

fn refused(text: &str) -> &'static str {
    match Recurrence::read(text, Tz::Europe__Berlin) {
        Ok(rule) => panic!("{text} was read as {rule}"),
        Err(wrong) => wrong.code,
    }
}

#[test]
fn a_rule_is_kept_in_one_way_of_writing() {
    let cases = [
        ("RRULE:FREQ=WEEKLY;BYDAY=TH,MO,MO", "FREQ=WEEKLY;BYDAY=MO,TH"),
        ("rrule:byday=mo;freq=weekly;interval=1;wkst=mo", "FREQ=WEEKLY;BYDAY=MO"),
        ("WKST=SU;FREQ=WEEKLY;INTERVAL=02", "FREQ=WEEKLY;INTERVAL=2;WKST=SU"),
        ("FREQ=MONTHLY;BYDAY=+2TU,-1FR;COUNT=12", "FREQ=MONTHLY;COUNT=12;BYDAY=-1FR,2TU"),
        ("FREQ=MONTHLY;BYDAY=1MO", "FREQ=MONTHLY;BYDAY=1MO"),
        (
            "FREQ=YEARLY;BYSETPOS=-1;BYMONTHDAY=3,1;BYMONTH=6",
            "FREQ=YEARLY;BYMONTH=6;BYMONTHDAY=1,3;BYSETPOS=-1",
        ),
        ("FREQ=DAILY;UNTIL=20261231", "FREQ=DAILY;UNTIL=20261231"),
        ("FREQ=DAILY;UNTIL=20261231T190000", "FREQ=DAILY;UNTIL=20261231T190000"),
        ("FREQ=DAILY;UNTIL=20261231T190000Z", "FREQ=DAILY;UNTIL=20261231T200000"),
    ];
    for (text, kept) in cases {
        assert_eq!(rule(text).to_string(), kept, "{text}");
        assert_eq!(rule(kept), rule(text), "{kept}");
    }
}

#[test]
fn more_than_one_class_a_day_is_refused() {
    for text in ["FREQ=HOURLY", "FREQ=MINUTELY;INTERVAL=30", "FREQ=SECONDLY"] {
        assert_eq!(refused(text), "unsupported", "{text}");
    }
    for part in ["BYHOUR=9,18", "BYMINUTE=0,30", "BYSECOND=0", "BYYEARDAY=100", "BYEASTER=1", "SKIP=FORWARD"]
    {
        assert_eq!(refused(&format!("FREQ=DAILY;{part}")), "unsupported", "{part}");
    }
}

#[test]
fn nothing_is_smuggled_in() {
    for text in [
        "FREQ=DAILY\nDTSTART:20260101T000000Z",
        "FREQ=DAILY\r\nEXDATE:20260101",
        "DTSTART:20260101T190000\nRRULE:FREQ=DAILY",
        "DTSTART=20260101;FREQ=DAILY",
        "FREQ=DAILY;EXDATE=20260101",
        "RRULE;TZID=Europe/Berlin:FREQ=DAILY",
        "RRULE:RRULE:FREQ=DAILY",
        "FREQ=DAILY;X-MINE=1",
        " FREQ=DAILY",
        "FREQ=DAILY; COUNT=2",
        "FREQ=DAILY;BYDAY=ＭＯ",
    ] {
        assert_eq!(refused(text), "invalid", "{text:?}");
    }
}

#[test]
fn what_is_not_understood_is_refused_and_not_guessed() {
    for text in [
        "",
        ";",
        "RRULE:",
        "FREQ",
        "FREQ=",
        "FREQ=SOMETIMES",
        "COUNT=3",
        "FREQ=DAILY;",
        "FREQ=DAILY;FREQ=WEEKLY",
        "FREQ=DAILY;COUNT=3;UNTIL=20261231",
        "FREQ=DAILY;COUNT=",
        "FREQ=DAILY;COUNT=three",
        "FREQ=DAILY;INTERVAL=-2",
        "FREQ=DAILY;INTERVAL=1.5",
        "FREQ=WEEKLY;BYDAY=",
        "FREQ=WEEKLY;BYDAY=MO,",
        "FREQ=WEEKLY;BYDAY=MONDAY",
        "FREQ=WEEKLY;BYDAY=XXMO",
        "FREQ=MONTHLY;BYDAY=0MO",
        "FREQ=MONTHLY;BYDAY=99999MO",
        "FREQ=WEEKLY;BYDAY=2MO",
        "FREQ=DAILY;BYDAY=2MO",
        "FREQ=YEARLY;BYWEEKNO=20;BYDAY=2MO",
        "FREQ=WEEKLY;BYMONTHDAY=1",
        "FREQ=MONTHLY;BYWEEKNO=20",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=MONTHLY;BYSETPOS=1",
        "FREQ=WEEKLY;WKST=1",
        "FREQ=DAILY;UNTIL=2026-12-31",
        "FREQ=DAILY;UNTIL=20261301",
        "FREQ=DAILY;UNTIL=20260229",
        "FREQ=DAILY;UNTIL=20261231T19",
        "FREQ=DAILY;UNTIL=20261231T250000",
        "FREQ=DAILY;UNTIL=20261231Z",
        "FREQ=DAILY;UNTIL=+0261231",
    ] {
        assert_eq!(refused(text), "invalid", "{text:?}");
    }
    assert_eq!(refused("FREQ=MONTHLY;BYDAY=MO,2TU"), "unsupported");
}

#[test]
fn numbers_have_bounds() {
    for text in [
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=1001",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=101",
        "FREQ=DAILY;BYMONTH=0",
        "FREQ=DAILY;BYMONTH=13",
        "FREQ=MONTHLY;BYMONTHDAY=32",
        "FREQ=MONTHLY;BYMONTHDAY=-32",
        "FREQ=YEARLY;BYWEEKNO=54",
        "FREQ=MONTHLY;BYDAY=6MO",
        "FREQ=MONTHLY;BYDAY=-5MO",
        "FREQ=YEARLY;BYDAY=-53MO",
        "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=8",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1,-32",
        "FREQ=YEARLY;BYMONTH=1;BYSETPOS=367",
    ] {
        assert_eq!(refused(text), "out_of_range", "{text}");
    }
    assert_eq!(refused(&format!("FREQ=WEEKLY;BYDAY={}", "MO,".repeat(70))), "too_long");
}
