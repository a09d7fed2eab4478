//! Durable writes through the database layer: one row each, acknowledged after the commit.

use std::io::{Error, Result};
use std::time::{Duration, Instant};

use diesel::{ExpressionMethods, RunQueryDsl};
use muster_kernel::db::{Db, DbError, DbOptions, Target, migrate};
use tokio::task::JoinSet;

use crate::figures::Figures;

diesel::table! {
    bench_writes (writer, n) {
        writer -> BigInt,
        n -> BigInt,
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The database; a SQLite file in a folder of its own unless it is given. A table is made in it.
    #[arg(long)]
    database_url: Option<String>,
    /// How many writes are under way at once
    #[arg(long, default_value_t = 64)]
    at_once: u32,
    /// For how many seconds
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

pub(crate) fn run(args: &Args) -> Result<Figures> {
    let folder = tempfile::tempdir_in(".")?;
    let target = match &args.database_url {
        Some(url) => Target::parse(url).map_err(Error::other)?,
        None => Target::Sqlite(folder.path().join("bench.db")),
    };
    migrate(&target).map_err(Error::other)?;
    let db = Db::open(&target, DbOptions::default()).map_err(Error::other)?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(load(&db, args))
}

async fn load(db: &Db, args: &Args) -> Result<Figures> {
    db.write(|tx| {
        let table = "CREATE TABLE IF NOT EXISTS bench_writes (writer BIGINT NOT NULL, n BIGINT NOT NULL)";
        diesel::sql_query(table).execute(&mut **tx)?;
        Ok::<_, DbError>(())
    })
    .await
    .map_err(Error::other)?;
    let until = Instant::now() + Duration::from_secs(args.seconds);
    let mut writers = JoinSet::new();
    for writer in 0..i64::from(args.at_once) {
        writers.spawn(write_until(db.clone(), writer, until));
    }
    let mut micros = Vec::new();
    while let Some(ended) = writers.join_next().await {
        micros.extend(ended.map_err(Error::other)?.map_err(Error::other)?);
    }
    let what = format!("durable writes on {}, {} at once", db.engine(), args.at_once);
    Ok(Figures::new(what, Duration::from_secs(args.seconds), micros))
}

async fn write_until(db: Db, writer: i64, until: Instant) -> std::result::Result<Vec<u32>, DbError> {
    let mut micros = Vec::new();
    for n in 0.. {
        let began = Instant::now();
        if began >= until {
            break;
        }
        db.write(move |tx| {
            let row = (bench_writes::writer.eq(writer), bench_writes::n.eq(n));
            Ok::<_, DbError>(diesel::insert_into(bench_writes::table).values(row).execute(&mut **tx)?)
        })
        .await?;
        micros.push(u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    Ok(micros)
}
