//! Races, staged: a statement waits until the test has done something else.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use muster_kernel::db::StatementObserver;
use tokio::sync::Notify;

/// A test that fails leaves its gate closed; the database's threads are not to wait for ever.
const LONGEST: Duration = Duration::from_secs(20);

/// Holds one statement up after it ran, before anybody learns what came of it.
#[derive(Clone, Default)]
pub struct Gate(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    opened: Condvar,
    reached: Notify,
}

#[derive(Default)]
struct State {
    /// The words of the statement that is to wait; gone once it does.
    awaited: Option<String>,
    /// How often it was closed or opened: whoever waits does so until the next time.
    turn: u64,
}

impl State {
    fn next(&mut self, awaited: Option<&str>) {
        *self = State { awaited: awaited.map(str::to_owned), turn: self.turn + 1 };
    }
}

impl Gate {
    /// What a database is to be opened with.
    pub fn observer(&self) -> StatementObserver {
        let gate = self.0.clone();
        Arc::new(move |statement| gate.pass(statement))
    }

    /// Holds up the next statement that has these words in it.
    pub fn close(&self, words: &str) {
        self.0.lock().next(Some(words));
    }

    /// Waits until the statement does.
    pub async fn reached(&self) {
        self.0.reached.notified().await;
    }

    /// Lets it go on.
    pub fn open(&self) {
        self.0.lock().next(None);
        self.0.opened.notify_all();
    }

    /// Lets it go on, and waits until the next statement that has these words in it has run.
    pub async fn let_through(&self, words: &str) {
        self.0.lock().next(Some(words));
        self.0.opened.notify_all();
        self.reached().await;
        self.open();
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pass(&self, statement: &str) {
        let mut state = self.lock();
        if state.awaited.as_ref().is_none_or(|words| !statement.contains(words.as_str())) {
            return;
        }
        state.awaited = None;
        let turn = state.turn;
        self.reached.notify_one();
        drop(self.opened.wait_timeout_while(state, LONGEST, |state| state.turn == turn));
    }
}
