//! The schema: making it, recognising it, keeping a copy of an older one.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::{PgConnection, SqliteConnection};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use muster_kernel::db::{
    Conn, Db, DbError, DbOptions, DbResult, Engine, MigrateError, Migrated, Real, SchemaState, Target,
    copy_sqlite, known_migrations, migrate, schema_state, sqlite_damage,
};
use muster_kernel::on;
use muster_testkit::{OnEngine, TestDb, each_engine, run};

use crate::things::{Things, ids, put};

/// A place for a database that nobody has made yet.
struct Place {
    target: Target,
    /// Thrown away with this.
    _keeper: Keeper,
}

enum Keeper {
    Folder { _dir: tempfile::TempDir },
    Server { _db: TestDb },
}

impl OnEngine for Place {
    async fn on(engine: Engine) -> Place {
        match engine {
            Engine::Sqlite => {
                let dir = tempfile::tempdir().expect("a folder");
                let target = Target::Sqlite(dir.path().join("club.db"));
                Place { target, _keeper: Keeper::Folder { _dir: dir } }
            }
            Engine::Postgres => {
                let db = TestDb::new(engine);
                let target = db.target();
                let place = Place { target, _keeper: Keeper::Server { _db: db } };
                place.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
                place
            }
        }
    }
}

impl Place {
    fn connect(&self) -> Conn {
        Conn::from(match &self.target {
            Target::Sqlite(path) => Real::Sqlite(connect(path)),
            Target::Postgres(url) => Real::Postgres(PgConnection::establish(url).expect("a connection")),
        })
    }

    fn run(&self, sql: &str) {
        self.connect().batch_execute(sql).expect(sql);
    }

    /// Makes the database that the version before the newest migration had.
    fn make_older(&self) {
        let engine = match self.target.engine() {
            Engine::Sqlite => "sqlite",
            Engine::Postgres => "postgres",
        };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations").join(engine);
        let source = FileBasedMigrations::from_path(folder).expect("the migrations");
        let mut conn = self.connect();
        for _ in 1..known_migrations().expect("the migrations")[0].len() {
            on!(&mut conn, c => c.run_next_migration(source.clone()).map(drop)).expect("a migration");
        }
    }

    fn open(&self) -> Result<Db, MigrateError> {
        Db::open(&self.target, DbOptions::default())
    }

    /// The embedded engine's file.
    fn file(&self) -> &Path {
        self.target.file().expect("on SQLite")
    }

    /// The names of what lies in the database's folder.
    fn folder(&self) -> Vec<String> {
        names_in(self.file().parent().expect("a folder"))
    }
}

fn connect(path: &Path) -> SqliteConnection {
    SqliteConnection::establish(path.to_str().expect("a name in UTF-8")).expect("a connection")
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder");
    let mut names: Vec<_> =
        entries.map(|e| e.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

fn newest() -> String {
    known_migrations().expect("the migrations")[0].last().expect("one").clone()
}

#[test]
fn both_engines_have_the_same_migrations() {
    let [sqlite, postgres] = known_migrations().expect("the migrations");
    assert_eq!(sqlite, postgres);
    assert!(!sqlite.is_empty());
}

each_engine! {
    async fn migrating_makes_the_schema_and_doing_it_again_changes_nothing(place: Place) {
        assert_eq!(schema_state(&place.target).expect("a state"), SchemaState::Fresh);
        let made = migrate(&place.target).expect("migrated");
        assert_eq!(made, Migrated { applied: known_migrations().expect("the migrations")[0].clone(), copy: None });
        assert_eq!(schema_state(&place.target).expect("a state"), SchemaState::Current);
        assert_eq!(migrate(&place.target).expect("migrated"), Migrated::default());
        place.open().expect("an open database").ping().await.expect("a sign of life");
    }

    async fn programs_that_start_at_once_make_one_database(place: Place) {
        let start = Barrier::new(6);
        let made: Vec<_> = std::thread::scope(|scope| {
            let starting: Vec<_> = (0..6)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        migrate(&place.target)
                    })
                })
                .collect();
            starting.into_iter().map(|thread| thread.join().expect("no panic").expect("migrated")).collect()
        });
        let applied: Vec<_> = made.into_iter().flat_map(|m| m.applied).collect();
        assert_eq!(applied, known_migrations().expect("the migrations")[0]);
    }

    async fn programs_that_start_at_once_migrate_an_older_database_once(place: Place) {
        place.make_older();
        let start = Barrier::new(6);
        let made: Vec<_> = std::thread::scope(|scope| {
            let starting: Vec<_> = (0..6)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        migrate(&place.target)
                    })
                })
                .collect();
            starting.into_iter().map(|thread| thread.join().expect("no panic").expect("migrated")).collect()
        });
        let copies: Vec<_> = made.iter().filter_map(|m| m.copy.clone()).collect();
        let applied: Vec<_> = made.into_iter().flat_map(|m| m.applied).collect();
        assert_eq!(applied, [newest()]);
        if let [copy] = &copies[..] {
            // Whoever was second did not copy what the first had made of it.
            let state = schema_state(&Target::Sqlite(copy.clone())).expect("a state");
            assert_eq!(state, SchemaState::Behind(1));
        } else {
            assert_eq!((place.target.engine(), copies), (Engine::Postgres, vec![]));
        }
    }

    async fn a_database_that_is_not_there_is_not_opened(place: Place) {
        let error = place.open().err().expect("refused");
        assert!(matches!(error, MigrateError::Missing(_)), "{error:?}");
        if let Some(file) = place.target.file() {
            assert!(!file.exists(), "opening does not make a file");
        }
    }

    async fn an_older_database_is_not_opened_until_it_is_migrated(place: Place) {
        place.make_older();
        let error = place.open().err().expect("refused");
        assert!(matches!(error, MigrateError::Behind(1)), "{error:?}");
        assert_eq!(migrate(&place.target).expect("migrated").applied, [newest()]);
        place.open().expect("an open database");
    }

    async fn a_newer_database_is_neither_opened_nor_migrated(place: Place) {
        migrate(&place.target).expect("migrated");
        place.run("INSERT INTO __diesel_schema_migrations (version) VALUES ('299901010000')");
        for error in [place.open().err(), migrate(&place.target).err()] {
            let error = error.expect("refused");
            assert!(matches!(&error, MigrateError::Newer(name) if name == "299901010000"), "{error:?}");
        }
    }

    async fn a_migration_that_fails_changes_nothing(place: Place) {
        migrate(&place.target).expect("migrated");
        // What the first one makes is there already.
        place.run(
            "DELETE FROM __diesel_schema_migrations
             WHERE version = (SELECT min(version) FROM __diesel_schema_migrations)",
        );
        let error = migrate(&place.target).expect_err("refused");
        assert!(
            matches!(&error, MigrateError::Failed(why) if why.contains(&known_migrations().unwrap()[0][0])),
            "{error:?}"
        );
        assert_eq!(schema_state(&place.target).expect("a state"), SchemaState::Behind(1));
        place.run("SELECT * FROM installation");
    }
}

// ── The embedded engine's files ─────────────────────────────────────────────────────────────────────────────────

/// A test on SQLite alone.
fn on_sqlite<F: Future>(test: impl FnOnce(Place) -> F) {
    run(async { test(Place::on(Engine::Sqlite).await).await });
}

#[cfg(unix)]
fn is_private(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(file).expect("the file").permissions().mode() & 0o777 == 0o600
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_a_database_and_its_copies() {
    on_sqlite(async |place| {
        place.make_older();
        fs::remove_file(place.file()).expect("removed");
        migrate(&place.target).expect("migrated");
        let db = place.open().expect("an open database");
        db.write(|tx| Ok::<(), DbError>(tx.batch_execute("CREATE TABLE t (a)")?)).await.expect("a write");
        let copy = place.file().with_file_name("copy.db");
        copy_sqlite(place.file(), &copy).expect("a copy");
        for name in place.folder() {
            assert!(is_private(&place.file().with_file_name(&name)), "{name}");
        }
    });
}

#[test]
fn a_copy_is_kept_of_an_older_database() {
    on_sqlite(async |place| {
        place.make_older();
        let copy = migrate(&place.target).expect("migrated").copy.expect("a copy");
        assert_eq!(copy.parent(), place.file().parent(), "beside it");
        assert_eq!(schema_state(&Target::Sqlite(copy.clone())).expect("a state"), SchemaState::Behind(1));
        assert_eq!(sqlite_damage(&copy).expect("an answer"), [""; 0]);
        #[cfg(unix)]
        assert!(is_private(&copy));
    });
}

#[test]
fn what_is_left_of_an_interrupted_copy_is_not_taken_for_one() {
    on_sqlite(async |place| {
        place.make_older();
        let before = fs::read(place.file()).expect("the file");
        let copy = migrate(&place.target).expect("migrated").copy.expect("a copy");
        let whole = fs::read(&copy).expect("the copy");
        for left in ["", "half a cop"] {
            fs::write(place.file(), &before).expect("the older one is back");
            for file in [copy.clone(), with_ending(&copy, ".part")] {
                fs::write(file, left).expect("written");
            }
            assert_eq!(migrate(&place.target).expect("migrated").copy.as_ref(), Some(&copy));
            assert_eq!(fs::read(&copy).expect("the copy"), whole);
            assert!(!with_ending(&copy, ".part").exists());
        }
    });
}

#[test]
fn without_a_copy_nothing_is_migrated() {
    on_sqlite(async |place| {
        place.make_older();
        let copy = migrate(&place.target).expect("migrated").copy.expect("a copy");
        fs::copy(&copy, place.file()).expect("the older one is back");
        // Something is in the way that cannot be replaced.
        fs::remove_file(&copy).expect("removed");
        fs::create_dir(&copy).expect("a folder of that name");
        let error = migrate(&place.target).expect_err("refused");
        assert!(matches!(error, MigrateError::Copy(_)), "{error:?}");
        assert_eq!(schema_state(&place.target).expect("a state"), SchemaState::Behind(1));
    });
}

#[test]
fn a_file_that_is_no_database_is_left_as_it_was() {
    on_sqlite(async |place| {
        for text in
            ["no database".to_owned(), "The members of our club, in a file by mistake.\n".repeat(1000)]
        {
            fs::write(place.file(), &text).expect("written");
            let errors =
                [place.open().err(), migrate(&place.target).err(), schema_state(&place.target).err()];
            for error in errors {
                let error = error.expect("refused").to_string();
                assert!(error.contains("not a database"), "{error}");
            }
            assert_eq!(fs::read_to_string(place.file()).expect("the file"), text);
            assert_eq!(place.folder(), ["club.db"]);
        }
    });
}

#[test]
fn a_folder_that_does_not_exist_is_an_error_and_is_not_made() {
    on_sqlite(async |place| {
        let folder = place.file().with_file_name("not there");
        let target = Target::Sqlite(folder.join("club.db"));
        let error = migrate(&target).expect_err("refused");
        assert!(error.to_string().contains("not there"), "{error}");
        assert!(matches!(Db::open(&target, DbOptions::default()).err(), Some(MigrateError::Missing(_))));
        assert_eq!(place.folder(), [""; 0]);
    });
}

#[test]
fn a_copy_made_beside_a_writer_is_sound_and_whole() {
    run(async {
        let db = Things::on(Engine::Sqlite).await;
        let file = db.target().file().expect("on SQLite").to_owned();
        db.write(|tx| put(tx, 0)).await.expect("the first");
        let writer = Db::clone(&db);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let writing = tokio::spawn(async move {
            let mut next = 1;
            while !stopped.load(Ordering::SeqCst) {
                // Always two at once, so that half of a transaction would show.
                writer
                    .write(move |tx| put(tx, next).and_then(|()| put(tx, next + 1)))
                    .await
                    .expect("a write");
                next += 2;
            }
            next
        });
        let mut before = db.ids().await.len();
        for n in 0..5 {
            let copy = file.with_file_name(format!("copy-{n}.db"));
            copy_sqlite(&file, &copy).expect("a copy");
            assert_eq!(sqlite_damage(&copy).expect("an answer"), [""; 0]);
            let there = ids_of(&copy).expect("the ids");
            assert_eq!(there.len() % 2, 1, "no half of a transaction");
            assert!(there.len() >= before, "what was committed is in it");
            before = db.ids().await.len();
        }
        stop.store(true, Ordering::SeqCst);
        let written = writing.await.expect("no panic");
        assert_eq!(db.ids().await, (0..written).collect::<Vec<i64>>());
    });
}

fn ids_of(file: &Path) -> DbResult<Vec<i64>> {
    ids(&mut Real::Sqlite(connect(file)).into())
}

#[test]
fn a_database_that_is_not_there_is_neither_copied_nor_sound() {
    on_sqlite(async |place| {
        let copy = place.file().with_file_name("copy.db");
        copy_sqlite(place.file(), &copy).expect_err("nothing to copy");
        sqlite_damage(place.file()).expect_err("nothing to look at");
        assert_eq!(place.folder(), [""; 0]);
    });
}

#[test]
fn a_copy_does_not_replace_a_file() {
    on_sqlite(async |place| {
        migrate(&place.target).expect("migrated");
        let other = place.file().with_file_name("other");
        fs::write(&other, "something else").expect("written");
        copy_sqlite(place.file(), &other).expect_err("there is something");
        assert_eq!(fs::read_to_string(&other).expect("the file"), "something else");
    });
}

#[test]
fn a_damaged_file_is_said_to_be_damaged() {
    on_sqlite(async |place| {
        migrate(&place.target).expect("migrated");
        let mut bytes = fs::read(place.file()).expect("the file");
        let from = bytes.len() / 2;
        bytes[from..].fill(0xA5);
        fs::write(place.file(), bytes).expect("written");
        let damage = sqlite_damage(place.file());
        assert!(damage.as_ref().is_err() || damage.is_ok_and(|lines| !lines.is_empty()));
    });
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
