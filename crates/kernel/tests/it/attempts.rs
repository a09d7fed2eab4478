//! The contract of `Tx::attempt`: what is forgiven, and what is undone.

use muster_kernel::db::{DbError, DbResult, Tx};
use muster_testkit::each_engine;

use crate::things::{Refusal, Things, ask_for_a_table_that_is_not_there, put};

each_engine! {
    async fn an_attempt_forgives_a_constraint_error_and_undoes_only_its_own_work(db: Things) {
        db.write(|tx| put(tx, 1)).await.expect("the first");
        db.write(|tx| {
            put(tx, 2)?;
            let failed = tx.attempt(|tx| {
                put(tx, 3)?;
                put(tx, 1)
            });
            assert!(failed.is_err_and(|e| e.is_unique_violation()));
            put(tx, 4)
        })
        .await
        .expect("the work as a whole");
        assert_eq!(db.ids().await, [1, 2, 4]);
    }

    async fn an_attempt_undoes_its_work_for_an_error_of_the_services_own(db: Things) {
        db.write(|tx| {
            let failed = tx.attempt(|tx| {
                put(tx, 1)?;
                Err::<(), _>(Refusal::Ours)
            });
            assert!(matches!(failed, Err(Refusal::Ours)));
            put(tx, 2)
        })
        .await
        .expect("the work as a whole");
        assert_eq!(db.ids().await, [2]);
    }

    async fn attempts_nest(db: Things) {
        db.write(|tx| put(tx, 1)).await.expect("the first");
        db.write(|tx| {
            // The inner one fails, the outer one is kept.
            tx.attempt(|tx| {
                put(tx, 2)?;
                assert!(
                    tx.attempt(|tx| {
                        put(tx, 3)?;
                        put(tx, 1)
                    })
                    .is_err()
                );
                tx.attempt(|tx| put(tx, 4))
            })?;
            // The inner one is kept, until the outer one fails.
            let outer = tx.attempt(|tx| {
                tx.attempt(|tx| put(tx, 5))?;
                put(tx, 1)
            });
            assert!(outer.is_err());
            tx.attempt(|tx| put(tx, 6))
        })
        .await
        .expect("the work as a whole");
        assert_eq!(db.ids().await, [1, 2, 4, 6]);
    }

    async fn an_attempt_does_not_forgive_an_error_that_is_no_constraint(db: Things) {
        let outcome = db
            .write(|tx| {
                put(tx, 1)?;
                let _ = tx.attempt(ask_in_an_attempt);
                Ok::<(), DbError>(())
            })
            .await;
        assert!(matches!(outcome, Err(DbError::IgnoredError(_))), "{outcome:?}");
        assert_eq!(db.ids().await, [0i64; 0]);
    }
}

fn ask_in_an_attempt(tx: &mut Tx<'_>) -> DbResult<()> {
    ask_for_a_table_that_is_not_there(tx)
}
