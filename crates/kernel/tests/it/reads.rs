//! The contract of `Db::read`.

use muster_kernel::db::{Db, DbError, DbResult};
use muster_testkit::each_engine;

use crate::things::{Narrow, Refusal, Things, ask_for_a_table_that_is_not_there, hold, ids, put};

each_engine! {
    async fn a_read_sees_what_was_written_before_it(db: Things) {
        for id in 0..50 {
            db.write(move |tx| put(tx, id)).await.expect("a write");
            assert_eq!(db.ids().await.len(), usize::try_from(id).unwrap() + 1);
        }
    }

    async fn a_read_is_one_snapshot(db: Things) {
        db.write(|tx| put(tx, 1)).await.expect("the first");
        let reader = Db::clone(&db);
        let held = hold(|gate| async move {
            reader
                .read(move |conn| {
                    let before = ids(conn)?;
                    gate.pass();
                    Ok::<_, DbError>((before, ids(conn)?))
                })
                .await
        })
        .await;
        db.write(|tx| put(tx, 2)).await.expect("a write does not wait for readers");
        assert_eq!(held.release().await.expect("both reads"), (vec![1], vec![1]));
        assert_eq!(db.ids().await, [1, 2]);
    }

    async fn a_read_cannot_write(db: Narrow) {
        db.read(|conn| put(conn, 1)).await.expect_err("a read that writes");
        db.read_one(|conn| put(conn, 2)).await.expect_err("a read of one statement that writes");
        db.write(|tx| put(tx, 3)).await.expect("a write that writes");
        assert_eq!(db.ids().await, [3]);
    }

    async fn a_read_that_fails_or_panics_harms_no_later_one(db: Narrow) {
        let outcome: DbResult<()> = db.read(|_| panic!("as the test wants it")).await;
        assert!(matches!(outcome, Err(DbError::Panicked)), "{outcome:?}");
        db.read(ask_for_a_table_that_is_not_there).await.expect_err("no such table");
        db.read_one(ask_for_a_table_that_is_not_there).await.expect_err("no such table");
        let outcome = db
            .read(|conn| {
                ids(conn)?;
                Err::<(), _>(Refusal::Ours)
            })
            .await;
        assert!(matches!(outcome, Err(Refusal::Ours)), "{outcome:?}");
        db.write(|tx| put(tx, 1)).await.expect("a write");
        assert_eq!(db.ids().await, [1]);
        db.ping().await.expect("a sign of life");
    }
}
