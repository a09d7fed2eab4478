//! What happens on a connection, seen from diesel's own instrumentation: the gravest error since the last
//! look, and how many statements ran. This is how `Db` knows of an error that a closure swallowed.
//!
//! On SQLite it does not know all: of an error met while stepping through the rows of a statement (`RETURNING`, a
//! `SELECT` that overflows) diesel 2.3 reports success. PostgreSQL tells, so tests on both engines do.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use diesel::connection::{Instrumentation, InstrumentationEvent};

use super::error::{Severity, severity};

/// Receives the text of every statement; for tests that look at what the services ask of the engine.
pub type StatementObserver = Arc<dyn Fn(&str) + Send + Sync>;

/// A statement slower than this is logged, without its values.
const SLOW: Duration = Duration::from_millis(250);

#[derive(Clone)]
pub(crate) struct Watch(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    failure: Option<Failure>,
    statements: u32,
    started: Option<Instant>,
    /// Set while the kernel runs its own BEGIN, SAVEPOINT and COMMIT.
    own: bool,
    observer: Option<StatementObserver>,
}

#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) severity: Severity,
    pub(crate) message: String,
}

impl Watch {
    pub(crate) fn new(observer: Option<StatementObserver>) -> Watch {
        Watch(Arc::new(Mutex::new(Seen { observer, ..Seen::default() })))
    }

    pub(crate) fn instrumentation(&self) -> impl Instrumentation + use<> {
        let watch = self.clone();
        move |event: InstrumentationEvent<'_>| match event {
            InstrumentationEvent::StartQuery { .. } => {
                let mut seen = watch.lock();
                if !seen.own {
                    seen.started = Some(Instant::now());
                }
            }
            InstrumentationEvent::FinishQuery { query, error, .. } => {
                let mut seen = watch.lock();
                if seen.own {
                    return;
                }
                let took = seen.started.take().map(|at| at.elapsed()).unwrap_or_default();
                if let Some(error) = error {
                    let grave = severity(error);
                    if seen.failure.as_ref().is_none_or(|f| f.severity < grave) {
                        seen.failure = Some(Failure { severity: grave, message: error.to_string() });
                    }
                }
                seen.statements += 1;
                let observer = seen.observer.clone();
                drop(seen);
                if took >= SLOW {
                    log::warn!(took_ms = took.as_millis() as u64; "slow statement: {}", text_of(query));
                }
                if let Some(observer) = observer {
                    observer(&text_of(query));
                }
            }
            _ => {}
        }
    }

    /// The gravest error since the last call.
    pub(crate) fn take_failure(&self) -> Option<Failure> {
        self.lock().failure.take()
    }

    pub(crate) fn failed(&self) -> bool {
        self.lock().failure.is_some()
    }

    /// Puts back what an `attempt` began with, so that only its own errors are forgiven.
    pub(crate) fn restore(&self, failure: Option<Failure>) {
        self.lock().failure = failure;
    }

    pub(crate) fn own(&self, own: bool) {
        self.lock().own = own;
    }

    /// Statements since the last call.
    pub(crate) fn take_statements(&self) -> u32 {
        std::mem::take(&mut self.lock().statements)
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        // Nothing in here can be left half-changed by a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The statement without the values bound to it: those may be personal.
fn text_of(query: &dyn diesel::connection::DebugQuery) -> String {
    let text = query.to_string();
    match text.find(" -- binds:") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}
