//! Rooms of classes: who is in them follows from who has booked.

use chrono::TimeDelta;
use muster_testkit::{Person, each_engine};
use serde_json::{Value, json};

use super::{check, events, room_now, sent};
use crate::classes::{ClassClub, at_start, booked, cancel, complete, mark, planned};
use crate::support::TestApp;

/// Whether somebody is in a room.
async fn is_in(app: &TestApp, room: &Value, person: &Person) -> bool {
    match room_now(app, room, person).await.status.as_u16() {
        200 => true,
        404 => false,
        other => panic!("{other}"),
    }
}

fn room_of(class: &Value) -> Value {
    assert!(class["room_id"].is_i64(), "{class}");
    json!({"id": class["room_id"]})
}

each_engine! {
    async fn a_class_has_a_room_of_its_coach_and_of_those_with_a_place(club: ClassClub) {
        let app = club.0;
        let (coach, one, two) = (app.people.coach().await, app.people.member().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({"capacity": 1})).await;
        let room = room_of(&yoga);
        let seen = room_now(&app, &room, &coach).await.body;
        assert_eq!(
            (&seen["kind"], &seen["room_name"], &seen["class_id"], &seen["my_role"]),
            (&json!("class"), &json!("Yoga"), &yoga["id"], &json!("moderator"))
        );
        assert!(!is_in(&app, &room, &one).await);
        let booking = booked(&app, &yoga, &one).await;
        assert!(is_in(&app, &room, &one).await);
        sent(&app, &room, &one, "What shall I bring?").await;
        booked(&app, &yoga, &two).await;
        assert!(!is_in(&app, &room, &two).await, "whoever waits is not in it");
        assert_eq!(cancel(&app, &booking, &one).await.status, 200);
        assert!(!is_in(&app, &room, &one).await);
        assert!(is_in(&app, &room, &two).await, "they moved up");
        assert_eq!(
            events(&app, &room, &coach, 0).await,
            ["member.joined", "member.joined", "message.created", "member.left", "member.joined"]
        );
        for (path, body) in [("leave", json!({})), ("members", json!({"user_id": one.id}))] {
            let refused = app.post(&format!("/api/rooms/{}/{path}", room["id"]), &coach, body).await;
            assert_eq!(refused.problem(), (409, "invalid_state"), "{path}");
        }
        let path = format!("/api/classes/{}", yoga["id"]);
        let other = app.people.coach().await;
        app.patch(&path, &coach, json!({"coach_id": other.id, "class_title": "Judo"})).await;
        assert!(is_in(&app, &room, &other).await && !is_in(&app, &room, &coach).await);
        assert_eq!(room_now(&app, &room, &other).await.body["room_name"], "Judo");
        app.post(&format!("{path}/cancel"), &other, json!({"reason": "Snow"})).await;
        app.mails().await;
        // They may want to talk about it.
        assert!(is_in(&app, &room, &two).await && is_in(&app, &room, &other).await);
        sent(&app, &room, &two, "What a pity").await;
        check(&app).await;
    }

    async fn two_weeks_after_their_last_session_people_go(club: ClassClub) {
        let app = club.0;
        let (coach, one, walked_in) =
            (app.people.coach().await, app.people.member().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({})).await;
        let room = room_of(&yoga);
        booked(&app, &yoga, &one).await;
        at_start(&app, &yoga, 0);
        mark(&app, &yoga, &coach, &walked_in, "attended").await;
        mark(&app, &yoga, &coach, &one, "attended").await;
        assert!(is_in(&app, &room, &walked_in).await);
        mark(&app, &yoga, &coach, &walked_in, "excused").await;
        assert!(!is_in(&app, &room, &walked_in).await);
        app.wait(TimeDelta::minutes(60));
        complete(&app, &yoga, &coach).await;
        app.wait(TimeDelta::days(14) - TimeDelta::minutes(1));
        app.mails().await;
        assert!(is_in(&app, &room, &one).await);
        app.wait(TimeDelta::minutes(61));
        app.mails().await;
        assert!(!is_in(&app, &room, &one).await && !is_in(&app, &room, &coach).await);
        check(&app).await;
    }

    async fn a_series_has_one_room(club: ClassClub) {
        let app = club.0;
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let start = (app.db.clock.now().utc() + TimeDelta::days(3)).format("%Y-%m-%dT18:00:00").to_string();
        let series = json!({
            "class_title": "Judo", "local_start": start, "duration_minutes": 60, "location": "Hall 2",
            "capacity": 10, "fee": 0, "rrule": "FREQ=DAILY;COUNT=5",
        });
        let made = app.post("/api/class-series", &coach, series).await;
        let path = format!("/api/classes?series_id={}", made.body["id"]);
        let sessions = app.get(&path, &member).await.body["items"].as_array().expect("items").clone();
        let room = room_of(&sessions[0]);
        assert!(sessions.iter().all(|it| it["room_id"] == room["id"]));
        let (first, third) = (booked(&app, &sessions[0], &member).await, booked(&app, &sessions[2], &member).await);
        cancel(&app, &first, &member).await;
        assert!(is_in(&app, &room, &member).await, "there is another session of theirs");
        cancel(&app, &third, &member).await;
        assert!(!is_in(&app, &room, &member).await);
        assert_eq!(events(&app, &room, &coach, 1).await, ["member.joined", "member.left"]);
        // A new rule is a new series, with a room of its own.
        booked(&app, &sessions[3], &member).await;
        let day = &sessions[3]["class_datetime"].as_str().expect("an instant")[..10];
        let edit = format!("/api/class-series/{}?scope=following&from={day}", made.body["id"]);
        let request = app.request(reqwest::Method::PATCH, &edit).header("if-match", "*");
        let body = json!({"rrule": "FREQ=DAILY;COUNT=3"});
        let edited = crate::support::Answer::of(request.bearer_auth(&coach.token).json(&body)).await;
        assert_eq!(edited.status, 200, "{}", edited.text);
        app.mails().await;
        let moved = app.get(&format!("/api/classes/{}", sessions[3]["id"]), &member).await.body;
        assert_ne!(moved["room_id"], room["id"]);
        assert!(is_in(&app, &room_of(&moved), &member).await && is_in(&app, &room_of(&moved), &coach).await);
        assert!(!is_in(&app, &room, &member).await);
        check(&app).await;
    }
}
