//! The contract of `Tx::after_commit`: when an effect runs, and when it does not.

use std::sync::mpsc;

use muster_kernel::db::{Db, DbError, DbResult, Tx};
use muster_testkit::each_engine;

use crate::things::{
    Log, Narrow, Refusal, Things, ask_for_a_table_that_is_not_there, hold, hold_writer, ids, put, queue,
};

each_engine! {
    async fn an_effect_runs_once_when_the_work_is_durable_and_before_its_caller_hears(db: Things) {
        let (seen, others_see) = mpsc::channel();
        let (reader, runtime) = (Db::clone(&db), tokio::runtime::Handle::current());
        db.write(move |tx| {
            put(tx, 1)?;
            let (seen, reader, runtime) = (seen.clone(), reader.clone(), runtime.clone());
            tx.after_commit(move || seen.send(runtime.block_on(reader.read(ids))).expect("a listener"));
            Ok::<(), DbError>(())
        })
        .await
        .expect("the write");
        let seen: Vec<_> = others_see.try_iter().map(|ids| ids.expect("a read")).collect();
        assert_eq!(seen, [[1]]);
    }

    async fn an_effect_does_not_run_for_work_that_is_not_kept(db: Things) {
        let log = Log::default();
        db.write(|tx| put(tx, 1)).await.expect("the first");
        let give = |then: fn(&mut Tx<'_>) -> DbResult<()>| {
            let log = log.clone();
            db.write(move |tx| {
                tx.after_commit(log.effect("an effect"));
                then(tx)
            })
        };
        give(|tx| put(tx, 1)).await.expect_err("a constraint");
        give(|tx| {
            let _ = put(tx, 1);
            Ok(())
        })
        .await
        .expect_err("an ignored error");
        give(|_| panic!("as the test wants it")).await.expect_err("a panic");
        give(|tx| ask_for_a_table_that_is_not_there(tx)).await.expect_err("a broken connection");
        assert_eq!(log.lines(), [""; 0]);
        give(|_| Ok(())).await.expect("nothing wrong");
        assert_eq!(log.lines(), ["an effect"]);
    }

    async fn an_effect_given_in_a_failed_attempt_does_not_run(db: Things) {
        let log = Log::default();
        let given = log.clone();
        db.write(move |tx| {
            tx.after_commit(given.effect("before"));
            let _ = tx.attempt(|tx| {
                tx.after_commit(given.effect("failed"));
                tx.attempt(|tx| {
                    tx.after_commit(given.effect("kept in the failed one"));
                    Ok::<(), Refusal>(())
                })?;
                Err::<(), Refusal>(Refusal::Ours)
            });
            tx.attempt(|tx| {
                tx.after_commit(given.effect("kept"));
                Ok::<(), Refusal>(())
            })?;
            tx.after_commit(given.effect("after"));
            Ok::<(), Refusal>(())
        })
        .await
        .expect("the write");
        assert_eq!(log.lines(), ["before", "kept", "after"]);
    }

    async fn effects_run_in_the_order_of_their_commits(db: Narrow) {
        let log = Log::default();
        let held = hold_writer(&db, 1).await;
        let works = [["1a", "1b"], ["2a", "2b"], ["3a", "3b"]].map(|lines| {
            let log = log.clone();
            queue(db.write(move |tx| {
                for line in lines {
                    tx.after_commit(log.effect(line));
                }
                Ok::<(), DbError>(())
            }))
        });
        held.release().await.expect("the first");
        for work in works {
            work.await.expect("committed");
        }
        assert_eq!(log.lines(), ["1a", "1b", "2a", "2b", "3a", "3b"]);
    }

    async fn an_effect_that_panics_harms_nobody(db: Things) {
        let log = Log::default();
        let given = log.clone();
        db.write(move |tx| {
            put(tx, 1)?;
            tx.after_commit(|| panic!("as the test wants it"));
            tx.after_commit(given.effect("the next"));
            Ok::<(), DbError>(())
        })
        .await
        .expect("the write stands");
        db.write(|tx| put(tx, 2)).await.expect("the writer lives on");
        assert_eq!(log.lines(), ["the next"]);
        assert_eq!(db.ids().await, [1, 2]);
    }

    async fn what_has_begun_is_finished_though_its_caller_is_gone(db: Narrow) {
        let log = Log::default();
        let (writer, effect) = (Db::clone(&db), log.clone());
        let held = hold(|gate| async move {
            writer
                .write(move |tx| {
                    put(tx, 1)?;
                    tx.after_commit(effect.effect("an effect"));
                    gate.pass();
                    Ok::<(), DbError>(())
                })
                .await
        })
        .await;
        drop(held.leave().await);
        db.drain().await;
        assert_eq!(log.lines(), ["an effect"]);
        assert_eq!(db.ids().await, [1]);
    }
}
