//! A zone as a feed explains it: every change of the clocks in the time that the feed is about, each by itself. A rule
//! for all years, as others write it, would be a guess: what is known are the changes.

use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::{OffsetComponents, OffsetName, Tz};

use super::text::Lines;

/// The clocks at an instant.
struct Clocks {
    /// Seconds before UTC.
    ahead: i32,
    is_summer: bool,
    name: String,
}

fn clocks(zone: Tz, at: DateTime<Utc>) -> Clocks {
    let offset = zone.offset_from_utc_datetime(&at.naive_utc());
    Clocks {
        ahead: offset.fix().local_minus_utc(),
        is_summer: !offset.dst_offset().is_zero(),
        name: offset.abbreviation().unwrap_or_default().to_owned(),
    }
}

/// Writes the zone for what lies between these instants.
pub(super) fn render(lines: &mut Lines, zone: Tz, from: DateTime<Utc>, to: DateTime<Utc>) {
    lines.plain("BEGIN", "VTIMEZONE");
    lines.plain("TZID", zone.name());
    let first = clocks(zone, from);
    let long_before = DateTime::UNIX_EPOCH.naive_utc();
    observance(lines, long_before, first.ahead, &first);
    for at in changes(zone, from, to) {
        let (before, after) = (clocks(zone, at - TimeDelta::seconds(1)), clocks(zone, at));
        observance(lines, at.naive_utc() + TimeDelta::seconds(before.ahead.into()), before.ahead, &after);
    }
    lines.plain("END", "VTIMEZONE");
}

/// From this local time on, told by the clocks before it, they are so.
fn observance(lines: &mut Lines, since: NaiveDateTime, before: i32, clocks: &Clocks) {
    let kind = if clocks.is_summer { "DAYLIGHT" } else { "STANDARD" };
    lines.plain("BEGIN", kind);
    lines.plain("DTSTART", &since.format("%Y%m%dT%H%M%S").to_string());
    lines.plain("TZOFFSETFROM", &offset(before));
    lines.plain("TZOFFSETTO", &offset(clocks.ahead));
    lines.text("TZNAME", &clocks.name);
    lines.plain("END", kind);
}

fn offset(ahead: i32) -> String {
    let (sign, ahead) = (if ahead < 0 { '-' } else { '+' }, ahead.unsigned_abs());
    let (hours, minutes, seconds) = (ahead / 3600, ahead / 60 % 60, ahead % 60);
    if seconds == 0 {
        format!("{sign}{hours:02}{minutes:02}")
    } else {
        format!("{sign}{hours:02}{minutes:02}{seconds:02}")
    }
}

/// The instants at which the clocks change. No zone changes them twice within a day.
fn changes(zone: Tz, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let ahead = |at: DateTime<Utc>| clocks(zone, at).ahead;
    let mut found = Vec::new();
    let mut at = from;
    while at < to {
        let next = at + TimeDelta::days(1);
        if ahead(at) != ahead(next) {
            let (mut before, mut after) = (at, next);
            while after - before > TimeDelta::seconds(1) {
                let middle = before + (after - before) / 2;
                *(if ahead(middle) == ahead(before) { &mut before } else { &mut after }) = middle;
            }
            // Clocks change on a whole second.
            found.push(DateTime::from_timestamp(after.timestamp(), 0).unwrap_or(after));
        }
        at = next;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(zone: Tz, from: &str, to: &str) -> String {
        let mut lines = Lines::default();
        render(&mut lines, zone, from.parse().unwrap(), to.parse().unwrap());
        lines.done().replace("\r\n", "\n")
    }

    #[test]
    fn a_zone_says_when_its_clocks_change() {
        let berlin = rendered(Tz::Europe__Berlin, "2026-10-01T00:00:00.5Z", "2027-04-01T00:00:00Z");
        assert_eq!(
            berlin,
            "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\n\
             BEGIN:DAYLIGHT\nDTSTART:19700101T000000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0200\nTZNAME:CEST\nEND:DAYLIGHT\n\
             BEGIN:STANDARD\nDTSTART:20261025T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nTZNAME:CET\nEND:STANDARD\n\
             BEGIN:DAYLIGHT\nDTSTART:20270328T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nTZNAME:CEST\nEND:DAYLIGHT\n\
             END:VTIMEZONE\n"
        );
    }

    #[test]
    fn a_zone_without_summer_time_has_one_time() {
        let tokyo = rendered(Tz::Asia__Tokyo, "2026-10-01T00:00:00Z", "2027-04-01T00:00:00Z");
        assert_eq!(tokyo.matches("TZOFFSETTO:+0900").count(), 1, "{tokyo}");
    }

    #[test]
    fn offsets_are_written_to_the_half_hour_and_west_of_greenwich() {
        let howe = rendered(Tz::Australia__Lord_Howe, "2026-03-01T00:00:00Z", "2026-05-01T00:00:00Z");
        assert!(howe.contains("DTSTART:20260405T020000\nTZOFFSETFROM:+1100\nTZOFFSETTO:+1030\n"), "{howe}");
        let york = rendered(Tz::America__New_York, "2026-10-01T00:00:00Z", "2026-12-01T00:00:00Z");
        assert!(york.contains("DTSTART:20261101T020000\nTZOFFSETFROM:-0400\nTZOFFSETTO:-0500\n"), "{york}");
    }
}
