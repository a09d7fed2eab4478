//! What the club owes for things.

use diesel::connection::SimpleConnection;
use muster_kernel::job::Runner;
use muster_testkit::{Person, each_engine};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

async fn bill(app: &TestApp, by: &Person, mut with: Value) -> Answer {
    let mut body = json!({
        "payee": "City", "amount": 4800, "category": "other_expenses", "text": "Hall rent", "due_on": "2026-01-15",
    });
    for (name, value) in with.as_object_mut().expect("fields") {
        body[name] = value.take();
    }
    app.post_once("/api/finance/bills", by, body).await
}

async fn pay(app: &TestApp, by: &Person, bill: &Answer, amount: i64) -> Answer {
    let path = format!("/api/finance/bills/{}/payments", bill.body["id"]);
    app.post_once(&path, by, json!({"amount": amount, "method": "bank"})).await
}

async fn reverse(app: &TestApp, by: &Person, entry: &Value) -> Answer {
    app.post_once(&format!("/api/finance/entries/{entry}/reverse"), by, json!({"reason": "A mistake"})).await
}

async fn open(app: &TestApp, by: &Person) -> Vec<Value> {
    let listed = app.get("/api/finance/bills?open=true", by).await;
    listed.body["items"].as_array().expect("bills").iter().map(|bill| bill["open"].clone()).collect()
}

/// What `check` finds.
pub async fn found(app: &TestApp) -> Vec<String> {
    let found = app.db.read(|conn| {
        let mut found = Vec::new();
        for check in muster_finance::domain().checks {
            found.extend((check.look)(conn)?);
        }
        Ok::<_, muster_kernel::db::DbError>(found)
    });
    found.await.expect("checked")
}

fn runner(app: &TestApp) -> Runner {
    Runner::new((*app.db).clone(), &muster_gateway::domains())
}

/// The days of all bills, the oldest first.
async fn days(app: &TestApp, by: &Person) -> Vec<String> {
    let listed = app.get("/api/finance/bills?limit=100", by).await;
    let bills = listed.body["items"].as_array().expect("bills");
    bills.iter().rev().map(|bill| bill["date"].as_str().expect("a day").to_owned()).collect()
}

each_engine! {
    async fn a_bill_is_an_expense_on_its_day_and_is_paid_in_parts(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let made = bill(&app, &treasurer, json!({"date": "2025-12-20"})).await;
        assert_eq!(made.status, 201, "{}", made.text);
        assert_eq!((&made.body["open"], &made.body["category"]), (&json!(4800), &json!("other_expenses")));
        let entry = app.get(&format!("/api/finance/entries/{}", made.body["entry_id"]), &treasurer).await;
        let sides = json!([{"account": "other_expenses", "amount": 4800}, {"account": "payables", "amount": -4800}]);
        assert_eq!(entry.body["postings"], sides);
        assert_eq!((&entry.body["text"], &entry.body["date"]), (&json!("Hall rent"), &json!("2025-12-20")));
        assert!(!entry.text.contains("City"), "whom it is owed to stands on the bill alone");
        let read = app.get(made.header("location"), &treasurer).await;
        assert_eq!((&read.body, read.header("etag")), (&made.body, made.header("etag")));

        let part = pay(&app, &treasurer, &made, 1800).await;
        assert_eq!((part.status.as_u16(), &part.body["open"]), (201, &json!(3000)), "{}", part.text);
        let entry = app.get(&format!("/api/finance/entries/{}", part.body["payments"][0]["entry_id"]), &treasurer).await;
        let sides = json!([{"account": "payables", "amount": 1800}, {"account": "bank", "amount": -1800}]);
        assert_eq!(entry.body["postings"], sides);
        assert_eq!(pay(&app, &treasurer, &made, 3001).await.problem(), (409, "exceeds_balance"));
        assert_eq!(open(&app, &treasurer).await, [json!(3000)]);
        assert_eq!(pay(&app, &treasurer, &made, 3000).await.body["open"], 0);
        assert_eq!(open(&app, &treasurer).await, Vec::<Value>::new());
        assert_eq!(pay(&app, &treasurer, &made, 1).await.problem(), (409, "exceeds_balance"));
        assert_eq!(found(&app).await, Vec::<String>::new());
    }

    async fn a_payment_under_the_same_key_is_made_once(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let made = bill(&app, &treasurer, json!({})).await;
        let path = format!("/api/finance/bills/{}/payments", made.body["id"]);
        let body = json!({"amount": 1000, "method": "cash"});
        for _ in 0..2 {
            assert_eq!(app.post_with_key(&path, &treasurer, body.clone(), "one").await.body["open"], 3800);
        }
        assert_eq!(app.get(made.header("location"), &treasurer).await.body["open"], 3800);
    }

    async fn a_bill_has_a_payee_a_category_and_days(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        for (with, pointer) in [
            (json!({"payee": ""}), "/payee"),
            (json!({"amount": 0}), "/amount"),
            (json!({"category": "dues"}), "/category"),
            (json!({"category": "nothing"}), "/category"),
            (json!({"text": " "}), "/text"),
            (json!({"date": "2026-01-02"}), "/date"),
            (json!({"due_on": "1969-01-01"}), "/due_on"),
            (json!({"repeat": "week"}), "/repeat"),
        ] {
            let refused = bill(&app, &treasurer, with.clone()).await;
            assert_eq!(refused.problem(), (422, "invalid_fields"), "{with}");
            assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{with}");
        }
        let made = bill(&app, &treasurer, json!({})).await;
        let path = format!("/api/finance/bills/{}/payments", made.body["id"]);
        let early = json!({"amount": 1, "method": "cash", "date": "2025-12-31"});
        assert_eq!(app.post_once(&path, &treasurer, early).await.problem(), (422, "invalid_fields"));
        let none = app.post_once("/api/finance/bills/999/payments", &treasurer, json!({"amount": 1, "method": "cash"})).await;
        assert_eq!(none.problem(), (404, "not_found"));
    }

    async fn a_payment_taken_back_opens_the_bill_again(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let made = bill(&app, &treasurer, json!({})).await;
        pay(&app, &treasurer, &made, 1000).await;
        let paid = pay(&app, &treasurer, &made, 3800).await;
        let second = &paid.body["payments"][1]["entry_id"];
        assert_eq!(reverse(&app, &treasurer, &made.body["entry_id"]).await.problem(), (409, "invalid_state"), "it has payments");
        assert_eq!(reverse(&app, &treasurer, second).await.status, 200);
        assert_eq!(open(&app, &treasurer).await, [json!(3800)]);
        assert_eq!(reverse(&app, &treasurer, second).await.problem(), (409, "invalid_state"), "once");
        assert_eq!(reverse(&app, &treasurer, &paid.body["payments"][0]["entry_id"]).await.status, 200);
        assert_eq!(reverse(&app, &treasurer, &made.body["entry_id"]).await.status, 200);
        let read = app.get(made.header("location"), &treasurer).await;
        assert_eq!((&read.body["open"], &read.body["reversed"]), (&json!(0), &json!(true)), "{}", read.text);
        assert_eq!(pay(&app, &treasurer, &made, 1).await.problem(), (409, "exceeds_balance"));
        assert_eq!(open(&app, &treasurer).await, Vec::<Value>::new());
        assert_eq!(found(&app).await, Vec::<String>::new());
    }

    async fn open_bills_are_listed_by_when_they_are_due(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        for due_on in ["2026-03-01", "2026-01-01", "2026-02-01", "2026-01-01"] {
            bill(&app, &treasurer, json!({"due_on": due_on})).await;
        }
        let mut seen = Vec::new();
        let mut path = "/api/finance/bills?open=true&limit=1&count=true".to_owned();
        loop {
            let page = app.get(&path, &treasurer).await;
            assert_eq!(page.body["total"], 4, "{}", page.text);
            seen.extend(page.body["items"].as_array().expect("bills").iter().map(|b| (b["due_on"].clone(), b["id"].clone())));
            let Some(cursor) = page.body["next_cursor"].as_str() else { break };
            path = format!("/api/finance/bills?open=true&limit=1&count=true&cursor={cursor}");
        }
        let expected = [("2026-01-01", 2), ("2026-01-01", 4), ("2026-02-01", 3), ("2026-03-01", 1)];
        assert_eq!(seen, expected.map(|(day, id)| (json!(day), json!(id))));
    }

    async fn a_bill_that_comes_again_is_made_once_by_whoever_comes_first(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let first = bill(&app, &treasurer, json!({
            "date": "2025-10-31", "due_on": "2025-11-10", "repeat": "month",
        })).await;
        assert_eq!(first.body["next_on"], "2025-11-30", "{}", first.text);
        let (one, other) = (runner(&app), runner(&app));
        let (a, b) = tokio::join!(one.run_due(), other.run_due());
        assert!(a.is_ok() && b.is_ok());
        assert_eq!(days(&app, &treasurer).await, ["2025-10-31", "2025-11-30", "2025-12-31"]);
        // The same work without the job's claim, from two sides.
        app.wait(chrono::TimeDelta::days(31));
        let work = || app.db.write(muster_finance::bills::repeating::repeat_some);
        let (a, b) = tokio::join!(work(), work());
        assert!(a.is_ok() && b.is_ok());
        let treasurer = app.people.again(&treasurer).await;
        assert_eq!(days(&app, &treasurer).await, ["2025-10-31", "2025-11-30", "2025-12-31", "2026-01-31"]);
        let latest = app.get("/api/finance/bills?limit=1", &treasurer).await.body["items"][0].clone();
        assert_eq!((&latest["due_on"], &latest["repeats"]), (&json!("2026-02-10"), &first.body["id"]));
        assert_eq!((&latest["amount"], &latest["payee"]), (&json!(4800), &json!("City")));
        assert_eq!(found(&app).await, Vec::<String>::new());
    }

    async fn what_comes_again_in_a_closed_month_takes_the_first_open_day(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        bill(&app, &treasurer, json!({"date": "2025-09-05", "repeat": "month"})).await;
        for month in ["2025-09", "2025-10", "2025-11"] {
            let path = format!("/api/finance/periods/{month}/close");
            assert_eq!(app.post(&path, &treasurer, json!({})).await.status, 200);
        }
        runner(&app).run_due().await.expect("jobs done");
        assert_eq!(days(&app, &treasurer).await, ["2025-09-05", "2025-12-01", "2025-12-01", "2025-12-05"]);
    }

    async fn a_bill_comes_again_until_that_is_stopped(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let first = bill(&app, &treasurer, json!({"repeat": "month"})).await;
        let path = first.header("location").to_owned();
        let with = |etag: String, body: Value| {
            let request = app.request(Method::PATCH, &path).bearer_auth(&treasurer.token);
            async move { Answer::of(request.header("if-match", etag).json(&body)).await }
        };
        assert_eq!(with("\"7-x\"".into(), json!({"repeat": null})).await.problem(), (412, "stale"));
        let same = with(first.header("etag").into(), json!({})).await;
        assert_eq!(same.body["repeat"], "month", "what is not named stays");
        let stopped = with(first.header("etag").into(), json!({"repeat": null})).await;
        assert_eq!((stopped.status.as_u16(), &stopped.body["next_on"]), (200, &json!(null)), "{}", stopped.text);
        app.wait(chrono::TimeDelta::days(70));
        let treasurer = app.people.again(&treasurer).await;
        runner(&app).run_due().await.expect("jobs done");
        assert_eq!(days(&app, &treasurer).await.len(), 1);
        let again = app.patch(&path, &treasurer, json!({"repeat": "month"})).await;
        assert_eq!(again.body["next_on"], "2026-04-01", "what was missed meanwhile is not caught up: {}", again.text);
        app.wait(chrono::TimeDelta::days(30));
        let treasurer = app.people.again(&treasurer).await;
        runner(&app).run_due().await.expect("jobs done");
        assert_eq!(days(&app, &treasurer).await, ["2026-01-01", "2026-04-01"]);
        let later = app.patch("/api/finance/bills/2", &treasurer, json!({"repeat": null})).await;
        assert_eq!(later.problem(), (409, "invalid_state"), "the first one says how often");
        reverse(&app, &treasurer, &first.body["entry_id"]).await;
        app.wait(chrono::TimeDelta::days(100));
        let treasurer = app.people.again(&treasurer).await;
        runner(&app).run_due().await.expect("jobs done");
        assert_eq!(days(&app, &treasurer).await.len(), 2, "one that was taken back does not come again");
        assert_eq!(app.patch(&path, &treasurer, json!({"repeat": "year"})).await.problem(), (409, "invalid_state"));
    }

    async fn damage_to_bills_is_found(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let made = bill(&app, &treasurer, json!({})).await;
        pay(&app, &treasurer, &made, 800).await;
        assert_eq!(found(&app).await, Vec::<String>::new());
        for (damage, mended) in [
            ("UPDATE bills SET open = open - 1", "UPDATE bills SET open = open + 1"),
            ("UPDATE bill_payments SET amount = amount - 1", "UPDATE bill_payments SET amount = amount + 1"),
            // Fits in itself, and not with the ledger.
            ("UPDATE bills SET amount = amount - 1, open = open - 1", "UPDATE bills SET amount = amount + 1, open = open + 1"),
        ] {
            for (statement, is_damaged) in [(damage, true), (mended, false)] {
                let done = app.db.write(move |tx| Ok::<_, muster_kernel::db::DbError>(tx.batch_execute(statement)?));
                done.await.expect(statement);
                assert_eq!(!found(&app).await.is_empty(), is_damaged, "{statement}");
            }
        }
    }
}
