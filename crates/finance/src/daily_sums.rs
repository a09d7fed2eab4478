//! What came to each account on each day: added up by a job for all postings up to a number, so that balances and reports
//! read so many days and the few postings since, however much was ever posted.
//!
//! Nobody who posts has to wait for a row that all of them change. The job holds the books for a moment instead: whoever has
//! begun to post is done then, so that no number below the one it writes down is still to come.

use std::pin::Pin;

use chrono::NaiveDate;
use diesel::sql_types::{BigInt, Date};
use diesel::{ExpressionMethods, QueryDsl, QueryableByName, RunQueryDsl};
use muster_kernel::Minor;
use muster_kernel::db::{Conn, DbResult, Real, Tx};
use muster_kernel::job::{JobError, JobKind, JobRun, Progress};
use muster_kernel::sql::{Locked, total};

use crate::accounts::AccountId;
use crate::schema::{account_days, books, postings};

/// Postings that are added up in one step.
const AT_ONCE: i64 = 2_000;

/// What came to an account on a day.
pub(crate) type DaySum = (AccountId, NaiveDate, Minor);

/// What came to every account on each day from one to another.
pub(crate) fn by_day(conn: &mut Conn, from: NaiveDate, to: NaiveDate) -> DbResult<Vec<DaySum>> {
    let mut sums: Vec<DaySum> = account_days::table
        .filter(account_days::day.between(from, to))
        .select((account_days::account_id, account_days::day, account_days::amount))
        .load(conn)?;
    sums.extend(since_the_job(conn, from, to)?);
    Ok(sums)
}

/// What came to every account from one day to another.
pub(crate) fn between(conn: &mut Conn, from: NaiveDate, to: NaiveDate) -> DbResult<Vec<(AccountId, Minor)>> {
    let mut sums: Vec<(AccountId, Minor)> = account_days::table
        .filter(account_days::day.between(from, to))
        .group_by(account_days::account_id)
        .select((account_days::account_id, total(account_days::amount)))
        .load(conn)?;
    for (account, _, amount) in since_the_job(conn, from, to)? {
        match sums.iter_mut().find(|(known, _)| *known == account) {
            Some((_, sum)) => *sum = Minor(sum.0 + amount.0),
            None => sums.push((account, amount)),
        }
    }
    Ok(sums)
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    account_id: AccountId,
    #[diesel(sql_type = Date)]
    date: NaiveDate,
    #[diesel(sql_type = BigInt)]
    amount: Minor,
}

/// What was posted after the job's last step. They are read by their numbers, whatever the engine thinks of their days.
fn since_the_job(conn: &mut Conn, from: NaiveDate, to: NaiveDate) -> DbResult<Vec<DaySum>> {
    let through: i64 = books::table.find(1i64).select(books::summed_through).get_result(conn)?;
    let rows: Vec<Row> = diesel::sql_query(
        "SELECT account_id, date, CAST(SUM(amount) AS BIGINT) AS amount FROM (\
           SELECT account_id, date, amount FROM postings WHERE id > $1 ORDER BY id LIMIT 9000000000000000\
         ) AS late WHERE date >= $2 AND date <= $3 GROUP BY account_id, date",
    )
    .bind::<BigInt, _>(through)
    .bind::<Date, _>(from)
    .bind::<Date, _>(to)
    .load(conn)?;
    Ok(rows.into_iter().map(|row| (row.account_id, row.date, row.amount)).collect())
}

/// Adds up some of the postings that were not yet. True when there are more.
pub(crate) fn add_some(tx: &mut Tx<'_>) -> DbResult<bool> {
    let held: DbResult<i64> = tx.attempt(|tx| {
        if let Real::Postgres(conn) = tx.real() {
            // Those who post wait for whoever waits here: rather come back later.
            diesel::sql_query("SET LOCAL lock_timeout = '200ms'").execute(conn)?;
        }
        Ok(Locked(books::table.find(1i64).select(books::summed_through)).get_result(&mut **tx)?)
    });
    let through = match held {
        Ok(through) => through,
        Err(e) if e.is_passing() => return Ok(false),
        Err(e) => return Err(e),
    };
    let ids: Vec<i64> = postings::table
        .filter(postings::id.gt(through))
        .order(postings::id)
        .limit(AT_ONCE)
        .select(postings::id)
        .load(&mut **tx)?;
    let Some(last) = ids.last() else { return Ok(false) };
    diesel::sql_query(
        "INSERT INTO account_days (day, account_id, amount) \
         SELECT date, account_id, CAST(SUM(amount) AS BIGINT) FROM (\
           SELECT account_id, date, amount FROM postings WHERE id > $1 AND id <= $2 ORDER BY id LIMIT 9000000000000000\
         ) AS late WHERE true GROUP BY date, account_id \
         ON CONFLICT (day, account_id) DO UPDATE SET amount = account_days.amount + excluded.amount",
    )
    .bind::<BigInt, _>(through)
    .bind::<BigInt, _>(last)
    .execute(&mut **tx)?;
    diesel::update(books::table.find(1i64)).set(books::summed_through.eq(last)).execute(&mut **tx)?;
    Ok(ids.len() as i64 == AT_ONCE)
}

/// Days and accounts whose sum is not that of their postings.
pub(crate) fn wrong(conn: &mut Conn, most: i64) -> DbResult<Vec<(NaiveDate, AccountId)>> {
    let rows: Vec<Row> = diesel::sql_query(
        "SELECT account_id, date, CAST(SUM(amount) AS BIGINT) AS amount FROM (\
           SELECT account_id, date, amount FROM postings WHERE id <= (SELECT summed_through FROM books) \
           UNION ALL SELECT account_id, day, -amount FROM account_days\
         ) AS all_of_it GROUP BY account_id, date HAVING SUM(amount) <> 0 ORDER BY date, account_id LIMIT $1",
    )
    .bind::<BigInt, _>(most)
    .load(conn)?;
    Ok(rows.into_iter().map(|row| (row.date, row.account_id)).collect())
}

/// Adds up what was posted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AddUpJob;

impl AddUpJob {
    /// What the schedule knows it by.
    pub(crate) const KIND: &'static str = "finance.add_up";
}

impl JobKind for AddUpJob {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        Box::pin(async move { run.step(|tx, ()| Ok(add_some(tx)?.then_some(()))).await })
    }
}
