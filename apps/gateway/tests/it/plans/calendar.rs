//! Calendars, for the planners.

use muster_testkit::Person;
use serde_json::json;

use super::Watched;
use crate::calendar::planned;

impl Watched {
    pub(super) async fn use_calendars(&self, admin: &Person) {
        let app = &self.app;
        let coach = app.people.coach().await;
        let class = planned::class(app, coach.id, "Judo", "2026-01-02T18:00:00Z").await;
        planned::booking(app, class, admin.id, "booked").await;
        let child = json!({"first_name": "Tom", "last_name": "Small", "date_of_birth": "2015-01-01"});
        app.post("/api/members/me/dependants", admin, child).await;
        let made = app.post("/api/calendar/me", admin, json!({})).await;
        let own = made.body["url"].as_str().expect("an address").trim_start_matches("https://club.example");
        for feed in ["/api/calendar/classes.ics", own, "/api/users/me/export"] {
            assert_eq!(app.get(feed, admin).await.status, 200, "{feed}");
        }
        assert_eq!(app.delete("/api/calendar/me", admin).await.status, 204);
    }
}
