use super::*;

fn said(json: serde_json::Value) -> Availability {
    serde_json::from_value(json).expect("an availability")
}

fn at(text: &str) -> NaiveDateTime {
    text.parse().expect("a local time")
}

/// 7 December 2026 is a Monday.
fn mondays() -> Availability {
    said(serde_json::json!({
        "weekly": [
            {"weekday": "monday", "from": "09:00", "until": "12:00"},
            {"weekday": "monday", "from": "12:00", "until": "14:00"},
            {"weekday": "monday", "from": "20:00", "until": "24:00"},
            {"weekday": "tuesday", "from": "00:00", "until": "01:00"},
        ],
        "exceptions": [
            {"date": "2026-12-14", "available": false},
            {"date": "2026-12-21", "available": false, "from": "10:00", "until": "11:00"},
            {"date": "2026-12-23", "available": true, "from": "18:00", "until": "20:00"},
            {"date": "2026-12-26", "available": true},
        ],
    }))
}

#[test]
fn a_class_is_inside_the_times_of_the_week_or_outside_of_them() {
    for (starts, ends, inside) in [
        ("2026-12-07T09:00:00", "2026-12-07T12:00:00", true),
        ("2026-12-07T11:30:00", "2026-12-07T13:00:00", true),
        ("2026-12-07T08:59:00", "2026-12-07T10:00:00", false),
        ("2026-12-07T13:30:00", "2026-12-07T14:00:30", false),
        ("2026-12-07T13:00:00", "2026-12-07T21:00:00", false),
        ("2026-12-08T09:00:00", "2026-12-08T10:00:00", false),
        ("2026-12-07T23:00:00", "2026-12-08T01:00:00", true),
        ("2026-12-07T23:00:00", "2026-12-08T00:00:00", true),
        ("2026-12-07T23:00:00", "2026-12-08T01:01:00", false),
    ] {
        assert_eq!(mondays().covers(at(starts), at(ends)), Some(inside), "{starts} to {ends}");
    }
}

#[test]
fn an_exception_comes_before_the_week() {
    for (starts, ends, inside) in [
        ("2026-12-14T09:00:00", "2026-12-14T10:00:00", false),
        ("2026-12-21T09:00:00", "2026-12-21T10:00:00", true),
        ("2026-12-21T09:30:00", "2026-12-21T10:30:00", false),
        ("2026-12-23T18:00:00", "2026-12-23T20:00:00", true),
        ("2026-12-23T18:00:00", "2026-12-23T20:01:00", false),
        ("2026-12-26T03:00:00", "2026-12-26T04:00:00", true),
    ] {
        assert_eq!(mondays().covers(at(starts), at(ends)), Some(inside), "{starts} to {ends}");
    }
}

#[test]
fn who_only_says_when_they_are_away_has_said_nothing_of_other_days() {
    let away = said(serde_json::json!({
        "weekly": [], "exceptions": [{"date": "2026-12-24", "available": false}],
    }));
    assert_eq!(away.covers(at("2026-12-24T10:00:00"), at("2026-12-24T11:00:00")), Some(false));
    assert_eq!(away.covers(at("2026-12-23T10:00:00"), at("2026-12-23T11:00:00")), None);
    assert_eq!(away.covers(at("2026-12-23T23:00:00"), at("2026-12-24T01:00:00")), Some(false));
}
