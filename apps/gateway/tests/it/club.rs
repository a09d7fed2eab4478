//! The club's settings: the slice that goes through every layer.

use muster_auth::club;
use muster_kernel::audit::{self, Filter};
use muster_kernel::db::DbError;
use muster_testkit::each_engine;
use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, TestApp};

each_engine! {
    async fn everybody_who_is_signed_in_sees_the_club(app: TestApp) {
        for person in [app.people.member().await, app.people.coach().await, app.people.treasurer().await, app.people.admin().await] {
            let club = app.get("/api/club", &person).await;
            assert_eq!(club.status, 200, "{}", club.text);
            assert_eq!(club.body["name"], "Our club");
            assert_eq!((&club.body["currency"], &club.body["currency_decimals"]), (&json!("EUR"), &json!(2)));
            assert_eq!(club.body["time_zone"], "UTC");
            assert_eq!(club.body["policies"], json!({
                "cancel_deadline_minutes": 1440, "cancel_grace_minutes": 15, "promotion_cutoff_minutes": 120,
                "attendance_opens_minutes": 30, "auto_complete_minutes": 1440, "unmarked_counts_as": "attended",
                "series_horizon_weeks": 12, "require_totp_for": [], "dues_reminder_days": [3, 14, 30],
                "dues_reminder_text": null,
                "attendance_discount": null,
            }));
        }
        assert_eq!(Answer::of(app.request(Method::GET, "/api/club")).await.problem(), (401, "unauthenticated"));
    }

    async fn only_an_admin_changes_the_club(app: TestApp) {
        let change = json!({"name": "SV Example"});
        for person in [app.people.member().await, app.people.coach().await, app.people.treasurer().await] {
            let refused = app.patch("/api/club", &person, change.clone()).await;
            assert_eq!(refused.problem(), (403, "forbidden"));
        }
        assert_eq!(Answer::of(app.request(Method::PATCH, "/api/club").json(&change)).await.problem(), (401, "unauthenticated"));
        let admin = app.people.admin().await;
        assert_eq!(app.get("/api/club", &admin).await.body["name"], "Our club");
        let changed = app.patch("/api/club", &admin, change).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
        assert_eq!(changed.body["name"], "SV Example");
        assert_eq!(app.get("/api/club", &admin).await.body, changed.body);
    }

    async fn what_a_change_does_not_mention_stays(app: TestApp) {
        let admin = app.people.admin().await;
        let before = app.get("/api/club", &admin).await.body;
        let after = app.patch("/api/club", &admin, json!({
            "currency": "CHF", "time_zone": "Europe/Zurich",
            "policies": {"cancel_grace_minutes": 20, "attendance_discount": {"top": 3, "discount": 500}},
        })).await.body;
        let mut expected = before.clone();
        expected["version"] = json!(2);
        expected["currency"] = json!("CHF");
        expected["time_zone"] = json!("Europe/Zurich");
        expected["policies"]["cancel_grace_minutes"] = json!(20);
        expected["policies"]["attendance_discount"] = json!({"top": 3, "from": null, "discount": 500, "surcharge": 0});
        assert_eq!(after, expected);
        let without = app.patch("/api/club", &admin, json!({"policies": {"attendance_discount": null}})).await.body;
        assert_eq!(without["policies"]["attendance_discount"], json!(null));
        assert_eq!(without["policies"]["cancel_grace_minutes"], 20);
    }

    async fn every_wrong_field_is_named_and_nothing_is_changed(app: TestApp) {
        let admin = app.people.admin().await;
        let wrong = app.patch("/api/club", &admin, json!({
            "name": "", "currency": "eur", "time_zone": "Mars/Base",
            "policies": {"cancel_deadline_minutes": -1, "series_horizon_weeks": 53, "dues_reminder_days": [5, 3],
                         "require_totp_for": ["admin", "admin"], "attendance_discount": {"discount": 1}},
        })).await;
        assert_eq!(wrong.problem(), (422, "invalid_fields"));
        assert_eq!(wrong.fields(), [
            ("/name", "too_short"),
            ("/currency", "invalid"),
            ("/time_zone", "invalid"),
            ("/policies/cancel_deadline_minutes", "out_of_range"),
            ("/policies/series_horizon_weeks", "out_of_range"),
            ("/policies/require_totp_for", "duplicate"),
            ("/policies/dues_reminder_days", "invalid"),
            ("/policies/attendance_discount", "invalid"),
        ]);
        assert_eq!(app.get("/api/club", &admin).await.body["version"], 1);
    }

    async fn a_field_that_is_not_the_clients_to_set_is_refused(app: TestApp) {
        let admin = app.people.admin().await;
        for field in ["id", "version", "owner"] {
            let smuggled = app.patch("/api/club", &admin, json!({"name": "X", field: 7})).await;
            assert_eq!(smuggled.problem(), (422, "unknown_field"), "{field}");
            assert_eq!(smuggled.fields(), [(format!("/{field}").as_str(), "unknown_field")]);
        }
        assert_eq!(app.get("/api/club", &admin).await.body["name"], "Our club");
    }

    async fn nobodys_change_is_overwritten_unseen(app: TestApp) {
        let admin = app.people.admin().await;
        let seen = app.get("/api/club", &admin).await;
        let tag = seen.header("etag").to_owned();
        assert!(tag.starts_with("\"1-"), "{tag}");
        let unchanged = Answer::of(app.request(Method::GET, "/api/club").bearer_auth(&admin.token).header("If-None-Match", &tag)).await;
        assert_eq!((unchanged.status.as_u16(), unchanged.text.as_str()), (304, ""));

        let change = |name: &str| {
            app.request(Method::PATCH, "/api/club").bearer_auth(&admin.token).header("If-Match", &tag).json(&json!({"name": name}))
        };
        let first = Answer::of(change("First")).await;
        assert_eq!(first.status, 200, "{}", first.text);
        assert!(first.header("etag").starts_with("\"2-"));
        assert_eq!(Answer::of(change("Second")).await.problem(), (412, "stale"));
        assert_eq!(app.get("/api/club", &admin).await.body["name"], "First");
    }

    async fn of_many_who_saw_the_same_one_changes_it(app: TestApp) {
        let admin = app.people.admin().await;
        let tag = app.get("/api/club", &admin).await.header("etag").to_owned();
        let mut changes = Vec::new();
        for n in 0..20 {
            let request = app.request(Method::PATCH, "/api/club").bearer_auth(&admin.token).header("If-Match", &tag);
            changes.push(tokio::spawn(Answer::of(request.json(&json!({"name": format!("Name {n}")})))));
        }
        let mut statuses = Vec::new();
        for change in changes {
            statuses.push(change.await.expect("an answer").status.as_u16());
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [[200].as_slice(), &[412; 19]].concat());
        assert_eq!(app.get("/api/club", &admin).await.body["version"], 2);
    }

    async fn a_change_stands_in_the_audit_log_once(app: TestApp) {
        let admin = app.people.admin().await;
        let changed = app.patch("/api/club", &admin, json!({"name": "SV Example"})).await;
        // Saying again what is so already is no change.
        let same = app.patch("/api/club", &admin, json!({"name": "SV Example"})).await;
        assert_eq!(same.body["version"], changed.body["version"]);
        let log = app.get("/api/audit?object_type=club", &admin).await;
        let events = log.body["items"].as_array().expect("events");
        assert_eq!(events.len(), 1, "{}", log.text);
        assert_eq!(events[0]["action"], "club.changed");
        assert_eq!(events[0]["actor_id"], admin.id.0);
        assert_eq!(events[0]["request_id"], changed.header("x-request-id"));
        assert_eq!(events[0]["at"], "2026-01-01T00:00:00Z");
        assert!(!log.text.contains("SV Example"), "names do not belong into the log");
    }

    async fn a_client_that_goes_away_leaves_all_of_its_change_or_nothing(app: TestApp) {
        use std::io::Write;
        let admin = app.people.admin().await;
        for n in 0..20 {
            // Sent, and gone without waiting for what comes of it.
            let body = json!({"name": format!("Name {n}")}).to_string();
            let mut socket = std::net::TcpStream::connect(app.address).expect("a connection");
            let head = format!(
                "PATCH /api/club HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                admin.token,
                body.len()
            );
            let whole = [head.as_bytes(), body.as_bytes()].concat();
            // Every other one goes in the middle of its body.
            socket.write_all(if n % 2 == 0 { &whole } else { &whole[..whole.len() - 3] }).expect("sent");
        }
        // Whenever one looks, a change and its event are both there or neither is.
        let mut version = 0;
        for _ in 0..100 {
            let (club, events) = app
                .db
                .read(|conn| {
                    let filter = Filter { object_type: Some("club".into()), ..Filter::default() };
                    Ok::<_, DbError>((club::settings(conn)?, audit::count(conn, &filter)?))
                })
                .await
                .expect("a look");
            assert_eq!(club.version - 1, events);
            version = club.version;
        }
        assert!(version <= 11, "what was cut off is no change");
    }
}
