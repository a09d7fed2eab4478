//! One commit for many, on SQLite.

use muster_kernel::db::{DbError, Engine};
use muster_testkit::{OnEngine, run};

use crate::things::{Log, Narrow, ask_for_a_table_that_is_not_there, hold_writer, put, queue};

/// How often a group is tried for: one closes early when the machine is busy with something else.
const ROUNDS: i64 = 50;

#[test]
fn on_sqlite_what_has_queued_up_is_committed_together() {
    run(async {
        let db = Narrow::on(Engine::Sqlite).await;
        for round in 1..=ROUNDS {
            let log = Log::default();
            let held = hold_writer(&db, round).await;
            let works = [["work 1", "effect 1"], ["work 2", "effect 2"]].map(|[work, effect]| {
                let log = log.clone();
                queue(db.write(move |tx| {
                    log.add(work);
                    tx.after_commit(log.effect(effect));
                    Ok::<(), DbError>(())
                }))
            });
            held.release().await.expect("the first");
            for work in works {
                work.await.expect("committed");
            }
            // An effect comes after the commit, so the second was begun before the first was committed.
            if log.lines() == ["work 1", "work 2", "effect 1", "effect 2"] {
                return;
            }
        }
        panic!("no two writes were ever committed together");
    });
}

#[test]
fn on_sqlite_everybody_in_a_group_that_fails_hears_so_and_nothing_of_it_is_kept() {
    run(async {
        let db = Narrow::on(Engine::Sqlite).await;
        let mut failed_together = false;
        for round in 0..ROUNDS {
            let (first, neighbour, after) = (round * 3, round * 3 + 1, round * 3 + 2);
            let held = hold_writer(&db, first).await;
            let works = (
                queue(db.write(move |tx| put(tx, neighbour))),
                queue(db.write(|tx| ask_for_a_table_that_is_not_there(tx))),
                queue(db.write(move |tx| put(tx, after))),
            );
            let told = [(first, held.release().await), (neighbour, works.0.await)];
            works.1.await.expect_err("no such table");
            works.2.await.expect("it came after the group was given up");
            let kept = db.ids().await;
            for (id, outcome) in told {
                assert_eq!(kept.contains(&id), outcome.is_ok(), "what is kept is what is told");
                if let Err(e) = outcome {
                    assert!(matches!(e, DbError::CommitFailed(_)), "{e:?}");
                    failed_together = true;
                }
            }
            if failed_together {
                break;
            }
        }
        assert!(failed_together, "no two writes were ever in one group");
    });
}
