//! What the engines refuse, and what a service is told of it.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use muster_kernel::Minor;
use muster_kernel::db::{Conn, DbError, Engine};
use muster_testkit::{TestDb, each_engine};

use crate::ledger::{Entry, EntryId, Ledger, entries, entry, rooms};

diesel::table! {
    use diesel::sql_types::*;
    use muster_kernel::sql::Moment;

    audit_events (id) {
        id -> BigInt,
        at -> Moment,
        action -> Text,
        object_type -> Text,
        object_id -> BigInt,
        reason -> Nullable<Text>,
    }
}

/// Does something that is refused, in a transaction that otherwise goes on.
async fn refused<T: Send + 'static>(
    db: &TestDb,
    work: impl Fn(&mut Conn) -> QueryResult<T> + Send + 'static,
) -> DbError {
    let error = db
        .write(move |tx| Ok::<_, DbError>(tx.attempt(|tx| Ok::<_, DbError>(work(tx)?)).err()))
        .await
        .expect("the transaction goes on after what was refused");
    error.expect("it is refused")
}

/// Which of the questions that a service asks of an error is answered yes.
fn kinds(error: &DbError) -> Vec<&'static str> {
    let kinds = [
        ("not found", error.is_not_found()),
        ("unique", error.is_unique_violation()),
        ("foreign key", error.is_foreign_key_violation()),
        ("refused", error.is_refused()),
        ("passing", error.is_passing()),
    ];
    kinds.into_iter().filter_map(|(kind, is)| is.then_some(kind)).collect()
}

each_engine! {
    async fn both_engines_refuse_for_the_same_reasons(db: Ledger) {
        db.put(vec![Entry { label: Some("dues".into()), ..entry(1) }]).await;
        let insert = |row: Entry| move |c: &mut Conn| diesel::insert_into(entries::table).values(&row).execute(c);
        let and_return =
            |row: Entry| move |c: &mut Conn| diesel::insert_into(entries::table).values(&row).get_result::<Entry>(c);
        assert_eq!(kinds(&refused(&db, insert(entry(1))).await), ["unique"]);
        assert_eq!(kinds(&refused(&db, and_return(entry(1))).await), ["unique"]);
        assert_eq!(kinds(&refused(&db, insert(Entry { label: Some("dues".into()), ..entry(2) })).await), ["unique"]);
        assert_eq!(kinds(&refused(&db, insert(Entry { room_id: 9, ..entry(2) })).await), ["foreign key"]);
        assert_eq!(kinds(&refused(&db, and_return(Entry { room_id: 9, ..entry(2) })).await), ["foreign key"]);
        assert_eq!(kinds(&refused(&db, |c| diesel::delete(rooms::table.find(1)).execute(c)).await), ["foreign key"]);
        assert_eq!(kinds(&refused(&db, insert(Entry { amount: Minor(13), ..entry(2) })).await), ["refused"]);
        assert_eq!(kinds(&refused(&db, and_return(Entry { amount: Minor(13), ..entry(2) })).await), ["refused"]);
        let not_null = refused(&db, |c| diesel::insert_into(entries::table).values(entries::id.eq(2)).execute(c)).await;
        assert_eq!(kinds(&not_null), [""; 0]);
        let kind = match &not_null {
            DbError::Query(e) => format!("{e:?}"),
            other => format!("{other:?}"),
        };
        assert!(kind.contains("NotNullViolation"), "{kind}");
        assert_eq!(kinds(&refused(&db, |c| entries::table.find(EntryId(9)).first::<Entry>(c)).await), ["not found"]);
        assert_eq!(db.all().await.len(), 1);
    }

    async fn what_a_trigger_refuses_breaks_nothing(db: Ledger) {
        db.change(|c| {
            let sql = match c.engine() {
                Engine::Sqlite => {
                    "CREATE TRIGGER fixed BEFORE UPDATE ON toy_rooms
                     BEGIN SELECT RAISE(ABORT, 'refused: rooms keep their names'); END"
                }
                Engine::Postgres => {
                    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                     $$ BEGIN RAISE EXCEPTION 'refused: rooms keep their names'; END $$;
                     CREATE TRIGGER fixed BEFORE UPDATE ON toy_rooms FOR EACH ROW EXECUTE FUNCTION refuse()"
                }
            };
            c.batch_execute(sql)
        })
        .await
        .expect("a trigger");
        let rename = |c: &mut Conn| diesel::update(rooms::table).set(rooms::name.eq("x")).execute(c);
        assert_eq!(kinds(&refused(&db, rename).await), ["refused"]);
        // Outside of an attempt it is the caller's own error, and costs no connection.
        let error = db.change(rename).await.expect_err("refused");
        assert!(matches!(error, DbError::Query(_)) && error.is_refused(), "{error:?}");
    }

    async fn an_audit_event_stays_as_it_is_except_for_its_reason(db: Ledger) {
        db.write(|tx| {
            let event = (
                audit_events::at.eq(tx.now()),
                audit_events::action.eq("joined"),
                audit_events::object_type.eq("member"),
                audit_events::object_id.eq(1),
                audit_events::reason.eq("Anna asked"),
            );
            Ok::<_, DbError>(diesel::insert_into(audit_events::table).values(event).execute(&mut **tx)?)
        })
        .await
        .expect("an event");
        assert_eq!(kinds(&refused(&db, |c| diesel::delete(audit_events::table).execute(c)).await), ["refused"]);
        // PostgreSQL makes the ids and would take no other.
        let id = if db.engine() == Engine::Sqlite { "id = id + 1" } else { "id = DEFAULT" };
        let rewritten = [
            id,
            "at = at",
            "actor_id = 1",
            "action = 'left'",
            "object_type = 'coach'",
            "object_id = 2",
            "request_id = 'x'",
            "reason = NULL, action = 'left'",
        ];
        for set in rewritten {
            let sql = format!("UPDATE audit_events SET {set}");
            let error = refused(&db, move |c| c.batch_execute(&sql)).await;
            assert_eq!(kinds(&error), ["refused"], "{set}: {error:?}");
        }
        db.change(|c| diesel::update(audit_events::table).set(audit_events::reason.eq(None::<String>)).execute(c))
            .await
            .expect("redacted");
        let left: Vec<(String, i64, Option<String>)> = db
            .ask(|c| {
                audit_events::table
                    .select((audit_events::action, audit_events::object_id, audit_events::reason))
                    .load(c)
            })
            .await;
        assert_eq!(left, [("joined".into(), 1, None)]);
    }
}
