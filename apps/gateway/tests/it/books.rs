//! The ledger: entries that are never changed, and months that are closed.

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use diesel::sql_types::BigInt;
use diesel::{QueryableByName, RunQueryDsl};
use muster_kernel::db::{DbError, DbResult};
use muster_testkit::{Person, each_engine};
use serde_json::{Value, json};

use crate::support::TestApp;

#[derive(QueryableByName)]
struct Kept {
    #[diesel(sql_type = BigInt)]
    days: i64,
    #[diesel(sql_type = BigInt)]
    through: i64,
}

async fn income(app: &TestApp, by: &Person, amount: i64, date: &str) -> crate::support::Answer {
    let body = json!({
        "kind": "income", "account": "donations", "method": "bank", "amount": amount, "text": "Thanks", "date": date,
    });
    app.post_once("/api/finance/entries", by, body).await
}

async fn period(app: &TestApp, by: &Person, month: &str, what: &str, body: Value) -> crate::support::Answer {
    app.post(&format!("/api/finance/periods/{month}/{what}"), by, body).await
}

each_engine! {
    async fn reports_are_the_same_however_much_of_the_books_was_added_up(app: TestApp) {
        let app = app.staying_signed_in();
        let treasurer = app.people.treasurer().await;
        let reports = async || {
            let mut said = Vec::new();
            for path in [
                "/api/finance/accounts",
                "/api/finance/reports/trial-balance?as_of=2026-02-10",
                "/api/finance/reports/monthly?from=2026-01&to=2026-04",
                "/api/finance/reports/income-statement?from=2026-01-15&to=2026-02-20",
            ] {
                let answer = app.get(path, &treasurer).await;
                assert_eq!(answer.status, 200, "{}", answer.text);
                said.push(answer.body);
            }
            said
        };
        let kept = async || {
            let read = app.db.read_one(|conn| {
                let rows: Vec<Kept> = diesel::sql_query("SELECT CAST(COUNT(*) AS BIGINT) AS days, (SELECT summed_through FROM books) AS through FROM account_days").load(conn)?;
                DbResult::Ok((rows[0].days, rows[0].through))
            });
            read.await.expect("read")
        };
        for days in [0, 20, 25, 20] {
            app.wait(TimeDelta::days(days));
            let today = app.db.clock.now().utc().date_naive().to_string();
            assert_eq!(income(&app, &treasurer, 1000 + days, &today).await.status, 201);
        }
        assert_eq!(kept().await, (0, 0));
        let before = reports().await;
        app.mails().await;
        assert_eq!(kept().await, (8, 8), "two accounts on four days");
        assert_eq!(reports().await, before);
        // What comes after that counts, too, on a day that is kept and on one that is not.
        let today = app.db.clock.now().utc().date_naive();
        for day in [today, today - TimeDelta::days(3), today - TimeDelta::days(20)] {
            assert_eq!(income(&app, &treasurer, 7, &day.to_string()).await.status, 201);
        }
        let before = reports().await;
        app.wait(TimeDelta::minutes(6));
        app.mails().await;
        assert_eq!(kept().await, (10, 14));
        assert_eq!(reports().await, before);
        let found = async || {
            let check = muster_finance::domain().checks.into_iter().find(|it| it.name.contains("daily_sums")).expect("a check");
            app.db.read(move |conn| (check.look)(conn)).await.expect("looked")
        };
        assert_eq!(found().await, [""; 0]);
        app.db.write(|tx| tx.batch_execute("UPDATE account_days SET amount = amount + 1 WHERE day = '2026-01-21' AND account_id = 2").map_err(DbError::from)).await.expect("damaged");
        assert_eq!(found().await, ["what is kept of 2026-01-21 for account 2 is not what was posted"]);
    }

    async fn an_entry_says_what_went_from_where_to_where(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let hall = app.post("/api/finance/categories", &treasurer, json!({"name": "Hall rent"})).await;
        assert_eq!((hall.status.as_u16(), &hall.body["account"]), (201, &json!("hall_rent")), "{}", hall.text);
        let spent = json!({
            "kind": "expense", "account": "hall_rent", "method": "cash", "amount": 900, "text": "October",
            "reference": "R-17",
        });
        let entry = app.post_once("/api/finance/entries", &treasurer, spent).await;
        assert_eq!(entry.status, 201, "{}", entry.text);
        let sides = json!([{"account": "hall_rent", "amount": 900}, {"account": "cash", "amount": -900}]);
        assert_eq!(entry.body["postings"], sides);
        assert_eq!((&entry.body["text"], &entry.body["reference"]), (&json!("October"), &json!("R-17")));
        assert_eq!(entry.body["made_by"], json!(treasurer.id));
        let read = app.get(entry.header("location"), &treasurer).await;
        assert_eq!((read.body.clone(), read.header("etag")), (entry.body.clone(), entry.header("etag")));
        let moved = json!({"kind": "transfer", "from": "opening", "to": "cash", "amount": 1000, "text": "Till"});
        assert_eq!(app.post_once("/api/finance/entries", &treasurer, moved).await.status, 201);
        let listed = app.get("/api/finance/entries?limit=1", &treasurer).await;
        assert_eq!((&listed.body["items"][0]["kind"], &listed.body["has_more"]), (&json!("transfer"), &json!(true)));
    }

    async fn an_entry_has_the_fields_of_its_kind(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        for (body, pointer) in [
            (json!({"kind": "income", "method": "cash", "amount": 1, "text": "x"}), "/account"),
            (json!({"kind": "income", "account": "donations", "amount": 1, "text": "x"}), "/method"),
            (json!({"kind": "income", "account": "donations", "method": "cash", "from": "cash", "amount": 1, "text": "x"}), "/from"),
            (json!({"kind": "expense", "account": "donations", "method": "cash", "amount": 1, "text": "x"}), "/account"),
            (json!({"kind": "transfer", "from": "cash", "amount": 1, "text": "x"}), "/to"),
            (json!({"kind": "transfer", "from": "cash", "to": "cash", "amount": 1, "text": "x"}), "/to"),
            (json!({"kind": "transfer", "from": "receivables", "to": "cash", "amount": 1, "text": "x"}), "/from"),
            (json!({"kind": "transfer", "from": "prepaid", "to": "cash", "amount": 1, "text": "x"}), "/from"),
            (json!({"kind": "income", "account": "donations", "method": "gold", "amount": 1, "text": "x"}), "/method"),
        ] {
            let refused = app.post_once("/api/finance/entries", &treasurer, body.clone()).await;
            assert_eq!(refused.problem(), (422, "invalid_fields"), "{body}");
            assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{body}");
        }
        assert_eq!(app.get("/api/finance/entries", &treasurer).await.body["items"], json!([]));
    }

    async fn the_database_itself_refuses_to_change_what_was_entered(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let entry = income(&app, &treasurer, 500, "2026-01-01").await.body["id"].clone();
        let open = "INSERT INTO entries (kind, date, made_at) SELECT 'income', date, made_at FROM entries LIMIT 1";
        let posted = "INSERT INTO postings (entry_id, account_id, amount, date) SELECT max(id), 1, 5, max(date) FROM entries";
        for (statement, why) in [
            (format!("UPDATE postings SET amount = 1 WHERE entry_id = {entry}"), "postings are never changed"),
            (format!("DELETE FROM postings WHERE entry_id = {entry}"), "postings are never deleted"),
            (format!("UPDATE entries SET date = '2025-01-01' WHERE id = {entry}"), "entries are never changed"),
            (format!("DELETE FROM entries WHERE id = {entry}"), "entries are never deleted"),
            ("UPDATE entries SET sealed = NOT sealed".to_owned(), "entries are never changed"),
            (posted.to_owned(), "the entry is sealed"),
            (format!("{open}; {posted}; UPDATE entries SET sealed = NOT sealed WHERE NOT sealed"), "sum to zero"),
            (format!("{open}; UPDATE entries SET sealed = NOT sealed WHERE NOT sealed"), "sum to zero"),
            ("INSERT INTO entries (kind, date, made_at, sealed) SELECT 'income', date, made_at, sealed FROM entries LIMIT 1".to_owned(), "sealed after its postings"),
        ] {
            let refused = app.db.write::<(), DbError, _>({
                let statement = statement.clone();
                move |tx| Ok(tx.batch_execute(&statement)?)
            });
            let error = refused.await.expect_err(&statement);
            assert!(error.is_refused() && error.to_string().contains(why), "{statement}: {error}");
        }
    }

    async fn closed_months_take_no_entries_until_they_are_reopened(app: TestApp) {
        let (treasurer, admin) = (app.people.treasurer().await, app.people.admin().await);
        assert_eq!(income(&app, &treasurer, 100, "2025-10-31").await.status, 201);
        let early = period(&app, &treasurer, "2025-11", "close", json!({})).await;
        assert_eq!(early.problem(), (409, "invalid_state"), "October comes first");
        let present = period(&app, &treasurer, "2026-01", "close", json!({})).await;
        assert_eq!(present.problem(), (409, "invalid_state"), "it has not ended");
        let closed = period(&app, &treasurer, "2025-10", "close", json!({})).await;
        assert_eq!((closed.status.as_u16(), &closed.body["state"]), (200, &json!("closed")), "{}", closed.text);
        assert_eq!(closed.body["closed_by"], json!(treasurer.id));
        for date in ["2025-10-31", "2025-10-01", "2025-03-01"] {
            assert_eq!(income(&app, &treasurer, 1, date).await.problem(), (409, "period_closed"), "{date}");
        }
        assert_eq!(income(&app, &treasurer, 1, "2025-11-01").await.status, 201);
        assert_eq!(period(&app, &treasurer, "2025-10", "close", json!({})).await.problem(), (409, "invalid_state"));
        assert_eq!(period(&app, &treasurer, "2025-11", "close", json!({})).await.status, 200);
        let reason = json!({"reason": "A late bill"});
        assert_eq!(period(&app, &treasurer, "2025-11", "reopen", reason.clone()).await.problem(), (403, "forbidden"));
        assert_eq!(period(&app, &admin, "2025-10", "reopen", reason.clone()).await.problem(), (409, "invalid_state"), "only the last");
        assert_eq!(period(&app, &admin, "2025-11", "reopen", json!({"reason": ""})).await.problem(), (422, "invalid_fields"));
        let open = period(&app, &admin, "2025-11", "reopen", reason).await;
        assert_eq!((open.status.as_u16(), &open.body["state"]), (200, &json!("open")));
        assert_eq!(income(&app, &treasurer, 1, "2025-11-30").await.status, 201);
        assert_eq!(income(&app, &treasurer, 1, "2025-10-30").await.problem(), (409, "period_closed"));
        for month in ["2025-13", "nonsense", "2025", "1969-12"] {
            assert_eq!(period(&app, &treasurer, month, "close", json!({})).await.problem(), (400, "malformed"), "{month}");
        }
        let listed = app.get("/api/finance/periods", &treasurer).await;
        let states: Vec<_> = listed.body["items"].as_array().expect("months").iter().map(|p| (p["period"].clone(), p["state"].clone())).collect();
        let expected = [("2026-01", "open"), ("2025-12", "open"), ("2025-11", "open"), ("2025-10", "closed")];
        assert_eq!(states, expected.map(|(period, state)| (json!(period), json!(state))));
    }

    async fn months_in_which_nothing_was_entered_close_with_the_next(app: TestApp) {
        let (treasurer, admin) = (app.people.treasurer().await, app.people.admin().await);
        income(&app, &treasurer, 100, "1999-05-01").await;
        income(&app, &treasurer, 100, "2025-11-30").await;
        assert_eq!(period(&app, &treasurer, "2025-11", "close", json!({})).await.problem(), (409, "invalid_state"));
        assert_eq!(period(&app, &treasurer, "1999-05", "close", json!({})).await.status, 200);
        assert_eq!(period(&app, &treasurer, "2025-12", "close", json!({})).await.problem(), (409, "invalid_state"));
        assert_eq!(period(&app, &treasurer, "2025-11", "close", json!({})).await.status, 200);
        let reopened = period(&app, &admin, "2025-11", "reopen", json!({"reason": "x"})).await;
        assert_eq!(reopened.status, 200);
        assert_eq!(income(&app, &treasurer, 1, "2025-10-31").await.problem(), (409, "period_closed"));
        assert_eq!(income(&app, &treasurer, 1, "2025-11-01").await.status, 201);
    }

    async fn a_reversal_is_never_blocked_by_a_closed_month(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let entry = income(&app, &treasurer, 100, "2025-12-20").await;
        assert_eq!(period(&app, &treasurer, "2025-12", "close", json!({})).await.status, 200);
        let path = format!("{}/reverse", entry.header("location"));
        let future = app.post_once(&path, &treasurer, json!({"reason": "x", "date": "2026-01-02"})).await;
        assert_eq!(future.problem(), (422, "invalid_fields"));
        let before = app.post_once(&path, &treasurer, json!({"reason": "x", "date": "2025-12-19"})).await;
        assert_eq!(before.problem(), (422, "invalid_fields"));
        assert_eq!(app.post_once(&path, &treasurer, json!({"reason": ""})).await.problem(), (422, "invalid_fields"));
        let reversed = app.post_once(&path, &treasurer, json!({"reason": "Twice", "date": "2025-12-24"})).await;
        assert_eq!(reversed.status, 200, "{}", reversed.text);
        let back = app.get(&format!("/api/finance/entries/{}", reversed.body["reversed_by"]), &treasurer).await;
        assert_eq!((&back.body["date"], &back.body["text"]), (&json!("2026-01-01"), &json!("Twice")), "the first open day");
        let again = app.post_once(&format!("/api/finance/entries/{}/reverse", back.body["id"]), &treasurer, json!({"reason": "x"})).await;
        assert_eq!(again.problem(), (409, "invalid_state"), "a reversal is not reversed");
    }

    async fn what_the_accounts_stood_at_is_the_same_with_closed_months_and_without(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        for (amount, date) in [(100, "2025-09-30"), (20, "2025-10-01"), (3, "2025-11-15"), (4000, "2025-12-31")] {
            income(&app, &treasurer, amount, date).await;
        }
        let before = app.get("/api/finance/accounts", &treasurer).await.body;
        for month in ["2025-09", "2025-10", "2025-11"] {
            assert_eq!(period(&app, &treasurer, month, "close", json!({})).await.status, 200);
        }
        assert_eq!(app.get("/api/finance/accounts", &treasurer).await.body, before);
        let bank = before["items"].as_array().expect("accounts").iter().find(|a| a["account"] == "bank");
        assert_eq!(bank.map(|a| a["balance"].clone()), Some(json!(4123)));
    }

    async fn the_currency_stays_once_there_is_an_entry(app: TestApp) {
        let (admin, treasurer) = (app.people.admin().await, app.people.treasurer().await);
        assert_eq!(app.patch("/api/club", &admin, json!({"currency": "CHF"})).await.status, 200);
        income(&app, &treasurer, 100, "2026-01-01").await;
        let refused = app.patch("/api/club", &admin, json!({"currency": "EUR"})).await;
        assert_eq!(refused.problem(), (409, "invalid_state"));
        assert_eq!(app.patch("/api/club", &admin, json!({"name": "Other"})).await.status, 200);
    }

    async fn today_is_the_clubs(app: TestApp) {
        let (admin, treasurer) = (app.people.admin().await, app.people.treasurer().await);
        assert_eq!(app.patch("/api/club", &admin, json!({"time_zone": "Pacific/Auckland"})).await.status, 200);
        app.wait(TimeDelta::hours(12));
        let tomorrow_in_utc = income(&app, &app.people.again(&treasurer).await, 100, "2026-01-02").await;
        assert_eq!(tomorrow_in_utc.status, 201, "{}", tomorrow_in_utc.text);
    }

    async fn damage_to_the_books_is_found(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let member = app.people.member().await;
        income(&app, &treasurer, 100, "2025-12-20").await;
        let charge = json!({"amount": 100, "account": "dues", "text": "x"});
        app.post_once(&format!("/api/members/{}/charges", member.id), &treasurer, charge).await;
        let lot = json!({"count": 2, "amount": 100, "method": "cash"});
        app.post_once(&format!("/api/members/{}/prepaid-fees", member.id), &treasurer, lot).await;
        period(&app, &treasurer, "2025-12", "close", json!({})).await;
        for (damage, check) in [
            ("UPDATE standing SET balance = balance + 1", "finance.standing_is_what_the_books_say"),
            ("UPDATE charges SET open = 40", "finance.allocations_fit"),
            ("DELETE FROM standing", "finance.everybody_has_a_standing"),
            ("UPDATE charges SET is_reversed = (1 = 1)", "finance.what_was_reversed_says_so"),
            ("UPDATE prepaid_lots SET used = 1", "finance.class_fees_went_as_the_books_say"),
            ("UPDATE period_balances SET balance = balance * 2", "finance.closed_months_are_as_they_were"),
            ("UPDATE books SET closed_through = '2025-11-30'", "finance.closed_months_are_as_they_were"),
            ("INSERT INTO entries (kind, date, made_at) SELECT kind, '2026-01-01', made_at FROM entries LIMIT 1", "finance.entries_are_sealed"),
        ] {
            let found = app.db.write::<(), Found, _>(move |tx| {
                tx.batch_execute(damage).map_err(DbError::from)?;
                let mut found = Vec::new();
                for one in muster_finance::domain().checks {
                    if !(one.look)(tx)?.is_empty() {
                        found.push(one.name);
                    }
                }
                // Undone, so that each damage is alone.
                Err(Found::These(found))
            });
            match found.await.expect_err("undone") {
                Found::These(found) => assert!(found.contains(&check), "{damage}: {found:?}"),
                Found::Db(e) => panic!("{damage}: {e}"),
            }
        }
    }
}

#[derive(Debug)]
enum Found {
    These(Vec<&'static str>),
    Db(DbError),
}

impl From<DbError> for Found {
    fn from(error: DbError) -> Found {
        Found::Db(error)
    }
}
