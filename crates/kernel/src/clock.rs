//! Time: one instant type, and clocks that tests can set.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

/// An instant in UTC, to the microsecond: the precision that both engines keep.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = crate::sql::Moment)]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// The beginning of 1970: before anything that happens in a club's database.
    pub const EPOCH: Timestamp = Timestamp(DateTime::UNIX_EPOCH);

    /// From chrono's type; anything finer than a microsecond is dropped.
    pub fn new(at: DateTime<Utc>) -> Timestamp {
        Timestamp(at.trunc_subsecs(6))
    }

    /// From microseconds since 1970; `None` outside of what chrono can show.
    pub fn from_micros(micros: i64) -> Option<Timestamp> {
        DateTime::from_timestamp_micros(micros).map(Timestamp)
    }

    /// Microseconds since 1970.
    pub fn micros(self) -> i64 {
        self.0.timestamp_micros()
    }

    /// As chrono's type.
    pub fn utc(self) -> DateTime<Utc> {
        self.0
    }

    /// This instant moved by `by`, or the end of time when that is beyond it.
    pub fn plus(self, by: TimeDelta) -> Timestamp {
        Timestamp::new(self.0.checked_add_signed(by).unwrap_or(if by < TimeDelta::zero() {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        }))
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DateTime::<chrono::FixedOffset>::deserialize(deserializer).map(|at| Timestamp::new(at.to_utc()))
    }
}

#[cfg(feature = "http")]
impl utoipa::PartialSchema for Timestamp {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .into()
    }
}

#[cfg(feature = "http")]
impl utoipa::ToSchema for Timestamp {
    fn name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }
}

/// Where the time comes from.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Set(Arc<AtomicI64>),
    File(PathBuf, Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Clock {
        Clock(Source::System)
    }

    /// A clock that stands still until it is [`set`](Clock::set).
    pub fn fixed(at: Timestamp) -> Clock {
        Clock(Source::Set(Arc::new(AtomicI64::new(at.micros()))))
    }

    /// A clock that reads RFC 3339 from a file at every look, for tests of a running program.
    ///
    /// # Errors
    /// When the file cannot be read or holds no time.
    pub fn file(path: PathBuf) -> Result<Clock, ClockFileError> {
        let now = read_file(&path)?;
        Ok(Clock(Source::File(path, Arc::new(AtomicI64::new(now.micros())))))
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            #[allow(clippy::disallowed_methods, reason = "this is where everybody else gets the time from")]
            Source::System => Timestamp::new(Utc::now()),
            Source::Set(micros) => last(micros),
            // A file that is being rewritten may be empty for a moment: then the last time it told holds.
            Source::File(path, micros) => match read_file(path) {
                Ok(now) => {
                    micros.store(now.micros(), Ordering::Relaxed);
                    now
                }
                Err(_) => last(micros),
            },
        }
    }

    /// Sets a [`fixed`](Clock::fixed) clock; the others keep their own time.
    pub fn set(&self, at: Timestamp) {
        if let Source::Set(micros) = &self.0 {
            micros.store(at.micros(), Ordering::Relaxed);
        }
    }
}

fn last(micros: &AtomicI64) -> Timestamp {
    Timestamp::from_micros(micros.load(Ordering::Relaxed)).unwrap_or(Timestamp(DateTime::UNIX_EPOCH))
}

/// A test clock's file that tells no time.
#[derive(Debug, thiserror::Error)]
#[error("the clock file {path} tells no time: {why}")]
pub struct ClockFileError {
    path: String,
    why: String,
}

fn read_file(path: &std::path::Path) -> Result<Timestamp, ClockFileError> {
    let error = |why: String| ClockFileError { path: path.display().to_string(), why };
    let text = std::fs::read_to_string(path).map_err(|e| error(e.to_string()))?;
    let at = DateTime::parse_from_rfc3339(text.trim()).map_err(|e| error(e.to_string()))?;
    Ok(Timestamp::new(at.to_utc()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_with_z_and_read_with_any_offset() {
        let at: Timestamp = serde_json::from_str("\"2026-03-29T03:30:00.5+02:00\"").expect("an instant");
        assert_eq!(serde_json::to_string(&at).expect("json"), "\"2026-03-29T01:30:00.500Z\"");
    }

    #[test]
    fn a_clock_file_is_read_at_every_look_and_survives_being_empty() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("clock");
        std::fs::write(&path, "2026-01-01T00:00:00Z\n").expect("written");
        let clock = Clock::file(path.clone()).expect("a clock");
        std::fs::write(&path, "2026-01-02T00:00:00Z").expect("written");
        assert_eq!(clock.now().to_string(), "2026-01-02T00:00:00Z");
        std::fs::write(&path, "").expect("written");
        assert_eq!(clock.now().to_string(), "2026-01-02T00:00:00Z");
        assert!(Clock::file(dir.path().join("none")).is_err());
    }
}
