//! What coaches are paid.

use muster_testkit::each_engine;
use serde_json::json;

use super::{coach_paid, correct, findings, in_november, items, owed, path, pay, payroll, picked, teach};
use crate::support::TestApp;

each_engine! {
    async fn a_payout_pays_what_is_due_and_says_for_what(app: TestApp) {
        let treasurer = in_november(&app).await;
        let coach = coach_paid(&app, &treasurer, json!({"per_class": 1000})).await;
        for class in [1, 2] {
            teach(&app, coach.id, class, "2026-11-10", 5).await;
        }
        let paid = pay(&app, &treasurer, &coach, json!({"method": "bank"})).await;
        assert_eq!(paid.status, 201, "{}", paid.text);
        for (field, value) in [
            ("coach_id", json!(coach.id)), ("amount", json!(2000)), ("method", json!("bank")), ("date", json!("2026-11-21")),
            ("brought_forward", json!(0)), ("items_total", json!(2000)), ("carried_forward", json!(0)),
            ("is_reversed", json!(false)), ("more_items", json!(false)), ("run_id", json!(null)),
        ] {
            assert_eq!(paid.body[field], value, "{field}");
        }
        assert_eq!(picked(&paid.body["items"], &["class_id", "amount", "payout_id"]), [json!([1, 1000, 1]), json!([2, 1000, 1])]);
        let read = app.get(paid.header("location"), &coach).await;
        assert_eq!((&read.body, read.header("etag")), (&paid.body, paid.header("etag")));
        assert_eq!(owed(&app, &coach).await, (0, 2000));
        let entry = app.get(&format!("/api/finance/entries/{}", paid.body["entry_id"]), &treasurer).await.body;
        assert_eq!((&entry["kind"], &entry["made_by"]), (&json!("payout"), &json!(treasurer.id)));
        assert_eq!(entry["postings"], json!([
            {"account": "coach_pay", "amount": 2000, "coach_id": coach.id}, {"account": "bank", "amount": -2000},
        ]));
        assert_eq!(items(&app, &coach, "/api/coaches/me/payouts", &["id", "amount"]).await, [json!([1, 2000])]);
        let nothing = pay(&app, &treasurer, &coach, json!({"method": "bank"})).await;
        assert_eq!(nothing.problem(), (409, "invalid_state"));
        assert_eq!(findings(&app).await, [""; 0]);
    }

    async fn what_a_payout_leaves_is_brought_forward(app: TestApp) {
        let treasurer = in_november(&app).await;
        let coach = coach_paid(&app, &treasurer, json!({"per_class": 1000, "per_head": 100})).await;
        teach(&app, coach.id, 1, "2026-11-10", 5).await;
        let too_much = pay(&app, &treasurer, &coach, json!({"method": "cash", "amount": 1501})).await;
        assert_eq!(too_much.problem(), (409, "exceeds_balance"));
        let part = pay(&app, &treasurer, &coach, json!({"method": "cash", "amount": 600})).await.body;
        assert_eq!((&part["items_total"], &part["carried_forward"]), (&json!(1500), &json!(900)));
        // Corrected to less than was paid: below zero nothing is paid, and the next payout is less.
        teach(&app, coach.id, 2, "2026-11-11", 0).await;
        let all = pay(&app, &treasurer, &coach, json!({"method": "cash"})).await.body;
        assert_eq!((&all["brought_forward"], &all["items_total"], &all["amount"]), (&json!(900), &json!(1000), &json!(1900)));
        correct(&app, 1, 1).await;
        assert_eq!(owed(&app, &coach).await, (-400, 1900));
        let below = pay(&app, &treasurer, &coach, json!({"method": "cash"})).await;
        assert_eq!(below.problem(), (409, "invalid_state"));
        teach(&app, coach.id, 3, "2026-11-12", 0).await;
        let rest = pay(&app, &treasurer, &coach, json!({"method": "cash"})).await.body;
        assert_eq!((&rest["items_total"], &rest["amount"]), (&json!(600), &json!(600)));
        assert_eq!(picked(&rest["items"], &["class_id", "amount"]), [json!([1, -400]), json!([3, 1000])]);
        let mut sums = Vec::new();
        for payout in app.get("/api/coaches/me/payouts", &coach).await.body["items"].as_array().expect("payouts") {
            let amount = |field: &str| payout[field].as_i64().expect("an amount");
            assert_eq!(amount("brought_forward") + amount("items_total") - amount("amount"), amount("carried_forward"));
            sums.push(amount("amount"));
        }
        assert_eq!(sums, [600, 1900, 600]);
        assert_eq!(findings(&app).await, [""; 0]);
    }

    async fn a_payout_is_paid_once_however_often_it_is_asked_for(app: TestApp) {
        let treasurer = in_november(&app).await;
        let other = app.people.treasurer().await;
        let coach = coach_paid(&app, &treasurer, json!({"per_class": 1000})).await;
        teach(&app, coach.id, 1, "2026-11-10", 5).await;
        let (list, body) = (path(&coach, "/payouts"), json!({"method": "bank"}));
        assert_eq!(app.post(&list, &treasurer, body.clone()).await.problem(), (400, "idempotency_key_required"));
        let asks = (0..8).map(|n| pay(&app, if n % 2 == 0 { &treasurer } else { &other }, &coach, body.clone()));
        let mut statuses: Vec<_> = futures_util::future::join_all(asks).await.iter().map(|paid| paid.status.as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
        teach(&app, coach.id, 2, "2026-11-11", 5).await;
        let first = app.post_with_key(&list, &treasurer, body.clone(), "k").await;
        let again = app.post_with_key(&list, &treasurer, body, "k").await;
        assert_eq!((again.status.as_u16(), &again.body), (201, &first.body));
        assert_eq!(items(&app, &coach, &list, &["amount"]).await, [json!([1000]), json!([1000])]);
        assert_eq!(findings(&app).await, [""; 0]);
    }

    async fn the_latest_payout_can_be_taken_back(app: TestApp) {
        let treasurer = in_november(&app).await;
        let (coach, other) = (coach_paid(&app, &treasurer, json!({"per_class": 1000})).await, app.people.coach().await);
        teach(&app, coach.id, 1, "2026-11-10", 5).await;
        let first = pay(&app, &treasurer, &coach, json!({"method": "bank", "amount": 700})).await;
        teach(&app, coach.id, 2, "2026-11-11", 5).await;
        let second = pay(&app, &treasurer, &coach, json!({"method": "bank"})).await;
        let back = async |payout: &str, reason: &str| app.post_once(&format!("{payout}/reverse"), &treasurer, json!({"reason": reason})).await;
        let (first_at, second_at) = (first.header("location"), second.header("location"));
        assert_eq!(back(first_at, "Wrong account").await.problem(), (409, "invalid_state"));
        assert_eq!(back(second_at, "").await.fields(), [("/reason", "too_short")]);
        let elsewhere = path(&other, &format!("/payouts/{}", second.body["id"]));
        assert_eq!(back(&elsewhere, "x").await.problem(), (404, "not_found"));
        let by_coach = app.post_once(&format!("{second_at}/reverse"), &coach, json!({"reason": "x"})).await;
        assert_eq!(by_coach.problem(), (403, "forbidden"));
        let by_entry = format!("/api/finance/entries/{}/reverse", second.body["entry_id"]);
        let by_entry = app.post_once(&by_entry, &treasurer, json!({"reason": "x"})).await;
        assert_eq!(by_entry.problem(), (409, "invalid_state"));
        assert!(by_entry.text.contains("/payouts/"), "it says where: {}", by_entry.text);
        let reversed = back(second_at, "The bank sent it back").await;
        assert_eq!(reversed.status, 200, "{}", reversed.text);
        assert_eq!((&reversed.body["is_reversed"], &reversed.body["items"], &reversed.body["version"]), (&json!(true), &json!([]), &json!(2)));
        assert_eq!(owed(&app, &coach).await, (1300, 700));
        let unpaid = items(&app, &coach, "/api/coaches/me/pay", &["class_id", "payout_id"]).await;
        assert_eq!(unpaid, [json!([2, null]), json!([1, 1])]);
        assert_eq!(back(second_at, "x").await.problem(), (409, "invalid_state"));
        let entry = app.get(&format!("/api/finance/entries/{}", second.body["entry_id"]), &treasurer).await.body;
        let reversal = app.get(&format!("/api/finance/entries/{}", entry["reversed_by"]), &treasurer).await.body;
        assert_eq!((&reversal["text"], &reversal["date"]), (&json!("The bank sent it back"), &json!("2026-11-21")));
        let anew = pay(&app, &treasurer, &coach, json!({"method": "cash"})).await.body;
        assert_eq!((&anew["brought_forward"], &anew["items_total"], &anew["amount"]), (&json!(300), &json!(1000), &json!(1300)));
        assert_eq!(findings(&app).await, [""; 0]);
    }

    async fn a_payout_is_dated_where_there_are_books(app: TestApp) {
        let treasurer = in_november(&app).await;
        let coach = coach_paid(&app, &treasurer, json!({"per_class": 1000})).await;
        for (class, on) in [(1, "2026-10-20"), (2, "2026-11-05"), (3, "2026-11-20")] {
            teach(&app, coach.id, class, on, 5).await;
        }
        assert_eq!(app.post("/api/finance/periods/2026-10/close", &treasurer, json!({})).await.status, 200);
        let dated = async |date: &str, amount: Option<i64>| pay(&app, &treasurer, &coach, json!({"method": "bank", "date": date, "amount": amount})).await;
        assert_eq!(dated("2026-11-22", None).await.fields(), [("/date", "in_future")]);
        assert_eq!(dated("2026-10-31", None).await.problem(), (409, "period_closed"));
        assert_eq!(dated("2026-11-10", Some(0)).await.fields(), [("/amount", "out_of_range")]);
        // What was earned after that day was not paid on it.
        assert_eq!(dated("2026-11-10", Some(2001)).await.problem(), (409, "exceeds_balance"));
        let early = dated("2026-11-10", None).await.body;
        assert_eq!((&early["amount"], picked(&early["items"], &["class_id"])), (&json!(2000), vec![json!([1]), json!([2])]));
        assert_eq!(dated("2026-11-09", None).await.fields(), [("/date", "out_of_range")], "not before the one before");
        let rest = dated("2026-11-21", None).await.body;
        assert_eq!((&rest["amount"], picked(&rest["items"], &["class_id"])), (&json!(1000), vec![json!([3])]));
        assert_eq!(findings(&app).await, [""; 0]);
    }

    async fn nobody_is_paid_more_than_the_balance_though_more_was_due_then(app: TestApp) {
        let treasurer = in_november(&app).await;
        let coach = coach_paid(&app, &treasurer, json!({"per_class": 0, "per_head": 100})).await;
        teach(&app, coach.id, 2, "2026-11-20", 10).await;
        assert_eq!(pay(&app, &treasurer, &coach, json!({"method": "bank", "date": "2026-11-20"})).await.status, 201);
        teach(&app, coach.id, 1, "2026-11-19", 10).await;
        correct(&app, 2, 4).await;
        assert_eq!(owed(&app, &coach).await, (400, 1000));
        app.wait(chrono::TimeDelta::days(1));
        let treasurer = app.people.again(&treasurer).await;
        let run = payroll::run(&app, &treasurer, json!({"through": "2026-11-19"})).await;
        assert_eq!(run["amount"], 400);
        let coach = app.people.again(&coach).await;
        assert_eq!(owed(&app, &coach).await, (0, 400));
        assert_eq!(items(&app, &coach, "/api/coaches/me/payouts", &["carried_forward"]).await[0], json!([600]));
        assert_eq!(findings(&app).await, [""; 0]);
    }

    async fn whose_pay_it_is_and_who_keeps_the_books_sees_the_payouts(app: TestApp) {
        let treasurer = in_november(&app).await;
        let coach = coach_paid(&app, &treasurer, json!({"per_class": 1000})).await;
        let (other, member) = (app.people.coach().await, app.people.member().await);
        teach(&app, coach.id, 1, "2026-11-10", 5).await;
        let paid = pay(&app, &treasurer, &coach, json!({"method": "bank"})).await;
        for seen in [path(&coach, "/payouts"), paid.header("location").to_owned(), path(&coach, "/statement")] {
            for by in [&other, &member] {
                assert_eq!(app.get(&seen, by).await.problem(), (403, "forbidden"), "{seen}");
            }
            assert_eq!(app.get(&seen, &coach).await.status, 200, "{seen}");
        }
        for by in [&coach, &other, &member] {
            assert_eq!(pay(&app, by, &coach, json!({"method": "bank"})).await.problem(), (403, "forbidden"));
        }
        assert_eq!(pay(&app, &treasurer, &member, json!({"method": "bank"})).await.problem(), (404, "not_found"));
    }

    async fn the_statement_says_what_the_books_say(app: TestApp) {
        let treasurer = in_november(&app).await;
        let coach = coach_paid(&app, &treasurer, json!({"per_class": 1000, "per_head": 100})).await;
        teach(&app, coach.id, 1, "2026-10-20", 5).await;
        teach(&app, coach.id, 2, "2026-11-05", 0).await;
        pay(&app, &treasurer, &coach, json!({"method": "bank", "amount": 2000})).await;
        correct(&app, 2, 1).await;
        let all = app.get("/api/coaches/me/statement", &coach).await.body;
        assert_eq!((&all["coach_id"], &all["opening_balance"], &all["balance"]), (&json!(coach.id), &json!(0), &json!(600)));
        assert_eq!(picked(&all["lines"], &["date", "text", "amount", "balance"]), [
            json!(["2026-10-20", "Class 1", 1500, 1500]),
            json!(["2026-11-05", "Class 2", 1000, 2500]),
            json!(["2026-11-05", "Class 2, attendance corrected", 100, 2600]),
            json!(["2026-11-21", "Payout to a coach", -2000, 600]),
        ]);
        let november = app.get("/api/coaches/me/statement?from=2026-11-01&to=2026-11-10", &coach).await.body;
        assert_eq!((&november["opening_balance"], &november["balance"]), (&json!(1500), &json!(2600)));
        let csv = app.get(&format!("{}?from=2026-11-06&format=csv", path(&coach, "/statement")), &treasurer).await;
        assert_eq!(
            csv.text,
            "entry_id,date,text,amount,balance\r\n,2026-11-06,Opening balance,,26.00\r\n3,2026-11-21,Payout to a coach,-20.00,6.00\r\n"
        );
        let backwards = app.get("/api/coaches/me/statement?from=2026-11-02&to=2026-11-01", &coach).await;
        assert_eq!(backwards.problem(), (400, "malformed"));
    }
}
