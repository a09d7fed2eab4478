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
    closed: bool,
}

impl Gate {
    /// What a database is to be opened with.
    pub fn observer(&self) -> StatementObserver {
        let gate = self.0.clone();
        Arc::new(move |statement| gate.pass(statement))
    }

    /// Holds up the next statement that has these words in it.
    pub fn close(&self, words: &str) {
        *self.0.lock() = State { awaited: Some(words.to_owned()), closed: true };
    }

    /// Waits until the statement does.
    pub async fn reached(&self) {
        self.0.reached.notified().await;
    }

    /// Lets it go on.
    pub fn open(&self) {
        *self.0.lock() = State::default();
        self.0.opened.notify_all();
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
        self.reached.notify_one();
        drop(self.opened.wait_timeout_while(state, LONGEST, |state| state.closed));
    }
}
