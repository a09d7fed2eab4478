//! A database with one small table, and ways to hold its threads while a test looks.

use std::ops::Deref;
use std::pin::Pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Waker};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use muster_kernel::db::{Conn, Db, DbError, DbOptions, DbResult, Engine};
use muster_testkit::{OnEngine, TestDb};
use tokio::task::JoinHandle;

diesel::table! {
    things (id) {
        id -> BigInt,
        count -> BigInt,
    }
}

/// A database with the table `things`.
pub(crate) struct Things(TestDb);

impl Things {
    pub(crate) async fn with(engine: Engine, options: DbOptions) -> Things {
        let db = TestDb::with(engine, options);
        create(&db).await;
        Things(db)
    }

    /// What is committed.
    pub(crate) async fn ids(&self) -> Vec<i64> {
        self.read(ids).await.expect("the ids")
    }
}

async fn create(db: &Db) {
    db.write(|tx| {
        // A key that both engines check, and that neither fills in.
        tx.batch_execute(
            "CREATE TABLE things (id BIGINT NOT NULL UNIQUE, count BIGINT NOT NULL CHECK (count >= 0))",
        )?;
        Ok::<_, DbError>(())
    })
    .await
    .expect("a table");
}

impl OnEngine for Things {
    async fn on(engine: Engine) -> Things {
        let db = TestDb::new(engine);
        create(&db).await;
        Things(db)
    }
}

impl Deref for Things {
    type Target = TestDb;
    fn deref(&self) -> &TestDb {
        &self.0
    }
}

/// [`Things`] with one reader, one writer and room for three in each queue, so that the order of work is known.
pub(crate) struct Narrow(Things);

impl OnEngine for Narrow {
    async fn on(engine: Engine) -> Narrow {
        let options = DbOptions { readers: 1, writers: 1, queue: 3, ..DbOptions::default() };
        Narrow(Things::with(engine, options).await)
    }
}

impl Deref for Narrow {
    type Target = Things;
    fn deref(&self) -> &Things {
        &self.0
    }
}

/// Adds a thing, and fails when it is there.
pub(crate) fn put(conn: &mut Conn, id: i64) -> DbResult<()> {
    diesel::insert_into(things::table).values((things::id.eq(id), things::count.eq(0))).execute(conn)?;
    Ok(())
}

/// A statement that is wrong, not refused.
pub(crate) fn ask_for_a_table_that_is_not_there(conn: &mut Conn) -> DbResult<()> {
    Ok(conn.batch_execute("SELECT * FROM nowhere")?)
}

pub(crate) fn ids(conn: &mut Conn) -> DbResult<Vec<i64>> {
    Ok(things::table.select(things::id).order(things::id).load(conn)?)
}

/// Work that has begun and waits; it goes on when this is released or dropped.
pub(crate) struct Held<T> {
    release: mpsc::Sender<()>,
    outcome: JoinHandle<T>,
}

impl<T> Held<T> {
    pub(crate) fn is_finished(&self) -> bool {
        self.outcome.is_finished()
    }

    pub(crate) async fn release(self) -> T {
        drop(self.release);
        self.outcome.await.expect("no panic")
    }

    /// Drops the future of whoever asked for the work; it still waits until the returned sender is dropped.
    pub(crate) async fn leave(self) -> mpsc::Sender<()> {
        self.outcome.abort();
        assert!(self.outcome.await.is_err_and(|e| e.is_cancelled()), "it was still waiting");
        self.release
    }
}

/// A place inside database work that tells when it is reached and then waits.
pub(crate) struct Gate {
    reached: tokio::sync::mpsc::UnboundedSender<()>,
    opened: mpsc::Receiver<()>,
}

impl Gate {
    pub(crate) fn pass(&self) {
        let _ = self.reached.send(());
        // An error says that the other end was dropped, which opens it too.
        let _ = self.opened.recv();
    }
}

/// Starts what `work` makes of a gate, and returns when the gate is reached.
pub(crate) async fn hold<T, F>(work: impl FnOnce(Gate) -> F) -> Held<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let (reached, mut at_gate) = tokio::sync::mpsc::unbounded_channel();
    let (release, opened) = mpsc::channel();
    let outcome = tokio::spawn(work(Gate { reached, opened }));
    at_gate.recv().await.expect("the gate is reached");
    Held { release, outcome }
}

/// Holds a writer with work that adds one thing.
pub(crate) async fn hold_writer(db: &Db, id: i64) -> Held<DbResult<()>> {
    let db = db.clone();
    hold(|gate| async move {
        db.write(move |tx| {
            put(tx, id)?;
            gate.pass();
            Ok(())
        })
        .await
    })
    .await
}

/// Holds a reader.
pub(crate) async fn hold_reader(db: &Db) -> Held<DbResult<()>> {
    let db = db.clone();
    hold(|gate| async move {
        db.read(move |_| {
            gate.pass();
            Ok(())
        })
        .await
    })
    .await
}

/// Polls once: work is in the queue, or refused, when this returns.
pub(crate) fn poll_once<F: Future + ?Sized>(future: &mut Pin<Box<F>>) -> Option<F::Output> {
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => Some(outcome),
        Poll::Pending => None,
    }
}

/// Queues work and keeps its future.
pub(crate) fn queue<F: Future>(future: F) -> Pin<Box<F>> {
    let mut future = Box::pin(future);
    assert!(poll_once(&mut future).is_none(), "it waits in the queue");
    future
}

/// A service's own error.
#[derive(Debug)]
pub(crate) enum Refusal {
    Ours,
    Database,
}

impl From<DbError> for Refusal {
    fn from(_: DbError) -> Self {
        Refusal::Database
    }
}

/// What happened, in order, whatever thread it happened on.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, line: impl Into<String>) {
        self.0.lock().expect("no panic").push(line.into());
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().expect("no panic").clone()
    }

    pub(crate) fn effect(&self, line: &'static str) -> impl FnOnce() + Send + 'static {
        let log = self.clone();
        move || log.add(line)
    }
}
