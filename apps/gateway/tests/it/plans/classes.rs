//! One of everything that can be done with classes.

use chrono::TimeDelta;
use muster_testkit::Person;
use serde_json::{Value, json};

use super::Watched;
use crate::support::Answer;

impl Watched {
    pub(super) async fn use_classes(&self, admin: &Person) {
        let app = &self.app;
        let (coach, other) = (app.people.coach().await, app.people.coach().await);
        let treasurer = app.people.treasurer().await;
        let (one, two, three) =
            (app.people.member().await, app.people.member().await, app.people.member().await);
        let fees = json!({"count": 2, "amount": 1000, "method": "cash"});
        app.post_once(&format!("/api/members/{}/prepaid-fees", one.id), &treasurer, fees.clone()).await;
        let now = app.db.clock.now();
        let class = |hours: i64| {
            json!({
                "class_title": "Yoga", "class_datetime": now.plus(TimeDelta::hours(hours)), "duration_minutes": 60,
                "location": "Hall 2", "capacity": 1, "fee": 800,
            })
        };
        let mut made = Vec::new();
        for hours in [30, 40, 50, 60] {
            let answer = app.post("/api/classes", &coach, class(hours)).await;
            assert_eq!(answer.status, 201, "{}", answer.text);
            made.push(answer.body["id"].clone());
        }
        let mut bookings = Vec::new();
        for member in [&one, &two, &three] {
            let path = format!("/api/classes/{}/bookings", made[0]);
            bookings.push(app.post_once(&path, member, json!({})).await.body["id"].clone());
        }
        app.post_once(&format!("/api/members/{}/prepaid-fees", two.id), &treasurer, fees).await;
        let body = json!({"member_id": two.id});
        app.post_once(&format!("/api/classes/{}/bookings", made[1]), &coach, body).await;
        for path in ["", "/cancellation-quote"] {
            assert_eq!(app.get(&format!("/api/bookings/{}{path}", bookings[0]), &one).await.status, 200);
        }
        let to = json!({"class_id": made[2]});
        let moved = app.post_once(&format!("/api/bookings/{}/move", bookings[0]), &one, to).await;
        assert_eq!(moved.status, 201, "{}", moved.text);
        app.post_once(&format!("/api/bookings/{}/cancel", moved.body["id"]), &one, json!({})).await;
        let path = format!("/api/classes/{}", made[0]);
        let patch =
            json!({"capacity": 3, "class_datetime": now.plus(TimeDelta::hours(20)), "coach_id": other.id});
        assert_eq!(app.patch(&path, &coach, patch).await.status, 200);
        app.post(&format!("/api/classes/{}/cancel", made[1]), &coach, json!({"reason": "Snow"})).await;
        let series = json!({
            "class_title": "Judo", "local_start": (now.utc() + TimeDelta::days(3)).format("%Y-%m-%dT%H:%M:%S").to_string(),
            "duration_minutes": 60, "location": "Hall 3", "capacity": 10, "fee": 0, "rrule": "FREQ=DAILY",
        });
        let series = app.post("/api/class-series", &other, series).await;
        let day = (now.utc() + TimeDelta::days(10)).date_naive();
        for (query, body) in [
            (format!("scope=this&from={day}"), json!({"fee": 1})),
            ("scope=all".into(), json!({"fee": 2, "capacity": 11})),
            (format!("scope=following&from={day}"), json!({"rrule": "FREQ=WEEKLY"})),
        ] {
            let path = format!("{}?{query}", series.header("location"));
            let request = app.request(reqwest::Method::PATCH, &path).bearer_auth(&other.token);
            let edited = Answer::of(request.header("if-match", "*").json(&body)).await;
            assert!(edited.status.is_success(), "{}", edited.text);
            app.mails().await;
        }
        let path = format!("{}?scope=all", series.header("location"));
        let request = app.request(reqwest::Method::DELETE, &path).bearer_auth(&other.token);
        assert!(Answer::of(request.header("if-match", "*")).await.status.is_success());
        let lists = [
            "/api/classes?limit=1".to_owned(),
            "/api/classes?limit=1&mine=true".into(),
            format!("/api/classes?limit=1&coach_id={}", other.id),
            format!("/api/classes?limit=1&series_id={}", series.body["id"]),
            "/api/classes?limit=1&available=true&q=yo".into(),
            format!("/api/coaches/{}/classes?limit=1", coach.id),
            format!("/api/classes/{}/bookings?limit=1", made[0]),
            "/api/bookings?limit=1".into(),
            "/api/bookings?limit=1&status=booked".into(),
            format!("/api/bookings?limit=1&member_id={}", two.id),
            format!("/api/bookings?limit=1&class_id={}", made[0]),
            format!("/api/members/{}/attendance?limit=1", two.id),
            "/api/class-series?limit=1".into(),
            format!("/api/class-series?limit=1&coach_id={}", other.id),
        ];
        for list in lists {
            for who in [admin, &two] {
                let page = app.get(&list, who).await;
                assert_eq!(page.status, 200, "{list}: {}", page.text);
                let Value::String(cursor) = &page.body["next_cursor"] else { continue };
                assert_eq!(app.get(&format!("{list}&cursor={cursor}"), who).await.status, 200, "{list}");
            }
        }
        assert_eq!(app.get(&format!("/api/classes/{}", made[0]), &other).await.status, 200);
        app.wait(TimeDelta::hours(20));
        let (admin, other) = (app.people.again(admin).await, app.people.again(&other).await);
        app.mails().await;
        let path = format!("/api/classes/{}/attendance", made[0]);
        for status in ["attended", "excused", "attended"] {
            let marks = json!({"marks": [
                {"member_id": two.id, "status": status}, {"member_id": one.id, "status": "attended"},
            ]});
            let marked = app.put(&path, &other, marks).await;
            assert_eq!(marked.status, 200, "{}", marked.text);
        }
        assert_eq!(app.get(&path, &other).await.status, 200);
        app.wait(TimeDelta::minutes(5));
        let done = app.post(&format!("/api/classes/{}/complete", made[0]), &other, json!({})).await;
        assert_eq!(done.body["status"], "completed", "{}", done.text);
        app.wait(TimeDelta::days(10));
        app.mails().await;
        let admin = app.people.again(&admin).await;
        let gone = app.post(&format!("/api/users/{}/deactivate", three.id), &admin, json!({})).await;
        assert_eq!(gone.status, 200, "{}", gone.text);
    }
}
