//! Races and lost connections, on PostgreSQL.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use muster_kernel::db::{Db, DbError, DbResult, Engine, Tx};
use muster_testkit::{OnEngine, run};

use crate::things::{Log, Narrow, Things, hold, hold_reader, hold_writer, ids, put, things};

/// Adds one to the counts of these things, in this order; `between` runs after the first.
fn count_up(tx: &mut Tx<'_>, order: [i64; 2], between: impl Fn()) -> DbResult<()> {
    for (n, id) in order.into_iter().enumerate() {
        diesel::update(things::table.filter(things::id.eq(id)))
            .set(things::count.eq(things::count + 1))
            .execute(&mut **tx)?;
        if n == 0 {
            between();
        }
    }
    Ok(())
}

#[test]
fn on_postgres_work_that_lost_a_deadlock_is_run_again() {
    run(async {
        let db = Things::on(Engine::Postgres).await;
        db.write(|tx| put(tx, 1).and_then(|()| put(tx, 2))).await.expect("two things");
        let (runs, effects) = (Arc::new(AtomicUsize::new(0)), Log::default());
        let both_hold_one = Arc::new(Barrier::new(2));
        let write = |order: [i64; 2]| {
            let (runs, effects, both_hold_one) = (runs.clone(), effects.clone(), both_hold_one.clone());
            let first = AtomicBool::new(true);
            db.write(move |tx| {
                runs.fetch_add(1, Ordering::SeqCst);
                tx.after_commit(effects.effect("counted"));
                tx.batch_execute("SET LOCAL deadlock_timeout = '10ms'")?;
                count_up(tx, order, || {
                    if first.swap(false, Ordering::SeqCst) {
                        both_hold_one.wait();
                    }
                })
            })
        };
        let (one, other) = tokio::join!(write([1, 2]), write([2, 1]));
        one.expect("one of them");
        other.expect("the other");
        assert!(runs.load(Ordering::SeqCst) >= 3, "who lost ran again, and the server may make both lose");
        assert_eq!(effects.lines(), ["counted", "counted"]);
        let counts =
            db.read(|conn| Ok::<_, DbError>(things::table.select(things::count).load::<i64>(conn)?)).await;
        assert_eq!(counts.expect("the counts"), [2, 2]);
    });
}

#[test]
fn on_postgres_work_that_lost_to_a_newer_row_is_run_again_even_if_an_attempt_caught_it() {
    run(async {
        let db = Things::on(Engine::Postgres).await;
        db.write(|tx| put(tx, 1).and_then(|()| put(tx, 2))).await.expect("two things");
        for attempted in [false, true] {
            let (writer, runs) = (Db::clone(&db), Arc::new(AtomicUsize::new(0)));
            let counted = runs.clone();
            let held = hold(|gate| async move {
                writer
                    .write(move |tx| {
                        tx.batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")?;
                        ids(tx)?;
                        if counted.fetch_add(1, Ordering::SeqCst) == 0 {
                            gate.pass();
                        }
                        if attempted {
                            let _ = tx.attempt(|tx| count_up(tx, [1, 2], || {}));
                            return Ok(());
                        }
                        count_up(tx, [1, 2], || {})
                    })
                    .await
            })
            .await;
            db.write(|tx| count_up(tx, [1, 2], || {})).await.expect("the one who is first");
            held.release().await.expect("the one who is second");
            assert_eq!(runs.load(Ordering::SeqCst), 2);
        }
        let counts =
            db.read(|conn| Ok::<_, DbError>(things::table.select(things::count).load::<i64>(conn)?)).await;
        assert_eq!(counts.expect("the counts"), [4, 4]);
    });
}

#[test]
fn on_postgres_work_that_loses_every_time_is_given_up() {
    run(async {
        let db = Things::on(Engine::Postgres).await;
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = runs.clone();
        let outcome = db
            .write(move |tx| {
                counted.fetch_add(1, Ordering::SeqCst);
                put(tx, 1)?;
                Ok::<(), DbError>(tx.batch_execute(
                    "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'serialization_failure'; END $$",
                )?)
            })
            .await;
        assert!(outcome.is_err_and(|e| e.is_passing()));
        assert_eq!(runs.load(Ordering::SeqCst), 5);
        assert_eq!(db.ids().await, [0i64; 0]);
    });
}

#[test]
fn on_postgres_a_connection_that_was_killed_is_replaced() {
    run(async {
        let db = Things::on(Engine::Postgres).await;
        // Every thread has a connection, so that there is something to kill.
        let held = [
            hold_reader(&db).await,
            hold_writer(&db, 1).await,
            hold_reader(&db).await,
            hold_writer(&db, 2).await,
        ];
        for held in held {
            held.release().await.expect("work on a fresh connection");
        }
        db.write(|tx| {
            Ok::<(), DbError>(tx.batch_execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )?)
        })
        .await
        .expect("all others killed");
        // At most one clear error for each of the ten connections there can be.
        let mut written = Vec::new();
        for id in 10..30 {
            match db.write(move |tx| put(tx, id)).await {
                Ok(()) => written.push(id),
                Err(e) => assert!(e.is_passing(), "{e:?}"),
            }
        }
        assert!(written.len() >= 10, "{written:?}");
        let mut read = Vec::new();
        for _ in 0..20 {
            match db.read(ids).await {
                Ok(ids) => read.push(ids),
                Err(e) => assert!(e.is_passing(), "{e:?}"),
            }
        }
        assert!(read.len() >= 18, "{read:?}");
        // What was told is what is kept.
        assert_eq!(read[0], [vec![1, 2], written].concat());
    });
}

#[test]
fn on_postgres_a_connection_that_dies_in_the_middle_costs_only_its_own_work() {
    run(async {
        let db = Narrow::on(Engine::Postgres).await;
        let outcome = db
            .write(|tx| {
                put(tx, 1)?;
                Ok::<(), DbError>(tx.batch_execute("SELECT pg_terminate_backend(pg_backend_pid())")?)
            })
            .await;
        assert!(outcome.is_err_and(|e| e.is_passing()));
        db.write(|tx| put(tx, 2)).await.expect("a new connection");
        assert_eq!(db.ids().await, [2]);
    });
}
