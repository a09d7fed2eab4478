//! A club full of people, written by SQL as the services would have written it: those would take hours over a
//! million, to no end.

use std::io::{Error, Result};
use std::time::{Duration, Instant};

use diesel::sql_types::BigInt;
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use muster_kernel::db::{Db, DbError, DbOptions, DbResult, Target, Tx, migrate};
use muster_kernel::on;

use crate::figures::Figures;
use crate::person::person;

/// So many are written in one transaction, and in one statement.
const AT_ONCE: u64 = 20_000;
const IN_ONE_STATEMENT: u64 = 2_000;

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Nullable, Text};
    use muster_kernel::sql::Moment;
    users (id) {
        id -> BigInt,
        email -> Nullable<Text>,
        first_name -> Text,
        last_name -> Text,
        name_key -> Text,
        password_hash -> Nullable<Text>,
        is_active -> Bool,
        email_verified_at -> Nullable<Moment>,
        date_joined -> Moment,
        version -> BigInt,
    }
}

/// What stands beside the new rows of `users`. One in sixteen is a coach, so that a thousand people have more than
/// a page of them.
const BESIDE: [&str; 5] = [
    "INSERT INTO members (id, status, status_since) SELECT id, 'active', date_joined FROM users WHERE id > $1",
    "INSERT INTO standing (member_id, status, name_key) SELECT id, 'active', name_key FROM users WHERE id > $1",
    "INSERT INTO user_roles (user_id, role, name_key) SELECT id, 'member', name_key FROM users WHERE id > $1",
    "INSERT INTO user_roles (user_id, role, name_key) SELECT id, 'coach', name_key FROM users WHERE id > $1 AND id % 16 = 0",
    "INSERT INTO user_words (word, user_id) SELECT word, id FROM (\
       SELECT lower(first_name) AS word, id FROM users WHERE id > $1 \
       UNION SELECT lower(last_name), id FROM users WHERE id > $1 \
       UNION SELECT email, id FROM users WHERE id > $1 \
     ) AS words ORDER BY word, id",
];

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The database, which is brought up to date first
    #[arg(long)]
    database_url: String,
    /// How many people
    #[arg(long, default_value_t = 1_000)]
    number: u64,
    /// What all of them sign in with
    #[arg(long, default_value = "a password for benches")]
    password: String,
    /// The cost of its hash
    #[arg(long, default_value_t = 12)]
    cost: u32,
}

pub(crate) fn run(args: &Args) -> Result<Figures> {
    let hash = bcrypt::non_truncating_hash(&args.password, args.cost).map_err(Error::other)?;
    let target = Target::parse(&args.database_url).map_err(Error::other)?;
    migrate(&target).map_err(Error::other)?;
    let db = Db::open(&target, DbOptions::default()).map_err(Error::other)?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(fill(
        &db,
        args.number,
        &hash,
    ))
}

async fn fill(db: &Db, number: u64, hash: &str) -> Result<Figures> {
    let began = Instant::now();
    let mut micros = Vec::new();
    for first in (1..=number).step_by(usize::try_from(AT_ONCE).map_err(Error::other)?) {
        let begun = Instant::now();
        let (hash, last) = (hash.to_owned(), number.min(first + AT_ONCE - 1));
        db.write(move |tx| write(tx, first, last, &hash)).await.map_err(Error::other)?;
        let each = begun.elapsed() / u32::try_from(last - first + 1).unwrap_or(u32::MAX);
        micros.extend((first..=last).map(|_| u32::try_from(each.as_micros()).unwrap_or(u32::MAX)));
    }
    let span = began.elapsed().max(Duration::from_millis(1));
    Ok(Figures::new(format!("people written on {}, {number} in all", db.engine()), span, micros))
}

/// Writes the people with these numbers.
fn write(tx: &mut Tx<'_>, first: u64, last: u64, hash: &str) -> DbResult<()> {
    let now = tx.now();
    let newest: Option<i64> = users::table.select(diesel::dsl::max(users::id)).get_result(&mut **tx)?;
    let mut next = first;
    while next <= last {
        let end = last.min(next + IN_ONE_STATEMENT - 1);
        let row = |number| {
            let somebody = person(number);
            let name_key = format!("{} {}", somebody.last_name, somebody.first_name).to_lowercase();
            (
                users::email.eq(somebody.email),
                users::first_name.eq(somebody.first_name),
                users::last_name.eq(somebody.last_name),
                users::name_key.eq(name_key),
                users::password_hash.eq(hash),
                users::is_active.eq(true),
                users::email_verified_at.eq(now),
                users::date_joined.eq(now),
                users::version.eq(1),
            )
        };
        let rows: Vec<_> = (next..=end).map(row).collect();
        on!(*tx, c => diesel::insert_into(users::table).values(&rows).execute(c))?;
        next = end + 1;
    }
    for statement in BESIDE {
        diesel::sql_query(statement).bind::<BigInt, _>(newest.unwrap_or(0)).execute(&mut **tx)?;
    }
    Ok::<_, DbError>(())
}
