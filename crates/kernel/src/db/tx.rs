//! A transaction as a service sees it.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use diesel::connection::SimpleConnection;
use tokio::sync::Notify;

use super::signals::Signals;
use super::watch::Watch;
use super::{Conn, DbError, DbResult};
use crate::Timestamp;

pub(crate) type Effect = Box<dyn FnOnce() + Send>;

/// A transaction in progress. Only `Db::write` hands one out; it commits when the closure returns `Ok`.
///
/// It dereferences to [`Conn`], so queries that take `&mut Conn` take it as it is.
pub struct Tx<'a> {
    conn: &'a mut Conn,
    state: &'a mut TxState,
}

/// What belongs to one run of one closure.
pub(crate) struct TxState {
    now: Timestamp,
    watch: Watch,
    effects: Vec<Effect>,
    depth: u32,
    bell: Arc<Notify>,
    signals: Signals,
}

impl TxState {
    pub(crate) fn new(now: Timestamp, watch: Watch, bell: Arc<Notify>, signals: Signals) -> TxState {
        TxState { now, watch, effects: Vec::new(), depth: 0, bell, signals }
    }

    pub(crate) fn into_effects(self) -> Vec<Effect> {
        self.effects
    }
}

impl<'a> Tx<'a> {
    pub(crate) fn new(conn: &'a mut Conn, state: &'a mut TxState) -> Tx<'a> {
        Tx { conn, state }
    }

    /// The time of this transaction: one instant for all that it writes.
    pub fn now(&self) -> Timestamp {
        self.state.now
    }

    /// Has `effect` run once this transaction is durable, before its caller is answered, even if the caller is
    /// gone by then. It must be short and must not block; anything longer is a job.
    pub fn after_commit(&mut self, effect: impl FnOnce() + Send + 'static) {
        self.state.effects.push(Box::new(effect));
    }

    /// Tells whoever [listens](super::Db::listen) for a `T` in this program, once this transaction is durable. What others
    /// must not miss is in the database, too: a program that dies here tells nobody.
    pub fn signal<T: std::any::Any + Send>(&mut self, news: T) {
        let signals = self.state.signals.clone();
        self.after_commit(move || signals.tell(&news));
    }

    /// Wakes the job runner once this transaction is durable.
    pub(crate) fn ring_for_jobs(&mut self) {
        let bell = self.state.bell.clone();
        self.after_commit(move || bell.notify_one());
    }

    /// Runs `work` so that a database error in it can be handled: on `Err` all it did is undone and the
    /// transaction goes on. Outside of `attempt`, a closure returns on the first database error.
    ///
    /// # Errors
    /// Those of `work`, and those of the engine when the savepoint itself fails.
    pub fn attempt<T, E: From<DbError>>(
        &mut self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let name = format!("attempt_{}", self.state.depth);
        let effects = self.state.effects.len();
        let earlier = self.state.watch.take_failure();
        if let Err(e) = self.command(&format!("SAVEPOINT {name}")) {
            // PostgreSQL answers so after an error that was swallowed. Were its trace lost here, that error's COMMIT
            // would count as done, although the server makes a ROLLBACK of it.
            self.state.watch.restore(earlier);
            return Err(e.into());
        }
        self.state.depth += 1;
        let outcome = work(&mut Tx { conn: self.conn, state: self.state });
        self.state.depth -= 1;
        match outcome {
            Ok(value) if !self.state.watch.failed() => {
                self.state.watch.restore(earlier);
                self.command(&format!("RELEASE SAVEPOINT {name}"))?;
                Ok(value)
            }
            // It swallowed an error: leave the trace, the transaction as a whole will be refused.
            Ok(value) => Ok(value),
            Err(error) => {
                self.state.effects.truncate(effects);
                // The trace stays until the rollback has worked.
                self.command(&format!("ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}"))?;
                let failure = self.state.watch.take_failure();
                // A broken connection stays broken; anything less is forgiven.
                let broken = failure.filter(|f| f.severity > super::error::Severity::Statement);
                self.state.watch.restore(broken.or(earlier));
                Err(error)
            }
        }
    }

    fn command(&mut self, sql: &str) -> DbResult<()> {
        self.state.watch.own(true);
        let done = self.conn.batch_execute(sql);
        self.state.watch.own(false);
        Ok(done?)
    }
}

impl Deref for Tx<'_> {
    type Target = Conn;
    fn deref(&self) -> &Conn {
        self.conn
    }
}

impl DerefMut for Tx<'_> {
    fn deref_mut(&mut self) -> &mut Conn {
        self.conn
    }
}
