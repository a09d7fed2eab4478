//! Years of dues for everybody in a club, written by SQL as the services would have written them.
//!
//! Every member is charged on the first of each month and pays on the tenth, except that one in ten has not paid the
//! last three. An entry says that the member made it, which nobody would, so that its postings find whose they are.

use std::io::{Error, Result};
use std::time::Instant;

use chrono::{Datelike, Months, NaiveDate, Utc};
use diesel::sql_types::{BigInt, Date, Text};
use diesel::{QueryableByName, RunQueryDsl};
use muster_kernel::Timestamp;
use muster_kernel::db::{Db, DbOptions, DbResult, Engine, Real, Target, Tx, migrate};
use muster_kernel::sql::Moment;

use crate::figures::Figures;

/// Members who have not paid lately: one in so many.
const ADDED_UP: &str = "INSERT INTO account_days (day, account_id, amount) \
    SELECT date, account_id, CAST(SUM(amount) AS BIGINT) FROM postings GROUP BY date, account_id";
const ONE_IN: i64 = 10;
/// How many months those have not paid.
const UNPAID: u32 = 3;

const OPEN: &str = "INSERT INTO entries (kind, date, made_by, made_at) \
    SELECT $1, $2, id, $3 FROM users WHERE id % $4 <> 0 OR $5 = 0 ORDER BY id";
/// Both sides of an entry: what is owed, and the account beside it.
const SIDES: &str = "INSERT INTO postings (entry_id, account_id, amount, date, member_id) \
    SELECT id, account, amount, date, whose FROM (\
      SELECT id, 3 AS account, $1 AS amount, date, made_by AS whose FROM entries WHERE id > $2 \
      UNION ALL SELECT id, $3, -$4, date, NULL FROM entries WHERE id > $5\
    ) AS sides ORDER BY id, account";
const SEAL: &str = "UPDATE entries SET sealed = true WHERE id > $1";
const CHARGES: &str = "INSERT INTO charges (entry_id, member_id, kind, account_id, amount, date, due_on, open, is_open) \
    SELECT id, made_by, 'charge', 8, $1, date, date, $2, true FROM entries WHERE id > $3 ORDER BY id";
const CREDITS: &str = "INSERT INTO credits (entry_id, member_id, kind, account_id, amount, date, rest, has_rest) \
    SELECT id, made_by, 'payment', 2, $1, date, 0, false FROM entries WHERE id > $2 ORDER BY id";
const ALLOCATIONS: &str = "INSERT INTO allocations (charge_id, credit_id, amount) \
    SELECT c.id, p.id, c.amount FROM credits p JOIN charges c ON c.member_id = p.member_id AND c.date = $1 \
    WHERE p.entry_id > $2";
const SETTLED: &str = "UPDATE charges SET open = 0, is_open = false \
    WHERE date = $1 AND EXISTS (SELECT 1 FROM allocations a WHERE a.charge_id = charges.id)";
const STANDING: &str = "UPDATE standing SET balance = balance + $1, \
    oldest_due_on = COALESCE(oldest_due_on, $2), overdue_from = COALESCE(overdue_from, $3) WHERE member_id % $4 = 0";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The database, which has people in it
    #[arg(long)]
    database_url: String,
    /// How many months, up to the present one
    #[arg(long, default_value_t = 25)]
    months: u32,
}

#[derive(QueryableByName)]
struct Last {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

#[allow(clippy::disallowed_methods, reason = "the books end where the calendar of the server does")]
pub(crate) fn run(args: &Args) -> Result<Figures> {
    let target = Target::parse(&args.database_url).map_err(Error::other)?;
    migrate(&target).map_err(Error::other)?;
    let db = Db::open(&target, DbOptions::default()).map_err(Error::other)?;
    let today = Utc::now().date_naive();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(fill(
        &db,
        args.months,
        today,
    ))
}

async fn fill(db: &Db, months: u32, today: NaiveDate) -> Result<Figures> {
    let began = Instant::now();
    let mut micros = Vec::new();
    let first = today.with_day(1).unwrap_or(today);
    for back in (1..=months).rev() {
        let begun = Instant::now();
        let charged_on = first - Months::new(back);
        let paid = back > UNPAID;
        db.write(move |tx| write(tx, charged_on, paid)).await.map_err(Error::other)?;
        micros.push(u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX));
        // What was written is more than the planner of PostgreSQL would guess; it looks by itself only now and then.
        if db.engine() == Engine::Postgres {
            db.write(|tx| -> DbResult<()> {
                diesel::sql_query("ANALYZE entries, postings, charges, credits, allocations")
                    .execute(&mut **tx)?;
                Ok(())
            })
            .await
            .map_err(Error::other)?;
        }
    }
    // As the job does that adds up what was posted, in one go.
    db.write(|tx| -> DbResult<()> {
        if let Real::Postgres(conn) = tx.real() {
            diesel::sql_query("SET LOCAL statement_timeout = 0").execute(conn)?;
        }
        diesel::sql_query(ADDED_UP).execute(&mut **tx)?;
        diesel::sql_query("UPDATE books SET summed_through = (SELECT COALESCE(MAX(id), 0) FROM postings)")
            .execute(&mut **tx)?;
        Ok(())
    })
    .await
    .map_err(Error::other)?;
    Ok(Figures::new(format!("months written on {}", db.engine()), began.elapsed(), micros))
}

/// A month's charges and payments; of those who pay late, charges alone.
fn write(tx: &mut Tx<'_>, charged_on: NaiveDate, all_pay: bool) -> DbResult<()> {
    let amount = 2500;
    if let Real::Postgres(conn) = tx.real() {
        // A month of everybody is one statement, and each row of it meets the ledger's triggers.
        diesel::sql_query("SET LOCAL statement_timeout = 0").execute(conn)?;
    }
    let before = last_entry(tx)?;
    entries(tx, "charge", charged_on, true, before, (amount, 8))?;
    diesel::sql_query(CHARGES)
        .bind::<BigInt, _>(amount)
        .bind::<BigInt, _>(amount)
        .bind::<BigInt, _>(before)
        .execute(&mut **tx)?;
    let before = last_entry(tx)?;
    entries(tx, "payment", charged_on + chrono::Days::new(9), all_pay, before, (-amount, 2))?;
    diesel::sql_query(CREDITS).bind::<BigInt, _>(amount).bind::<BigInt, _>(before).execute(&mut **tx)?;
    diesel::sql_query(ALLOCATIONS)
        .bind::<Date, _>(charged_on)
        .bind::<BigInt, _>(before)
        .execute(&mut **tx)?;
    diesel::sql_query(SETTLED).bind::<Date, _>(charged_on).execute(&mut **tx)?;
    if !all_pay {
        diesel::sql_query(STANDING)
            .bind::<BigInt, _>(amount)
            .bind::<Date, _>(charged_on)
            .bind::<Date, _>(charged_on + chrono::Days::new(1))
            .bind::<BigInt, _>(ONE_IN)
            .execute(&mut **tx)?;
    }
    Ok(())
}

/// An entry for everybody, or for all but those who pay late, with its two sides.
fn entries(
    tx: &mut Tx<'_>,
    kind: &str,
    date: NaiveDate,
    everybody: bool,
    before: i64,
    (amount, beside): (i64, i64),
) -> DbResult<()> {
    let now: Timestamp = tx.now();
    diesel::sql_query(OPEN)
        .bind::<Text, _>(kind)
        .bind::<Date, _>(date)
        .bind::<Moment, _>(now)
        .bind::<BigInt, _>(ONE_IN)
        .bind::<BigInt, _>(i64::from(!everybody))
        .execute(&mut **tx)?;
    diesel::sql_query(SIDES)
        .bind::<BigInt, _>(amount)
        .bind::<BigInt, _>(before)
        .bind::<BigInt, _>(beside)
        .bind::<BigInt, _>(amount)
        .bind::<BigInt, _>(before)
        .execute(&mut **tx)?;
    diesel::sql_query(SEAL).bind::<BigInt, _>(before).execute(&mut **tx)?;
    Ok(())
}

fn last_entry(tx: &mut Tx<'_>) -> DbResult<i64> {
    let last: Last =
        diesel::sql_query("SELECT COALESCE(MAX(id), 0) AS id FROM entries").get_result(&mut **tx)?;
    Ok(last.id)
}
