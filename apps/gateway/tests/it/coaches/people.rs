//! Coaches as people: taking their data along, and being erased.

use muster_testkit::each_engine;
use serde_json::json;

use super::{coach_paid, correct, findings, in_november, items, owed, path, pay, payroll, teach};
use crate::support::TestApp;

each_engine! {
    async fn coaches_take_along_what_is_known_of_them(app: TestApp) {
        let treasurer = in_november(&app).await;
        let coach = coach_paid(&app, &treasurer, json!({"per_class": 1000})).await;
        app.patch("/api/coaches/me", &coach, json!({"bio": "Judo since 1990."})).await;
        let says = json!({"weekly": [{"weekday": "monday", "from": "18:00", "until": "22:00"}], "exceptions": []});
        app.put("/api/coaches/me/availability", &coach, says).await;
        teach(&app, coach.id, 7, "2026-11-10", 5).await;
        pay(&app, &treasurer, &coach, json!({"method": "bank"})).await;
        let part = app.get("/api/users/me/export", &coach).await.body["coaches"].clone();
        assert_eq!((&part["bio"], &part["payment_balance"], &part["last_payment_balance"]), (&json!("Judo since 1990."), &json!(0), &json!(1000)));
        for (what, field, value) in [("terms", "per_class", json!(1000)), ("pay", "class_id", json!(7)), ("payouts", "amount", json!(1000))] {
            assert_eq!(part[what][0][field], value, "{what}");
        }
        assert_eq!(part["availability"]["weekly"][0]["weekday"], "monday");
        let member = app.people.member().await;
        assert_eq!(app.get("/api/users/me/export", &member).await.body.get("coaches"), None);
    }

    async fn every_row_of_coaches_is_exported_once(app: TestApp) {
        let treasurer = in_november(&app).await;
        for class in [1, 2] {
            let coach = coach_paid(&app, &treasurer, json!({"per_class": 1000})).await;
            let says = json!({"weekly": [{"weekday": "monday", "from": "18:00", "until": "22:00"}], "exceptions": []});
            app.put("/api/coaches/me/availability", &coach, says).await;
            teach(&app, coach.id, class, "2026-11-10", 5).await;
        }
        for _ in 0..2 {
            payroll::run(&app, &treasurer, json!({"through": "2026-11-21"})).await;
        }
        let mut rows = Vec::new();
        for export in muster_coaches::domain().exports {
            let (mut after, mut count) = (0, 0);
            loop {
                let page = app.db.read(move |conn| (export.rows)(conn, after, 1)).await.expect("a page");
                let Some(row) = page.last() else { break };
                assert_eq!(row.values.len(), export.columns.len(), "{}", export.name);
                assert!(row.key > after, "{}", export.name);
                (after, count) = (row.key, count + page.len());
            }
            rows.push((export.name, count));
        }
        assert_eq!(rows, [
            ("coaches", 2), ("coach_availability", 2), ("coach_terms", 2), ("coach_accruals", 2), ("coach_payouts", 2),
            ("payroll_runs", 2), ("payroll_lines", 4),
        ]);
    }

    async fn nobody_is_erased_who_is_owed_something(app: TestApp) {
        let treasurer = in_november(&app).await;
        let admin = app.people.admin().await;
        let coach = coach_paid(&app, &treasurer, json!({"per_class": 1000, "per_head": 100})).await;
        let profile = json!({"public_name": "Coach Quagmire", "bio": "Quagmire since 1990", "specialities": ["Quagmire"]});
        assert_eq!(app.patch("/api/coaches/me", &coach, profile).await.status, 200);
        let says = json!({"weekly": [{"weekday": "monday", "from": "18:00", "until": "22:00"}], "exceptions": []});
        assert_eq!(app.put("/api/coaches/me/availability", &coach, says).await.status, 200);
        teach(&app, coach.id, 1, "2026-11-10", 5).await;
        let erase = async || app.post(&format!("/api/users/{}/erase", coach.id), &admin, json!({})).await;
        assert_eq!(erase().await.problem(), (409, "open_balance"));
        let paid = pay(&app, &treasurer, &coach, json!({"method": "bank"})).await;
        correct(&app, 1, 4).await;
        assert_eq!(erase().await.problem(), (409, "open_balance"), "nor who owes the club");
        correct(&app, 1, 5).await;
        let back = format!("{}/reverse", paid.header("location"));
        assert_eq!(app.post_once(&back, &treasurer, json!({"reason": "Quagmire's bank"})).await.status, 200);
        assert_eq!(owed(&app, &coach).await, (1500, 0));
        assert_eq!(pay(&app, &treasurer, &coach, json!({"method": "bank"})).await.status, 201);
        assert_eq!(erase().await.status, 200);
        let seen = app.get(&path(&coach, ""), &admin).await;
        assert_eq!((&seen.body["name"], &seen.body["bio"], &seen.body["specialities"]), (&json!("Erased person"), &json!(null), &json!([])));
        assert_eq!(seen.body["classes_taught_total"], 1, "the books stay");
        assert!(items(&app, &admin, "/api/coaches", &["id"]).await.is_empty());
        assert_eq!(app.get(&path(&coach, "/availability"), &admin).await.body["weekly"], json!([]));
        let entries = app.get("/api/finance/entries", &treasurer).await;
        assert!(!entries.text.contains("Quagmire"), "{}", entries.text);
        // The clock goes on: what they taught is counted, and nobody is owed for it.
        teach(&app, coach.id, 2, "2026-11-20", 5).await;
        correct(&app, 1, 9).await;
        let seen = app.get(&path(&coach, ""), &treasurer).await;
        assert_eq!((&seen.body["classes_taught_total"], &seen.body["payment_balance"]), (&json!(2), &json!(0)));
        assert_eq!(pay(&app, &treasurer, &coach, json!({"method": "bank"})).await.problem(), (409, "invalid_state"));
        assert_eq!(app.patch(&path(&coach, ""), &admin, json!({"bio": "x"})).await.problem(), (409, "invalid_state"));
        assert_eq!(findings(&app).await, [""; 0]);
    }
}
