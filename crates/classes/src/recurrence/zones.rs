//! From the time on the wall to an instant, and back.

use chrono::{DateTime, LocalResult, NaiveDateTime, Offset, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};

/// The zone of this IANA name, such as `Europe/Berlin`.
pub fn zone(name: &str) -> Option<Tz> {
    name.parse().ok()
}

/// The instant of a local time. One that does not exist moves forward by what the clocks skipped; of one that is there
/// twice it is the first.
pub fn instant(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
        // What a clock shows that nobody had put forward.
        LocalResult::None => {
            let before =
                GapInfo::new(&local, &zone).and_then(|gap| gap.begin).map(|(_, offset)| offset.fix());
            let shift = before.map_or(0, |offset| offset.local_minus_utc());
            (local - chrono::TimeDelta::seconds(shift.into())).and_utc()
        }
    }
}

/// The local time of an instant.
pub fn local(zone: Tz, at: DateTime<Utc>) -> NaiveDateTime {
    at.with_timezone(&zone).naive_local()
}
