//! One of everything that can be done with dues.

use diesel::connection::SimpleConnection;
use muster_kernel::db::DbError;
use muster_testkit::Person;
use reqwest::Method;
use serde_json::json;

use super::Watched;
use crate::support::Answer;

impl Watched {
    pub(super) async fn use_dues(&self, admin: &Person) {
        let app = &self.app;
        let (member, suspended) = (app.people.member().await, app.people.member().await);
        let mut plans = Vec::new();
        for (name, every) in
            [("Adults", "month"), ("Children", "month"), ("Patrons", "year"), ("Entry", "once")]
        {
            let plan = json!({"name": name, "price": 2500, "every": every, "grace_days": 14});
            plans.push(app.post("/api/plans", admin, plan).await);
        }
        let again = json!({"name": "Adults", "price": 1, "every": "year", "grace_days": 0});
        assert_eq!(app.post("/api/plans", admin, again).await.status, 409);
        for person in [&member, &suspended] {
            let on = json!({"plan_id": plans[0].body["id"]});
            assert_eq!(app.put(&format!("/api/members/{}/plan", person.id), admin, on).await.status, 200);
        }
        let path = format!("/api/members/{}/suspend", suspended.id);
        assert_eq!(app.post(&path, admin, json!({"reason": "Because."})).await.status, 200);
        let change = app.request(Method::PATCH, plans[0].header("location")).header("if-match", "*");
        let change = change.bearer_auth(&admin.token).json(&json!({"grace_days": 7}));
        assert_eq!(Answer::of(change).await.status, 200);
        // Somebody who has been a member for long.
        let for_long = format!("UPDATE members SET active_since = '2025-01-01' WHERE id = {}", member.id);
        app.db.write(move |tx| Ok::<_, DbError>(tx.batch_execute(&for_long)?)).await.expect("done");
        let regular =
            json!({"policies": {"attendance_discount": {"top": 3, "discount": 500, "surcharge": 100}}});
        assert_eq!(app.patch("/api/club", admin, regular).await.status, 200);
        for (key, body) in [
            ("1", json!({"period": "2026-01"})),
            ("2", json!({"period": "2026-01", "plan_id": plans[0].body["id"]})),
            ("3", json!({"period": "2026"})),
            ("4", json!({"period": "once"})),
        ] {
            let request = app.request(Method::POST, "/api/dues-runs").header("idempotency-key", key);
            let run = Answer::of(request.bearer_auth(&admin.token).json(&body)).await;
            assert_eq!(run.status, 202, "{}", run.text);
            app.mails().await;
        }
        for list in [
            "/api/plans?count=true&limit=1",
            "/api/dues-runs?count=true&limit=1",
            "/api/dues-runs/1/lines?count=true&limit=1",
        ] {
            let page = app.get(list, admin).await;
            let cursor = page.body["next_cursor"].as_str().expect("a next page");
            assert_eq!(app.get(&format!("{list}&cursor={cursor}"), admin).await.status, 200, "{list}");
        }
        let lines = app.get("/api/dues-runs/1/lines?outcome=charged&limit=1", admin).await;
        assert_eq!(lines.body["items"][0]["member_id"], member.id.0, "{}", lines.text);
        // Many that are overdue, so that reminders go on where they stopped.
        app.db
            .write(|tx| OVERDUE.iter().try_for_each(|sql| Ok::<_, DbError>(tx.batch_execute(sql)?)))
            .await
            .expect("many");
        app.wait(chrono::TimeDelta::days(40));
        app.mails().await;
    }
}

const OVERDUE: [&str; 4] = [
    "INSERT INTO entries (kind, date, made_at) SELECT 'other', '2026-01-01', (SELECT started_at FROM dues_runs WHERE id = 1) \
     FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250) SELECT i FROM n) AS numbers",
    "INSERT INTO postings (entry_id, account_id, amount, date) SELECT id, 1, 1, date FROM entries WHERE kind = 'other' \
     UNION ALL SELECT id, 2, -1, date FROM entries WHERE kind = 'other'",
    "UPDATE entries SET sealed = (1 = 1) WHERE kind = 'other'",
    "INSERT INTO charges (entry_id, member_id, kind, account_id, amount, date, due_on, open, is_open) \
     SELECT id, 1, 'charge', 8, 1, date, date, 1, (1 = 1) FROM entries WHERE kind = 'other'",
];
