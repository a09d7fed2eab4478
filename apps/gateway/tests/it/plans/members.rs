//! One of everything that can be done with memberships.

use chrono::NaiveDate;
use diesel::connection::SimpleConnection;
use muster_kernel::db::DbError;
use muster_members::count_attendance;
use muster_testkit::Person;
use serde_json::json;

use super::Watched;

/// More of each kind than are looked up by name: the list goes other ways then.
const MANY: [&str; 4] = [
    "INSERT INTO users (first_name, last_name, name_key, date_joined) \
     SELECT 'Many', 'People', 'people many', (SELECT date_joined FROM users WHERE id = 1) FROM \
     (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2400) SELECT i FROM n) AS numbers",
    "INSERT INTO members (id, status, status_since, name_key, plan_id) \
     SELECT id, 'active', date_joined, name_key, CASE WHEN id % 2 = 0 THEN 7 END FROM users WHERE name_key = 'people many'",
    "INSERT INTO standing (member_id, balance, overdue_from) \
     SELECT id, CASE WHEN id % 4 > 1 THEN 5 ELSE 0 END, CASE WHEN id % 4 = 2 THEN (SELECT active_since FROM members WHERE id = 1) END \
     FROM users WHERE name_key = 'people many'",
    "INSERT INTO user_words (word, user_id) \
     SELECT 'many', id FROM users WHERE name_key = 'people many' UNION ALL \
     SELECT 'people', id FROM users WHERE name_key = 'people many'",
];

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
        app.db
            .write(|tx| MANY.iter().try_for_each(|sql| Ok::<_, DbError>(tx.batch_execute(sql)?)))
            .await
            .expect("many");
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
