//! When coaches are there, and who can teach.

use muster_kernel::Fields;
use muster_kernel::db::DbError;
use muster_testkit::each_engine;
use reqwest::Method;
use serde_json::{Value, json};

use super::path;
use crate::support::{Answer, TestApp};

each_engine! {
    async fn coaches_say_when_they_are_there(app: TestApp) {
        let (coach, other, member) = (app.people.coach().await, app.people.coach().await, app.people.member().await);
        let (admin, mine) = (app.people.admin().await, "/api/coaches/me/availability");
        let nothing = app.get(&path(&coach, "/availability"), &member).await;
        assert_eq!(nothing.body, json!({"id": coach.id, "version": 0, "weekly": [], "exceptions": []}));
        let says = json!({
            "weekly": [{"weekday": "monday", "from": "18:00", "until": "22:00"}],
            "exceptions": [
                {"date": "2026-12-21", "available": false, "from": null, "until": null},
                {"date": "2026-12-22", "available": true, "from": "18:00", "until": "24:00"},
            ],
        });
        let said = app.put(mine, &coach, says.clone()).await;
        assert_eq!(said.status, 200, "{}", said.text);
        assert_eq!(said.body, json!({"id": coach.id, "version": 1, "weekly": says["weekly"], "exceptions": says["exceptions"]}));
        assert_eq!(app.get(&path(&coach, "/availability"), &member).await.body, said.body);
        let stale = app.request(Method::PUT, mine).header("if-match", nothing.header("etag"));
        assert_eq!(Answer::of(stale.bearer_auth(&coach.token).json(&says)).await.problem(), (412, "stale"));
        assert_eq!(app.put(mine, &coach, says.clone()).await.body["version"], 1, "the same leaves no trace");
        for by in [&other, &member] {
            assert_eq!(app.put(&path(&coach, "/availability"), by, says.clone()).await.problem(), (403, "forbidden"));
        }
        assert_eq!(app.put("/api/coaches/999999/availability", &other, says.clone()).await.problem(), (404, "not_found"));
        let less = json!({"weekly": [], "exceptions": []});
        let changed = app.put(&path(&coach, "/availability"), &admin, less).await;
        assert_eq!((&changed.body["version"], &changed.body["weekly"]), (&json!(2), &json!([])));
        assert_eq!(app.get("/api/coaches/me", &coach).await.body["version"], 1, "the profile is another thing");
    }

    async fn what_they_say_has_bounds(app: TestApp) {
        let coach = app.people.coach().await;
        let weekly = |times: &[(&str, &str, &str)]| -> Value {
            times.iter().map(|(weekday, from, until)| json!({"weekday": weekday, "from": from, "until": until})).collect()
        };
        let many: Vec<_> = (0..201).map(|n| json!({"date": format!("2027-{:02}-{:02}", n / 28 + 1, n % 28 + 1), "available": false})).collect();
        let crowded: Vec<_> = (0..51).map(|n| json!({"weekday": "monday", "from": format!("{:02}:{:02}", n / 4, n % 4 * 15), "until": format!("{:02}:{:02}", n / 4, n % 4 * 15 + 10)})).collect();
        for (weekly, exceptions, wrong) in [
            (weekly(&[("monday", "10:00", "10:00")]), json!([]), ("/weekly/0/until", "out_of_range")),
            (weekly(&[("monday", "10:00", "12:00"), ("monday", "11:00", "13:00")]), json!([]), ("/weekly/1", "overlap")),
            (json!(crowded), json!([]), ("/weekly", "too_long")),
            (json!([]), json!(many), ("/exceptions", "too_long")),
            (json!([]), json!([{"date": "2026-12-01", "available": true, "from": "10:00"}]), ("/exceptions/0/until", "required")),
            (json!([]), json!([{"date": "2026-12-01", "available": true}, {"date": "2026-12-01", "available": false, "from": "10:00", "until": "11:00"}]), ("/exceptions/1", "overlap")),
            (json!([]), json!([{"date": "3026-12-01", "available": true}]), ("/exceptions/0/date", "out_of_range")),
        ] {
            let refused = app.put("/api/coaches/me/availability", &coach, json!({"weekly": weekly, "exceptions": exceptions})).await;
            assert_eq!(refused.fields(), [wrong], "{}", refused.text);
        }
        for time in ["9:00", "24:01", "10:60", "10-00", "1000", "+1:00"] {
            let body = json!({"weekly": [{"weekday": "monday", "from": "08:00", "until": time}], "exceptions": []});
            let refused = app.put("/api/coaches/me/availability", &coach, body).await;
            assert_eq!(refused.fields().first().map(|(pointer, _)| *pointer), Some("/weekly/0/until"), "{time}: {}", refused.text);
        }
        let back_to_back = weekly(&[("monday", "10:00", "12:00"), ("monday", "12:00", "13:00"), ("tuesday", "11:00", "13:00")]);
        let fine = app.put("/api/coaches/me/availability", &coach, json!({"weekly": back_to_back, "exceptions": []})).await;
        assert_eq!(fine.status, 200, "{}", fine.text);
    }

    async fn whoever_plans_a_class_hears_whether_the_coach_is_there(app: TestApp) {
        let coach = app.people.coach().await;
        let at = |text: &str| -> chrono::NaiveDateTime { text.parse().expect("a local time") };
        let inside = async |starts: &str, ends: &str| {
            let (id, starts, ends) = (coach.id, at(starts), at(ends));
            app.db.read(move |conn| muster_coaches::is_available(conn, id, starts, ends)).await.expect("an answer")
        };
        assert_eq!(inside("2026-12-07T19:00:00", "2026-12-07T20:00:00").await, None);
        let says = json!({"weekly": [{"weekday": "monday", "from": "18:00", "until": "22:00"}], "exceptions": []});
        assert_eq!(app.put("/api/coaches/me/availability", &coach, says).await.status, 200);
        assert_eq!(inside("2026-12-07T19:00:00", "2026-12-07T20:00:00").await, Some(true));
        assert_eq!(inside("2026-12-08T19:00:00", "2026-12-08T20:00:00").await, Some(false));
    }

    async fn only_a_coach_whose_account_is_open_can_teach(app: TestApp) {
        let (admin, coach, closed) = (app.people.admin().await, app.people.coach().await, app.people.coach().await);
        let deactivated = app.post(&format!("/api/users/{}/deactivate", closed.id), &admin, json!({})).await;
        assert_eq!(deactivated.status, 200, "{}", deactivated.text);
        for (id, code) in [(coach.id, None), (admin.id, Some("not_a_coach")), (closed.id, Some("inactive")), (muster_kernel::UserId(999_999), Some("not_a_coach"))] {
            let wrong = app.db.read(move |conn| {
                let mut fields = Fields::new();
                muster_coaches::check_coach(conn, "/coach_id", id, &mut fields)?;
                Ok::<_, DbError>(fields.done().err().map(|fault| fault.fields[0].code))
            });
            assert_eq!(wrong.await.expect("looked"), code, "{id}");
        }
    }
}
