//! One of everything that can be done with coaches.

use chrono::NaiveDate;
use muster_coaches::Taught;
use muster_kernel::audit::Origin;
use muster_kernel::db::DbError;
use muster_kernel::{Fields, Timestamp};
use muster_testkit::Person;
use serde_json::json;

use super::Watched;

impl Watched {
    pub(super) async fn use_coaches(&self, admin: &Person) {
        let app = &self.app;
        let (coach, other) = (app.people.coach().await, app.people.coach().await);
        let path = format!("/api/coaches/{}", coach.id);
        let now = app.db.clock.now().utc().date_naive();
        let day = |days: i64| now - chrono::TimeDelta::days(days);
        assert_eq!(app.post("/api/coaches", admin, json!({"user_id": coach.id})).await.status, 201);
        assert_eq!(app.patch(&path, &coach, json!({"public_name": "Kim", "bio": "x"})).await.status, 200);
        assert_eq!(app.get("/api/coaches/me", &coach).await.status, 200);
        for weekly in
            [json!([]), json!([{"weekday": "monday", "from": "10:00", "until": "12:00"}]), json!([])]
        {
            let says = json!({"weekly": weekly, "exceptions": []});
            assert_eq!(app.put(&format!("{path}/availability"), &coach, says).await.status, 200);
        }
        assert_eq!(app.get(&format!("{path}/availability"), &coach).await.status, 200);
        for days in [30, 20, -10] {
            let terms = json!({"starts_on": day(days), "per_class": 1000});
            let set = app.post(&format!("{path}/terms"), admin, terms).await;
            assert_eq!(set.status, 201, "{}", set.text);
            assert_eq!(app.get(set.header("location"), admin).await.status, 200);
            if days < 0 {
                assert_eq!(app.delete(set.header("location"), admin).await.status, 204);
            }
        }
        let mut made = Vec::new();
        for round in 0..3 {
            self.teach(&coach, round, day(10)).await;
            let body = json!({"method": "bank", "amount": 500, "date": (round == 0).then(|| day(1))});
            made.push(app.post_once(&format!("{path}/payouts"), admin, body).await);
            assert_eq!(made[made.len() - 1].status, 201);
        }
        let latest = made[2].header("location");
        assert_eq!(app.get(latest, &coach).await.status, 200);
        assert_eq!(
            app.post_once(&format!("{latest}/reverse"), admin, json!({"reason": "x"})).await.status,
            200
        );
        self.teach(&other, 9, day(10)).await;
        for _ in 0..2 {
            let run = app.post_once("/api/payroll-runs", admin, json!({"through": day(5)})).await;
            assert_eq!(run.status, 202, "{}", run.text);
            app.mails().await;
            assert_eq!(app.get(run.header("location"), admin).await.status, 200);
        }
        let (from, to) = (day(100), day(0));
        let lists = [
            "/api/coaches?limit=1&count=true",
            "/api/payroll-runs?limit=1&count=true",
            "/api/payroll-runs/1/lines?limit=1&count=true",
            &format!("{path}/terms?limit=1&count=true"),
            &format!("{path}/payouts?limit=1&count=true"),
            &format!("{path}/pay?limit=1&count=true"),
            &format!("{path}/pay?limit=1&from={from}&to={to}"),
        ];
        self.read_two_pages(admin, &lists).await;
        assert_eq!(app.get("/api/payroll-runs/1/lines?outcome=paid", admin).await.status, 200);
        for query in [
            "",
            "?format=csv",
            &format!("?from={from}"),
            &format!("?to={to}"),
            &format!("?from={from}&to={to}"),
        ] {
            assert_eq!(app.get(&format!("{path}/statement{query}"), admin).await.status, 200, "{query}");
            assert_eq!(app.get(&format!("{path}/pay{query}"), admin).await.status, 200, "{query}");
        }
        assert_eq!(app.get("/api/finance/reports/payables", admin).await.status, 200);
        let (id, at) = (coach.id, now.and_hms_opt(12, 0, 0).expect("noon"));
        app.db
            .read(move |conn| {
                muster_coaches::check_coach(conn, "/coach_id", id, &mut Fields::new())?;
                muster_coaches::is_available(conn, id, at, at)
            })
            .await
            .expect("an answer");
        self.teach(&coach, 20, day(10)).await;
        // With pay, somebody cannot be erased; without, they can.
        let erased = app.people.coach().await;
        for (person, status) in [(&coach, 409), (&erased, 200)] {
            let erase = format!("/api/users/{}/erase", person.id);
            assert_eq!(app.post(&erase, admin, json!({})).await.status, status);
        }
        assert_eq!(app.get("/api/users/me/export", &other).await.status, 200);
        let roles = format!("/api/users/{}/roles", other.id);
        assert_eq!(app.put(&roles, admin, json!({"roles": []})).await.status, 200);
    }

    /// A class was taught, and its attendance corrected.
    async fn teach(&self, coach: &Person, class_id: i64, date: NaiveDate) {
        let starts_at = Timestamp::new(date.and_hms_opt(12, 0, 0).expect("noon").and_utc());
        let taught = Taught { class_id: 1_000_000 + class_id, coach: coach.id, starts_at, date, heads: 5 };
        let done = self.app.db.write(move |tx| {
            muster_coaches::accrue(tx, &Origin::default(), &taught)?;
            muster_coaches::adjust(tx, &Origin::default(), 1_000_000 + class_id, 6)
        });
        done.await.map_err(|fault| DbError::Unavailable(fault.to_string())).expect("taught");
    }
}
