//! The one writer of the embedded engine, with group commit: whatever has queued up while the last commit was
//! under way goes into one transaction, each piece in a savepoint of its own, and is answered after one
//! durable commit. An idle writer commits at once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError};
use tokio::sync::{Notify, oneshot, watch};

use super::error::Severity;
use super::pool::{Connector, Handle, survive};
use super::signals::Signals;
use super::tx::{Effect, Tx, TxState};
use super::{DbError, DbResult};
use crate::Clock;

/// A group closes at this many pieces of work …
const GROUP_SIZE: usize = 128;
/// … or after this much time spent on them.
const GROUP_TIME: Duration = Duration::from_millis(5);
/// Work that takes longer than this holds up everybody else's.
const TOO_LONG: Duration = Duration::from_millis(50);

/// A closure with a place to put its outcome and somebody to give it to.
pub(crate) trait Work: Send {
    fn abandoned(&self) -> bool;
    /// Runs the closure and keeps its outcome; true when it was `Ok`.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Replaces the outcome: the engine had another opinion than the closure.
    fn overrule(&mut self, error: DbError);
    /// Gives the outcome to whoever waits for it.
    fn answer(self: Box<Self>);
}

/// Counts the writes that wait or run, so that one can wait until there are none.
#[derive(Clone, Default)]
pub(crate) struct UnderWay(Arc<watch::Sender<usize>>);

impl UnderWay {
    /// Counts one more until what it returns is dropped.
    fn begin(&self) -> Counted {
        self.0.send_modify(|count| *count += 1);
        Counted(self.clone())
    }

    pub(crate) async fn none(&self) {
        // The sender is `self`, so it is not gone.
        let _ = self.0.subscribe().wait_for(|count| *count == 0).await;
    }
}

struct Counted(UnderWay);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}

/// The usual [`Work`]: a closure and the sending half of a channel.
pub(crate) struct Write<T, E, F> {
    work: F,
    outcome: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
    _counted: Counted,
}

impl<T, E, F> Write<T, E, F> {
    pub(crate) fn new(work: F, under_way: &UnderWay) -> (Self, oneshot::Receiver<Result<T, E>>) {
        let (reply, receiver) = oneshot::channel();
        (Write { work, outcome: None, reply, _counted: under_way.begin() }, receiver)
    }
}

impl<T, E, F> Work for Write<T, E, F>
where
    T: Send,
    E: From<DbError> + Send,
    F: Fn(&mut Tx<'_>) -> Result<T, E> + Send,
{
    fn abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        let outcome = (self.work)(tx);
        let fine = outcome.is_ok();
        self.outcome = Some(outcome);
        fine
    }

    fn overrule(&mut self, error: DbError) {
        self.outcome = Some(Err(error.into()));
    }

    fn answer(self: Box<Self>) {
        if let Some(outcome) = self.outcome {
            // Nobody there any more: the work stands, as it would after a lost connection.
            let _ = self.reply.send(outcome);
        }
    }
}

/// What every write is given beside its connection.
#[derive(Clone)]
pub(crate) struct WriteContext {
    pub(crate) clock: Clock,
    pub(crate) job_bell: Arc<Notify>,
    pub(crate) signals: Signals,
}

/// How one run of a closure ended.
pub(crate) enum Ran {
    /// It wants its work kept.
    Keep(Vec<Effect>),
    /// Its work is to be undone; its outcome is set.
    Undo,
    /// The engine resolved a race against it; its work is to be undone and can be run again.
    Again(DbError),
    /// The connection is not to be trusted any more. The work's own outcome is set; the error is for the others.
    Broken(DbError),
}

/// Runs one closure inside whatever transaction or savepoint the caller has opened.
pub(crate) fn run(work: &mut dyn Work, handle: &mut Handle, context: &WriteContext) -> Ran {
    let began = Instant::now();
    let mut state = TxState::new(
        context.clock.now(),
        handle.watch.clone(),
        context.job_bell.clone(),
        context.signals.clone(),
    );
    handle.watch.take_failure();
    let ran = catch_unwind(AssertUnwindSafe(|| work.run(&mut Tx::new(&mut handle.conn, &mut state))));
    handle.watch.own(false);
    let took = began.elapsed();
    if took > TOO_LONG {
        log::warn!(took_ms = took.as_millis() as u64, statements = handle.watch.take_statements(); "a write held the writer up");
    } else {
        handle.watch.take_statements();
    }
    let failure = handle.watch.take_failure();
    let Ok(fine) = ran else {
        work.overrule(DbError::Panicked);
        // The panic may have happened anywhere, but a rollback to the savepoint undoes all of it.
        return match failure {
            Some(f) if f.severity == Severity::Connection => Ran::Broken(DbError::CommitFailed(f.message)),
            _ => Ran::Undo,
        };
    };
    match failure {
        Some(f) if f.severity == Severity::Connection => {
            if fine {
                work.overrule(DbError::IgnoredError(f.message.clone()));
            }
            Ran::Broken(DbError::CommitFailed(f.message))
        }
        Some(f) if f.severity == Severity::Retry => Ran::Again(DbError::CommitFailed(f.message)),
        Some(f) if fine => {
            work.overrule(DbError::IgnoredError(f.message));
            Ran::Undo
        }
        None if fine => Ran::Keep(state.into_effects()),
        _ => Ran::Undo,
    }
}

/// Effects run one by one; a panic in one stops neither the others nor the writer.
pub(crate) fn run_effects(effects: Vec<Effect>) {
    for effect in effects {
        if catch_unwind(AssertUnwindSafe(effect)).is_err() {
            log::error!("an effect after commit panicked");
        }
    }
}

struct Queued {
    since: Instant,
    work: Box<dyn Work>,
}

/// The sending side of the writer's queue.
pub(crate) struct GroupWriter {
    queue: Sender<Queued>,
}

impl GroupWriter {
    pub(crate) fn start(
        connector: Connector,
        context: WriteContext,
        queue: usize,
        max_wait: Duration,
    ) -> DbResult<GroupWriter> {
        let handle = connector.open()?;
        let (sender, receiver) = crossbeam_channel::bounded(queue);
        let thread = WriterThread { queue: receiver, connector, context, max_wait, handle: Some(handle) };
        std::thread::Builder::new()
            .name("db-writer".into())
            .spawn(move || thread.work())
            .map_err(|e| DbError::Unavailable(e.to_string()))?;
        Ok(GroupWriter { queue: sender })
    }

    pub(crate) fn give(&self, work: Box<dyn Work>) -> DbResult<()> {
        self.queue.try_send(Queued { since: Instant::now(), work }).map_err(|e| match e {
            TrySendError::Full(_) => DbError::Overloaded,
            TrySendError::Disconnected(_) => DbError::Closed,
        })
    }
}

struct WriterThread {
    queue: Receiver<Queued>,
    connector: Connector,
    context: WriteContext,
    max_wait: Duration,
    handle: Option<Handle>,
}

/// Why a group cannot go on.
enum Stopped {
    ByTheWork(DbError),
    ByTheEngine(DbError),
}

/// The work of one group, in order, with the effects of what is to be kept.
#[derive(Default)]
struct Group {
    works: Vec<Box<dyn Work>>,
    effects: Vec<Effect>,
    /// Whoever broke the connection, and knows how.
    culprit: Option<Box<dyn Work>>,
}

impl Group {
    fn answer(self) {
        for work in self.works {
            survive(|| work.answer());
        }
    }

    /// Nothing of this group was kept. Everybody hears that it may be tried again, but for the one who caused it:
    /// that one hears what went wrong, since trying it again may end the same way.
    fn fail(mut self, error: &DbError) {
        for work in &mut self.works {
            work.overrule(error.clone());
        }
        if let Some(culprit) = self.culprit.take() {
            culprit.answer();
        }
        self.answer();
    }
}

impl WriterThread {
    fn work(mut self) {
        while let Ok(first) = self.queue.recv() {
            if !survive(|| self.commit_group(first)) {
                self.handle = None;
            }
        }
    }

    fn commit_group(&mut self, first: Queued) {
        let mut group = Group::default();
        let result = match self.connected() {
            Ok(handle) => handle.prepared("BEGIN IMMEDIATE").map_err(DbError::from),
            Err(e) => Err(e),
        };
        let outcome = match result {
            Ok(()) => self.fill(first, &mut group).and_then(|()| self.commit()),
            Err(e) => {
                group.works.push(first.work);
                Err(e)
            }
        };
        match outcome {
            Ok(()) => {
                run_effects(std::mem::take(&mut group.effects));
                group.answer();
            }
            Err(e) => {
                log::error!("a group of {} writes was rolled back: {e}", group.works.len());
                // A connection whose state is unknown is closed, which rolls back whatever it had open.
                self.handle = None;
                group.fail(&e);
            }
        }
    }

    fn connected(&mut self) -> DbResult<&mut Handle> {
        if self.handle.is_none() {
            self.handle = Some(self.connector.open()?);
        }
        self.handle.as_mut().ok_or(DbError::Closed)
    }

    fn commit(&mut self) -> DbResult<()> {
        let handle = self.handle.as_mut().ok_or(DbError::Closed)?;
        handle.prepared("COMMIT").map_err(|e| DbError::CommitFailed(e.to_string()))
    }

    /// Takes work from the queue into the open transaction until the group is full or the queue empty.
    fn fill(&mut self, first: Queued, group: &mut Group) -> DbResult<()> {
        let began = Instant::now();
        let mut next = Some(first);
        while let Some(Queued { since, mut work }) = next {
            if work.abandoned() {
                // Whoever asked has gone, and nothing was begun: leave it undone.
                survive(|| drop(work));
            } else if since.elapsed() > self.max_wait {
                work.overrule(DbError::Overloaded);
                group.works.push(work);
            } else {
                match self.run_one(&mut *work) {
                    Ok(effects) => {
                        group.works.push(work);
                        group.effects.extend(effects);
                    }
                    Err(Stopped::ByTheWork(e)) => {
                        group.culprit = Some(work);
                        return Err(e);
                    }
                    Err(Stopped::ByTheEngine(e)) => {
                        group.works.push(work);
                        return Err(e);
                    }
                }
            }
            if group.works.len() >= GROUP_SIZE || began.elapsed() >= GROUP_TIME {
                break;
            }
            next = self.queue.try_recv().ok();
        }
        Ok(())
    }

    fn run_one(&mut self, work: &mut dyn Work) -> Result<Vec<Effect>, Stopped> {
        let engine = |e| Stopped::ByTheEngine(DbError::CommitFailed(DbError::from(e).to_string()));
        let handle = self.handle.as_mut().ok_or(Stopped::ByTheEngine(DbError::Closed))?;
        handle.prepared("SAVEPOINT work").map_err(engine)?;
        match run(work, handle, &self.context) {
            Ran::Keep(effects) => {
                handle.prepared("RELEASE SAVEPOINT work").map_err(engine)?;
                Ok(effects)
            }
            Ran::Undo => {
                handle.command("ROLLBACK TO SAVEPOINT work; RELEASE SAVEPOINT work").map_err(engine)?;
                Ok(Vec::new())
            }
            Ran::Again(e) => Err(Stopped::ByTheEngine(e)),
            Ran::Broken(e) => Err(Stopped::ByTheWork(e)),
        }
    }
}
