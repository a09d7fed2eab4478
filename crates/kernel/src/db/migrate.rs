//! The schema: which version the database has, and bringing it up to this program's.
//!
//! All pending migrations run in one transaction under a lock, so that a fresh database is made whole or not at
//! all and two programs starting at once do it once.

#![allow(clippy::disallowed_methods, reason = "migrating opens transactions of its own, under a lock")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::sqlite::Sqlite;
use diesel::{Connection, PgConnection, RunQueryDsl, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::backup::{copy_sqlite, create_private};
use super::pool::{Purpose, open_postgres, open_sqlite};
use super::{DbError, Target};

const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// Any number will do, as long as every version of the program uses the same.
const POSTGRES_LOCK: i64 = 0x006d_7573_7465_7221;

/// Why a database cannot be used by this version of the program.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MigrateError {
    /// It was made by a newer version.
    #[error(
        "the database was made by a newer version of muster (it has the migration {0}, which this version does not know); use that version, or restore a backup"
    )]
    Newer(String),
    /// It has to be migrated, and this command does not.
    #[error("the database is not up to date; run `muster migrate` first ({0} to do)")]
    Behind(usize),
    /// There is no database yet, and this command does not make one.
    #[error("there is no database at {0} yet; `muster serve` or `muster migrate` makes one")]
    Missing(String),
    /// The engine failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A migration failed; nothing was changed.
    #[error("a migration failed and nothing was changed: {0}")]
    Failed(String),
    /// The copy that is kept before migrating could not be made; nothing was changed.
    #[error("the copy kept before migrating could not be made, so nothing was changed: {0}")]
    Copy(String),
}

impl From<diesel::result::Error> for MigrateError {
    fn from(error: diesel::result::Error) -> Self {
        MigrateError::Db(error.into())
    }
}

/// How a database's schema compares with what this program knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaState {
    /// Nothing there yet.
    Fresh,
    /// As this program wants it.
    Current,
    /// Older; so many migrations are to run.
    Behind(usize),
    /// It has this migration, which this program does not know.
    Newer(String),
}

/// What [`migrate`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Migrated {
    /// The names of the migrations that ran.
    pub applied: Vec<String>,
    /// The copy kept of what was there before.
    pub copy: Option<PathBuf>,
}

/// Compares without changing anything.
///
/// # Errors
/// When the database cannot be read.
pub fn schema_state(target: &Target) -> Result<SchemaState, MigrateError> {
    match target {
        Target::Sqlite(path) if is_empty(path) => Ok(SchemaState::Fresh),
        Target::Sqlite(path) => {
            let mut conn = open_sqlite(path, Purpose::Read)?;
            let known = names::<Sqlite>(&SQLITE)?;
            Ok(compare(&known, applied_sqlite(&mut conn)?))
        }
        Target::Postgres(url) => {
            let mut conn = open_postgres(url, Purpose::Read)?;
            let known = names::<Pg>(&POSTGRES)?;
            Ok(compare(&known, applied_postgres(&mut conn)?))
        }
    }
}

pub(crate) fn require_current(target: &Target) -> Result<(), MigrateError> {
    match schema_state(target)? {
        SchemaState::Current => Ok(()),
        SchemaState::Fresh => Err(MigrateError::Missing(target.redacted())),
        SchemaState::Behind(n) => Err(MigrateError::Behind(n)),
        SchemaState::Newer(name) => Err(MigrateError::Newer(name)),
    }
}

/// Brings the schema up to date. On SQLite a copy of an older database is kept beside it first.
///
/// # Errors
/// When the database is newer than this program, or anything fails; then nothing was changed.
pub fn migrate(target: &Target) -> Result<Migrated, MigrateError> {
    match target {
        Target::Sqlite(path) => migrate_sqlite(path),
        Target::Postgres(url) => {
            let mut conn = open_postgres(url, Purpose::Write)?;
            // A large table may take longer than a request may.
            conn.batch_execute("SET statement_timeout = 0; SET lock_timeout = 0").map_err(DbError::from)?;
            let applied = conn.transaction(|conn| {
                conn.batch_execute(&format!("SELECT pg_advisory_xact_lock({POSTGRES_LOCK})"))
                    .map_err(DbError::from)?;
                let before = applied_postgres(conn)?;
                run_pending::<Pg, PgConnection>(conn, POSTGRES, before)
            })?;
            Ok(Migrated { applied, copy: None })
        }
    }
}

fn migrate_sqlite(path: &Path) -> Result<Migrated, MigrateError> {
    // Never removed again, not even after a failure: by then it may be the database of another program that started
    // at the same time. Empty, it counts as none.
    create_private(path)?;
    let mut conn = open_sqlite(path, Purpose::Write)?;
    let known = names::<Sqlite>(&SQLITE)?;
    conn.immediate_transaction(|conn| {
        // Asked under the lock: another program may have been faster.
        let before = applied_sqlite(conn)?;
        let copy = match compare(&known, before.clone()) {
            SchemaState::Behind(_) => Some(keep_copy(path, before.last())?),
            _ => None,
        };
        let applied = run_pending::<Sqlite, SqliteConnection>(conn, SQLITE, before)?;
        Ok(Migrated { applied, copy })
    })
}

fn run_pending<DB, C>(
    conn: &mut C,
    source: EmbeddedMigrations,
    before: BTreeSet<String>,
) -> Result<Vec<String>, MigrateError>
where
    DB: diesel::backend::Backend,
    C: MigrationHarness<DB>,
    EmbeddedMigrations: MigrationSource<DB>,
{
    let known = names::<DB>(&source)?;
    if let SchemaState::Newer(name) = compare(&known, before) {
        return Err(MigrateError::Newer(name));
    }
    let failed = |e: Box<dyn std::error::Error + Send + Sync>| MigrateError::Failed(e.to_string());
    let mut applied = Vec::new();
    for migration in conn.pending_migrations(source).map_err(failed)? {
        let name = migration.name().to_string();
        conn.run_migration(&*migration).map_err(|e| MigrateError::Failed(format!("{name}: {e}")))?;
        applied.push(name);
    }
    Ok(applied)
}

/// The versions a source has, and the full name of each.
fn names<DB>(source: &EmbeddedMigrations) -> Result<Vec<(String, String)>, MigrateError>
where
    DB: diesel::backend::Backend,
    EmbeddedMigrations: MigrationSource<DB>,
{
    let migrations: Vec<Box<dyn Migration<DB>>> =
        source.migrations().map_err(|e| MigrateError::Failed(e.to_string()))?;
    let mut names: Vec<_> =
        migrations.iter().map(|m| (m.name().version().to_string(), m.name().to_string())).collect();
    names.sort();
    Ok(names)
}

/// The names of all migrations of either engine, oldest first; a test compares the two.
pub fn known_migrations() -> Result<[Vec<String>; 2], MigrateError> {
    let full = |names: Vec<(String, String)>| names.into_iter().map(|(_, name)| name).collect();
    Ok([full(names::<Sqlite>(&SQLITE)?), full(names::<Pg>(&POSTGRES)?)])
}

fn compare(known: &[(String, String)], applied: BTreeSet<String>) -> SchemaState {
    if let Some(unknown) = applied.iter().find(|version| !known.iter().any(|(k, _)| k == *version)) {
        return SchemaState::Newer(unknown.clone());
    }
    match (applied.len(), known.len() - applied.len()) {
        (0, _) => SchemaState::Fresh,
        (_, 0) => SchemaState::Current,
        (_, missing) => SchemaState::Behind(missing),
    }
}

diesel::table! {
    #[sql_name = "__diesel_schema_migrations"]
    schema_migrations (version) {
        version -> Text,
    }
}

fn applied_sqlite(conn: &mut SqliteConnection) -> Result<BTreeSet<String>, DbError> {
    use diesel::{ExpressionMethods, QueryDsl};
    diesel::table! {
        sqlite_master (name) {
            name -> Text,
        }
    }
    let tables: i64 = sqlite_master::table
        .filter(sqlite_master::name.eq("__diesel_schema_migrations"))
        .count()
        .get_result(conn)
        .map_err(|e| DbError::Unavailable(e.to_string()))?;
    if tables == 0 {
        return Ok(BTreeSet::new());
    }
    Ok(schema_migrations::table.select(schema_migrations::version).load(conn)?.into_iter().collect())
}

fn applied_postgres(conn: &mut PgConnection) -> Result<BTreeSet<String>, DbError> {
    use diesel::QueryDsl;
    let there: bool = diesel::select(diesel::dsl::sql::<diesel::sql_types::Bool>(
        "to_regclass('__diesel_schema_migrations') IS NOT NULL",
    ))
    .get_result(conn)?;
    if !there {
        return Ok(BTreeSet::new());
    }
    Ok(schema_migrations::table.select(schema_migrations::version).load(conn)?.into_iter().collect())
}

fn is_empty(path: &Path) -> bool {
    std::fs::metadata(path).map_or(true, |m| m.len() == 0)
}

/// Under the lock of whoever migrates, so that it holds what was there before. One that was left by an attempt that
/// failed afterwards is replaced; only a whole one ever has the name.
fn keep_copy(path: &Path, last: Option<&String>) -> Result<PathBuf, MigrateError> {
    let beside = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".before-{}{ending}", last.map_or("nothing", String::as_str)));
        PathBuf::from(name)
    };
    let failed = |e: &dyn std::fmt::Display| MigrateError::Copy(e.to_string());
    let (part, copy) = (beside(".part"), beside(""));
    match std::fs::remove_file(&part) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(failed(&e)),
        _ => {}
    }
    copy_sqlite(path, &part).map_err(|e| failed(&e))?;
    std::fs::rename(&part, &copy).map_err(|e| failed(&e))?;
    Ok(copy)
}
