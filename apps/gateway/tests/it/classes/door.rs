//! At the door: members show a code, and the coach scans it.

use chrono::TimeDelta;
use muster_testkit::{Person, each_engine};
use reqwest::Method;
use serde_json::{Value, json};

use super::ClassClub;
use super::{at_start, book, booked, booking_now, cancel, check, complete, planned};
use crate::support::{Answer, TestApp};

async fn code(app: &TestApp, person: &Person) -> Value {
    let made = app.post("/api/members/me/check-in-code", person, json!({})).await;
    assert_eq!((made.status.as_u16(), &made.body["expires_in"]), (200, &json!(60)), "{}", made.text);
    assert_eq!(made.header("cache-control"), "no-store");
    made.body["code"].clone()
}

async fn scan(app: &TestApp, class: &Value, by: &Person, code: &Value) -> Answer {
    app.post(&format!("/api/classes/{}/check-in", class["id"]), by, json!({"code": code})).await
}

each_engine! {
    async fn whoever_shows_their_code_has_attended(club: ClassClub) {
        let app = club.0;
        let (coach, admin, member, other) = (
            app.people.coach().await, app.people.admin().await, app.people.member().await, app.people.member().await,
        );
        let yoga = planned(&app, &coach, json!({})).await;
        let booking = booked(&app, &yoga, &member).await;
        at_start(&app, &yoga, 31);
        let early = code(&app, &member).await;
        assert_eq!(scan(&app, &yoga, &coach, &early).await.problem(), (409, "invalid_state"));
        at_start(&app, &yoga, 30);
        let shown = code(&app, &member).await;
        let line = scan(&app, &yoga, &coach, &shown).await;
        assert_eq!(line.body, json!({
            "booking_id": booking["id"], "member_id": member.id, "name": line.body["name"], "status": "attended", "walk_in": false,
        }), "{}", line.text);
        let events = app.get("/api/audit?object_type=class&count=true", &admin).await.body["total"].clone();
        let again = scan(&app, &yoga, &admin, &shown).await;
        assert_eq!((again.status, &again.body), (line.status, &line.body));
        let after = app.get("/api/audit?object_type=class&count=true", &admin).await.body["total"].clone();
        assert_eq!(after, events, "the same once more leaves no trace");
        let walked_in = scan(&app, &yoga, &coach, &code(&app, &other).await).await;
        assert_eq!((&walked_in.body["status"], &walked_in.body["walk_in"]), (&json!("attended"), &json!(true)));
        let record = app.get("/api/members/me", &member).await.body;
        assert_eq!((&record["attendance_count"], &record["balance"]), (&json!(1), &json!(800)));
        check(&app).await;
    }

    async fn a_code_holds_for_a_minute(club: ClassClub) {
        let app = club.0;
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({})).await;
        let booking = booked(&app, &yoga, &member).await;
        at_start(&app, &yoga, 0);
        let shown = code(&app, &member).await;
        app.wait(TimeDelta::seconds(60));
        assert_eq!(scan(&app, &yoga, &coach, &shown).await.problem(), (422, "token_invalid"));
        assert_eq!(booking_now(&app, &booking, &member).await["status"], "booked");
        let shown = code(&app, &member).await;
        app.wait(TimeDelta::seconds(59));
        assert_eq!(scan(&app, &yoga, &coach, &shown).await.status, 200);
    }

    async fn no_token_is_a_code_and_no_code_is_a_token(club: ClassClub) {
        let app = club.0;
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({})).await;
        at_start(&app, &yoga, 0);
        let member = app.people.again(&member).await;
        let shown = code(&app, &member).await;
        let text = shown.as_str().expect("a code");
        assert!(text.len() <= 64, "a small QR code: {text}");
        let as_them = app.request(Method::GET, "/api/members/me").bearer_auth(text);
        assert_eq!(Answer::of(as_them).await.problem(), (401, "unauthenticated"));
        let refresh = app.post_as_nobody("/api/auth/refresh", json!({"refresh_token": text})).await;
        assert_eq!(refresh.problem(), (401, "unauthenticated"));
        let forged = format!("{}{}", if text.starts_with('A') { "B" } else { "A" }, &text[1..]);
        for wrong in [member.token.as_str(), member.refresh.as_str(), forged.as_str(), "x", ""] {
            assert_eq!(scan(&app, &yoga, &coach, &json!(wrong)).await.problem(), (422, "token_invalid"), "{wrong}");
        }
    }

    async fn codes_are_scanned_by_the_classs_coach_and_admins(club: ClassClub) {
        let app = club.0;
        let (coach, other, treasurer, member) = (
            app.people.coach().await, app.people.coach().await, app.people.treasurer().await, app.people.member().await,
        );
        let yoga = planned(&app, &coach, json!({})).await;
        at_start(&app, &yoga, 0);
        let shown = code(&app, &member).await;
        for by in [&other, &treasurer, &member] {
            let by = app.people.again(by).await;
            assert_eq!(scan(&app, &yoga, &by, &shown).await.problem(), (403, "forbidden"));
        }
        assert_eq!(scan(&app, &json!({"id": 999_999}), &coach, &shown).await.problem(), (404, "not_found"));
    }

    async fn at_the_door_the_rules_of_attendance_hold(club: ClassClub) {
        let app = club.0;
        let coach = app.people.coach().await;
        let (one, two, late) =
            (app.people.member().await, app.people.member().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({"capacity": 2})).await;
        booked(&app, &yoga, &one).await;
        let gone = booked(&app, &yoga, &late).await;
        assert_eq!(book(&app, &yoga, &two).await.body["status"], "waitlisted");
        at_start(&app, &yoga, 60);
        cancel(&app, &gone, &late).await;
        at_start(&app, &yoga, 0);
        // Whoever waited takes the place that was given back late; then whoever gave it back finds none.
        assert_eq!(scan(&app, &yoga, &coach, &code(&app, &two).await).await.body["walk_in"], true);
        assert_eq!(scan(&app, &yoga, &coach, &code(&app, &late).await).await.problem(), (409, "class_full"));
        at_start(&app, &yoga, -60);
        complete(&app, &yoga, &coach).await;
        check(&app).await;
    }
}
