//! What coaches earn by the classes they taught.

use diesel::connection::SimpleConnection;
use muster_coaches::Taught;
use muster_kernel::audit::Origin;
use muster_kernel::db::DbError;
use muster_kernel::fault::Code;
use muster_testkit::each_engine;
use serde_json::json;

use super::{
    coach_paid, correct, day, findings, in_november, items, leafed, owed, path, pay, picked, sql, teach,
};
use crate::support::TestApp;

each_engine! {
    async fn a_class_is_accrued_by_its_terms_with_the_arithmetic(app: TestApp) {
        let treasurer = in_november(&app).await;
        let terms = json!({"per_class": 2000, "per_head": 150, "heads_above": 8, "maximum": 2500});
        let coach = coach_paid(&app, &treasurer, terms).await;
        teach(&app, coach.id, 71, "2026-11-10", 10).await;
        teach(&app, coach.id, 72, "2026-11-12", 20).await;
        let lines = app.get("/api/coaches/me/pay", &coach).await;
        let first = &lines.body["items"][1];
        for (field, value) in [
            ("class_id", json!(71)), ("class_datetime", json!("2026-11-10T12:00:00Z")), ("date", json!("2026-11-10")), ("terms_id", json!(1)),
            ("heads", json!(10)), ("per_class", json!(2000)), ("per_head", json!(150)), ("heads_above", json!(8)),
            ("minimum", json!(null)), ("maximum", json!(2500)), ("pay", json!(2300)), ("amount", json!(2300)),
            ("adjusts", json!(null)), ("payout_id", json!(null)),
        ] {
            assert_eq!(first[field], value, "{field}");
        }
        assert_eq!(lines.body["items"][0]["amount"], 2500, "not more than the maximum");
        assert_eq!(owed(&app, &coach).await, (4800, 0));
        let entries = app.get("/api/finance/entries?kind=coach_pay", &treasurer).await;
        let entry = &entries.body["items"][1];
        assert_eq!((&entry["date"], &entry["text"], &entry["made_by"]), (&json!("2026-11-10"), &json!("Class 71"), &json!(null)));
        assert_eq!(entry["postings"], json!([
            {"account": "coaches", "amount": 2300}, {"account": "coach_pay", "amount": -2300, "coach_id": coach.id},
        ]));
        let refused = app.post_once(&format!("/api/finance/entries/{}/reverse", entry["id"]), &treasurer, json!({"reason": "x"})).await;
        assert_eq!(refused.problem(), (409, "invalid_state"));
        assert!(refused.text.contains("attendance"), "it says what to do: {}", refused.text);
        assert_eq!(findings(&app).await, [""; 0]);
    }

    async fn a_class_without_terms_is_a_line_without_money(app: TestApp) {
        let treasurer = in_november(&app).await;
        let coach = app.people.coach().await;
        teach(&app, coach.id, 1, "2026-11-10", 10).await;
        let set = app.post(&path(&coach, "/terms"), &treasurer, json!({"starts_on": "2026-11-11", "per_class": 1000})).await;
        assert_eq!(set.status, 201, "{}", set.text);
        correct(&app, 1, 12).await;
        let lines = items(&app, &coach, "/api/coaches/me/pay", &["class_id", "terms_id", "heads", "amount"]).await;
        assert_eq!(lines, [json!([1, null, 10, 0])], "and terms of later do not pay for it");
        let entries = app.get("/api/finance/entries?kind=coach_pay", &treasurer).await;
        assert_eq!(entries.body["items"], json!([]));
        assert_eq!(findings(&app).await, [""; 0]);
    }

    async fn a_class_is_paid_for_once(app: TestApp) {
        let treasurer = in_november(&app).await;
        let (coach, other) = (coach_paid(&app, &treasurer, json!({"per_class": 1000})).await, app.people.coach().await);
        teach(&app, coach.id, 1, "2026-11-10", 10).await;
        for coach in [coach.id, other.id] {
            let starts_at = app.db.clock.now();
            let taught = Taught { class_id: 1, coach, starts_at, date: day("2026-11-10"), heads: 3 };
            let again = app.db.write(move |tx| muster_coaches::accrue(tx, &Origin::default(), &taught)).await;
            assert_eq!(again.expect_err("once").code, Code::InvalidState);
        }
        assert_eq!(owed(&app, &coach).await, (1000, 0));
        let unknown = app.db.write(|tx| muster_coaches::adjust(tx, &Origin::default(), 2, 3)).await;
        assert_eq!(unknown.expect_err("never taught").code, Code::NotFound);
    }

    async fn a_correction_adds_the_difference_by_the_terms_of_the_class(app: TestApp) {
        let treasurer = in_november(&app).await;
        let coach = coach_paid(&app, &treasurer, json!({"per_class": 1000, "per_head": 100})).await;
        teach(&app, coach.id, 1, "2026-11-10", 10).await;
        let later = json!({"starts_on": "2026-11-11", "per_class": 9999});
        assert_eq!(app.post(&path(&coach, "/terms"), &treasurer, later).await.status, 201);
        for heads in [12, 12, 7, 7] {
            correct(&app, 1, heads).await;
        }
        let lines = items(&app, &coach, "/api/coaches/me/pay", &["heads", "terms_id", "pay", "amount", "adjusts"]).await;
        assert_eq!(lines, [
            json!([7, 1, 1700, -500, 1]),
            json!([12, 1, 2200, 200, 1]),
            json!([10, 1, 2000, 2000, null]),
        ]);
        assert_eq!(owed(&app, &coach).await, (1700, 0));
        let seen = app.get("/api/coaches/me", &coach).await.body;
        assert_eq!((&seen["classes_taught_total"], &seen["numbers_classes_taught"]), (&json!(1), &json!(1)));
        let latest = app.get("/api/finance/entries?kind=coach_pay", &treasurer).await.body["items"][0].clone();
        assert_eq!((&latest["text"], &latest["date"]), (&json!("Class 1, attendance corrected"), &json!("2026-11-10")));
        assert_eq!(latest["postings"][1], json!({"account": "coach_pay", "amount": 500, "coach_id": coach.id}));
        assert_eq!(findings(&app).await, [""; 0]);
    }

    async fn a_closed_month_does_not_hold_up_what_was_earned(app: TestApp) {
        let treasurer = in_november(&app).await;
        let coach = coach_paid(&app, &treasurer, json!({"per_class": 1000, "per_head": 100})).await;
        assert_eq!(app.post("/api/finance/periods/2026-10/close", &treasurer, json!({})).await.status, 200);
        teach(&app, coach.id, 1, "2026-10-30", 2).await;
        correct(&app, 1, 3).await;
        let dates = items(&app, &treasurer, "/api/finance/entries?kind=coach_pay", &["date"]).await;
        assert_eq!(dates, [json!(["2026-11-01"]), json!(["2026-11-01"])]);
        assert_eq!(items(&app, &coach, "/api/coaches/me/pay", &["date"]).await, [json!(["2026-10-30"]), json!(["2026-10-30"])]);
    }

    async fn the_lines_are_shown_from_one_day_to_another(app: TestApp) {
        let treasurer = in_november(&app).await;
        let (coach, other) = (coach_paid(&app, &treasurer, json!({"per_class": 1250})).await, app.people.coach().await);
        for (class, on) in [(1, "2026-10-31"), (2, "2026-11-01"), (3, "2026-11-01"), (4, "2026-11-02")] {
            teach(&app, coach.id, class, on, 1).await;
        }
        let of = async |query: &str| items(&app, &treasurer, &format!("{}?{query}", path(&coach, "/pay")), &["class_id"]).await;
        assert_eq!(of("from=2026-11-01&to=2026-11-01").await, [json!([3]), json!([2])]);
        assert_eq!(of("from=2026-11-02").await, [json!([4])]);
        assert_eq!(of("to=2026-10-31").await, [json!([1])]);
        let seen = leafed(&app, &coach, &path(&coach, "/pay"), "class_id").await;
        assert_eq!(seen, [4, 3, 2, 1]);
        let csv = app.get("/api/coaches/me/pay?format=csv&from=2026-11-02", &coach).await;
        assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
        assert_eq!(
            csv.text,
            "id,class_id,class_datetime,date,terms_id,heads,per_class,per_head,heads_above,minimum,maximum,pay,amount,adjusts,payout_id\r\n\
             4,4,2026-11-02T12:00:00Z,2026-11-02,1,1,12.50,0.00,0,,,12.50,12.50,,\r\n"
        );
        assert_eq!(of("from=2026-11-02&to=2026-11-02").await.len(), 1);
        let backwards = app.get("/api/coaches/me/pay?from=2026-11-02&to=2026-11-01", &coach).await;
        assert_eq!(backwards.problem(), (400, "malformed"));
        assert_eq!(app.get(&path(&coach, "/pay"), &other).await.problem(), (403, "forbidden"));
    }

    async fn the_reports_know_what_coaches_are_owed(app: TestApp) {
        let treasurer = in_november(&app).await;
        let coach = coach_paid(&app, &treasurer, json!({"per_class": 1000, "per_head": 100})).await;
        teach(&app, coach.id, 1, "2026-09-30", 5).await;
        teach(&app, coach.id, 2, "2026-10-10", 5).await;
        let unpaid = async || items(&app, &treasurer, "/api/finance/reports/payables", &["kind", "month", "amount", "coach_id"]).await;
        let both = [json!(["coach_pay", "2026-09", 1500, coach.id]), json!(["coach_pay", "2026-10", 1500, coach.id])];
        assert_eq!(unpaid().await, both);
        let paid = pay(&app, &treasurer, &coach, json!({"method": "bank", "amount": 1500})).await;
        assert_eq!(unpaid().await, both[1..]);
        // What is taken back is unpaid where it was earned, not where it was taken back.
        let back = format!("{}/reverse", paid.header("location"));
        assert_eq!(app.post_once(&back, &treasurer, json!({"reason": "Sent back"})).await.status, 200);
        assert_eq!(unpaid().await, both);
        correct(&app, 2, 2).await;
        assert_eq!(unpaid().await, [both[0].clone(), json!(["coach_pay", "2026-10", 1200, coach.id])]);
        let months = app.get("/api/finance/reports/monthly?from=2026-09&to=2026-11", &treasurer).await;
        let open: Vec<_> = months.body["items"].as_array().expect("months").iter().map(|month| (month["expenses"].as_i64(), month["coach_pay_open"].as_i64())).collect();
        assert_eq!(open, [(Some(1500), Some(1500)), (Some(1200), Some(2700)), (Some(0), Some(2700))]);
        let totals = app.get("/api/finance/reports/payables", &treasurer).await;
        assert_eq!(totals.body["total_coach_pay"], 2700);
    }

    async fn the_database_keeps_what_was_accrued(app: TestApp) {
        let treasurer = in_november(&app).await;
        let coach = coach_paid(&app, &treasurer, json!({"per_class": 1000})).await;
        teach(&app, coach.id, 1, "2026-11-10", 10).await;
        assert_eq!(pay(&app, &treasurer, &coach, json!({"method": "bank"})).await.status, 201);
        for statement in [
            "UPDATE coach_accruals SET heads = 11",
            "DELETE FROM coach_accruals",
            "UPDATE coach_terms SET per_class = 1",
            "UPDATE coach_payouts SET amount = 1",
            "DELETE FROM coach_payouts",
        ] {
            let done = app.db.write(move |tx| Ok::<_, DbError>(tx.batch_execute(statement)?)).await;
            assert!(done.expect_err(statement).is_refused(), "{statement}");
        }
        let used = app.db.write(|tx| Ok::<_, DbError>(tx.batch_execute("DELETE FROM coach_terms")?)).await;
        used.expect_err("terms by which something was accrued stay");
    }

    async fn check_finds_payouts_that_do_not_follow_each_other(app: TestApp) {
        let treasurer = in_november(&app).await;
        let coach = coach_paid(&app, &treasurer, json!({"per_class": 1000})).await;
        teach(&app, coach.id, 1, "2026-11-10", 10).await;
        for amount in [400, 600] {
            assert_eq!(pay(&app, &treasurer, &coach, json!({"method": "bank", "amount": amount})).await.status, 201);
        }
        assert_eq!(findings(&app).await, [""; 0]);
        sql(&app, "UPDATE coach_payouts SET is_reversed = (1 = 1) WHERE id = 1; UPDATE coach_accruals SET payout_id = NULL").await;
        let id = coach.id;
        assert_eq!(findings(&app).await, [
            format!("coach {id} is owed 0, by what was accrued and paid out 400"),
            "payout 2 does not begin with what the one before it left".to_owned(),
            format!("coach {id} is owed something else than is left and unpaid"),
        ]);
    }

    async fn check_finds_pay_that_is_nobodys(app: TestApp) {
        let treasurer = in_november(&app).await;
        let coach = coach_paid(&app, &treasurer, json!({"per_class": 1000})).await;
        teach(&app, coach.id, 1, "2026-11-10", 10).await;
        for statement in [
            "INSERT INTO entries (kind, date, made_at) SELECT kind, date, made_at FROM entries WHERE id = 1",
            "INSERT INTO postings (entry_id, account_id, amount, date) SELECT 2, account_id, amount, date FROM postings WHERE entry_id = 1",
            "UPDATE entries SET sealed = (1 = 1) WHERE id = 2",
        ] {
            sql(&app, statement).await;
        }
        assert_eq!(findings(&app).await, ["entry 2 does not say whose pay it is, or says it of something else"]);
    }

    async fn whatever_is_done_with_coaches_stands_in_the_audit_log(app: TestApp) {
        let treasurer = in_november(&app).await;
        let admin = app.people.admin().await;
        let coach = coach_paid(&app, &treasurer, json!({"per_class": 1000})).await;
        app.post("/api/coaches", &admin, json!({"user_id": coach.id, "bio": "Quagmire"})).await;
        app.patch("/api/coaches/me", &coach, json!({"bio": null})).await;
        let says = json!({"weekly": [{"weekday": "monday", "from": "18:00", "until": "22:00"}], "exceptions": []});
        app.put("/api/coaches/me/availability", &coach, says).await;
        teach(&app, coach.id, 1, "2026-11-10", 5).await;
        let paid = pay(&app, &treasurer, &coach, json!({"method": "bank"})).await;
        let back = format!("{}/reverse", paid.header("location"));
        app.post_once(&back, &treasurer, json!({"reason": "Quagmire's bank"})).await;
        let mistake = app.post(&path(&coach, "/terms"), &treasurer, json!({"starts_on": "2027-01-01", "per_class": 1})).await;
        app.delete(mistake.header("location"), &treasurer).await;
        app.post_once("/api/payroll-runs", &treasurer, json!({"through": "2026-11-21"})).await;
        let log = app.get("/api/audit?limit=100", &admin).await;
        let mut done = picked(&log.body["items"], &["action", "actor_id", "object_id"]);
        done.retain(|event| ["user.", "session", "totp"].iter().all(|other| !event[0].as_str().expect("a word").starts_with(other)));
        done.reverse();
        let (treasurer, admin, coach) = (treasurer.id, admin.id, coach.id);
        assert_eq!(done, [
            json!(["coach_terms.set", treasurer, 1]),
            json!(["coach.made", admin, coach]),
            json!(["coach.changed", coach, coach]),
            json!(["coach.availability_changed", coach, coach]),
            json!(["coach_pay.accrued", null, 1]),
            json!(["payout.made", treasurer, 1]),
            json!(["payout.reversed", treasurer, 1]),
            json!(["coach_terms.set", treasurer, 2]),
            json!(["coach_terms.withdrawn", treasurer, 2]),
            json!(["payroll_run.started", treasurer, 1]),
        ]);
        assert!(!log.text.contains("Quagmire"), "{}", log.text);
    }

    async fn check_finds_what_does_not_tie(app: TestApp) {
        let treasurer = in_november(&app).await;
        let coach = coach_paid(&app, &treasurer, json!({"per_class": 1000})).await;
        teach(&app, coach.id, 1, "2026-11-10", 10).await;
        teach(&app, coach.id, 2, "2026-11-11", 10).await;
        assert_eq!(pay(&app, &treasurer, &coach, json!({"method": "bank"})).await.status, 201);
        let id = coach.id;
        assert_eq!(findings(&app).await, [""; 0]);
        sql(&app, "UPDATE coaches SET payment_balance = 5, classes_taught_total = 3, last_payment_balance = 7").await;
        assert_eq!(findings(&app).await, [
            format!("coach {id} is owed 5, by what was accrued and paid out 0"),
            format!("coach {id} is owed 5, by the books 0"),
            format!("coach {id} taught 2 classes, and the row says 3"),
            format!("coach {id} is owed something else than is left and unpaid"),
            format!("the last payout of coach {id} was another"),
        ]);
        sql(&app, "UPDATE coaches SET payment_balance = 0, classes_taught_total = 2, last_payment_balance = 2000").await;
        sql(&app, "UPDATE coach_accruals SET payout_id = NULL WHERE id = 1").await;
        assert_eq!(findings(&app).await, [
            "the lines of payout 1 are not what it says".to_owned(),
            format!("coach {id} is owed something else than is left and unpaid"),
        ]);
        sql(&app, "UPDATE coach_accruals SET payout_id = 1; UPDATE coach_payouts SET is_reversed = (1 = 1)").await;
        assert_eq!(findings(&app).await, [
            format!("coach {id} is owed 0, by what was accrued and paid out 2000"),
            "payout 1 was taken back, and pays lines".to_owned(),
            format!("the last payout of coach {id} was another"),
        ]);
        sql(&app, &format!(
            "UPDATE coach_payouts SET is_reversed = (1 = 0); UPDATE coaches SET is_coach = (1 = 0), is_listed = (1 = 0) WHERE id = {id}; \
             INSERT INTO coach_accruals (coach_id, class_id, class_at, date, terms_id, heads, pay, amount) \
             SELECT {id}, 3, class_at, date, terms_id, 10, 0, 0 FROM coach_accruals WHERE id = 1; \
             INSERT INTO coach_accruals (coach_id, class_id, class_at, date, terms_id, heads, pay, amount, adjusts) \
             SELECT {id}, 2, class_at, date, terms_id, 10, 1000, 0, 1 FROM coach_accruals WHERE id = 2")).await;
        assert_eq!(findings(&app).await, [
            format!("user {id} is a coach without a row"),
            "line 3 is not what its terms say".to_owned(),
            "line 4 is one too many of class 2, or corrects another".to_owned(),
            format!("coach {id} taught 3 classes, and the row says 2"),
        ]);
    }
}
