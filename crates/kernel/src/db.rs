//! The database: one type for both engines, reads and writes as futures.
//!
//! [`Db::read`] gives a closure a connection inside one read transaction. [`Db::write`] gives it a [`Tx`], which
//! commits when the closure returns `Ok`. Both run off the async threads behind bounded queues.

mod backup;
#[allow(missing_docs, reason = "the derive makes public types that it does not document")]
mod conn;
mod error;
mod migrate;
mod pool;
mod postgres;
mod signals;
mod target;
mod tx;
mod watch;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

pub(crate) use backup::empty_log;
pub use backup::{copy_sqlite, others_connected, settle_sqlite, sqlite_damage};
pub use conn::{Conn, Engine, MultiBackend, Real, Transactions};
pub use error::{DbError, DbResult};
pub use migrate::{MigrateError, Migrated, SchemaState, known_migrations, migrate, schema_state};
pub use target::{Target, UnknownTarget};
pub use tx::Tx;
pub use watch::StatementObserver;

use crate::Clock;
use pool::{Connector, Handle, Purpose, Task, Workers};
use signals::Signals;
use writer::{GroupWriter, UnderWay, Work, Write, WriteContext};

/// How a [`Db`] is set up. The defaults serve a club.
#[derive(Clone)]
pub struct DbOptions {
    /// Threads, and connections, that read.
    pub readers: u32,
    /// Threads, and connections, that write on PostgreSQL. SQLite has one writer.
    pub writers: u32,
    /// How much work may wait before more is refused.
    pub queue: usize,
    /// How long work may wait before it is refused.
    pub max_wait: Duration,
    /// Where the time comes from.
    pub clock: Clock,
    /// Sees the text of every statement.
    pub observer: Option<StatementObserver>,
}

impl Default for DbOptions {
    fn default() -> Self {
        DbOptions {
            readers: 4,
            writers: 16,
            queue: 1024,
            max_wait: Duration::from_secs(5),
            clock: Clock::system(),
            observer: None,
        }
    }
}

/// The club's database. Cloning it is cheap and shares everything.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
}

struct Inner {
    target: Target,
    context: WriteContext,
    readers: Workers,
    writer: Writer,
    writes: UnderWay,
}

enum Writer {
    Group(GroupWriter),
    Pool(Workers),
}

impl Db {
    /// Opens a database whose schema this version knows. It does not migrate: see [`migrate`].
    ///
    /// # Errors
    /// When the database cannot be reached, or has to be migrated first, or is newer than this program.
    pub fn open(target: &Target, options: DbOptions) -> Result<Db, MigrateError> {
        migrate::require_current(target)?;
        Ok(Db::open_unchecked(target, options)?)
    }

    fn open_unchecked(target: &Target, options: DbOptions) -> DbResult<Db> {
        let connector =
            |purpose| Connector { target: target.clone(), purpose, observer: options.observer.clone() };
        let pool = |connector, size| {
            r2d2::Pool::builder()
                .max_size(size)
                // The rest are opened as they are needed, so that a start costs one.
                .min_idle(Some(1))
                .test_on_check_out(false)
                .connection_timeout(Duration::from_secs(5))
                .error_handler(Box::new(ConnectionErrors))
                .build(connector)
                .map_err(|e| DbError::Unavailable(e.to_string()))
        };
        let workers =
            |name, threads, pool| Workers::start(name, threads, options.queue, options.max_wait, pool);
        let context = WriteContext {
            clock: options.clock.clone(),
            job_bell: Arc::new(tokio::sync::Notify::new()),
            signals: Signals::default(),
        };
        // The writer first: it switches a new file to WAL, which readers cannot.
        let (writer, readers) = match target.engine() {
            Engine::Sqlite => {
                let writer = GroupWriter::start(
                    connector(Purpose::Write),
                    context.clone(),
                    options.queue,
                    options.max_wait,
                )?;
                let readers = pool(connector(Purpose::Read), options.readers)?;
                (Writer::Group(writer), workers("db-reader", options.readers, readers)?)
            }
            Engine::Postgres => {
                let writers = pool(connector(Purpose::Write), options.writers)?;
                let readers = pool(connector(Purpose::Read), options.readers)?;
                (
                    Writer::Pool(workers("db-writer", options.writers, writers)?),
                    workers("db-reader", options.readers, readers)?,
                )
            }
        };
        let inner = Inner { target: target.clone(), context, readers, writer, writes: UnderWay::default() };
        Ok(Db { inner: Arc::new(inner) })
    }

    /// Which engine answers.
    pub fn engine(&self) -> Engine {
        self.inner.target.engine()
    }

    /// Where the data is.
    pub fn target(&self) -> &Target {
        &self.inner.target
    }

    /// Where this database's time comes from.
    pub fn clock(&self) -> &Clock {
        &self.inner.context.clock
    }

    /// Rung after a commit that wrote a job.
    pub(crate) fn job_bell(&self) -> Arc<tokio::sync::Notify> {
        self.inner.context.job_bell.clone()
    }

    /// Has `listener` told of every `T` that a transaction of this program [signals](Tx::signal), in the order in which they
    /// were committed as far as one connection knows it. It must be short and must not block.
    pub fn listen<T: std::any::Any>(&self, listener: impl Fn(&T) + Send + Sync + 'static) {
        self.inner.context.signals.listen(listener);
    }

    /// Reads, in one transaction that sees one state of the data and everything committed before it began.
    ///
    /// # Errors
    /// Those of `work`; [`DbError::Overloaded`] when the queue is full.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T, E> + Send + 'static,
    {
        self.give_read(Some(self.begin_read()), work).await
    }

    /// Reads with a single statement, which is a transaction by itself: two round trips to a server less.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub async fn read_one<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T, E> + Send + 'static,
    {
        self.give_read(None, work).await
    }

    fn begin_read(&self) -> &'static str {
        match self.engine() {
            Engine::Sqlite => "BEGIN",
            Engine::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    async fn give_read<T, E, F>(&self, begin: Option<&'static str>, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T, E> + Send + 'static,
    {
        let (reply, receiver) = oneshot::channel();
        self.inner.readers.give(Box::new(Read { begin, work, reply }))?;
        receiver.await.unwrap_or_else(|_| Err(DbError::Panicked.into()))
    }

    /// Writes: `work` runs in a transaction, which is durable when this returns `Ok`. Dropping the future before
    /// the work began leaves it undone; once begun, it is finished.
    ///
    /// `work` may be run again when the engine resolved a race against it, so it does database work only; what
    /// has to happen after the commit is given to [`Tx::after_commit`]. It returns on the first database error,
    /// unless that happened inside [`Tx::attempt`].
    ///
    /// # Errors
    /// Those of `work`; [`DbError::Overloaded`] when the queue is full; [`DbError::Panicked`] when it panicked.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let (work, receiver) = Write::new(work, &self.inner.writes);
        self.give_write(Box::new(work))?;
        receiver.await.unwrap_or_else(|_| Err(DbError::Closed.into()))
    }

    fn give_write(&self, work: Box<dyn Work>) -> DbResult<()> {
        match &self.inner.writer {
            Writer::Group(writer) => writer.give(work),
            Writer::Pool(workers) => {
                workers.give(Box::new(postgres::WriteTask { work, context: self.inner.context.clone() }))
            }
        }
    }

    /// Waits until everything given to [`Db::write`] so far is durable or refused; for shutting down, when nothing
    /// more is given.
    pub async fn drain(&self) {
        self.inner.writes.none().await;
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// Why it does not answer.
    pub async fn ping(&self) -> DbResult<()> {
        self.read_one(|conn| {
            use diesel::RunQueryDsl;
            diesel::select(diesel::dsl::sql::<diesel::sql_types::Integer>("1")).get_result::<i32>(conn)?;
            Ok(())
        })
        .await
    }
}

struct Read<T, E, F> {
    begin: Option<&'static str>,
    work: F,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Task for Read<T, E, F>
where
    T: Send,
    E: From<DbError> + Send,
    F: FnOnce(&mut Conn) -> Result<T, E> + Send,
{
    fn abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run(self: Box<Self>, handle: DbResult<&mut Handle>) {
        let Read { begin, work, reply } = *self;
        let outcome = match handle {
            Ok(handle) => read_in(handle, begin, work),
            Err(e) => Err(e.into()),
        };
        // Nobody waits any more: a read leaves nothing behind.
        let _ = reply.send(outcome);
    }
}

fn read_in<T, E, F>(handle: &mut Handle, begin: Option<&'static str>, work: F) -> Result<T, E>
where
    E: From<DbError>,
    F: FnOnce(&mut Conn) -> Result<T, E>,
{
    use std::panic::{AssertUnwindSafe, catch_unwind};
    handle.watch.take_failure();
    if let Some(begin) = begin {
        postgres::begin(handle, begin)?;
    }
    let outcome = catch_unwind(AssertUnwindSafe(|| work(&mut handle.conn)));
    let failure = handle.watch.take_failure();
    if failure.is_some_and(|f| f.severity == error::Severity::Connection) || outcome.is_err() {
        // Closing it ends its transaction whatever state it is in.
        handle.broken = true;
    } else if begin.is_some() {
        postgres::rollback(handle)?;
    }
    outcome.unwrap_or_else(|_| Err(DbError::Panicked.into()))
}

#[derive(Debug)]
struct ConnectionErrors;

impl r2d2::HandleError<DbError> for ConnectionErrors {
    fn handle_error(&self, error: DbError) {
        log::warn!("no new database connection: {error}");
    }
}
