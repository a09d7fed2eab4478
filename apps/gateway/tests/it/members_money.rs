//! What members owe, pay, get back and are let off.

use chrono::TimeDelta;
use muster_finance::prepaid::{self, LotId};
use muster_kernel::audit::Origin;
use muster_kernel::db::DbError;
use muster_kernel::fault::Fault;
use muster_testkit::{Engine, Gate, Person, TestDb, TestDbOptions, each_engine};
use serde_json::{Value, json};

use crate::support::TestApp;

async fn charge(app: &TestApp, by: &Person, of: &Person, amount: i64, due_on: &str) -> Value {
    let body = json!({"amount": amount, "account": "dues", "text": "Dues", "due_on": due_on});
    let made = app.post_once(&format!("/api/members/{}/charges", of.id), by, body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.body
}

async fn pay(app: &TestApp, by: &Person, of: &Person, amount: i64) -> Value {
    let body = json!({"amount": amount, "method": "bank"});
    let made = app.post_once(&format!("/api/members/{}/payments", of.id), by, body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.body
}

async fn balance(app: &TestApp, by: &Person, of: &Person) -> i64 {
    let statement = app.get(&format!("/api/members/{}/statement", of.id), by).await;
    assert_eq!(statement.status, 200, "{}", statement.text);
    statement.body["balance"].as_i64().expect("a balance")
}

async fn reverse(app: &TestApp, by: &Person, entry: &Value) -> crate::support::Answer {
    let path = format!("/api/finance/entries/{entry}/reverse");
    app.post_once(&path, by, json!({"reason": "A mistake"})).await
}

async fn account(app: &TestApp, by: &Person, name: &str) -> i64 {
    let accounts = app.get("/api/finance/accounts", by).await;
    let all = accounts.body["items"].as_array().expect("accounts").clone();
    let found = all.iter().find(|a| a["account"] == name).unwrap_or_else(|| panic!("no {name}"));
    found["balance"].as_i64().expect("a balance")
}

async fn all_ties(app: &TestApp) {
    let found = app.db.read(|conn| {
        let mut found = Vec::new();
        for check in muster_finance::domain().checks {
            found.extend((check.look)(conn)?);
        }
        Ok::<_, DbError>(found)
    });
    assert_eq!(found.await.expect("checked"), Vec::<String>::new());
}

each_engine! {
    async fn a_payment_settles_the_oldest_charges_first_and_says_which(app: TestApp) {
        let (treasurer, member) = (app.people.treasurer().await, app.people.member().await);
        let later = charge(&app, &treasurer, &member, 1000, "2026-03-01").await;
        let sooner = charge(&app, &treasurer, &member, 700, "2026-02-01").await;
        let payment = pay(&app, &treasurer, &member, 1000).await;
        let expected = json!([
            {"charge_id": later["id"], "amount": 300}, {"charge_id": sooner["id"], "amount": 700},
        ]);
        assert_eq!(payment["allocations"], expected);
        assert_eq!(payment["credit"], 0);
        assert_eq!(balance(&app, &member, &member).await, 700);
        let statement = app.get("/api/members/me/statement", &member).await;
        let open = json!([{
            "charge_id": later["id"], "kind": "charge", "due_on": "2026-03-01", "amount": 1000, "open": 700,
        }]);
        assert_eq!(statement.body["open_charges"], open);
        all_ties(&app).await;
    }

    async fn what_is_paid_beyond_what_is_owed_meets_the_next_charge_at_once(app: TestApp) {
        let (treasurer, member) = (app.people.treasurer().await, app.people.member().await);
        let payment = pay(&app, &treasurer, &member, 1500).await;
        assert_eq!((&payment["credit"], &payment["allocations"]), (&json!(1500), &json!([])));
        assert_eq!(balance(&app, &treasurer, &member).await, -1500);
        let charged = charge(&app, &treasurer, &member, 1000, "2026-01-01").await;
        assert_eq!(charged["open"], 0);
        let payments = app.get(&format!("/api/members/{}/payments", member.id), &treasurer).await;
        assert_eq!(payments.body["items"][0]["credit"], 500);
        let settled = json!([{"charge_id": charged["id"], "amount": 1000}]);
        assert_eq!(payments.body["items"][0]["allocations"], settled);
        all_ties(&app).await;
    }

    async fn no_more_is_paid_back_than_the_credit(app: TestApp) {
        let (treasurer, member) = (app.people.treasurer().await, app.people.member().await);
        let path = format!("/api/members/{}/refunds", member.id);
        let none = app.post_once(&path, &treasurer, json!({"amount": 1, "method": "cash"})).await;
        assert_eq!(none.problem(), (409, "exceeds_credit"));
        pay(&app, &treasurer, &member, 500).await;
        let more = app.post_once(&path, &treasurer, json!({"amount": 501, "method": "cash"})).await;
        assert_eq!(more.problem(), (409, "exceeds_credit"));
        let refund = app.post_once(&path, &treasurer, json!({"amount": 500, "method": "cash"})).await;
        assert_eq!((refund.status.as_u16(), &refund.body["amount"]), (201, &json!(500)), "{}", refund.text);
        assert_eq!(balance(&app, &treasurer, &member).await, 0);
        assert_eq!((account(&app, &treasurer, "cash").await, account(&app, &treasurer, "bank").await), (-500, 500));
        all_ties(&app).await;
    }

    async fn nothing_is_paid_back_before_it_was_paid(app: TestApp) {
        let (treasurer, member) = (app.people.treasurer().await, app.people.member().await);
        pay(&app, &treasurer, &member, 500).await;
        let path = format!("/api/members/{}/refunds", member.id);
        let early = json!({"amount": 500, "method": "cash", "date": "2025-12-31"});
        assert_eq!(app.post_once(&path, &treasurer, early).await.problem(), (422, "invalid_fields"));
    }

    async fn a_payment_that_bounced_after_its_credit_was_paid_back_is_owed_again(app: TestApp) {
        let (treasurer, member) = (app.people.treasurer().await, app.people.member().await);
        let payment = pay(&app, &treasurer, &member, 500).await;
        let path = format!("/api/members/{}/refunds", member.id);
        app.post_once(&path, &treasurer, json!({"amount": 200, "method": "cash"})).await;
        assert_eq!(reverse(&app, &treasurer, &payment["entry_id"]).await.status, 200);
        assert_eq!(balance(&app, &treasurer, &member).await, 200);
        all_ties(&app).await;
    }

    async fn no_more_is_written_off_than_is_owed(app: TestApp) {
        let (treasurer, member) = (app.people.treasurer().await, app.people.member().await);
        let old = charge(&app, &treasurer, &member, 300, "2026-01-01").await;
        let new = charge(&app, &treasurer, &member, 400, "2026-02-01").await;
        let path = format!("/api/members/{}/write-offs", member.id);
        let write_off = async |amount: i64, of: Option<&Value>| {
            let mut body = json!({"amount": amount, "reason": "Moved away"});
            if let Some(charge) = of {
                body["charge_id"] = charge["id"].clone();
            }
            app.post_once(&path, &treasurer, body).await
        };
        assert_eq!(write_off(701, None).await.problem(), (409, "exceeds_balance"));
        assert_eq!(write_off(401, Some(&new)).await.problem(), (409, "exceeds_balance"));
        assert_eq!(write_off(1, Some(&json!({"id": 999}))).await.problem(), (422, "invalid_fields"));
        assert_eq!(write_off(400, Some(&new)).await.status, 201);
        let charges = app.get(&format!("/api/members/{}/charges", member.id), &treasurer).await;
        let open: Vec<_> = charges.body["items"].as_array().expect("charges").iter().map(|c| &c["open"]).collect();
        assert_eq!(open, [&json!(0), &json!(300)], "the one it was for, not the oldest");
        assert_eq!(write_off(300, None).await.status, 201);
        assert_eq!(account(&app, &treasurer, "write_offs").await, 700);
        let paid_by_nobody = reverse(&app, &treasurer, &old["entry_id"]).await;
        assert_eq!(paid_by_nobody.problem(), (409, "invalid_state"), "what was let off never becomes credit");
        for write_off in app.get(&path, &treasurer).await.body["items"].as_array().expect("write-offs") {
            assert!(reverse(&app, &treasurer, &write_off["entry_id"]).await.status.is_success());
        }
        assert!(reverse(&app, &treasurer, &old["entry_id"]).await.status.is_success());
        assert_eq!(balance(&app, &treasurer, &member).await, 400);
        all_ties(&app).await;
    }

    async fn what_is_reversed_frees_what_it_settled(app: TestApp) {
        let (treasurer, member) = (app.people.treasurer().await, app.people.member().await);
        let wrong = charge(&app, &treasurer, &member, 1000, "2026-01-01").await;
        let right = charge(&app, &treasurer, &member, 600, "2026-02-01").await;
        pay(&app, &treasurer, &member, 1000).await;
        let reversed = reverse(&app, &treasurer, &wrong["entry_id"]).await;
        assert_eq!(reversed.status, 200, "{}", reversed.text);
        let back = app.get(&format!("/api/finance/entries/{}", reversed.body["reversed_by"]), &treasurer).await;
        assert_eq!((&back.body["reverses"], &back.body["kind"]), (&wrong["entry_id"], &json!("reversal")));
        let payments = app.get("/api/members/me/payments", &member).await;
        let made_again = json!([{"charge_id": right["id"], "amount": 600}]);
        assert_eq!(payments.body["items"][0]["allocations"], made_again);
        assert_eq!(payments.body["items"][0]["credit"], 400);
        let twice = reverse(&app, &treasurer, &wrong["entry_id"]).await;
        assert_eq!(twice.problem(), (409, "invalid_state"));
        all_ties(&app).await;
    }

    async fn two_who_reverse_at_once_reverse_once(app: TestApp) {
        let (one, other) = (app.people.treasurer().await, app.people.admin().await);
        let member = app.people.member().await;
        for _ in 0..5 {
            let payment = pay(&app, &one, &member, 100).await;
            let (a, b) = tokio::join!(
                reverse(&app, &one, &payment["entry_id"]),
                reverse(&app, &other, &payment["entry_id"]),
            );
            let mut statuses = [a.status.as_u16(), b.status.as_u16()];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 409], "{} {}", a.text, b.text);
        }
        assert_eq!(balance(&app, &one, &member).await, 0);
        all_ties(&app).await;
    }

    async fn twenty_payments_at_once_all_count(app: TestApp) {
        let (treasurer, member) = (app.people.treasurer().await, app.people.member().await);
        charge(&app, &treasurer, &member, 10_000, "2026-01-01").await;
        let paid = (0..20).map(|_| pay(&app, &treasurer, &member, 450));
        futures_util::future::join_all(paid).await;
        assert_eq!(balance(&app, &treasurer, &member).await, 1000);
        all_ties(&app).await;
    }

    async fn the_same_request_twice_is_one_payment(app: TestApp) {
        let (treasurer, member) = (app.people.treasurer().await, app.people.member().await);
        let path = format!("/api/members/{}/payments", member.id);
        let body = json!({"amount": 500, "method": "cash"});
        let without = app.post(&path, &treasurer, body.clone()).await;
        assert_eq!(without.problem(), (400, "idempotency_key_required"));
        let first = app.post_with_key(&path, &treasurer, body.clone(), "k1").await;
        let again = app.post_with_key(&path, &treasurer, body, "k1").await;
        assert_eq!((first.text.clone(), again.header("idempotency-replayed")), (again.text.clone(), "true"));
        let other = app.post_with_key(&path, &treasurer, json!({"amount": 5, "method": "cash"}), "k1").await;
        assert_eq!(other.problem(), (422, "idempotency_key_reused"));
        assert_eq!(balance(&app, &treasurer, &member).await, -500);
    }

    async fn wrong_amounts_dates_and_accounts_are_refused_field_by_field(app: TestApp) {
        let (treasurer, member) = (app.people.treasurer().await, app.people.member().await);
        let path = format!("/api/members/{}/charges", member.id);
        let good = json!({"amount": 100, "account": "dues", "text": "Dues"});
        for (field, value, code) in [
            ("amount", json!(0), "out_of_range"),
            ("amount", json!(-5), "out_of_range"),
            ("amount", json!(1_000_000_000_001i64), "out_of_range"),
            ("account", json!("bank"), "not_found"),
            ("account", json!("nonsense"), "not_found"),
            ("text", json!(""), "too_short"),
            ("date", json!("2026-01-02"), "in_future"),
            ("date", json!("1969-12-31"), "out_of_range"),
            ("due_on", json!("3000-01-01"), "out_of_range"),
        ] {
            let mut body = good.clone();
            body[field] = value;
            let refused = app.post_once(&path, &treasurer, body).await;
            assert_eq!(refused.problem(), (422, "invalid_fields"), "{field}");
            assert_eq!(refused.body["errors"][0]["pointer"], format!("/{field}"));
            assert_eq!(refused.body["errors"][0]["code"], code, "{field}");
        }
        for amount in [json!(1.5), json!("100"), json!(null), json!(1e300)] {
            let refused = app.post_once(&path, &treasurer, json!({"amount": amount, "account": "dues", "text": "x"})).await;
            assert_eq!(refused.status, 422, "{amount}");
        }
        let nobody = app.post_once("/api/members/999999/charges", &treasurer, good).await;
        assert_eq!(nobody.problem(), (404, "not_found"));
        assert_eq!(app.get(&path, &treasurer).await.body["items"], json!([]));
    }

    async fn a_statement_runs_from_an_opening_to_a_balance(app: TestApp) {
        let (treasurer, member) = (app.people.treasurer().await, app.people.member().await);
        let dated = async |kind: &str, body: Value| {
            let made = app.post_once(&format!("/api/members/{}/{kind}", member.id), &treasurer, body).await;
            assert_eq!(made.status, 201, "{}", made.text);
        };
        dated("charges", json!({"amount": 100, "account": "dues", "text": "October", "date": "2025-10-01"})).await;
        dated("payments", json!({"amount": 60, "method": "cash", "date": "2025-11-05"})).await;
        dated("charges", json!({"amount": 200, "account": "other", "text": "Shirt", "date": "2025-12-01"})).await;
        let statement = app.get("/api/members/me/statement?from=2025-11-01&to=2025-11-30", &member).await;
        assert_eq!(statement.body["opening_balance"], 100);
        assert_eq!(statement.body["balance"], 40);
        let line = &statement.body["lines"][0];
        assert_eq!((&line["date"], &line["amount"], &line["balance"]), (&json!("2025-11-05"), &json!(-60), &json!(40)));
        let whole = app.get("/api/members/me/statement", &member).await;
        assert_eq!((&whole.body["opening_balance"], &whole.body["balance"]), (&json!(0), &json!(240)));
        let texts: Vec<_> = whole.body["lines"].as_array().expect("lines").iter().map(|l| l["text"].clone()).collect();
        assert_eq!(texts, ["October", "Payment", "Shirt"]);
        let backwards = app.get("/api/members/me/statement?from=2025-12-01&to=2025-11-01", &member).await;
        assert_eq!(backwards.problem(), (400, "malformed"));
    }

    async fn whose_money_one_may_not_see_is_not_there(app: TestApp) {
        let (treasurer, member) = (app.people.treasurer().await, app.people.member().await);
        let (coach, other) = (app.people.coach().await, app.people.member().await);
        charge(&app, &treasurer, &member, 100, "2026-01-01").await;
        for what in ["charges", "payments", "refunds", "write-offs", "prepaid-fees", "statement"] {
            let path = format!("/api/members/{}/{what}", member.id);
            assert_eq!(app.get(&path, &member).await.status, 200, "{what}");
            assert_eq!(app.get(&path, &coach).await.problem(), (404, "not_found"), "{what}");
            assert_eq!(app.get(&path, &other).await.problem(), (404, "not_found"), "{what}");
        }
        let child = json!({"first_name": "Tom", "last_name": "Small", "date_of_birth": "2018-03-01"});
        let child = app.post("/api/members/me/dependants", &member, child).await;
        let path = format!("/api/members/{}/statement", child.body["id"]);
        assert_eq!(app.get(&path, &member).await.status, 200, "a guardian sees it");
        assert_eq!(app.get(&path, &other).await.problem(), (404, "not_found"));
    }

    async fn class_fees_paid_in_advance_are_income_once_they_expire(app: TestApp) {
        let (treasurer, member) = (app.people.treasurer().await, app.people.member().await);
        let path = format!("/api/members/{}/prepaid-fees", member.id);
        let body = json!({"count": 3, "amount": 1000, "method": "cash", "expires_on": "2026-01-10"});
        let lot = app.post_once(&path, &treasurer, body).await;
        assert_eq!(lot.status, 201, "{}", lot.text);
        assert_eq!((account(&app, &treasurer, "prepaid").await, account(&app, &treasurer, "classes").await), (-1000, 0));
        app.wait(TimeDelta::days(9));
        let treasurer = app.people.again(&treasurer).await;
        expire(&app).await;
        assert_eq!(account(&app, &treasurer, "prepaid").await, -1000, "the last day counts");
        app.wait(TimeDelta::days(1));
        expire(&app).await;
        expire(&app).await;
        let treasurer = app.people.again(&treasurer).await;
        assert_eq!((account(&app, &treasurer, "prepaid").await, account(&app, &treasurer, "classes").await), (0, -1000));
        let entries = app.get("/api/finance/entries?kind=prepaid_expired", &treasurer).await;
        assert_eq!(entries.body["items"][0]["date"], "2026-01-11");
        assert_eq!(entries.body["items"].as_array().map(Vec::len), Some(1), "once");
        all_ties(&app).await;
    }

    async fn of_class_fees_that_are_used_the_last_one_takes_what_rounding_left(app: TestApp) {
        let (treasurer, member) = (app.people.treasurer().await, app.people.member().await);
        let path = format!("/api/members/{}/prepaid-fees", member.id);
        let lot = app.post_once(&path, &treasurer, json!({"count": 3, "amount": 1000, "method": "cash"})).await.body;
        let lot = LotId(lot["id"].as_i64().expect("a lot"));
        let (id, day) = (member.id, chrono::NaiveDate::from_ymd_opt(2026, 1, 1).expect("a day"));
        let use_one = async || {
            let used = app.db.write(move |tx| {
                prepaid::reserve(tx, id, day)?.ok_or_else(Fault::not_found)?;
                prepaid::use_fee(tx, &Origin::default(), lot, day)
            });
            used.await.expect("used")
        };
        use_one().await;
        assert_eq!(account(&app, &treasurer, "classes").await, -333);
        use_one().await;
        assert_eq!(account(&app, &treasurer, "classes").await, -666);
        let last = use_one().await;
        assert_eq!((account(&app, &treasurer, "classes").await, account(&app, &treasurer, "prepaid").await), (-1000, 0));
        app.db.write(move |tx| prepaid::return_used(tx, &Origin::default(), lot, last, day)).await.expect("given back");
        assert_eq!((account(&app, &treasurer, "classes").await, account(&app, &treasurer, "prepaid").await), (-666, -334));
        all_ties(&app).await;
    }

    async fn a_charge_that_was_written_off_in_part_is_not_reversed(app: TestApp) {
        let (treasurer, member) = (app.people.treasurer().await, app.people.member().await);
        let owed = charge(&app, &treasurer, &member, 1000, "2026-01-15").await;
        let path = format!("/api/members/{}/write-offs", member.id);
        let let_off = app.post_once(&path, &treasurer, json!({"amount": 300, "reason": "Hardship"})).await;
        assert_eq!(let_off.status, 201, "{}", let_off.text);
        assert_eq!(reverse(&app, &treasurer, &owed["entry_id"]).await.problem(), (409, "invalid_state"));
        assert_eq!(balance(&app, &treasurer, &member).await, 700, "nobody gets as credit what they never paid");
        assert_eq!(reverse(&app, &treasurer, &let_off.body["entry_id"]).await.status, 200);
        assert_eq!(reverse(&app, &treasurer, &owed["entry_id"]).await.status, 200);
        assert_eq!(balance(&app, &treasurer, &member).await, 0);
        all_ties(&app).await;
    }

    async fn unused_class_fees_can_be_paid_back_and_an_unused_lot_reversed(app: TestApp) {
        let (treasurer, member) = (app.people.treasurer().await, app.people.member().await);
        let path = format!("/api/members/{}/prepaid-fees", member.id);
        let sell = async || {
            app.post_once(&path, &treasurer, json!({"count": 3, "amount": 1000, "method": "cash"})).await.body
        };
        let lot = sell().await;
        let refund = format!("{path}/{}/refund", lot["id"]);
        let more = app.post_once(&refund, &treasurer, json!({"count": 3, "amount": 1001, "method": "cash"})).await;
        assert_eq!(more.problem(), (409, "exceeds_credit"));
        let back = app.post_once(&refund, &treasurer, json!({"count": 3, "amount": 900, "method": "cash"})).await;
        assert_eq!((back.status.as_u16(), &back.body["lapsed"]), (200, &json!(3)), "{}", back.text);
        assert_eq!(account(&app, &treasurer, "classes").await, -100, "what was kept is income");
        let again = app.post_once(&refund, &treasurer, json!({"count": 1, "amount": 1, "method": "cash"})).await;
        assert_eq!(again.problem(), (409, "invalid_state"));
        let entries = app.get("/api/finance/entries?kind=prepaid_refund", &treasurer).await;
        assert_eq!(reverse(&app, &treasurer, &entries.body["items"][0]["id"]).await.status, 200, "a slip");
        let early = json!({"count": 1, "amount": 333, "method": "cash", "date": "2025-12-31"});
        assert_eq!(app.post_once(&refund, &treasurer, early).await.problem(), (422, "invalid_fields"));
        for amount in [333, 333, 334] {
            let one = app.post_once(&refund, &treasurer, json!({"count": 1, "amount": amount, "method": "cash"})).await;
            assert_eq!(one.status, 200, "the last one takes what rounding left: {}", one.text);
        }
        let other = sell().await;
        assert_eq!(reverse(&app, &treasurer, &other["entry_id"]).await.status, 200);
        assert_eq!((account(&app, &treasurer, "cash").await, account(&app, &treasurer, "prepaid").await), (0, 0));
        let used_up = reverse(&app, &treasurer, &lot["entry_id"]).await;
        assert_eq!(used_up.problem(), (409, "invalid_state"));
        let cheap = app.post_once(&path, &treasurer, json!({"count": 10, "amount": 9, "method": "cash"})).await;
        assert_eq!(cheap.problem(), (422, "invalid_fields"));
        all_ties(&app).await;
    }

    async fn members_are_told_of_what_they_owe_and_paid_and_guardians_for_their_wards(app: TestApp) {
        let (treasurer, member) = (app.people.treasurer().await, app.people.member().await);
        app.mails().await;
        charge(&app, &treasurer, &member, 12_345, "2026-02-01").await;
        pay(&app, &treasurer, &member, 12_000).await;
        let wrong = pay(&app, &treasurer, &member, 99).await;
        reverse(&app, &treasurer, &wrong["entry_id"]).await;
        let child = json!({"first_name": "Tom", "last_name": "Small", "date_of_birth": "2018-03-01"});
        let child = app.post("/api/members/me/dependants", &member, child).await.body["id"].clone();
        let lot = json!({"count": 10, "amount": 9000, "method": "cash"});
        app.post_once(&format!("/api/members/{child}/prepaid-fees"), &treasurer, lot).await;
        let all = app.mails().await;
        for words in ["123.45 EUR", "120.00 EUR", "90.00 EUR for 10 class fees", "due on 2026-02-01"] {
            assert!(all.iter().any(|mail| mail.to == member.email && mail.text.contains(words)), "{words}: {all:?}");
        }
        assert!(!all.iter().any(|mail| mail.text.contains("0.99 EUR")), "nothing of what was taken back");
    }

    async fn nothing_is_moved_of_those_who_were_erased(app: TestApp) {
        let (admin, member) = (app.people.admin().await, app.people.member().await);
        assert_eq!(app.post(&format!("/api/users/{}/erase", member.id), &admin, json!({})).await.status, 200);
        let body = json!({"amount": 100, "account": "dues", "text": "Dues"});
        let refused = app.post_once(&format!("/api/members/{}/charges", member.id), &admin, body).await;
        assert_eq!(refused.problem(), (409, "invalid_state"));
    }

    async fn an_answer_about_somebody_is_not_given_again_once_they_were_erased(app: TestApp) {
        let (admin, member) = (app.people.admin().await, app.people.member().await);
        let path = format!("/api/members/{}/payments", member.id);
        let body = json!({"amount": 100, "method": "bank", "reference": "From Quagmire"});
        let paid = app.post_with_key(&path, &admin, body.clone(), "k1").await;
        assert_eq!(paid.status, 201, "{}", paid.text);
        reverse(&app, &admin, &paid.body["entry_id"]).await;
        assert_eq!(app.post(&format!("/api/users/{}/erase", member.id), &admin, json!({})).await.status, 200);
        let again = app.post_with_key(&path, &admin, body, "k1").await;
        assert_eq!(again.problem(), (409, "invalid_state"), "{}", again.text);
        let audit = app.get("/api/audit?limit=100", &admin).await;
        assert!(!audit.text.contains("A mistake"), "reasons stand where they can be redacted");
    }

    async fn nobody_is_erased_while_anything_is_open_and_then_the_words_go_and_the_amounts_stay(app: TestApp) {
        let (admin, member) = (app.people.admin().await, app.people.member().await);
        let body = json!({"amount": 100, "account": "dues", "text": "Dues of Quagmire"});
        let charged = app.post_once(&format!("/api/members/{}/charges", member.id), &admin, body).await;
        let erase = format!("/api/users/{}/erase", member.id);
        let refused = app.post(&erase, &admin, json!({})).await;
        assert_eq!(refused.problem(), (409, "open_balance"));
        pay(&app, &admin, &member, 100).await;
        let lot = json!({"count": 1, "amount": 100, "method": "cash"});
        let lot = app.post_once(&format!("/api/members/{}/prepaid-fees", member.id), &admin, lot).await;
        assert_eq!(app.post(&erase, &admin, json!({})).await.problem(), (409, "open_balance"));
        reverse(&app, &admin, &lot.body["entry_id"]).await;
        assert_eq!(app.post(&erase, &admin, json!({})).await.status, 200);
        let entry = app.get(&format!("/api/finance/entries/{}", charged.body["entry_id"]), &admin).await;
        assert_eq!(entry.body["text"], "Charge");
        assert_eq!(entry.body["postings"][0]["amount"], 100);
        all_ties(&app).await;
    }
}

async fn expire(app: &TestApp) {
    let expired = app.db.write(prepaid::expire_some);
    assert!(!expired.await.expect("expired"));
}

#[test]
fn on_postgres_whoever_moves_a_members_money_waits_for_whoever_is_at_it() {
    use diesel::connection::SimpleConnection;
    muster_testkit::run(async {
        let gate = Gate::default();
        let observer = Some(gate.observer());
        let options = TestDbOptions { readers: 2, writers: 4, observer, ..TestDbOptions::default() };
        let app = TestApp::with(TestDb::with(Engine::Postgres, options), &[]);
        let member = app.people.member().await.id;
        let day = chrono::NaiveDate::from_ymd_opt(2026, 1, 1).expect("a day");
        gate.close("'at it'");
        let db = (*app.db).clone();
        let at_it = tokio::spawn(async move {
            let lock = format!("SELECT 1 FROM standing WHERE member_id = {member} FOR NO KEY UPDATE");
            db.write(move |tx| {
                tx.batch_execute(&lock)?;
                Ok::<_, DbError>(tx.batch_execute("SELECT 'at it'")?)
            })
            .await
        });
        gate.reached().await;
        // There is no class fee to reserve, so nothing would be written.
        let reserve = |timeout: &'static str| {
            app.db.write(move |tx| {
                let limited = tx.batch_execute(timeout).map_err(DbError::from);
                limited.map_err(Fault::from)?;
                prepaid::reserve(tx, member, day)
            })
        };
        let refused = reserve("SET LOCAL lock_timeout = '20ms'").await;
        assert!(refused.is_err(), "{refused:?}");
        gate.open();
        at_it.await.expect("a task").expect("done");
        assert_eq!(reserve("SET LOCAL lock_timeout = '5s'").await.expect("it is free"), None);
    });
}
