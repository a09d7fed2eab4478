//! One of everything at the door of a class and after it.

use chrono::TimeDelta;
use muster_testkit::Person;
use serde_json::json;

use super::Watched;

impl Watched {
    pub(super) async fn use_the_door(&self, admin: &Person) {
        let app = &self.app;
        let (coach, other) = (app.people.coach().await, app.people.coach().await);
        let members = [app.people.member().await, app.people.member().await];
        let weekly = json!([{"weekday": "monday", "from": "10:00", "until": "10:01"}]);
        let says = json!({"weekly": weekly, "exceptions": []});
        assert_eq!(app.put("/api/coaches/me/availability", &coach, says).await.status, 200);
        let class = json!({
            "class_title": "Yoga", "class_datetime": app.db.clock.now().plus(TimeDelta::minutes(5)),
            "duration_minutes": 60, "location": "Hall 2", "capacity": 5, "fee": 0,
        });
        let class = app.post("/api/classes", &coach, class).await;
        assert_eq!((class.status.as_u16(), class.body["warnings"].is_array()), (201, true), "{}", class.text);
        let path = class.header("location");
        for _ in 0..2 {
            let code = app.post("/api/members/me/check-in-code", &members[0], json!({})).await;
            let scanned = json!({"code": code.body["code"]});
            let checked_in = app.post(&format!("{path}/check-in"), &coach, scanned).await;
            assert_eq!(checked_in.status, 200, "{}", checked_in.text);
        }
        app.wait(TimeDelta::minutes(5));
        for stars in [4, 5] {
            let rated = app.put(&format!("{path}/rating"), &members[0], json!({"stars": stars})).await;
            assert_eq!(rated.status, 200, "{}", rated.text);
        }
        assert_eq!(app.get(&format!("{path}/rating"), &members[0]).await.status, 200);
        assert_eq!(app.get(&format!("{path}/rating"), &members[1]).await.status, 404);
        for by in [&coach, admin] {
            let seen = app.get(&format!("/api/coaches/{}/overview", coach.id), by).await;
            assert_eq!(seen.status, 200, "{}", seen.text);
        }
        assert_eq!(
            app.get("/api/coaches/me/overview?from=2025-01-01&to=2026-12-31", &other).await.status,
            200
        );
        assert_eq!(app.get("/api/users/me/export", &members[0]).await.status, 200);
        let erase = format!("/api/users/{}/erase", members[0].id);
        assert_eq!(app.post(&erase, admin, json!({})).await.status, 200);
    }
}
