//! A feed as others read it: by a library that has no part in writing it.

use calcard::common::timezone::Tz;
use calcard::icalendar::dates::TimeOrDelta;
use calcard::icalendar::{ICalendar, ICalendarProperty};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

/// What a calendar makes of an event.
#[derive(Debug, Clone)]
pub struct Event {
    pub uid: String,
    pub title: String,
    pub location: String,
    pub description: String,
    pub status: String,
    pub sequence: i64,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
}

/// The events of a feed, whose form is proven on the way.
#[track_caller]
pub fn events(text: &str) -> Vec<Event> {
    assert!(text.starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n") && text.ends_with("END:VCALENDAR\r\n"));
    let lines: Vec<_> = text.split_terminator("\r\n").collect();
    assert!(lines.iter().all(|line| line.len() <= 75 && !line.contains(['\r', '\n'])), "{text}");
    let calendar = ICalendar::parse(text).unwrap_or_else(|e| panic!("{e:?} in {text}"));
    let expanded = calendar.expand_dates(Tz::Floating, 10_000);
    assert!(expanded.errors.is_empty(), "{:?}", expanded.errors);
    let events = expanded.events.into_iter().map(|event| {
        let component = calendar.component_by_id(event.comp_id).expect("a component");
        let text = |name: ICalendarProperty| {
            let value = component.property(&name).and_then(|entry| entry.values.first());
            value.and_then(|value| value.as_text()).unwrap_or_default().to_owned()
        };
        let sequence =
            component.property(&ICalendarProperty::Sequence).and_then(|entry| entry.values.first());
        let TimeOrDelta::Time(ends_at) = event.end else { panic!("it ends at no time") };
        Event {
            uid: text(ICalendarProperty::Uid),
            title: text(ICalendarProperty::Summary),
            location: text(ICalendarProperty::Location),
            description: text(ICalendarProperty::Description),
            status: format!("{:?}", component.status().expect("a status")).to_uppercase(),
            sequence: sequence.and_then(|value| value.as_integer()).expect("a number"),
            starts_at: event.start.to_utc(),
            ends_at: ends_at.to_utc(),
        }
    });
    let mut events: Vec<_> = events.collect();
    events.sort_by_key(|event| (event.starts_at, event.uid.clone()));
    let mut by_the_feed = starts_by_its_own_zones(&lines);
    by_the_feed.sort_unstable();
    let starts: Vec<_> = events.iter().map(|event| event.starts_at).collect();
    assert_eq!(by_the_feed, starts, "what the zones in the feed say: {text}");
    events
}

/// When the events start for a reader that knows no zones but those that the feed explains.
fn starts_by_its_own_zones(lines: &[&str]) -> Vec<DateTime<Utc>> {
    let time = |text: &str| NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%S").expect("a time");
    let offset = |text: &str| {
        let number: i64 = text.parse().expect("an offset");
        TimeDelta::minutes(number / 100 * 60 + number % 100)
    };
    let (mut zone, mut since, mut observances, mut starts) = ("", NaiveDateTime::MIN, Vec::new(), Vec::new());
    let mut in_event = false;
    for line in lines {
        match line.split_once(':').expect("a colon") {
            ("BEGIN", what) => in_event = what == "VEVENT",
            ("TZID", id) => zone = id,
            ("DTSTART", at) if in_event => starts.push(time(at.strip_suffix('Z').expect("UTC")).and_utc()),
            ("DTSTART", at) => since = time(at),
            ("TZOFFSETTO", ahead) => observances.push((zone, since, offset(ahead))),
            (name, at) if name.starts_with("DTSTART;TZID=") => {
                let (local, id) = (time(at), name.trim_start_matches("DTSTART;TZID="));
                let of_zone = observances.iter().filter(|(zone, since, _)| *zone == id && *since <= local);
                let (_, _, ahead) = of_zone.max_by_key(|(_, since, _)| *since).expect("an explained zone");
                starts.push((local - *ahead).and_utc());
            }
            _ => {}
        }
    }
    starts
}
