//! Series: sessions by a rule in local time, and edits of one, some or all.

use chrono::TimeDelta;
use muster_kernel::Timestamp;
use muster_testkit::{Person, each_engine};
use reqwest::Method;
use serde_json::{Value, json};

use super::{ClassClub, booked, booking_now, check, with};
use crate::support::{Answer, TestApp};

fn series(app: &TestApp) -> Value {
    // The first Tuesday after the week that has begun.
    let now = app.db.clock.now().utc().date_naive();
    let day = now.iter_days().skip(1).find(|day| day.format("%a").to_string() == "Tue").expect("a Tuesday");
    json!({
        "class_title": "Yoga", "duration_minutes": 60, "location": "Hall 2", "capacity": 10, "fee": 800,
        "time_zone": "Europe/Berlin", "rrule": "FREQ=WEEKLY;BYDAY=TU", "local_start": format!("{day}T19:00:00"),
    })
}

async fn sessions(app: &TestApp, series: &Value, person: &Person) -> Vec<Value> {
    let page = app.get(&format!("/api/classes?series_id={}&limit=100", series["id"]), person).await;
    assert_eq!(page.status, 200, "{}", page.text);
    page.body["items"].as_array().expect("items").clone()
}

fn local_times(sessions: &[Value]) -> Vec<String> {
    let local = |it: &Value| {
        let at: Timestamp = serde_json::from_value(it["class_datetime"].clone()).expect("an instant");
        at.utc().with_timezone(&chrono_tz::Europe::Berlin).format("%a %H:%M").to_string()
    };
    sessions.iter().map(local).collect()
}

async fn patch(app: &TestApp, made: &Answer, person: &Person, query: &str, body: Value) -> Answer {
    let path = format!("/api/class-series/{}", made.body["id"]);
    let etag = app.get(&path, person).await.header("etag").to_owned();
    let request = app.request(Method::PATCH, &format!("{path}?{query}")).bearer_auth(&person.token);
    Answer::of(request.header("if-match", etag).json(&body)).await
}

async fn delete(app: &TestApp, made: &Answer, person: &Person, query: &str) -> Answer {
    let path = format!("/api/class-series/{}", made.body["id"]);
    let etag = app.get(&path, person).await.header("etag").to_owned();
    let request = app.request(Method::DELETE, &format!("{path}?{query}")).bearer_auth(&person.token);
    Answer::of(request.header("if-match", etag)).await
}

/// The local day of a session.
fn day(session: &Value) -> String {
    let at: Timestamp = serde_json::from_value(session["class_datetime"].clone()).expect("an instant");
    at.utc().with_timezone(&chrono_tz::Europe::Berlin).date_naive().to_string()
}

each_engine! {
    async fn sessions_are_made_to_the_horizon_and_stay_at_their_local_time(club: ClassClub) {
        let app = club.0;
        let coach = app.people.coach().await;
        let made = app.post("/api/class-series", &coach, series(&app)).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let all = sessions(&app, &made.body, &coach).await;
        assert!((12..=13).contains(&all.len()), "{}", all.len());
        assert!(local_times(&all).iter().all(|at| at == "Tue 19:00"), "{:?}", local_times(&all));
        // A year on, with the clocks changed twice.
        for _ in 0..26 {
            app.wait(TimeDelta::days(14));
            app.mails().await;
        }
        let coach = app.people.again(&coach).await;
        let path = format!("/api/classes?series_id={}&limit=100&to=2100-01-01", made.body["id"]);
        let all = app.get(&path, &coach).await.body["items"].as_array().expect("items").clone();
        assert!((64..=66).contains(&all.len()), "{}", all.len());
        assert!(local_times(&all).iter().all(|at| at == "Tue 19:00"));
        check(&app).await;
    }

    async fn a_rule_that_cannot_be_is_told_and_nothing_is_made(club: ClassClub) {
        let app = club.0;
        let coach = app.people.coach().await;
        for (fields, pointer) in [
            (json!({"rrule": "FREQ=SECONDLY"}), "/rrule"),
            (json!({"rrule": "FREQ=DAILY;COUNT=1000000"}), "/rrule"),
            (json!({"rrule": "every day"}), "/rrule"),
            (json!({"rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31"}), "/rrule"),
            (json!({"local_start": "2020-01-01T19:00:00"}), "/local_start"),
            (json!({"local_start": "2026-01-01T19:00:00Z"}), "/local_start"),
            (json!({"time_zone": "Mars/Olympus"}), "/time_zone"),
        ] {
            let refused = app.post("/api/class-series", &coach, with(series(&app), fields)).await;
            assert_eq!(refused.status, 422, "{}", refused.text);
            assert_eq!(refused.fields()[0].0, pointer, "{}", refused.text);
        }
        assert_eq!(app.get("/api/class-series?count=true", &coach).await.body["total"], 0);
    }

    async fn a_series_does_not_overlap_what_its_coach_teaches(club: ClassClub) {
        let app = club.0;
        let coach = app.people.coach().await;
        app.post("/api/class-series", &coach, series(&app)).await;
        let again = app.post("/api/class-series", &coach, series(&app)).await;
        assert_eq!(again.problem(), (409, "overlap"));
        let itself = with(series(&app), json!({"rrule": "FREQ=DAILY", "duration_minutes": 1440, "local_start": "2030-01-01T00:00:00"}));
        let fine = app.post("/api/class-series", &coach, itself).await;
        assert_eq!(fine.status, 201, "{}", fine.text);
    }

    async fn an_edit_of_all_keeps_numbers_and_what_was_changed_by_hand(club: ClassClub) {
        let app = club.0;
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let made = app.post("/api/class-series", &coach, series(&app)).await;
        let before = sessions(&app, &made.body, &coach).await;
        let booking = booked(&app, &before[2], &member).await;
        let by_hand = format!("/api/classes/{}", before[1]["id"]);
        app.patch(&by_hand, &coach, json!({"location": "Outside", "capacity": 5})).await;
        let missing = app.patch(&format!("/api/class-series/{}", made.body["id"]), &coach, json!({"fee": 1})).await;
        assert_eq!(missing.problem(), (428, "precondition_required"));
        let body = json!({"location": "Hall 1", "fee": 900, "local_start": made.body["local_start"].as_str().expect("a start").replace("19:00", "18:30")});
        let edited = patch(&app, &made, &coach, "scope=all", body).await;
        assert_eq!((edited.status.as_u16(), &edited.body["location"]), (200, &json!("Hall 1")), "{}", edited.text);
        let after = sessions(&app, &made.body, &coach).await;
        let ids = |all: &[Value]| all.iter().map(|it| it["id"].clone()).collect::<Vec<_>>();
        assert_eq!(ids(&after), ids(&before));
        assert_eq!((&after[1]["location"], &after[1]["fee"], &after[1]["capacity"]), (&json!("Outside"), &json!(900), &json!(5)));
        assert_eq!((&after[2]["location"], &after[2]["booked_count"]), (&json!("Hall 1"), &json!(1)));
        assert!(local_times(&after).iter().all(|at| at == "Tue 18:30"), "{:?}", local_times(&after));
        assert_eq!(booking_now(&app, &booking, &member).await["class_datetime"], after[2]["class_datetime"]);
        check(&app).await;
    }

    async fn an_edit_reaches_one_or_the_following(club: ClassClub) {
        let app = club.0;
        let coach = app.people.coach().await;
        let made = app.post("/api/class-series", &coach, series(&app)).await;
        let before = sessions(&app, &made.body, &coach).await;
        let one = format!("scope=this&from={}", day(&before[1]));
        assert_eq!(patch(&app, &made, &coach, &one, json!({"class_title": "Pilates"})).await.status, 200);
        let following = format!("scope=following&from={}", day(&before[3]));
        assert_eq!(patch(&app, &made, &coach, &following, json!({"class_title": "Dance"})).await.status, 200);
        let titles: Vec<_> = sessions(&app, &made.body, &coach).await.iter().map(|it| it["class_title"].clone()).collect();
        assert_eq!(titles[..5], ["Yoga", "Pilates", "Yoga", "Dance", "Dance"].map(|it| json!(it)));
        let nothing = patch(&app, &made, &coach, "scope=this&from=2020-01-01", json!({"fee": 1})).await;
        assert_eq!(nothing.problem(), (409, "invalid_state"));
        assert_eq!(patch(&app, &made, &coach, "scope=following", json!({"fee": 1})).await.problem(), (400, "malformed"));
    }

    async fn a_new_rule_begins_a_new_series_and_calls_off_what_it_drops(club: ClassClub) {
        let app = club.0;
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let made = app.post("/api/class-series", &coach, with(series(&app), json!({"rrule": "FREQ=WEEKLY;BYDAY=TU,TH"}))).await;
        let before = sessions(&app, &made.body, &coach).await;
        let (kept, dropped) = (booked(&app, &before[4], &member).await, booked(&app, &before[5], &member).await);
        let from = format!("scope=following&from={}", day(&before[4]));
        let edited = patch(&app, &made, &coach, &from, json!({"rrule": "FREQ=WEEKLY;BYDAY=TU,FR"})).await;
        assert_eq!(edited.status, 200, "{}", edited.text);
        assert_eq!(edited.body["continues"], made.body["id"]);
        assert_eq!(booking_now(&app, &kept, &member).await["status"], "booked");
        assert_eq!(booking_now(&app, &dropped, &member).await["status"], "cancelled_by_club");
        let new = sessions(&app, &edited.body, &coach).await;
        assert_eq!(new[0]["id"], before[4]["id"]);
        assert_eq!(local_times(&new)[..4], ["Tue 19:00", "Fri 19:00", "Tue 19:00", "Fri 19:00"]);
        let old = sessions(&app, &made.body, &coach).await;
        let still: Vec<_> = old.iter().filter(|it| it["status"] == "scheduled").collect();
        assert_eq!(still.len(), 4);
        check(&app).await;
    }

    async fn a_series_that_is_called_off_has_no_more_sessions(club: ClassClub) {
        let app = club.0;
        let (coach, other, member) =
            (app.people.coach().await, app.people.coach().await, app.people.member().await);
        let made = app.post("/api/class-series", &coach, series(&app)).await;
        let before = sessions(&app, &made.body, &coach).await;
        let booking = booked(&app, &before[3], &member).await;
        assert_eq!(delete(&app, &made, &other, "scope=all").await.problem(), (403, "forbidden"));
        let one = delete(&app, &made, &coach, &format!("scope=this&from={}", day(&before[1]))).await;
        assert_eq!(one.status, 204, "{}", one.text);
        let rest = delete(&app, &made, &coach, &format!("scope=following&from={}&reason=Summer.", day(&before[3]))).await;
        assert_eq!(rest.status, 204, "{}", rest.text);
        assert_eq!(booking_now(&app, &booking, &member).await["status"], "cancelled_by_club");
        app.wait(TimeDelta::days(28));
        app.mails().await;
        let coach = app.people.again(&coach).await;
        let path = format!("/api/classes?series_id={}&limit=100&to=2100-01-01", made.body["id"]);
        let all = app.get(&path, &coach).await.body["items"].as_array().expect("items").clone();
        let still: Vec<_> = all.iter().filter(|it| it["status"] != "cancelled").map(|it| it["id"].clone()).collect();
        assert_eq!(still, vec![before[0]["id"].clone(), before[2]["id"].clone()]);
        check(&app).await;
    }

    async fn an_edit_of_very_many_sessions_goes_on_after_the_answer(club: ClassClub) {
        let app = club.0;
        let coach = app.people.coach().await;
        let made = app.post("/api/class-series", &coach, with(series(&app), json!({"rrule": "FREQ=DAILY"}))).await;
        let edited = patch(&app, &made, &coach, "scope=all", json!({"fee": 100})).await;
        assert_eq!(edited.status, 202, "{}", edited.text);
        app.mails().await;
        let all = sessions(&app, &made.body, &coach).await;
        let fees: Vec<_> = all.iter().map(|it| it["fee"].as_i64()).collect();
        assert_eq!(fees, vec![Some(100); all.len()]);
        assert!(all.len() > 60, "{}", all.len());
        let gone = delete(&app, &made, &coach, "scope=all").await;
        assert_eq!(gone.status, 202, "{}", gone.text);
        app.mails().await;
        assert!(sessions(&app, &made.body, &coach).await.iter().all(|it| it["status"] == "cancelled"));
    }

    async fn a_series_that_has_ended_is_not_edited_into_a_new_one(club: ClassClub) {
        let app = club.0;
        let coach = app.people.coach().await;
        let made = app.post("/api/class-series", &coach, series(&app)).await;
        assert_eq!(delete(&app, &made, &coach, "scope=all").await.status, 204);
        for body in [json!({"rrule": "FREQ=WEEKLY;BYDAY=SU"}), json!({"fee": 1})] {
            assert_eq!(patch(&app, &made, &coach, "scope=all", body).await.problem(), (409, "invalid_state"));
        }
        assert_eq!(delete(&app, &made, &coach, "scope=all").await.problem(), (409, "invalid_state"));
    }

    async fn who_is_no_coach_any_more_is_given_no_new_sessions(club: ClassClub) {
        let app = club.0;
        let (coach, admin) = (app.people.coach().await, app.people.admin().await);
        let made = app.post("/api/class-series", &coach, series(&app)).await;
        let before = sessions(&app, &made.body, &admin).await.len();
        app.put(&format!("/api/users/{}/roles", coach.id), &admin, json!({"roles": ["member"]})).await;
        app.wait(TimeDelta::days(28));
        app.mails().await;
        let path = format!("/api/classes?series_id={}&limit=100&to=2100-01-01", made.body["id"]);
        let all = app.get(&path, &admin).await.body["items"].as_array().expect("items").len();
        assert_eq!(all, before);
    }
}
