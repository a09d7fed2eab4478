//! Portable SQL: what is asked of the tables, sums and written SQL included.

use diesel::connection::SimpleConnection;
use diesel::dsl::{count_star, exists, max, row_number};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use muster_kernel::Minor;
use muster_kernel::db::{Conn, DbError, Engine, MultiBackend};
use muster_kernel::sql::{Locked, Portable, total};
use muster_testkit::{OnEngine, each_engine};

use crate::ledger::{Entry, EntryId, Ledger, entries, entry, rooms};

each_engine! {
    async fn tables_are_joined(db: Ledger) {
        db.put(vec![entry(1), Entry { room_id: 2, ..entry(2) }]).await;
        db.change(|c| diesel::insert_into(rooms::table).values((rooms::id.eq(3), rooms::name.eq("bar"))).execute(c))
            .await
            .unwrap();
        let inner: Vec<(String, EntryId)> = db
            .ask(|c| {
                rooms::table.inner_join(entries::table).select((rooms::name, entries::id)).order(rooms::id).load(c)
            })
            .await;
        assert_eq!(inner, [("hall".into(), EntryId(1)), ("court".into(), EntryId(2))]);
        let left: Vec<(String, Option<Minor>)> = db
            .ask(|c| {
                rooms::table
                    .left_join(entries::table)
                    .select((rooms::name, entries::amount.nullable()))
                    .order(rooms::id)
                    .load(c)
            })
            .await;
        assert_eq!(left, [("hall".into(), Some(Minor(100))), ("court".into(), Some(Minor(200))), ("bar".into(), None)]);
    }

    async fn a_table_is_joined_with_itself(db: Ledger) {
        let (a, b) = diesel::alias!(rooms as a, rooms as b);
        let pairs: Vec<(String, String)> = db
            .ask(move |c| {
                a.inner_join(b.on(a.field(rooms::id).lt(b.field(rooms::id))))
                    .select((a.field(rooms::name), b.field(rooms::name)))
                    .load(c)
            })
            .await;
        assert_eq!(pairs, [("hall".into(), "court".into())]);
    }

    async fn rows_are_grouped(db: Ledger) {
        db.put(vec![entry(1), entry(2), Entry { room_id: 2, ..entry(3) }]).await;
        let by_room: Vec<(i64, i64, Option<Minor>)> = db
            .ask(|c| {
                entries::table
                    .group_by(entries::room_id)
                    .select((entries::room_id, count_star(), max(entries::amount)))
                    .having(count_star().gt(0))
                    .order(entries::room_id)
                    .load(c)
            })
            .await;
        assert_eq!(by_room, [(1, 2, Some(Minor(200))), (2, 1, Some(Minor(300)))]);
    }

    async fn rows_are_numbered_by_a_window(db: Ledger) {
        db.put(vec![entry(1), entry(2), Entry { room_id: 2, ..entry(3) }]).await;
        let numbered: Vec<(EntryId, i64)> = db
            .ask(|c| {
                entries::table
                    .select((entries::id, row_number().partition_by(entries::room_id).window_order(entries::id.desc())))
                    .order(entries::id)
                    .load(c)
            })
            .await;
        assert_eq!(numbered, [(EntryId(1), 2), (EntryId(2), 1), (EntryId(3), 1)]);
    }

    async fn a_query_is_put_together_while_the_program_runs(db: Ledger) {
        db.put(vec![entry(1), entry(2), Entry { open: false, ..entry(3) }]).await;
        for (open, least, expected) in
            [(None, None, vec![1, 2, 3]), (Some(true), None, vec![1, 2]), (Some(true), Some(Minor(150)), vec![2])]
        {
            let found: Vec<i64> = db
                .ask(move |c| {
                    let mut query = entries::table.select(entries::id).order(entries::id).into_boxed::<MultiBackend>();
                    if let Some(open) = open {
                        query = query.filter(entries::open.eq(open));
                    }
                    if let Some(least) = least {
                        query = query.filter(entries::amount.ge(least));
                    }
                    query.limit(10).offset(0).load(c)
                })
                .await;
            assert_eq!(found, expected);
        }
    }

    async fn a_row_is_found_by_what_exists_elsewhere(db: Ledger) {
        db.put(vec![entry(1)]).await;
        let used: Vec<String> = db
            .ask(|c| {
                rooms::table
                    .filter(exists(entries::table.filter(entries::room_id.eq(rooms::id))))
                    .select(rooms::name)
                    .load(c)
            })
            .await;
        assert_eq!(used, ["hall"]);
        let unused: Vec<String> = db
            .ask(|c| {
                rooms::table
                    .filter(rooms::id.ne_all(entries::table.select(entries::room_id)))
                    .select(rooms::name)
                    .load(c)
            })
            .await;
        assert_eq!(unused, ["court"]);
        assert!(db.ask(|c| diesel::select(exists(entries::table.find(EntryId(1)))).get_result::<bool>(c)).await);
        assert!(!db.ask(|c| diesel::select(exists(entries::table.find(EntryId(2)))).get_result::<bool>(c)).await);
    }

    async fn a_list_of_values_is_searched_even_an_empty_one(db: Ledger) {
        db.put(vec![entry(1), entry(2), entry(3)]).await;
        for (wanted, expected) in [(vec![1i64, 3, 9], vec![1i64, 3]), (vec![], vec![])] {
            let found: Vec<i64> = db
                .ask(move |c| {
                    entries::table.filter(entries::id.eq_any(wanted)).select(entries::id).order(entries::id).load(c)
                })
                .await;
            assert_eq!(found, expected);
        }
    }

    async fn two_questions_are_united(db: Ledger) {
        db.put(vec![Entry { label: Some("dues".into()), ..entry(1) }]).await;
        let mut words: Vec<String> = db
            .ask(|c| {
                let labels =
                    entries::table.filter(entries::label.is_not_null()).select(entries::label.assume_not_null());
                Portable(rooms::table.select(rooms::name).union(labels)).load(c)
            })
            .await;
        words.sort();
        assert_eq!(words, ["court", "dues", "hall"]);
    }

    async fn a_row_that_is_not_there_is_not_found(db: Ledger) {
        let missing = db.read(|c| Ok::<_, DbError>(entries::table.find(EntryId(1)).first::<Entry>(c)?)).await;
        assert!(missing.is_err_and(|e| e.is_not_found()));
        assert_eq!(db.ask(|c| entries::table.find(EntryId(1)).first::<Entry>(c).optional()).await, None);
    }

    async fn rows_are_locked_where_the_engine_has_locks(db: Ledger) {
        db.put(vec![entry(1)]).await;
        let row = db
            .change(|c| Locked(entries::table.filter(entries::id.eq(1)).select(Entry::as_select())).get_result(c))
            .await;
        assert_eq!(row.expect("the row"), entry(1));
        let rooms = db.change(|c| Locked(rooms::table.order(rooms::id).select(rooms::name)).load::<String>(c)).await;
        assert_eq!(rooms.expect("both rooms"), ["hall", "court"]);
    }
}

#[test]
fn on_postgres_a_locked_row_waits_for_whoever_has_it() {
    use crate::things::hold;
    use muster_kernel::db::Db;
    muster_testkit::run(async {
        let db = Ledger::on(Engine::Postgres).await;
        let holder = Db::clone(&db);
        let held = hold(|gate| async move {
            holder
                .write(move |tx| {
                    Locked(rooms::table.filter(rooms::id.eq(1)).select(rooms::id))
                        .get_result::<i64>(&mut **tx)?;
                    gate.pass();
                    Ok::<(), DbError>(())
                })
                .await
        })
        .await;
        let rename =
            |c: &mut Conn| diesel::update(rooms::table.find(1)).set(rooms::name.eq("the hall")).execute(c);
        let refused = db
            .change(move |c| {
                c.batch_execute("SET LOCAL lock_timeout = '20ms'")?;
                rename(c)
            })
            .await;
        assert!(refused.expect_err("it is locked").to_string().contains("lock timeout"));
        // Who refers to the row does not wait: its key stays what it is.
        db.put(vec![entry(1)]).await;
        held.release().await.expect("the holder");
        assert_eq!(db.change(rename).await.expect("it is free"), 1);
    });
}

// ── Sums ────────────────────────────────────────────────────────────────────────────────────────────────────────

each_engine! {
    async fn amounts_are_added_up(db: Ledger) {
        assert_eq!(db.ask(|c| entries::table.select(total(entries::amount)).get_result::<Minor>(c)).await, Minor(0));
        db.put(vec![entry(1), entry(2), Entry { room_id: 2, amount: Minor(-7), ..entry(3) }]).await;
        assert_eq!(db.ask(|c| entries::table.select(total(entries::amount)).get_result::<Minor>(c)).await, Minor(293));
        let by_room: Vec<(i64, Minor)> = db
            .ask(|c| {
                entries::table
                    .group_by(entries::room_id)
                    .select((entries::room_id, total(entries::amount)))
                    .having(total(entries::amount).lt(Minor(1000)))
                    .order(total(entries::amount).asc())
                    .load(c)
            })
            .await;
        assert_eq!(by_room, [(2, Minor(-7)), (1, Minor(300))]);
        let with_empty: Vec<(String, i64)> = db
            .ask(|c| {
                rooms::table
                    .left_join(entries::table.on(entries::room_id.eq(rooms::id).and(entries::amount.gt(Minor(150)))))
                    .group_by((rooms::id, rooms::name))
                    .select((rooms::name, total(entries::amount.nullable())))
                    .order(rooms::id)
                    .load(c)
            })
            .await;
        assert_eq!(with_empty, [("hall".into(), 200), ("court".into(), 0)]);
    }

    async fn a_sum_that_does_not_fit_is_an_error(db: Ledger) {
        db.put(vec![Entry { amount: Minor(i64::MAX), ..entry(1) }, Entry { amount: Minor(1), ..entry(2) }]).await;
        let sum = |c: &mut Conn| entries::table.select(total(entries::amount)).get_result::<Minor>(c);
        db.read(move |c| Ok::<_, DbError>(sum(c)?)).await.expect_err("too much");
        db.change(sum).await.expect_err("too much");
        // A sum that fits in the end is right, whatever lies between.
        db.put(vec![Entry { amount: Minor(-2), ..entry(3) }]).await;
        if let Ok(sum) = db.read(move |c| Ok::<_, DbError>(sum(c)?)).await {
            assert_eq!(sum, Minor(i64::MAX - 1));
        }
    }
}

// ── Plain SQL, where diesel has no words ────────────────────────────────────────────────────────────────────────

each_engine! {
    async fn written_sql_takes_values_in_the_order_they_are_first_named(db: Ledger) {
        #[derive(Debug, PartialEq, QueryableByName)]
        struct Row {
            #[diesel(sql_type = BigInt)]
            id: i64,
            #[diesel(sql_type = Text)]
            name: String,
        }
        let rows: Vec<Row> = db
            .ask(|c| {
                // To SQLite `$1` is a name: the first one that it meets is the first value, whatever its number.
                diesel::sql_query("SELECT id, name FROM toy_rooms WHERE id = $1 AND name = $2 AND id + 0 = $1")
                    .bind::<BigInt, _>(2)
                    .bind::<Text, _>("court")
                    .load(c)
            })
            .await;
        assert_eq!(rows, [Row { id: 2, name: "court".into() }]);
    }
}
