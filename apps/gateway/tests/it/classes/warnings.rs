//! Whoever plans a class at a time when its coach is not there is told so, and nothing more.

use chrono::{Datelike, Timelike};
use muster_kernel::Timestamp;
use muster_testkit::{Person, each_engine};
use reqwest::Method;
use serde_json::{Value, json};

use super::ClassClub;
use super::{class, class_now, in_hours, planned, with};
use crate::support::{Answer, TestApp};

/// The coach is there on the weekday of this instant alone, all day.
async fn there_on_the_day_of(app: &TestApp, coach: &Person, at: Timestamp) {
    let weekday = at.utc().format("%A").to_string().to_lowercase();
    let says = json!({"weekly": [{"weekday": weekday, "from": "00:00", "until": "24:00"}], "exceptions": []});
    let said = app.put("/api/coaches/me/availability", coach, says).await;
    assert_eq!(said.status, 200, "{}", said.text);
}

/// The codes of the warnings of an answer.
fn warned(body: &Value) -> Vec<&str> {
    let all = body["warnings"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().map(|it| it["code"].as_str().expect("a code")).collect()
}

/// Noon in UTC, so many days from now.
fn noon(app: &TestApp, days: i64) -> Timestamp {
    let at = in_hours(app, 24 * days).utc();
    Timestamp::new(at.with_hour(12).and_then(|at| at.with_minute(0)).expect("noon"))
}

each_engine! {
    async fn a_class_outside_of_availability_is_a_warning(club: ClassClub) {
        let app = club.0;
        let coach = app.people.coach().await;
        let plain = planned(&app, &coach, json!({"class_datetime": noon(&app, 2), "time_zone": "UTC"})).await;
        assert!(plain.get("warnings").is_none(), "whoever says nothing is there: {plain}");
        there_on_the_day_of(&app, &coach, noon(&app, 3)).await;
        let fine = planned(&app, &coach, json!({"class_datetime": noon(&app, 3), "time_zone": "UTC"})).await;
        assert_eq!(warned(&fine), Vec::<&str>::new());
        let outside = planned(&app, &coach, json!({"class_datetime": noon(&app, 4), "time_zone": "UTC"})).await;
        assert_eq!(warned(&outside), ["outside_availability"]);
        assert!(class_now(&app, &outside, &coach).await.get("warnings").is_none(), "only whoever plans is told");
        // It counts where the class is: there the next day has begun.
        let away = class(&app);
        let away = with(away, json!({"class_datetime": noon(&app, 10), "time_zone": "Pacific/Kiritimati"}));
        assert_eq!(warned(&app.post("/api/classes", &coach, away).await.body), ["outside_availability"]);
        let path = format!("/api/classes/{}", fine["id"]);
        let moved = app.patch(&path, &coach, json!({"class_datetime": noon(&app, 5)})).await;
        assert_eq!(warned(&moved.body), ["outside_availability"], "{}", moved.text);
        let back = app.patch(&path, &coach, json!({"class_datetime": noon(&app, 3)})).await;
        assert_eq!(warned(&back.body), Vec::<&str>::new());
        let substitute = app.people.coach().await;
        let admin = app.people.admin().await;
        there_on_the_day_of(&app, &substitute, noon(&app, 4)).await;
        let given = app.patch(&path, &admin, json!({"coach_id": substitute.id})).await;
        assert_eq!(warned(&given.body), ["outside_availability"], "it is the substitute who must be there");
    }

    async fn a_series_outside_of_availability_is_a_warning_that_counts(club: ClassClub) {
        let app = club.0;
        let coach = app.people.coach().await;
        let start = noon(&app, 3);
        there_on_the_day_of(&app, &coach, start).await;
        let series = |rule: String, day: Timestamp| json!({
            "class_title": "Yoga", "duration_minutes": 60, "location": "Hall 2", "capacity": 10, "fee": 800,
            "time_zone": "UTC", "rrule": rule, "local_start": format!("{}T12:00:00", day.utc().date_naive()),
        });
        let day = |at: Timestamp| at.utc().weekday().to_string()[..2].to_uppercase();
        let rule = format!("FREQ=WEEKLY;COUNT=4;BYDAY={}", day(start));
        let fine = app.post("/api/class-series", &coach, series(rule, start)).await;
        assert_eq!((fine.status.as_u16(), warned(&fine.body)), (201, Vec::new()), "{}", fine.text);
        let next = noon(&app, 4);
        let rule = format!("FREQ=WEEKLY;COUNT=4;BYDAY={},{}", day(start), day(next));
        let made = app.post("/api/class-series", &coach, with(series(rule, next), json!({"local_start": format!("{}T15:00:00", next.utc().date_naive())}))).await;
        assert_eq!(warned(&made.body), ["outside_availability"], "{}", made.text);
        let said = made.body["warnings"][0]["message"].as_str().expect("a message");
        let first = format!("At 2 of 4 sessions, first on {}", next.utc().date_naive());
        assert!(said.starts_with(&first), "{said}");
        let path = format!("/api/class-series/{}", made.body["id"]);
        let seen = app.get(&path, &coach).await;
        assert!(seen.body.get("warnings").is_none(), "{}", seen.text);
        let change = async |query: &str, body: Value| {
            let etag = app.get(&path, &coach).await.header("etag").to_owned();
            let request = app.request(Method::PATCH, &format!("{path}?{query}")).bearer_auth(&coach.token);
            Answer::of(request.header("if-match", etag).json(&body)).await
        };
        let all = change("scope=all", json!({"capacity": 11})).await;
        assert_eq!(warned(&all.body), ["outside_availability"], "{}", all.text);
        for (at, expected) in [(next, vec!["outside_availability"]), (noon(&app, 10), vec![])] {
            let one = change(&format!("scope=this&from={}", at.utc().date_naive()), json!({"capacity": 12})).await;
            assert_eq!((one.status.as_u16(), warned(&one.body)), (200, expected), "{}", one.text);
        }
        let rule = format!("FREQ=WEEKLY;COUNT=2;BYDAY={}", day(start));
        let from = noon(&app, 10).utc().date_naive();
        let other = change(&format!("scope=following&from={from}"), json!({"rrule": rule})).await;
        assert_eq!((other.status.as_u16(), warned(&other.body)), (200, vec![]), "{}", other.text);
    }
}
