//! The contract of `Db::write`: what is kept, and what is not.

use diesel::prelude::*;
use muster_kernel::db::{Db, DbError, DbResult, Engine};
use muster_testkit::each_engine;

use crate::things::{
    Narrow, Refusal, Things, ask_for_a_table_that_is_not_there, hold_writer, put, queue, things,
};

each_engine! {
    async fn work_that_returns_an_error_leaves_nothing(db: Things) {
        let outcome = db
            .write(|tx| {
                put(tx, 1)?;
                Err::<(), _>(Refusal::Ours)
            })
            .await;
        assert!(matches!(outcome, Err(Refusal::Ours)), "{outcome:?}");
        assert_eq!(db.ids().await, [0i64; 0]);
    }

    async fn a_panic_rolls_back_alone_and_the_writer_lives_on(db: Narrow) {
        let held = hold_writer(&db, 1).await;
        let before = queue(db.write(|tx| put(tx, 2)));
        let panics = queue(db.write(|tx| {
            put(tx, 3)?;
            if tx.now() > muster_kernel::Timestamp::from_micros(0).unwrap() {
                panic!("as the test wants it");
            }
            Ok::<(), DbError>(())
        }));
        let after = queue(db.write(|tx| put(tx, 4)));
        held.release().await.expect("the first");
        before.await.expect("its neighbour before");
        let outcome = panics.await;
        assert!(matches!(outcome, Err(DbError::Panicked)), "{outcome:?}");
        after.await.expect("its neighbour after");
        db.write(|tx| put(tx, 5)).await.expect("a later one");
        assert_eq!(db.ids().await, [1, 2, 4, 5]);
    }

    async fn a_panic_inside_an_attempt_rolls_back_all_of_the_work(db: Things) {
        let outcome: DbResult<()> = db
            .write(|tx| {
                put(tx, 1)?;
                tx.attempt(|tx| -> DbResult<()> {
                    put(tx, 2)?;
                    panic!("as the test wants it")
                })
            })
            .await;
        assert!(matches!(outcome, Err(DbError::Panicked)), "{outcome:?}");
        db.write(|tx| tx.attempt(|tx| put(tx, 3))).await.expect("a later one");
        assert_eq!(db.ids().await, [3]);
    }

    async fn a_panic_while_work_is_thrown_away_ends_no_thread(db: Narrow) {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                if !std::thread::panicking() {
                    panic!("as the test wants it");
                }
            }
        }
        let armed = |id| {
            let bomb = Bomb;
            db.write(move |tx| {
                let _bomb = &bomb;
                put(tx, id)
            })
        };
        // Kept and answered, with a neighbour; then dropped while it was in the queue.
        let held = hold_writer(&db, 1).await;
        let (done, neighbour, given_up) = (queue(armed(2)), queue(db.write(|tx| put(tx, 3))), queue(armed(4)));
        drop(given_up);
        held.release().await.expect("the first");
        done.await.expect("the work itself is fine");
        neighbour.await.expect("its neighbour");
        db.write(|tx| put(tx, 5)).await.expect("a later one");
        assert_eq!(db.ids().await, [1, 2, 3, 5]);
    }

    async fn work_that_ignores_a_database_error_is_refused(db: Things) {
        db.write(|tx| put(tx, 1)).await.expect("the first");
        let outcome = db
            .write(|tx| {
                put(tx, 2)?;
                let _ = put(tx, 1);
                Ok::<(), DbError>(())
            })
            .await;
        assert!(matches!(outcome, Err(DbError::IgnoredError(_))), "{outcome:?}");
        assert_eq!(db.ids().await, [1]);
    }

    async fn an_ignored_error_of_a_statement_that_gives_rows_back_is_noticed_on_postgres_only(db: Things) {
        // diesel tells its watchers nothing of an error that SQLite meets while it steps through rows. The statement
        // itself did nothing. Every test that runs on both engines finds such work by PostgreSQL's answer. Should
        // this fail on SQLite, then diesel has changed for the better.
        db.write(|tx| put(tx, 1)).await.expect("the first");
        let outcome = db
            .write(|tx| {
                put(tx, 2)?;
                let again = diesel::insert_into(things::table).values((things::id.eq(1), things::count.eq(0)));
                let _ = again.returning(things::id).get_result::<i64>(&mut **tx);
                Ok::<(), DbError>(())
            })
            .await;
        match db.engine() {
            Engine::Sqlite => assert_eq!((outcome.is_ok(), db.ids().await), (true, vec![1, 2])),
            Engine::Postgres => assert!(matches!(outcome, Err(DbError::IgnoredError(_))), "{outcome:?}"),
        }
    }

    async fn an_ignored_error_is_not_forgotten_over_a_later_attempt(db: Things) {
        // PostgreSQL refuses the attempt's savepoint too, and would answer the COMMIT with a ROLLBACK.
        for attempted in [3, 1] {
            db.write(|tx| tx.attempt(|tx| put(tx, 1)).or(Ok::<(), DbError>(()))).await.expect("the first");
            let outcome = db
                .write(move |tx| {
                    put(tx, 2)?;
                    let _ = put(tx, 1);
                    let _ = tx.attempt(|tx| put(tx, attempted));
                    Ok::<(), DbError>(())
                })
                .await;
            assert!(matches!(outcome, Err(DbError::IgnoredError(_))), "{outcome:?}");
            assert_eq!(db.ids().await, [1]);
        }
    }

    async fn an_error_ignored_inside_an_attempt_is_refused_as_well(db: Things) {
        db.write(|tx| put(tx, 1)).await.expect("the first");
        let outcome = db
            .write(|tx| {
                tx.attempt(|tx| {
                    let _ = put(tx, 1);
                    Ok::<(), DbError>(())
                })
            })
            .await;
        assert!(matches!(outcome, Err(DbError::IgnoredError(_))), "{outcome:?}");
    }

    async fn an_error_that_is_no_constraint_fails_the_work_and_the_next_one_is_fine(db: Things) {
        let outcome = db
            .write(|tx| {
                put(tx, 1)?;
                ask_for_a_table_that_is_not_there(tx)
            })
            .await;
        let error = outcome.expect_err("there is no such table");
        assert!(matches!(error, DbError::Query(_)), "whoever caused it hears what it was: {error:?}");
        assert!(!error.is_passing(), "the same would fail again");
        db.write(|tx| put(tx, 2)).await.expect("a new connection");
        assert_eq!(db.ids().await, [2]);
    }

    async fn many_writes_at_once_all_commit(db: Things) {
        let mut writes = tokio::task::JoinSet::new();
        for id in 0..500 {
            let db = Db::clone(&db);
            writes.spawn(async move { db.write(move |tx| put(tx, id)).await });
        }
        for outcome in writes.join_all().await {
            outcome.expect("committed");
        }
        assert_eq!(db.ids().await, (0..500).collect::<Vec<i64>>());
    }

    async fn all_of_one_transaction_has_one_time(db: Things) {
        let now = db.clock.now();
        let seen = db.write(|tx| Ok::<_, DbError>([tx.now(), tx.attempt(|tx| Ok::<_, DbError>(tx.now()))?])).await;
        assert_eq!(seen.expect("two times"), [now, now]);
    }
}
