//! Portable SQL: rows that are inserted, changed and deleted.

use diesel::prelude::*;
use diesel::upsert::excluded;
use muster_kernel::db::Engine;
use muster_kernel::sql::{Json, Portable};
use muster_kernel::{Minor, on};
use muster_testkit::each_engine;
use serde_json::json;

use crate::ledger::{Entry, EntryId, Ledger, entries, entry, rooms};

each_engine! {
    async fn a_change_gives_back_what_it_made(db: Ledger) {
        let id = db
            .change(|c| {
                diesel::insert_into(rooms::table)
                    .values(rooms::name.eq("bar"))
                    .returning(rooms::id)
                    .get_result::<i64>(c)
            })
            .await
            .expect("an id of the engine's choice");
        let row = db.change(|c| diesel::insert_into(entries::table).values(&entry(7)).get_result::<Entry>(c)).await;
        assert_eq!(row.expect("inserted"), entry(7));
        let row = db
            .change(move |c| {
                diesel::update(entries::table.find(EntryId(7)))
                    .set((entries::room_id.eq(id), entries::amount.eq(entries::amount + Minor(1))))
                    .get_result::<Entry>(c)
            })
            .await;
        assert_eq!(row.expect("updated"), Entry { room_id: id, amount: Minor(701), ..entry(7) });
        let gone =
            db.change(|c| diesel::delete(entries::table).returning(entries::amount).get_results::<Minor>(c)).await;
        assert_eq!(gone.expect("deleted"), [Minor(701)]);
    }

    async fn a_whole_row_is_changed_null_included(db: Ledger) {
        db.put(vec![Entry { label: Some("dues".into()), note: Some(Json(json!(1))), ..entry(1) }]).await;
        db.change(|c| diesel::update(entries::table.find(EntryId(1))).set(&entry(1)).execute(c))
            .await
            .expect("changed");
        assert_eq!(db.all().await, [entry(1)]);
    }

    async fn a_conditional_change_tells_whether_it_was_made(db: Ledger) {
        db.put(vec![entry(1)]).await;
        let take = || {
            db.change(|c| {
                diesel::update(entries::table.filter(entries::id.eq(1).and(entries::open.eq(true))))
                    .set(entries::open.eq(false))
                    .execute(c)
            })
        };
        assert_eq!((take().await.unwrap(), take().await.unwrap()), (1, 0));
    }

    async fn many_rows_are_inserted_at_once(db: Ledger) {
        let rows: Vec<_> =
            (1..=300).map(|id| Entry { label: (id % 2 == 0).then(|| id.to_string()), ..entry(id) }).collect();
        let given = rows.clone();
        let inserted =
            db.change(move |c| on!(c, c => diesel::insert_into(entries::table).values(&given).execute(c))).await;
        assert_eq!(inserted.expect("inserted"), 300);
        assert_eq!(db.all().await, rows);
        let more: Vec<_> = (301..=302).map(entry).collect();
        let ids = db
            .change(move |c| {
                let insert = diesel::insert_into(entries::table).values(&more).returning(entries::id);
                on!(c, c => insert.get_results::<EntryId>(c))
            })
            .await;
        assert_eq!(ids.expect("inserted"), [EntryId(301), EntryId(302)]);
    }

    async fn rows_that_leave_columns_to_the_engine_are_inserted_one_by_one(db: Ledger) {
        #[derive(Clone, Insertable)]
        #[diesel(table_name = rooms)]
        struct Room {
            id: Option<i64>,
            name: &'static str,
        }
        let rows = vec![Room { id: None, name: "bar" }, Room { id: None, name: "roof" }];
        let given = rows.clone();
        let at_once =
            db.change(move |c| on!(c, c => diesel::insert_into(rooms::table).values(&given).execute(c))).await;
        if db.engine() == Engine::Sqlite {
            // diesel opens a transaction of its own for them, inside of the one there is.
            assert!(at_once.expect_err("refused").to_string().contains("within a transaction"));
        }
        db.change(|c| diesel::delete(rooms::table).execute(c)).await.expect("deleted");
        let one_by_one = db
            .change(move |c| {
                rows.iter()
                    .map(|row| diesel::insert_into(rooms::table).values(row).execute(c))
                    .sum::<QueryResult<usize>>()
            })
            .await;
        assert_eq!(one_by_one.expect("inserted"), 2);
    }

    async fn rows_are_inserted_from_a_question(db: Ledger) {
        db.put(vec![entry(1)]).await;
        let copied = db
            .change(|c| {
                let source =
                    entries::table.select((entries::id + 10, entries::room_id, entries::kind, entries::amount));
                diesel::insert_into(entries::table)
                    .values(source)
                    .into_columns((entries::id, entries::room_id, entries::kind, entries::amount))
                    .execute(c)
            })
            .await;
        assert_eq!(copied.expect("copied"), 1);
        assert_eq!(db.all().await[1], Entry { amount: Minor(100), ..entry(11) });
    }

    async fn a_row_that_is_there_is_left_alone(db: Ledger) {
        let put = |name: &'static str| {
            db.change(move |c| {
                Portable(
                    diesel::insert_into(rooms::table)
                        .values((rooms::id.eq(9), rooms::name.eq(name)))
                        .on_conflict(rooms::id)
                        .do_nothing(),
                )
                .execute(c)
            })
        };
        assert_eq!((put("bar").await.unwrap(), put("roof").await.unwrap()), (1, 0));
        let name = db.ask(|c| rooms::table.find(9).select(rooms::name).get_result::<String>(c)).await;
        assert_eq!(name, "bar");
        let any = db
            .change(|c| {
                Portable(
                    diesel::insert_into(rooms::table)
                        .values(rooms::name.eq("bar"))
                        .on_conflict_do_nothing()
                        .returning(rooms::id),
                )
                .get_result::<i64>(c)
                .optional()
            })
            .await;
        assert_eq!(any.expect("no error"), None);
    }

    async fn a_row_that_is_there_is_changed(db: Ledger) {
        let put = |amount| {
            db.change(move |c| {
                Portable(
                    diesel::insert_into(entries::table)
                        .values(&Entry { amount, ..entry(1) })
                        .on_conflict(entries::id)
                        .do_update()
                        .set(entries::amount.eq(entries::amount + excluded(entries::amount)))
                        .returning(entries::amount),
                )
                .get_result::<Minor>(c)
            })
        };
        assert_eq!((put(Minor(5)).await.unwrap(), put(Minor(6)).await.unwrap()), (Minor(5), Minor(11)));
    }

    async fn a_row_that_is_there_is_changed_only_under_a_condition(db: Ledger) {
        let put = |amount| {
            db.change(move |c| {
                let row = Entry { amount, ..entry(1) };
                let change = diesel::insert_into(entries::table)
                    .values(&row)
                    .on_conflict(entries::id)
                    .do_update()
                    .set(entries::amount.eq(excluded(entries::amount)));
                Portable(diesel::query_dsl::methods::FilterDsl::filter(
                    change,
                    entries::amount.lt(excluded(entries::amount)),
                ))
                .execute(c)
            })
        };
        assert_eq!(
            (put(Minor(5)).await.unwrap(), put(Minor(4)).await.unwrap(), put(Minor(6)).await.unwrap()),
            (1, 0, 1)
        );
        assert_eq!(db.all().await[0].amount, Minor(6));
    }
}
