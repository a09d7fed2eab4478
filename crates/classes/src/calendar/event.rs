//! The events of a feed.

use std::collections::BTreeMap;

use chrono::TimeZone;
use muster_kernel::{Timestamp, UserId};

use super::queries::{BookingRow, ClassRow};
use super::text::{Lines, utc};
use super::timezone;
use crate::recurrence::{local, zone};

/// Calendars that listen to it are asked to look again after this time.
const LOOK_AGAIN: &str = "PT1H";

/// Whether it takes place, as far as whoever reads it is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Confirmed,
    Tentative,
    Cancelled,
}

/// Something in a calendar.
#[derive(Debug)]
pub(super) struct Event {
    /// What it is for ever, within this club.
    pub(super) key: String,
    pub(super) starts_at: Timestamp,
    ends_at: Timestamp,
    time_zone: String,
    title: String,
    location: String,
    description: String,
    standing: Standing,
    /// Goes up with what changes.
    sequence: i64,
    changed_at: Timestamp,
}

impl Event {
    /// A class of the timetable, or one to teach.
    pub(super) fn of_class(class: ClassRow, coaches: &BTreeMap<UserId, String>) -> Event {
        let coach = coaches.get(&class.coach_id).map(|name| format!("Coach: {name}"));
        let description: Vec<String> = coach.into_iter().chain(class.description).collect();
        Event {
            key: format!("class-{}", class.id),
            starts_at: class.starts_at,
            ends_at: class.ends_at,
            time_zone: class.time_zone,
            title: class.class_title,
            location: class.location,
            description: description.join("\n\n"),
            standing: if class.status == "cancelled" { Standing::Cancelled } else { Standing::Confirmed },
            sequence: class.sequence.into(),
            changed_at: class.changed_at,
        }
    }

    /// A booking: one's own, or that of somebody whom one acts for.
    pub(super) fn of_booking(
        class: ClassRow,
        booking: &BookingRow,
        ward: Option<&str>,
        coaches: &BTreeMap<UserId, String>,
    ) -> Event {
        let waits = booking.status == "waitlisted";
        let mut event = Event::of_class(class, coaches);
        let remarks: Vec<&str> = ward.into_iter().chain(waits.then_some("waiting list")).collect();
        if !remarks.is_empty() {
            event.title = format!("{} ({})", event.title, remarks.join(", "));
        }
        event.key = format!("booking-{}", booking.id);
        event.standing = match event.standing {
            Standing::Cancelled => Standing::Cancelled,
            _ if !booking.is_live => Standing::Cancelled,
            _ if waits => Standing::Tentative,
            _ => Standing::Confirmed,
        };
        // Both only go up.
        event.sequence += booking.version;
        let changes =
            [Some(event.changed_at), Some(booking.booked_at), booking.promoted_at, booking.decided_at];
        event.changed_at = changes.into_iter().flatten().max().unwrap_or(event.changed_at);
        event
    }
}

/// A whole feed.
pub(super) fn render(name: &str, club_zone: &str, identity: &str, events: &[Event]) -> String {
    let mut lines = Lines::default();
    lines.plain("BEGIN", "VCALENDAR");
    lines.plain("VERSION", "2.0");
    lines.plain("PRODID", "-//Muster//Classes//EN");
    lines.plain("CALSCALE", "GREGORIAN");
    lines.text("NAME", name);
    lines.text("X-WR-CALNAME", name);
    lines.text("X-WR-TIMEZONE", club_zone);
    lines.plain("REFRESH-INTERVAL;VALUE=DURATION", LOOK_AGAIN);
    lines.plain("X-PUBLISHED-TTL", LOOK_AGAIN);
    // Every zone once, for the time that the feed needs it.
    let mut zones: BTreeMap<&str, (Timestamp, Timestamp)> = BTreeMap::new();
    for event in events {
        let span = zones.entry(&event.time_zone).or_insert((event.starts_at, event.ends_at));
        *span = (span.0.min(event.starts_at), span.1.max(event.ends_at));
    }
    for (name, (from, to)) in zones {
        if let Some(zone) = zone(name) {
            timezone::render(&mut lines, zone, from.utc(), to.utc());
        }
    }
    for event in events {
        event.render(&mut lines, identity);
    }
    lines.plain("END", "VCALENDAR");
    lines.done()
}

impl Event {
    fn render(&self, lines: &mut Lines, identity: &str) {
        let status = match self.standing {
            Standing::Confirmed => "CONFIRMED",
            Standing::Tentative => "TENTATIVE",
            Standing::Cancelled => "CANCELLED",
        };
        lines.plain("BEGIN", "VEVENT");
        lines.plain("UID", &format!("{}@{identity}", self.key));
        // Without a METHOD this is when what is said of the event was last revised.
        lines.plain("DTSTAMP", &utc(self.changed_at));
        lines.plain("LAST-MODIFIED", &utc(self.changed_at));
        lines.plain("SEQUENCE", &self.sequence.to_string());
        self.time(lines, "DTSTART", self.starts_at);
        self.time(lines, "DTEND", self.ends_at);
        lines.text("SUMMARY", &self.title);
        lines.text("LOCATION", &self.location);
        if !self.description.is_empty() {
            lines.text("DESCRIPTION", &self.description);
        }
        lines.plain("STATUS", status);
        // What does not take place, or is not sure yet, leaves the time free.
        let takes_time = self.standing == Standing::Confirmed;
        lines.plain("TRANSP", if takes_time { "OPAQUE" } else { "TRANSPARENT" });
        lines.plain("END", "VEVENT");
    }

    /// The local time and its zone; in UTC where that time is there twice, of which readers make one thing or another.
    fn time(&self, lines: &mut Lines, name: &str, at: Timestamp) {
        let shown = zone(&self.time_zone).map(|zone| (zone, local(zone, at.utc())));
        match shown.filter(|(zone, local)| zone.from_local_datetime(local).single().is_some()) {
            Some((zone, local)) => {
                let local = local.format("%Y%m%dT%H%M%S").to_string();
                lines.plain(&format!("{name};TZID={}", zone.name()), &local);
            }
            None => lines.plain(name, &utc(at)),
        }
    }
}
