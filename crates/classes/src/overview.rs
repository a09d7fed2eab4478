//! What a coach did between two days: classes taught and called off, substitutions, attendance, and what members thought.
//!
//! Of ratings a coach learns nothing that tells who gave which. So theirs are counted by whole months, and of a month with
//! fewer than three none: otherwise the difference between two spans of days would be one member's stars.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use chrono_tz::Tz;
use diesel::sql_types::BigInt;
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use muster_auth::permissions::OverseeCoaches;
use muster_auth::{Can, Scope, club};
use muster_finance::{FIRST_DAY, LAST_DAY, Month};
use muster_kernel::db::{Conn, DbResult};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::sql::Moment;
use muster_kernel::{Timestamp, UserId};
use serde::Serialize;

use crate::recurrence;
use crate::timetable::begins;

/// Of so many ratings a coach sees what they come to.
const FEWEST: i64 = 3;

/// Substitutions among the classes that took place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct Substitutions {
    /// They were to teach these, and somebody else did.
    pub given_away: i64,
    /// Somebody else was to teach these, and they did.
    pub taken_over: i64,
}

/// What a coach did between two days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "http", schema(as = CoachOverview))]
pub struct Overview {
    /// Who.
    pub coach_id: UserId,
    /// Classes from this day on, where the club is.
    pub from: NaiveDate,
    /// Classes until this day.
    pub to: NaiveDate,
    /// Classes that they taught, and that are completed.
    pub classes_taught: i64,
    /// Classes of theirs that the club called off.
    pub classes_cancelled: i64,
    /// Who taught for whom.
    pub substitutions: Substitutions,
    /// Places of the classes taught whose people came.
    pub attended: i64,
    /// Places of the classes taught whose people did not.
    pub no_show: i64,
    /// `attended` of both, in percent, rounded half up; null of none.
    #[cfg_attr(feature = "http", schema(example = 92))]
    pub attendance_rate: Option<i64>,
    /// How many came to a class taught, in hundredths, rounded half up; null of none.
    #[cfg_attr(feature = "http", schema(example = 1150))]
    pub average_attendance: Option<i64>,
    /// Ratings of classes that began on these days; for the coach themselves those of the months of these days with three or
    /// more.
    pub ratings_count: i64,
    /// What they come to on average, in hundredths of a star, rounded half up; absent of none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "http", schema(example = 467))]
    pub ratings_average: Option<i64>,
}

/// From which day to which.
#[derive(Debug, Clone, Copy)]
pub struct Days {
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
}

impl Days {
    /// From one day to another: without the one from the beginning of its year, without the other until today.
    ///
    /// # Errors
    /// When the one is after the other, or a day is too far away.
    pub fn read(from: Option<NaiveDate>, to: Option<NaiveDate>) -> Result<Days, Fault> {
        for day in [from, to].into_iter().flatten() {
            if !(FIRST_DAY..=LAST_DAY).contains(&day) {
                return Err(Fault::new(Code::Malformed, "`from` and `to` are days of our time."));
            }
        }
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            return Err(Fault::new(Code::Malformed, "`from` is not after `to`."));
        }
        Ok(Days { from, to })
    }

    fn of(self, today: NaiveDate) -> (NaiveDate, NaiveDate) {
        use chrono::Datelike;
        let to = self.to.unwrap_or_else(|| self.from.map_or(today, |from| from.max(today)));
        let from = self.from.or_else(|| NaiveDate::from_ymd_opt(to.year(), 1, 1)).unwrap_or(to);
        (from, to)
    }
}

/// What a coach did between two days: for treasurers, admins and the coach themselves.
///
/// # Errors
/// When there is no such coach, or the caller may not see it.
pub fn overview(
    conn: &mut Conn,
    can: &Can<OverseeCoaches>,
    coach: UserId,
    days: Days,
    now: Timestamp,
) -> Result<Overview, Fault> {
    if !muster_coaches::exists(conn, coach)? {
        return Err(Fault::not_found());
    }
    if can.scope() != Scope::All && can.user_id() != coach {
        return Err(Fault::new(Code::Forbidden, "Only they, treasurers and admins see this."));
    }
    let club = club::settings(conn)?;
    let zone: Tz = club.time_zone.parse().unwrap_or(Tz::UTC);
    let (from, to) = days.of(club.today(now));
    let counts = counts(conn, coach, span(from, to, zone))?;
    let ratings = match can.user_id() == coach {
        true => {
            let whole = span(Month::of(from).first_day(), Month::of(to).last_day(), zone);
            of_months_with_enough(ratings(conn, coach, whole)?, zone)
        }
        false => sum(&ratings(conn, coach, span(from, to, zone))?),
    };
    let marked = counts.attended + counts.no_show;
    Ok(Overview {
        coach_id: coach,
        from,
        to,
        classes_taught: counts.taught,
        classes_cancelled: counts.cancelled,
        substitutions: Substitutions { given_away: counts.given_away, taken_over: counts.taken_over },
        attended: counts.attended,
        no_show: counts.no_show,
        attendance_rate: share(counts.attended, marked),
        average_attendance: share(counts.attended, counts.taught),
        ratings_count: ratings.0,
        ratings_average: share(ratings.1, ratings.0),
    })
}

/// The instants at which these days begin and end.
fn span(from: NaiveDate, to: NaiveDate, zone: Tz) -> (Timestamp, Timestamp) {
    (begins(from, zone), begins(to.succ_opt().unwrap_or(to), zone))
}

/// So many hundredths, rounded half up; none of nothing.
fn share(part: i64, whole: i64) -> Option<i64> {
    (whole > 0).then(|| (200 * part + whole) / (2 * whole))
}

#[derive(Debug, QueryableByName)]
struct Counts {
    #[diesel(sql_type = BigInt)]
    taught: i64,
    #[diesel(sql_type = BigInt)]
    cancelled: i64,
    #[diesel(sql_type = BigInt)]
    taken_over: i64,
    #[diesel(sql_type = BigInt)]
    given_away: i64,
    #[diesel(sql_type = BigInt)]
    attended: i64,
    #[diesel(sql_type = BigInt)]
    no_show: i64,
}

// Of a completed class every place is `attended` or `no_show`.
const COUNTS: &str = "SELECT COUNT(*) FILTER (WHERE status = 'completed') AS taught, \
      COUNT(*) FILTER (WHERE status = 'cancelled') AS cancelled, \
      COUNT(*) FILTER (WHERE status = 'completed' AND planned_coach_id <> $1) AS taken_over, \
      (SELECT COUNT(*) FROM classes g WHERE g.planned_coach_id = $1 AND g.starts_at >= $2 AND g.starts_at < $3 \
        AND g.coach_id <> $1 AND g.status = 'completed') AS given_away, \
      CAST(COALESCE(SUM(attended_count) FILTER (WHERE status = 'completed'), 0) AS BIGINT) AS attended, \
      CAST(COALESCE(SUM(booked_count - attended_count) FILTER (WHERE status = 'completed'), 0) AS BIGINT) AS no_show \
    FROM classes WHERE coach_id = $1 AND starts_at >= $2 AND starts_at < $3";

fn counts(conn: &mut Conn, coach: UserId, (from, to): (Timestamp, Timestamp)) -> DbResult<Counts> {
    let query = sql_query(COUNTS).bind::<BigInt, _>(coach).bind::<Moment, _>(from).bind::<Moment, _>(to);
    Ok(query.get_result(conn)?)
}

/// The ratings of one class.
#[derive(Debug, QueryableByName)]
struct Rated {
    #[diesel(sql_type = Moment)]
    starts_at: Timestamp,
    #[diesel(sql_type = BigInt)]
    ratings: i64,
    #[diesel(sql_type = BigInt)]
    stars: i64,
}

// In the order of the index of a coach's classes: nothing is sorted.
const RATINGS: &str = "SELECT c.starts_at AS starts_at, COUNT(*) AS ratings, CAST(SUM(r.stars) AS BIGINT) AS stars \
    FROM classes c JOIN class_ratings r ON r.class_id = c.id \
    WHERE c.coach_id = $1 AND c.starts_at >= $2 AND c.starts_at < $3 GROUP BY c.starts_at, c.id";

fn ratings(conn: &mut Conn, coach: UserId, (from, to): (Timestamp, Timestamp)) -> DbResult<Vec<Rated>> {
    let query = sql_query(RATINGS).bind::<BigInt, _>(coach).bind::<Moment, _>(from).bind::<Moment, _>(to);
    Ok(query.load(conn)?)
}

fn sum(rated: &[Rated]) -> (i64, i64) {
    rated.iter().fold((0, 0), |(ratings, stars), it| (ratings + it.ratings, stars + it.stars))
}

fn of_months_with_enough(rated: Vec<Rated>, zone: Tz) -> (i64, i64) {
    let mut months: BTreeMap<NaiveDate, Vec<Rated>> = BTreeMap::new();
    for it in rated {
        let month = Month::of(recurrence::local(zone, it.starts_at.utc()).date()).first_day();
        months.entry(month).or_default().push(it);
    }
    let enough = months.values().map(|month| sum(month)).filter(|(ratings, _)| *ratings >= FEWEST);
    enough.fold((0, 0), |all, month| (all.0 + month.0, all.1 + month.1))
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn shares_are_rounded_half_up() {
        let told =
            [(0, 0), (0, 3), (1, 3), (2, 3), (1, 8), (199, 200), (3, 3), (14, 3)].map(|(a, b)| share(a, b));
        assert_eq!(told, [None, Some(0), Some(33), Some(67), Some(13), Some(100), Some(100), Some(467)]);
    }
}
