//! Copies of the embedded engine's database, taken beside a live server.

use std::path::Path;

use diesel::sql_types::{Integer, Text};
use diesel::{QueryableByName, RunQueryDsl};

use super::pool::{Purpose, open_postgres, open_sqlite};
use super::{DbError, DbResult};
use crate::private;

/// Writes a consistent copy of the database into `to`, which must be absent or empty; where it is made, only its
/// owner can read it. Writers go on meanwhile.
///
/// # Errors
/// When either file cannot be used; then none is made.
pub fn copy_sqlite(from: &Path, to: &Path) -> DbResult<()> {
    let mut conn = open_sqlite(from, Purpose::Read)?;
    // Making a copy is a write in the eyes of `query_only`, although this database is only read.
    diesel::sql_query("PRAGMA query_only = OFF").execute(&mut conn)?;
    let made = create_private(to)?;
    let done = diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(to.to_string_lossy()).execute(&mut conn);
    if made && done.is_err() {
        let _ = std::fs::remove_file(to);
    }
    done?;
    Ok(())
}

/// Makes the file if it is not there, readable by its owner alone; true when it was made.
pub(crate) fn create_private(path: &Path) -> DbResult<bool> {
    match private::file_options().create_new(true).open(path) {
        Ok(_) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(DbError::Unavailable(format!("{}: {e}", path.display()))),
    }
}

/// What the engine itself finds wrong with the file; empty when it is sound.
///
/// # Errors
/// When it cannot even be asked.
pub fn sqlite_damage(path: &Path) -> DbResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        integrity_check: String,
    }
    let mut conn = open_sqlite(path, Purpose::Read)?;
    let lines: Vec<Line> = diesel::sql_query("PRAGMA integrity_check(20)")
        .load(&mut conn)
        .map_err(|e| DbError::Unavailable(e.to_string()))?;
    Ok(lines.into_iter().map(|l| l.integrity_check).filter(|l| l != "ok").collect())
}

/// Puts all of a database into its one file, so that the file can be kept or replaced without its log.
///
/// # Errors
/// When it is in use, or too damaged.
pub fn settle_sqlite(path: &Path) -> DbResult<()> {
    use diesel::connection::SimpleConnection;
    let mut conn = open_sqlite(path, Purpose::Write)?;
    // Leaving WAL plays the log into the file and removes it; it fails while anybody else has the file open.
    conn.batch_execute("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE")?;
    drop(conn);
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if Path::new(&log).exists() {
        return Err(DbError::Unavailable("its log cannot be played into it".into()));
    }
    Ok(())
}

/// Puts all of the log into the database's file and empties it, beside a live server.
///
/// # Errors
/// When somebody reads what stands in it, for longer than writers should wait; or the file cannot be used.
pub(crate) fn empty_log(path: &Path) -> DbResult<()> {
    use diesel::connection::SimpleConnection;
    #[derive(QueryableByName)]
    struct Outcome {
        #[diesel(sql_type = Integer)]
        busy: i32,
    }
    let mut conn = open_sqlite(path, Purpose::Write)?;
    conn.batch_execute("PRAGMA busy_timeout = 1000")?;
    let Outcome { busy } = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result(&mut conn)?;
    if busy == 0 { Ok(()) } else { Err(DbError::Unavailable("its log is being read".into())) }
}

/// True when another muster is connected to this PostgreSQL database.
///
/// # Errors
/// When it cannot be asked.
pub fn others_connected(url: &str) -> DbResult<bool> {
    let mut conn = open_postgres(url, Purpose::Read)?;
    let others = "EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() \
                  AND application_name = 'muster' AND pid <> pg_backend_pid())";
    Ok(diesel::select(diesel::dsl::sql::<diesel::sql_types::Bool>(others)).get_result(&mut conn)?)
}
