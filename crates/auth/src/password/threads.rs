//! Threads for work that keeps a processor busy: as many as there are processors, at a lower priority than the
//! rest of the program, and behind a bounded queue.

use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use muster_kernel::fault::{Code, Fault};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// How long somebody may wait for a thread.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// How many may wait for a thread before the next is turned away.
const QUEUE: usize = 200;

type Task = Box<dyn FnOnce() + Send>;

/// The threads, which end when the last clone is dropped.
#[derive(Clone)]
pub(super) struct Threads {
    /// Never holds more than there are free threads: whoever sends has a permit of `free`.
    tasks: Sender<Task>,
    free: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

impl Threads {
    pub(super) fn start() -> Threads {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        let (tasks, queue) = crossbeam_channel::bounded(processors);
        let start = |n: &usize| {
            let queue = queue.clone();
            let thread = std::thread::Builder::new().name(format!("password-{n}"));
            let started = thread.spawn(move || work(&queue));
            started.inspect_err(|e| log::error!("a thread for passwords cannot be started: {e}")).is_ok()
        };
        let started = (0..processors).filter(start).count();
        Threads { tasks, free: Arc::new(Semaphore::new(started)), waiting: Arc::default() }
    }

    /// Does it on one of the threads, in the order of asking. Whoever stops waiting before a thread is free leaves
    /// the queue at once, and nothing is done for them.
    ///
    /// # Errors
    /// When too many are waiting, or it took too long, or the work panicked.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let busy = || {
            Fault::new(Code::Unavailable, "Too many people are signing in at once; try again shortly.")
                .retry_after(2)
        };
        let turn = self.turn().await.ok_or_else(busy)?;
        let (sender, outcome) = oneshot::channel();
        let task = move || {
            let _turn = turn;
            // Whoever has gone meanwhile does not read it.
            let _ = sender.send(work());
        };
        self.tasks.try_send(Box::new(task)).map_err(|_| busy())?;
        outcome.await.map_err(Fault::internal)
    }

    async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        let _place = Place::take(&self.waiting)?;
        tokio::time::timeout(LONGEST_WAIT, self.free.clone().acquire_owned()).await.ok()?.ok()
    }
}

fn work(queue: &Receiver<Task>) {
    step_back();
    while let Ok(task) = queue.recv() {
        // A thread that ended would be missing until the program is started anew.
        if catch_unwind(AssertUnwindSafe(task)).is_err() {
            log::error!("work on a password panicked");
        }
    }
}

/// Leaves the processors to the program's other threads whenever those have something to do.
#[cfg(target_os = "linux")]
fn step_back() {
    use rustix::process::{getpriority_process, setpriority_process};

    // Here every thread has a nice value of its own, set by the thread's id. Where that is refused, work goes on
    // with the priority that it has.
    let this = Some(rustix::thread::gettid());
    if let Ok(nice) = getpriority_process(this) {
        let _ = setpriority_process(this, (nice + 10).min(19));
    }
}

#[cfg(not(target_os = "linux"))]
fn step_back() {}

/// A place in the queue, given back when it is dropped.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(waiting: &Arc<AtomicUsize>) -> Option<Place> {
        let place = Place(waiting.clone());
        if waiting.fetch_add(1, Ordering::AcqRel) >= QUEUE { None } else { Some(place) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::Barrier;
    use std::sync::mpsc::{self, RecvTimeoutError, TryRecvError};

    use super::*;

    fn count(threads: &Threads) -> u32 {
        u32::try_from(threads.free.available_permits()).expect("a number")
    }

    /// Nobody's turn comes while this is kept.
    async fn all_busy(threads: &Threads) -> OwnedSemaphorePermit {
        threads.free.clone().acquire_many_owned(count(threads)).await.expect("all of them")
    }

    #[track_caller]
    fn turned_away(outcome: Result<(), Fault>) {
        let fault = outcome.expect_err("nobody has time");
        assert_eq!(fault.code, Code::Unavailable);
        assert!(fault.retry_after.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_would_wait_too_long_is_turned_away() {
        let threads = Threads::start();
        let _busy = all_busy(&threads).await;
        let patience = 2 * LONGEST_WAIT;
        turned_away(tokio::time::timeout(patience, threads.run(|| ())).await.expect("an answer"));
        assert_eq!(threads.waiting.load(Ordering::Acquire), 0, "the place in the queue is free again");
    }

    #[tokio::test]
    async fn whoever_finds_the_queue_full_is_turned_away_at_once() {
        let threads = Threads::start();
        let busy = all_busy(&threads).await;
        let queue: Vec<_> = (0..QUEUE)
            .map(|_| {
                let threads = threads.clone();
                tokio::spawn(async move { threads.run(|| ()).await })
            })
            .collect();
        while threads.waiting.load(Ordering::Acquire) < QUEUE {
            tokio::task::yield_now().await;
        }
        tokio::select! {
            biased;
            outcome = threads.run(|| ()) => turned_away(outcome),
            () = std::future::ready(()) => panic!("it waits"),
        }
        drop(busy);
        for waiting in queue {
            waiting.await.expect("no panic").expect("its turn came");
        }
    }

    #[tokio::test]
    async fn nothing_is_done_for_whoever_has_gone() {
        let threads = Threads::start();
        let busy = all_busy(&threads).await;
        let (done, seen) = mpsc::channel();
        tokio::select! {
            biased;
            _ = threads.run(move || done.send(())) => panic!("nobody has time"),
            () = tokio::task::yield_now() => {}
        }
        assert_eq!(seen.try_recv(), Err(TryRecvError::Disconnected), "the work is gone as well");
        drop(busy);
        threads.run(|| ()).await.expect("its turn came");
    }

    #[tokio::test]
    async fn a_panic_costs_no_thread() {
        let threads = Threads::start();
        for _ in 0..2 * count(&threads) {
            let outcome = threads.run(|| panic!("on purpose")).await;
            assert_eq!(outcome.map(|()| "done").expect_err("no outcome").code, Code::Internal);
        }
        assert_eq!(threads.run(|| 7).await.expect("its turn came"), 7);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn everything_else_goes_first() {
        let nice = || rustix::process::getpriority_process(Some(rustix::thread::gettid())).expect("a value");
        let threads = Threads::start();
        assert_eq!(threads.run(nice).await.expect("its turn came"), (nice() + 10).min(19));
    }

    thread_local! {
        /// Dropped when the thread ends.
        static LIFE: RefCell<Option<mpsc::Sender<()>>> = const { RefCell::new(None) };
    }

    #[tokio::test]
    async fn the_threads_end_with_the_last_clone() {
        let threads = Threads::start();
        let (life, ended) = mpsc::channel();
        let each = count(&threads);
        // Each waits for all the others, so that every thread gets one.
        let barrier = Arc::new(Barrier::new(each.try_into().expect("a number")));
        let running: Vec<_> = (0..each)
            .map(|_| {
                let (threads, barrier, life) = (threads.clone(), barrier.clone(), life.clone());
                tokio::spawn(async move {
                    let keep = move || {
                        LIFE.set(Some(life));
                        barrier.wait();
                    };
                    threads.run(keep).await
                })
            })
            .collect();
        for one in running {
            one.await.expect("no panic").expect("its turn came");
        }
        drop(life);
        drop(threads.clone());
        threads.run(|| ()).await.expect("there is a clone left");
        assert_eq!(ended.try_recv(), Err(TryRecvError::Empty), "none has ended");
        drop(threads);
        assert_eq!(ended.recv_timeout(Duration::from_secs(20)), Err(RecvTimeoutError::Disconnected));
    }
}
