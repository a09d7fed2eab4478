//! One of everything that can be done with memberships.

use chrono::NaiveDate;
use muster_members::count_attendance;
use muster_testkit::Person;
use serde_json::json;

use super::Watched;
use crate::members::fill;

impl Watched {
    pub(super) async fn use_members(&self) {
        let app = &self.app;
        let admin = &app.people.admin().await;
        let person = app.people.member().await;
        let path = format!("/api/members/{}", person.id);
        let patch = json!({"phone": "1", "notes": "2", "external_id": "3"});
        assert_eq!(app.patch(&path, admin, patch).await.status, 200);
        for step in ["suspend", "reinstate", "leave", "reapply", "reject", "reapply", "approve"] {
            let moved = app.post(&format!("{path}/{step}"), admin, json!({"reason": "Because."})).await;
            assert_eq!(moved.status, 200, "{step}: {}", moved.text);
        }
        let (member, day) = (person.id, NaiveDate::from_ymd_opt(2026, 1, 1).expect("a day"));
        for by in [1, 1, -1] {
            app.db.write(move |tx| count_attendance(tx, member, day, by)).await.expect("counted");
        }
        let history = format!("{path}/history?limit=1");
        let page = app.get(&history, &person).await;
        let cursor = page.body["next_cursor"].as_str().expect("a next page");
        assert_eq!(app.get(&format!("{history}&cursor={cursor}"), &person).await.status, 200);
        let coach = app.people.coach().await;
        assert_eq!(app.get("/api/members", &coach).await.status, 200);
        self.list_members(admin).await;
        fill(app).await;
        self.list_members(admin).await;
    }

    async fn list_members(&self, admin: &Person) {
        let conditions = [
            "",
            "&status=active",
            "&plan_id=7",
            "&payment_status=exempt",
            "&payment_status=paid",
            "&payment_status=due",
            "&payment_status=overdue",
            "&status=active&plan_id=7",
            "&status=active&plan_id=7&payment_status=due",
        ];
        for condition in conditions {
            for by in ["name", "attendance", "debt", "joined"] {
                self.page_through(&format!("&sort={by}{condition}"), admin).await;
                self.page_through(&format!("&sort=-{by}{condition}"), admin).await;
            }
            for words in ["ma", "peop+man"] {
                self.page_through(&format!("&q={words}{condition}"), admin).await;
            }
            self.page_through(&format!("&count=true{condition}"), admin).await;
        }
        self.page_through("&q=peop+man&count=true", admin).await;
    }

    async fn page_through(&self, query: &str, admin: &Person) {
        let path = format!("/api/members?limit=1{query}");
        let page = self.app.get(&path, admin).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        if let Some(cursor) = page.body["next_cursor"].as_str() {
            let next = format!("{path}&cursor={cursor}");
            assert_eq!(self.app.get(&next, admin).await.status, 200, "{next}");
        }
    }
}
