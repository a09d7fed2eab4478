//! The queues of writers and readers: who waits, who is refused, and how they are drained.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use muster_kernel::db::{Db, DbError, DbOptions, Engine};
use muster_testkit::{OnEngine, each_engine};

use crate::things::{Log, Narrow, Things, hold, hold_reader, hold_writer, ids, poll_once, put, queue};

each_engine! {
    async fn queued_work_whose_caller_is_gone_is_never_begun(db: Narrow) {
        let ran = Arc::new(AtomicBool::new(false));
        let (write_ran, read_ran) = (ran.clone(), ran.clone());
        let (writing, reading) = (hold_writer(&db, 1).await, hold_reader(&db).await);
        drop(queue(db.write(move |_| {
            write_ran.store(true, Ordering::SeqCst);
            Ok::<(), DbError>(())
        })));
        drop(queue(db.read(move |_| {
            read_ran.store(true, Ordering::SeqCst);
            Ok::<(), DbError>(())
        })));
        writing.release().await.expect("the first write");
        reading.release().await.expect("the first read");
        // There is one of each thread, so these come after what was dropped.
        db.write(|tx| put(tx, 2)).await.expect("a later write");
        assert_eq!(db.ids().await, [1, 2]);
        assert!(!ran.load(Ordering::SeqCst));
    }

    async fn a_full_queue_answers_at_once(db: Narrow) {
        let (writing, reading) = (hold_writer(&db, 1).await, hold_reader(&db).await);
        let writes = [2, 3, 4].map(|id| queue(db.write(move |tx| put(tx, id))));
        let reads = [(); 3].map(|()| queue(db.read(ids)));
        let write = poll_once(&mut Box::pin(db.write(|tx| put(tx, 5))));
        assert!(matches!(write, Some(Err(DbError::Overloaded))), "{write:?}");
        let read = poll_once(&mut Box::pin(db.read(ids)));
        assert!(matches!(read, Some(Err(DbError::Overloaded))), "{read:?}");
        writing.release().await.expect("the first write");
        for write in writes {
            write.await.expect("what had a place in the queue");
        }
        reading.release().await.expect("the first read");
        for read in reads {
            assert_eq!(read.await.expect("what had a place in the queue"), [1, 2, 3, 4]);
        }
    }

    async fn work_that_waited_too_long_is_refused(db: Hurried) {
        let ran = Arc::new(AtomicBool::new(false));
        let (write_ran, read_ran) = (ran.clone(), ran.clone());
        let write =
            db.0.write(move |_| {
                write_ran.store(true, Ordering::SeqCst);
                Ok::<(), DbError>(())
            })
            .await;
        assert!(matches!(write, Err(DbError::Overloaded)), "{write:?}");
        let read =
            db.0.read(move |_| {
                read_ran.store(true, Ordering::SeqCst);
                Ok::<(), DbError>(())
            })
            .await;
        assert!(matches!(read, Err(DbError::Overloaded)), "{read:?}");
        assert!(!ran.load(Ordering::SeqCst));
    }

    async fn draining_waits_for_everything_that_was_given_before(db: TwoWriters) {
        let db = db.0;
        let log = Log::default();
        let (writer, effect) = (Db::clone(&db), log.clone());
        let held = hold(|gate| async move {
            writer
                .write(move |tx| {
                    gate.pass();
                    tx.after_commit(effect.effect("written"));
                    Ok::<(), DbError>(())
                })
                .await
        })
        .await;
        let mut drained = Box::pin(db.drain());
        assert!(poll_once(&mut drained).is_none());
        if db.engine() == Engine::Postgres {
            // The other writer is not held, so it is done with whatever the draining may have queued before this.
            db.write(|tx| put(tx, 1)).await.expect("a write");
            assert!(poll_once(&mut drained).is_none(), "drained while something was being written");
        }
        assert!(!held.is_finished());
        let released = tokio::spawn(held.release());
        drained.await;
        assert_eq!(log.lines(), ["written"]);
        released.await.expect("no panic").expect("the held one");
    }

    async fn draining_waits_though_the_queue_is_full(db: Narrow) {
        let held = hold_writer(&db, 1).await;
        let writes = [2, 3, 4].map(|id| queue(db.write(move |tx| put(tx, id))));
        let mut drained = Box::pin(db.drain());
        assert!(poll_once(&mut drained).is_none());
        let released = tokio::spawn(held.release());
        drained.await;
        assert_eq!(db.ids().await, [1, 2, 3, 4]);
        drop(writes);
        released.await.expect("no panic").expect("the held one");
    }
}

/// Work is refused when it waited at all.
struct Hurried(muster_testkit::TestDb);

impl OnEngine for Hurried {
    async fn on(engine: Engine) -> Hurried {
        Hurried(muster_testkit::TestDb::with(
            engine,
            DbOptions { max_wait: Duration::ZERO, ..DbOptions::default() },
        ))
    }
}

/// Where the engine allows it.
struct TwoWriters(Things);

impl OnEngine for TwoWriters {
    async fn on(engine: Engine) -> TwoWriters {
        TwoWriters(Things::with(engine, DbOptions { writers: 2, ..DbOptions::default() }).await)
    }
}
