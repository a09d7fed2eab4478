//! Portable SQL: values of every type come back as they were, and are searched for.

use chrono::NaiveDate;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use muster_kernel::db::{DbError, Engine};
use muster_kernel::sql::{Document, Json, Moment};
use muster_kernel::{Minor, Timestamp};
use muster_testkit::each_engine;
use serde_json::{Value, json};

use crate::ledger::{Entry, EntryId, Kind, Ledger, entries, entry, insert, micros};

/// The ends of what both engines keep, and what lies between.
const MOMENTS: [i64; 9] = [
    -210_866_803_200_000_000, // 4714-11-24 12:00 BC, half a day after PostgreSQL's first
    -62_135_596_800_000_000,  // the year 1
    -1,
    0,
    1,
    946_684_799_999_999, // before PostgreSQL's own zero
    946_684_800_000_000,
    1_767_225_600_123_456,
    8_210_266_876_799_999_999, // the last microsecond that chrono shows
];

each_engine! {
    async fn an_instant_comes_back_to_the_microsecond(db: Ledger) {
        let rows: Vec<_> = (1..).zip(MOMENTS).map(|(id, at)| Entry { at: Some(micros(at)), ..entry(id) }).collect();
        db.put(rows.clone()).await;
        assert_eq!(db.all().await, rows);
        let by_time: Vec<i64> = db.ask(|c| entries::table.order(entries::at.asc()).select(entries::id).load(c)).await;
        assert_eq!(by_time, (1..=9).collect::<Vec<i64>>());
    }

    async fn instants_are_compared_by_the_engine(db: Ledger) {
        db.put((1..).zip(MOMENTS).map(|(id, at)| Entry { at: Some(micros(at)), ..entry(id) }).collect()).await;
        db.put(vec![entry(99)]).await;
        for (n, at) in (1..).zip(MOMENTS) {
            let at = micros(at);
            let found: (i64, i64, i64) = db
                .ask(move |c| {
                    Ok((
                        entries::table.filter(entries::at.lt(at)).count().get_result(c)?,
                        entries::table.filter(entries::at.eq(at)).count().get_result(c)?,
                        entries::table.filter(entries::at.between(at, micros(MOMENTS[8]))).count().get_result(c)?,
                    ))
                })
                .await;
            assert_eq!(found, (n - 1, 1, 10 - n));
        }
        let unset = db.ask(|c| entries::table.filter(entries::at.is_null()).select(entries::id).load::<i64>(c)).await;
        assert_eq!(unset, [99]);
        let last = db
            .ask(|c| {
                entries::table
                    .select(diesel::dsl::sql::<diesel::sql_types::Nullable<Moment>>("max(at)"))
                    .get_result::<Option<Timestamp>>(c)
            })
            .await;
        assert_eq!(last, Some(micros(MOMENTS[8])));
    }

    async fn an_instant_that_only_one_engine_could_keep_is_an_error_there_and_harms_nobody(db: Ledger) {
        let too_early = Timestamp::new(chrono::DateTime::<chrono::Utc>::MIN_UTC);
        let row = Entry { at: Some(too_early), ..entry(1) };
        let outcome = db.write(move |tx| insert(tx, std::slice::from_ref(&row))).await;
        match db.engine() {
            Engine::Sqlite => assert_eq!((outcome.is_ok(), db.all().await[0].at), (true, Some(too_early))),
            Engine::Postgres => assert!(outcome.is_err_and(|e| matches!(&e, DbError::Query(_)) && !e.is_passing())),
        }
    }

    async fn the_end_of_time_comes_back_too(db: Ledger) {
        let end = micros(0).plus(chrono::TimeDelta::MAX);
        db.put(vec![Entry { at: Some(end), ..entry(1) }]).await;
        assert_eq!(db.all().await[0].at, Some(end));
    }

    async fn a_moment_outside_of_what_can_be_shown_is_an_error(db: Ledger) {
        let far = match db.engine() {
            Engine::Sqlite => "9223372036854775807",
            Engine::Postgres => "'infinity'",
        };
        let sql = format!("INSERT INTO toy_entries (id, room_id, kind, amount, at) VALUES (1, 1, 'in', 1, {far})");
        db.change(move |c| c.batch_execute(&sql)).await.expect("written by somebody else");
        let outcome = db.read(|c| Ok::<_, DbError>(entries::table.load::<Entry>(c)?)).await;
        assert!(outcome.is_err_and(|e| format!("{e:?}").contains("an instant out of range")));
    }

    async fn dates_and_truth_come_back(db: Ledger) {
        let days = ["0001-01-01", "1969-12-31", "2000-02-29", "2026-03-29", "9999-12-31"];
        let rows: Vec<_> = (1..)
            .zip(days)
            .map(|(id, day)| Entry { day: Some(day.parse().expect("a day")), open: id % 2 == 0, ..entry(id) })
            .collect();
        db.put(rows.clone()).await;
        assert_eq!(db.all().await, rows);
        let since: Vec<i64> = db
            .ask(|c| {
                let day = NaiveDate::from_ymd_opt(2000, 2, 29).expect("a day");
                entries::table
                    .filter(entries::day.ge(day).and(entries::open.eq(true)))
                    .order(entries::day.desc())
                    .select(entries::id)
                    .load(c)
            })
            .await;
        assert_eq!(since, [4]);
        let closed: Vec<i64> = db
            .ask(|c| {
                entries::table.filter(diesel::dsl::not(entries::open)).order(entries::id).select(entries::id).load(c)
            })
            .await;
        assert_eq!(closed, [1, 3, 5]);
    }

    async fn a_document_comes_back(db: Ledger) {
        let documents = [
            json!({}),
            json!([]),
            json!(null),
            json!("ä ☃ 🏐 \" \\ \n"),
            json!(i64::MIN),
            json!(u64::MAX),
            json!(0.5),
            json!(true),
            json!({"rules": {"hours": [1, 2, {"deep": [[[]]]}]}, "größe": "ß", "": null}),
        ];
        let mut rows: Vec<_> =
            (1..).zip(documents).map(|(id, note)| Entry { note: Some(Json(note)), ..entry(id) }).collect();
        rows.push(entry(99)); // none at all, which is not the document `null`
        db.put(rows.clone()).await;
        assert_eq!(db.all().await, rows);
    }

    async fn a_document_of_another_shape_is_an_error(db: Ledger) {
        db.put(vec![Entry { note: Some(Json(json!({"a": 1}))), ..entry(1) }]).await;
        let outcome = db
            .read(|c| Ok::<_, DbError>(entries::table.select(entries::note).load::<Option<Json<Vec<i64>>>>(c)?))
            .await;
        assert!(outcome.is_err_and(|e| !e.is_passing()));
        let read = db
            .ask(|c| {
                entries::table.select(entries::note).load::<Option<Json<std::collections::BTreeMap<String, i64>>>>(c)
            })
            .await;
        assert_eq!(read, [Some(Json([("a".to_owned(), 1)].into()))]);
    }

    async fn a_document_is_a_value_in_a_question_too(db: Ledger) {
        let there =
            db.ask(|c| diesel::select(Json(json!([1])).into_sql::<Document>()).get_result::<Json<Value>>(c)).await;
        assert_eq!(there, Json(json!([1])));
    }

    async fn a_word_comes_back_and_is_searched_for(db: Ledger) {
        db.put(vec![entry(1), Entry { kind: Kind::Out, ..entry(2) }]).await;
        let kinds: Vec<Kind> = db.ask(|c| entries::table.order(entries::id).select(entries::kind).load(c)).await;
        assert_eq!(kinds, Kind::ALL);
        let words: Vec<String> =
            db.ask(|c| entries::table.filter(entries::kind.eq(Kind::Out)).select(entries::kind).load(c)).await;
        assert_eq!(words, ["out"]);
        let either: i64 = db
            .ask(|c| entries::table.filter(entries::kind.eq_any(Kind::ALL.iter().copied())).count().get_result(c))
            .await;
        assert_eq!(either, 2);
    }

    async fn a_word_that_nobody_knows_is_an_error(db: Ledger) {
        db.change(|c| c.batch_execute("INSERT INTO toy_entries (id, room_id, kind, amount) VALUES (1, 1, 'sideways', 1)"))
            .await
            .unwrap();
        let outcome = db.read(|c| Ok::<_, DbError>(entries::table.select(entries::kind).load::<Kind>(c)?)).await;
        assert!(outcome.is_err_and(|e| format!("{e:?}").contains("UnknownWord")));
        // In a write as well, and it does not break anything.
        let outcome = db.change(|c| entries::table.select(entries::kind).load::<Kind>(c)).await;
        assert!(matches!(outcome, Err(DbError::Query(_))));
        db.put(vec![entry(2)]).await;
    }

    async fn ids_and_amounts_come_back_from_end_to_end(db: Ledger) {
        let rows: Vec<_> = [i64::MIN, -1, 0, 1, i64::MAX]
            .into_iter()
            .map(|n| Entry { id: EntryId(n), amount: Minor(n), ..entry(0) })
            .collect();
        db.put(rows.clone()).await;
        assert_eq!(db.all().await, rows);
        let found = db
            .ask(|c| {
                entries::table.filter(entries::id.eq_any([EntryId(i64::MAX)])).select(entries::amount).load::<Minor>(c)
            })
            .await;
        assert_eq!(found, [Minor(i64::MAX)]);
    }
}
