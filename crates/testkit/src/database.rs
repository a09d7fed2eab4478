//! A database that lives as long as a test.

use std::ops::Deref;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, RunQueryDsl};
use muster_kernel::db::{Db, DbOptions, Engine, Target, migrate};
use muster_kernel::{Clock, Timestamp};

use crate::OnEngine;

/// Where `scripts/test` says its throw-away server is.
const POSTGRES: &str = "MUSTER_TEST_POSTGRES";

/// A migrated, empty database of a test's own; dropped with it. Dereferences to [`Db`].
pub struct TestDb {
    db: Option<Db>,
    /// A clock that stands still until the test sets it.
    pub clock: Clock,
    place: Place,
}

enum Place {
    Folder(tempfile::TempDir),
    Server {
        admin: String,
        name: String,
    },
    /// That of another, which drops it.
    Borrowed(Target),
}

/// What a test wants different from the usual.
pub type TestDbOptions = DbOptions;

impl OnEngine for TestDb {
    async fn on(engine: Engine) -> TestDb {
        TestDb::new(engine)
    }
}

impl TestDb {
    /// A fresh database on this engine, at the start of 2026.
    pub fn new(engine: Engine) -> TestDb {
        TestDb::with(engine, TestDbOptions { readers: 2, writers: 8, ..TestDbOptions::default() })
    }

    /// A fresh database set up differently; its clock is the testkit's all the same.
    pub fn with(engine: Engine, options: TestDbOptions) -> TestDb {
        let mut db = TestDb::unopened(engine);
        let options = TestDbOptions { clock: db.clock.clone(), ..options };
        db.db = Some(Db::open(&db.target(), options).expect("an open database"));
        db
    }

    /// A fresh database that nobody is connected to, for programs that open it themselves.
    pub fn unopened(engine: Engine) -> TestDb {
        let place = match engine {
            Engine::Sqlite => Place::Folder(tempfile::tempdir().expect("a folder for the database")),
            Engine::Postgres => clone_template(),
        };
        if engine == Engine::Sqlite {
            migrate(&target_of(&place)).expect("a migrated database");
        }
        TestDb { db: None, clock: Clock::fixed(first_of_2026()), place }
    }

    /// Where it is, to open it a second time.
    pub fn target(&self) -> Target {
        target_of(&self.place)
    }

    /// The same database opened once more, as by another program; it goes with this one.
    pub fn again(&self) -> TestDb {
        let options =
            TestDbOptions { readers: 2, writers: 8, clock: self.clock.clone(), ..TestDbOptions::default() };
        let db = Db::open(&self.target(), options).expect("an open database");
        TestDb { db: Some(db), clock: self.clock.clone(), place: Place::Borrowed(self.target()) }
    }

    /// Closes it and opens it again, as a restart of the program would.
    pub fn reopen(&mut self) {
        self.db = None;
        let options =
            TestDbOptions { readers: 2, writers: 8, clock: self.clock.clone(), ..TestDbOptions::default() };
        self.db = Some(Db::open(&self.target(), options).expect("an open database"));
    }
}

impl Deref for TestDb {
    type Target = Db;
    fn deref(&self) -> &Db {
        self.db.as_ref().expect("open while the test lasts")
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        self.db = None;
        if let Place::Server { admin, name } = &self.place {
            // The server is thrown away anyway; this only keeps it small.
            if let Ok(mut conn) = PgConnection::establish(admin) {
                let _ = conn.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
            }
        }
    }
}

/// Where the testkit's clocks begin.
fn first_of_2026() -> Timestamp {
    Timestamp::from_micros(1_767_225_600_000_000).expect("a time in range")
}

fn target_of(place: &Place) -> Target {
    match place {
        Place::Folder(dir) => Target::Sqlite(dir.path().join("muster.db")),
        Place::Server { admin, name } => Target::Postgres(named(admin, name)),
        Place::Borrowed(target) => target.clone(),
    }
}

/// The same server's URL with another database.
fn named(admin: &str, name: &str) -> String {
    let (address, options) = admin.split_once('?').map_or((admin, None), |(a, o)| (a, Some(o)));
    let (server, _) = address.rsplit_once('/').expect("a URL with a database");
    match options {
        Some(options) => format!("{server}/{name}?{options}"),
        None => format!("{server}/{name}"),
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "where the servers of a test run are is told by whoever started them"
)]
fn clone_template() -> Place {
    let admin = std::env::var(POSTGRES).unwrap_or_else(|_| {
        panic!("{POSTGRES} is not set: run the tests with scripts/test, which starts a PostgreSQL of its own")
    });
    let mut conn = PgConnection::establish(&admin).expect("the PostgreSQL of scripts/test");
    let template = template(&admin, &mut conn);
    let mut bytes = [0u8; 8];
    getrandom::fill(&mut bytes).expect("randomness");
    let name = format!("t_{:016x}", u64::from_le_bytes(bytes));
    conn.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}"))
        .expect("a database from the template");
    Place::Server { admin, name }
}

/// The name of a migrated database to clone; whichever test comes first makes it.
fn template(admin: &str, conn: &mut PgConnection) -> String {
    let name = concat!("muster_", env!("MUSTER_MIGRATIONS"));
    if exists(conn, name) {
        return name.to_owned();
    }
    conn.batch_execute("SELECT pg_advisory_lock(7001)").expect("the lock on making the template");
    if !exists(conn, name) {
        // Renamed only when it is whole, so that nobody clones half a template.
        let raw = format!("{name}_raw");
        conn.batch_execute(&format!("DROP DATABASE IF EXISTS {raw} WITH (FORCE)")).expect("no old template");
        conn.batch_execute(&format!("CREATE DATABASE {raw}")).expect("a database");
        migrate(&Target::Postgres(named(admin, &raw))).expect("a migrated template");
        conn.batch_execute(&format!("ALTER DATABASE {raw} RENAME TO {name}")).expect("the template in place");
    }
    conn.batch_execute("SELECT pg_advisory_unlock(7001)").expect("the lock given back");
    name.to_owned()
}

fn exists(conn: &mut PgConnection, name: &str) -> bool {
    diesel::select(diesel::dsl::sql::<diesel::sql_types::Bool>(&format!(
        "EXISTS (SELECT 1 FROM pg_database WHERE datname = '{name}')"
    )))
    .get_result(conn)
    .expect("an answer from PostgreSQL")
}
