//! One of everything that can be done with files of members.

use serde_json::json;

use super::Watched;
use crate::imports::send;

const FILE: &str = "first_name,last_name,email,phone,external_id\n\
    Anna,Import,anna.import@example.org,1,I-1\nBen,Import,,,I-2\nCleo,,,,\nDora,Import,anna.import@example.org,,\n";

impl Watched {
    pub(super) async fn use_imports(&self) {
        let app = &self.app;
        let admin = &app.people.admin().await;
        for query in ["?dry_run=true", "?dry_run=false"] {
            let sent = send(app, admin, query, FILE).await;
            assert_eq!(sent.status, 202, "{}", sent.text);
            app.mails().await;
            let path = sent.header("location");
            assert_eq!(app.get(path, admin).await.body["state"], "done");
            for filter in ["", "&outcome=skipped"] {
                let lines = format!("{path}/lines?limit=1{filter}");
                let page = app.get(&lines, admin).await;
                if let Some(cursor) = page.body["next_cursor"].as_str() {
                    assert_eq!(app.get(&format!("{lines}&cursor={cursor}"), admin).await.status, 200);
                }
            }
        }
        let page = app.get("/api/members/imports?limit=1", admin).await;
        let cursor = page.body["next_cursor"].as_str().expect("a next page");
        assert_eq!(
            app.get(&format!("/api/members/imports?limit=1&cursor={cursor}"), admin).await.status,
            200
        );
        assert_eq!(app.get("/api/members/export", admin).await.status, 200);
        // Somebody is erased while a file waits in which they stand.
        assert_eq!(send(app, admin, "?dry_run=true", FILE).await.status, 202);
        let anna =
            app.get("/api/users?q=anna.import@example.org", admin).await.body["items"][0]["id"].clone();
        assert_eq!(app.post(&format!("/api/users/{anna}/erase"), admin, json!({})).await.status, 200);
    }
}
