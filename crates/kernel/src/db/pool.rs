//! Making connections, and the threads that use them: diesel is synchronous, so database work runs on threads
//! of its own behind a bounded queue.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, RunQueryDsl, SqliteConnection};

use crate::sql::Prepared;

use super::watch::{StatementObserver, Watch};
use super::{Conn, DbError, DbResult, Real, Target};

/// After this long a connection may have died unnoticed.
const IDLE: Duration = Duration::from_secs(2);

/// How long SQLite waits for whoever else writes; the same as in its `busy_timeout` below.
const BUSY: Duration = Duration::from_secs(10);

/// A connection with what the kernel knows about it.
pub(crate) struct Handle {
    pub(crate) conn: Conn,
    pub(crate) watch: Watch,
    pub(crate) broken: bool,
    last_used: Instant,
}

impl Handle {
    /// Runs a command of the kernel's own (BEGIN, COMMIT, …).
    pub(crate) fn command(&mut self, sql: &str) -> Result<(), diesel::result::Error> {
        self.watch.own(true);
        let done = self.conn.batch_execute(sql);
        self.watch.own(false);
        done
    }

    /// The same of one that runs all the time, and stays prepared.
    pub(crate) fn prepared(&mut self, sql: &'static str) -> Result<(), diesel::result::Error> {
        self.watch.own(true);
        let done = Prepared::new(sql, []).execute(&mut self.conn);
        self.watch.own(false);
        done.map(drop)
    }
}

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Read,
    Write,
}

pub(crate) struct Connector {
    pub(crate) target: Target,
    pub(crate) purpose: Purpose,
    pub(crate) observer: Option<StatementObserver>,
}

impl Connector {
    pub(crate) fn open(&self) -> DbResult<Handle> {
        let real = match &self.target {
            Target::Sqlite(path) => Real::Sqlite(open_sqlite(path, self.purpose)?),
            Target::Postgres(url) => Real::Postgres(open_postgres(url, self.purpose)?),
        };
        let mut conn = Conn::from(real);
        let watch = Watch::new(self.observer.clone());
        conn.set_instrumentation(watch.instrumentation());
        Ok(Handle { conn, watch, broken: false, last_used: Instant::now() })
    }
}

/// Opens the embedded engine as Muster uses it. Waiting for others comes first.
pub(crate) fn open_sqlite(path: &Path, purpose: Purpose) -> DbResult<SqliteConnection> {
    if purpose == Purpose::Read && !path.exists() {
        // The engine would make an empty one, and find it sound.
        return Err(DbError::Unavailable(format!("{}: there is no such file", path.display())));
    }
    let mut conn = SqliteConnection::establish(&path.to_string_lossy()).map_err(|e| unavailable(&e))?;
    let setup = match purpose {
        // What is deleted is overwritten too: somebody who was erased is not to be read in the file's free pages.
        Purpose::Write => {
            "PRAGMA busy_timeout = 10000; PRAGMA synchronous = FULL; \
             PRAGMA foreign_keys = ON; PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY; \
             PRAGMA journal_size_limit = 67108864; PRAGMA secure_delete = ON;"
        }
        Purpose::Read => {
            "PRAGMA busy_timeout = 10000; PRAGMA foreign_keys = ON; PRAGMA cache_size = -8192; \
             PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 268435456; PRAGMA query_only = ON;"
        }
    };
    conn.batch_execute(setup).map_err(|e| unavailable(&e))?;
    if purpose == Purpose::Write {
        switch_to_wal(&mut conn).map_err(|e| unavailable(&e))?;
    }
    Ok(conn)
}

/// The engine does not always wait by itself when several programs do this to a new file at once, so it is asked
/// again for as long as `busy_timeout` would wait.
fn switch_to_wal(conn: &mut SqliteConnection) -> Result<(), diesel::result::Error> {
    let began = Instant::now();
    loop {
        match conn.batch_execute("PRAGMA journal_mode = WAL") {
            Err(e) if e.to_string() == "database is locked" && began.elapsed() < BUSY => {
                std::thread::sleep(Duration::from_millis(5));
            }
            done => return done,
        }
    }
}

/// libpq explains itself over several lines; whoever starts the program wants one sentence.
fn unavailable(error: &dyn std::fmt::Display) -> DbError {
    DbError::Unavailable(error.to_string().split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Opens a PostgreSQL connection. Messages are pinned to English because one of them is matched by text.
pub(crate) fn open_postgres(url: &str, purpose: Purpose) -> DbResult<PgConnection> {
    let mut conn = PgConnection::establish(url).map_err(|e| unavailable(&e))?;
    conn.batch_execute(
        "SET application_name = 'muster'; SET statement_timeout = '15s'; SET lock_timeout = '5s'; \
         SET idle_in_transaction_session_timeout = '30s'; SET TIME ZONE 'UTC'",
    )
    .map_err(|e| unavailable(&e))?;
    // Only a superuser may set it; where the server is not English a lost deadlock is an error, not a retry.
    let _ = conn.batch_execute("SET lc_messages = 'C'");
    if purpose == Purpose::Read {
        // As `query_only` does on SQLite: a read cannot write, not even outside a transaction.
        conn.batch_execute("SET default_transaction_read_only = on")
            .map_err(|e| DbError::Unavailable(e.to_string()))?;
    }
    Ok(conn)
}

impl r2d2::ManageConnection for Connector {
    type Connection = Handle;
    type Error = DbError;

    fn connect(&self) -> DbResult<Handle> {
        self.open()
    }

    fn is_valid(&self, handle: &mut Handle) -> DbResult<()> {
        handle.command("SELECT 1").map_err(DbError::from)
    }

    fn has_broken(&self, handle: &mut Handle) -> bool {
        handle.broken
    }
}

/// A piece of work in the queue of the worker threads.
pub(crate) trait Task: Send {
    /// True when nobody waits for the outcome any more.
    fn abandoned(&self) -> bool;
    /// Does it. `Err` says why there is no connection.
    fn run(self: Box<Self>, handle: DbResult<&mut Handle>);
}

struct Queued {
    since: Instant,
    task: Box<dyn Task>,
}

/// Threads that do database work on connections of a pool.
pub(crate) struct Workers {
    queue: Sender<Queued>,
}

impl Workers {
    pub(crate) fn start(
        name: &str,
        threads: u32,
        queue: usize,
        max_wait: Duration,
        pool: r2d2::Pool<Connector>,
    ) -> DbResult<Workers> {
        let (sender, receiver) = crossbeam_channel::bounded::<Queued>(queue);
        for n in 0..threads {
            let worker = Worker { queue: receiver.clone(), pool: pool.clone(), max_wait };
            std::thread::Builder::new()
                .name(format!("{name}-{n}"))
                .spawn(move || worker.work())
                .map_err(|e| DbError::Unavailable(e.to_string()))?;
        }
        Ok(Workers { queue: sender })
    }

    /// Queues a task; a full queue refuses it at once, so that load never piles up.
    pub(crate) fn give(&self, task: Box<dyn Task>) -> DbResult<()> {
        self.queue.try_send(Queued { since: Instant::now(), task }).map_err(|e| match e {
            TrySendError::Full(_) => DbError::Overloaded,
            TrySendError::Disconnected(_) => DbError::Closed,
        })
    }
}

/// Keeps a panic from ending a thread, with whom everybody in its queue would wait for ever; false after one. The
/// work itself is caught where it runs: this is for what it captured, which may still panic when it is dropped.
pub(crate) fn survive(step: impl FnOnce()) -> bool {
    let fine = catch_unwind(AssertUnwindSafe(step)).is_ok();
    if !fine {
        log::error!("what belongs to a piece of database work panicked outside of it");
    }
    fine
}

struct Worker {
    queue: Receiver<Queued>,
    pool: r2d2::Pool<Connector>,
    max_wait: Duration,
}

impl Worker {
    fn work(self) {
        while let Ok(Queued { since, task }) = self.queue.recv() {
            if task.abandoned() {
                survive(|| drop(task));
            } else if since.elapsed() > self.max_wait {
                survive(|| task.run(Err(DbError::Overloaded)));
            } else {
                match self.connection() {
                    Ok(mut handle) => {
                        if !survive(|| task.run(Ok(&mut handle))) {
                            handle.broken = true;
                        }
                    }
                    Err(e) => {
                        survive(|| task.run(Err(e)));
                    }
                }
            }
        }
    }

    /// A connection that has been idle for a while is asked whether it still lives: a server that restarted
    /// meanwhile then costs nobody a failed request.
    fn connection(&self) -> DbResult<r2d2::PooledConnection<Connector>> {
        loop {
            let mut handle = self.pool.get().map_err(|e| DbError::Unavailable(e.to_string()))?;
            if handle.last_used.elapsed() < IDLE || handle.command("SELECT 1").is_ok() {
                handle.last_used = Instant::now();
                return Ok(handle);
            }
            handle.broken = true;
        }
    }
}
