//! What whoever plans a class may want to know, and nothing stands in the way of.

use chrono::NaiveDateTime;
use chrono_tz::Tz;
use muster_coaches::availability;
use muster_kernel::Timestamp;
use muster_kernel::db::{Conn, DbResult};
use serde::Serialize;

use crate::class::Class;
use crate::planning::span;
use crate::recurrence::{self, local};
use crate::series::Series;

/// Something to know of what was planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "http", schema(as = PlanningWarning))]
pub struct Warning {
    /// `outside_availability`: the coach said that they are not there at that time.
    #[cfg_attr(feature = "http", schema(value_type = String, example = "outside_availability"))]
    pub code: &'static str,
    /// The same in a sentence.
    pub message: String,
}

fn outside(message: String) -> Vec<Warning> {
    vec![Warning { code: "outside_availability", message }]
}

/// What there is to know of a class.
///
/// # Errors
/// When the database fails.
pub fn of_class(conn: &mut Conn, class: &Class) -> DbResult<Vec<Warning>> {
    let zone = recurrence::zone(&class.time_zone).unwrap_or(Tz::UTC);
    let (starts, ends) = (local(zone, class.starts_at.utc()), local(zone, class.ends_at.utc()));
    Ok(match muster_coaches::is_available(conn, class.coach_id, starts, ends)? {
        Some(false) => outside("The coach is not there at that time, as they said.".to_owned()),
        _ => Vec::new(),
    })
}

/// What there is to know of the sessions of a series at these local times.
///
/// # Errors
/// When the database fails.
pub(crate) fn of_sessions(
    conn: &mut Conn,
    series: &Series,
    dates: &[NaiveDateTime],
) -> DbResult<Vec<Warning>> {
    let Some(says) = availability::of(conn, series.coach_id)? else { return Ok(Vec::new()) };
    let zone = series.zone();
    let is_outside = |date: &&NaiveDateTime| {
        let (starts_at, ends_at) =
            span(Timestamp::new(recurrence::instant(zone, **date)), series.duration_minutes);
        says.covers(local(zone, starts_at.utc()), local(zone, ends_at.utc())) == Some(false)
    };
    let mut outside_of_it = dates.iter().filter(is_outside);
    let Some(first) = outside_of_it.next() else { return Ok(Vec::new()) };
    let (many, first) = (1 + outside_of_it.count(), first.date());
    Ok(outside(format!(
        "At {many} of {} sessions, first on {first}, the coach is not there, as they said.",
        dates.len()
    )))
}
