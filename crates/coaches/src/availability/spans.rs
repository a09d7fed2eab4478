//! Times of a day, and the spans between two of them.

use chrono::{NaiveDate, NaiveDateTime, Timelike};
use muster_kernel::Fields;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A time of a day, to the minute: `19:30`. `24:00` is its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DayTime(u32);

type Span = (DayTime, DayTime);

impl DayTime {
    /// The beginning of the day.
    pub const MIDNIGHT: DayTime = DayTime(0);
    /// Its end.
    pub const END: DayTime = DayTime(24 * 60);

    fn read(text: &str) -> Option<DayTime> {
        let (hours, minutes) = text.split_once(':')?;
        let number = |part: &str| -> Option<u32> {
            (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse().ok())?
        };
        let (hours, minutes) = (number(hours)?, number(minutes)?);
        let time = DayTime(hours * 60 + minutes);
        (minutes < 60 && time <= DayTime::END).then_some(time)
    }
}

impl std::fmt::Display for DayTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl Serialize for DayTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DayTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<DayTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        DayTime::read(&text).ok_or_else(|| serde::de::Error::custom("a time of the day is HH:MM"))
    }
}

#[cfg(feature = "http")]
impl utoipa::PartialSchema for DayTime {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some("^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"))
            .examples(["19:30"])
            .into()
    }
}

#[cfg(feature = "http")]
impl utoipa::ToSchema for DayTime {
    fn name() -> std::borrow::Cow<'static, str> {
        "DayTime".into()
    }
}

/// Notes a span that is none, or that overlaps with another of the same day.
pub(super) fn check<D: PartialEq>(
    pointer: &str,
    day: D,
    span: Span,
    taken: &mut Vec<(D, Span)>,
    fields: &mut Fields,
) {
    fields.must(span.0 < span.1, &format!("{pointer}/until"), "out_of_range", "Later than `from`.");
    let free = !taken.iter().any(|(other, there)| *other == day && overlap(*there, span));
    fields.must(free, pointer, "overlap", "It overlaps with another of the same day.");
    taken.push((day, span));
}

pub(super) fn overlap(one: Span, other: Span) -> bool {
    one.0 < other.1 && other.0 < one.1
}

/// Whether these together cover a span without a gap.
pub(super) fn cover(mut open: Vec<Span>, wanted: Span) -> bool {
    open.sort_unstable();
    let reached = open.into_iter().fold(
        wanted.0,
        |reached, (from, until)| {
            if from <= reached { reached.max(until) } else { reached }
        },
    );
    reached >= wanted.1
}

/// What of a time lies on a day.
pub(super) fn on(day: NaiveDate, starts: NaiveDateTime, ends: NaiveDateTime) -> Span {
    let minutes = |at: NaiveDateTime| at.hour() * 60 + at.minute();
    let from = if starts.date() == day { DayTime(minutes(starts)) } else { DayTime::MIDNIGHT };
    // A minute that has begun is needed.
    let last = minutes(ends) + u32::from(ends.second() > 0);
    let until = if ends.date() == day { DayTime(last) } else { DayTime::END };
    (from, until)
}
