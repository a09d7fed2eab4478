//! A club full of classes and bookings, written by SQL as the services would have written them: half of the classes are to
//! come, an hour apart, and all of them are booked by so many.

use std::io::{Error, Result};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use diesel::sql_types::BigInt;
use diesel::{QueryableByName, RunQueryDsl};
use muster_kernel::db::{Db, DbOptions, DbResult, Target, Tx, migrate};
use muster_kernel::sql::Moment;

use crate::figures::Figures;

/// Classes that are written in one transaction.
const AT_ONCE: i64 = 200;

const CLASS: &str = "INSERT INTO classes (class_title, coach_id, planned_coach_id, starts_at, ends_at, local_date, time_zone, \
    duration_minutes, location, capacity, fee, status, booked_count, attended_count, has_room, changed_at, made_at, completed_at) \
    SELECT 'Class', u.user_id, u.user_id, $1, $2, '2026-01-01', 'UTC', 50, 'Hall 2', 10000, 0, \
      CASE WHEN $3 = 1 THEN 'completed' ELSE 'scheduled' END, $4, $5, $6 = 0, $7, $8, CASE WHEN $9 = 1 THEN $10 END \
    FROM (SELECT MIN(user_id) AS user_id FROM user_roles WHERE role = 'coach') u";
const BOOKINGS: &str = "INSERT INTO bookings (class_id, member_id, status, is_live, is_seated, is_waiting, fee, free_until, \
    booked_at, starts_at, ends_at) \
    SELECT c.id, m.id, CASE WHEN c.status = 'completed' THEN 'attended' ELSE 'booked' END, true, true, false, 0, c.starts_at, \
      c.made_at, c.starts_at, c.ends_at FROM classes c JOIN members m ON m.id > $1 AND m.id <= $2 \
    WHERE c.id = (SELECT MAX(id) FROM classes)";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The database, which has people in it
    #[arg(long)]
    database_url: String,
    /// How many classes
    #[arg(long, default_value_t = 100)]
    number: i64,
    /// How many have booked each of them
    #[arg(long, default_value_t = 0)]
    bookings: i64,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

pub(crate) fn run(args: &Args) -> Result<Figures> {
    let target = Target::parse(&args.database_url).map_err(Error::other)?;
    migrate(&target).map_err(Error::other)?;
    let db = Db::open(&target, DbOptions::default()).map_err(Error::other)?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(fill(&db, args))
}

async fn fill(db: &Db, args: &Args) -> Result<Figures> {
    let began = Instant::now();
    let mut micros = Vec::new();
    let (number, bookings) = (args.number, args.bookings);
    for first in (0..number).step_by(usize::try_from(AT_ONCE).map_err(Error::other)?) {
        let begun = Instant::now();
        let last = number.min(first + AT_ONCE);
        db.write(move |tx| write(tx, (first, last), number, bookings)).await.map_err(Error::other)?;
        micros.push(u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    let span = began.elapsed().max(Duration::from_millis(1));
    Ok(Figures::new(
        format!("classes written on {}, {number} × {bookings} bookings", db.engine()),
        span,
        micros,
    ))
}

/// Writes the classes with these numbers: those of the first half are over.
fn write(tx: &mut Tx<'_>, (first, last): (i64, i64), number: i64, bookings: i64) -> DbResult<()> {
    let people: Count = diesel::sql_query("SELECT COUNT(*) AS number FROM members").get_result(&mut **tx)?;
    let now = tx.now();
    for class in first..last {
        // A single club has none that are over: all of them are to be booked.
        let past = if bookings > 0 { number / 2 } else { 0 };
        let starts = now.plus(TimeDelta::hours(class - past + 3));
        let over = i64::from(class < past);
        diesel::sql_query(CLASS)
            .bind::<Moment, _>(starts)
            .bind::<Moment, _>(starts.plus(TimeDelta::minutes(50)))
            .bind::<BigInt, _>(over)
            .bind::<BigInt, _>(bookings)
            .bind::<BigInt, _>(bookings * over)
            .bind::<BigInt, _>(over)
            .bind::<Moment, _>(now)
            .bind::<Moment, _>(now)
            .bind::<BigInt, _>(over)
            .bind::<Moment, _>(now)
            .execute(&mut **tx)?;
        if bookings > 0 {
            let from = class * 7 % (people.number - bookings).max(1);
            diesel::sql_query(BOOKINGS)
                .bind::<BigInt, _>(from)
                .bind::<BigInt, _>(from + bookings)
                .execute(&mut **tx)?;
        }
    }
    Ok(())
}
