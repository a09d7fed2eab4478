//! Classes and bookings as they stand in the database.

use diesel::sql_types::{BigInt, Bool, Text};
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use muster_kernel::db::DbResult;
use muster_kernel::sql::Moment;
use muster_kernel::{Timestamp, UserId};

use crate::support::TestApp;

#[derive(QueryableByName)]
struct Made {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

pub fn time(text: &str) -> Timestamp {
    serde_json::from_value(text.into()).expect("a time")
}

/// An hour that somebody teaches in Berlin.
pub async fn class(app: &TestApp, coach: UserId, title: &'static str, starts_at: &str) -> i64 {
    let starts_at = time(starts_at);
    let made = app.db.write(move |tx| -> DbResult<Made> {
        let now = tx.now();
        Ok(sql_query(
            "INSERT INTO classes (class_title, coach_id, planned_coach_id, starts_at, ends_at, local_date, time_zone, \
             duration_minutes, location, capacity, fee, description, status, has_room, changed_at, made_at) \
             VALUES ($1, $2, $3, $4, $5, '2026-01-01', 'Europe/Berlin', 60, 'Hall 2; left, below', 9, 500, \
             'Bring a mat, and water.\nCome early.', 'scheduled', $6, $7, $8) RETURNING id",
        )
        .bind::<Text, _>(title)
        .bind::<BigInt, _>(coach)
        .bind::<BigInt, _>(coach)
        .bind::<Moment, _>(starts_at)
        .bind::<Moment, _>(starts_at.plus(chrono::TimeDelta::hours(1)))
        .bind::<Bool, _>(true)
        .bind::<Moment, _>(now)
        .bind::<Moment, _>(now)
        .get_result(&mut **tx)?)
    });
    made.await.expect("a class").id
}

/// Changes a class, in a way that calendars are to hear of.
pub async fn change(app: &TestApp, class: i64, set: &'static str) {
    let changed = app.db.write(move |tx| -> DbResult<usize> {
        let now = tx.now();
        let statement =
            format!("UPDATE classes SET {set}, sequence = sequence + 1, changed_at = $1 WHERE id = $2");
        Ok(sql_query(statement).bind::<Moment, _>(now).bind::<BigInt, _>(class).execute(&mut **tx)?)
    });
    assert_eq!(changed.await.expect("changed"), 1);
}

/// A booking that is so.
pub async fn booking(app: &TestApp, class: i64, member: UserId, status: &'static str) -> i64 {
    let made = app.db.write(move |tx| -> DbResult<Made> {
        let now = tx.now();
        let is_live = ["booked", "waitlisted", "attended", "no_show", "excused"].contains(&status);
        let (is_seated, waits) = (["booked", "attended", "no_show"].contains(&status), status == "waitlisted");
        let place = if waits { "1" } else { "NULL" };
        let statement = format!(
            "INSERT INTO bookings (class_id, member_id, status, is_live, is_seated, is_waiting, place, fee, free_until, \
             booked_at, starts_at, ends_at) SELECT id, $1, $2, $3, $4, $5, {place}, fee, starts_at, $6, starts_at, \
             ends_at FROM classes WHERE id = $7 RETURNING id",
        );
        Ok(sql_query(statement)
            .bind::<BigInt, _>(member)
            .bind::<Text, _>(status)
            .bind::<Bool, _>(is_live)
            .bind::<Bool, _>(is_seated)
            .bind::<Bool, _>(waits)
            .bind::<Moment, _>(now)
            .bind::<BigInt, _>(class)
            .get_result(&mut **tx)?)
    });
    made.await.expect("a booking").id
}
