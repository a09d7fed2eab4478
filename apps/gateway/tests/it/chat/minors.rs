//! Adults and minors in direct rooms.

use muster_testkit::{Person, each_engine};
use serde_json::{Value, json};

use super::{channel_of, check, direct, events, room_now, send, sent};
use crate::support::TestApp;

/// Somebody of this birth date, who can sign in.
async fn born(app: &TestApp, admin: &Person, on: &str) -> Person {
    let person = app.people.member().await;
    let answer = app.patch(&format!("/api/users/{}", person.id), admin, json!({"date_of_birth": on})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    person
}

async fn guardians(app: &TestApp, admin: &Person, ward: &Person, of: &[&Person]) {
    let ids: Vec<_> = of.iter().map(|it| it.id).collect();
    let answer =
        app.put(&format!("/api/members/{}/guardians", ward.id), admin, json!({"user_ids": ids})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

fn needs_guardian(room: &Value) -> bool {
    room["needs_guardian"] == json!(true)
}

each_engine! {
    async fn an_adult_and_a_minor_talk_with_a_guardian(app: TestApp) {
        let (coach, admin) = (app.people.coach().await, app.people.admin().await);
        let (child, mother) = (born(&app, &admin, "2015-05-01").await, born(&app, &admin, "1980-05-01").await);
        assert_eq!(direct(&app, &coach, &[&child]).await.problem(), (409, "guardian_required"));
        assert_eq!(direct(&app, &child, &[&coach]).await.problem(), (409, "guardian_required"));
        guardians(&app, &admin, &child, &[&mother]).await;
        assert_eq!(direct(&app, &coach, &[&child]).await.problem(), (409, "guardian_required"));
        assert_eq!(direct(&app, &mother, &[&child]).await.status, 201, "a guardian needs nobody else");
        let room = direct(&app, &coach, &[&child, &mother]).await;
        assert_eq!(room.status, 201, "{}", room.text);
        sent(&app, &room.body, &coach, "Well done!").await;
        // The guardian leaves: nobody writes until there is one again.
        app.post(&format!("/api/rooms/{}/leave", room.body["id"]), &mother, json!({})).await;
        assert!(needs_guardian(&room_now(&app, &room.body, &child).await.body));
        for somebody in [&coach, &child] {
            assert_eq!(send(&app, &room.body, somebody, "Alone").await.problem(), (409, "guardian_required"));
        }
        let path = format!("/api/rooms/{}/members", room.body["id"]);
        assert_eq!(app.post(&path, &coach, json!({"user_id": mother.id})).await.status, 201);
        sent(&app, &room.body, &coach, "Together").await;
        assert_eq!(
            events(&app, &room.body, &child, 4).await,
            ["member.left", "room.updated", "member.joined", "room.updated", "message.created"]
        );
        check(&app).await;
    }

    async fn a_guardian_who_is_gone_looks_after_nobody(app: TestApp) {
        let (coach, admin) = (app.people.coach().await, app.people.admin().await);
        let (child, mother) = (born(&app, &admin, "2015-05-01").await, born(&app, &admin, "1980-05-01").await);
        guardians(&app, &admin, &child, &[&mother]).await;
        let room = direct(&app, &coach, &[&child, &mother]).await.body;
        sent(&app, &room, &coach, "Well done!").await;
        app.post(&format!("/api/users/{}/deactivate", mother.id), &admin, json!({})).await;
        assert!(needs_guardian(&room_now(&app, &room, &child).await.body));
        assert_eq!(send(&app, &room, &coach, "Alone").await.problem(), (409, "guardian_required"));
        app.post(&format!("/api/users/{}/reactivate", mother.id), &admin, json!({})).await;
        sent(&app, &room, &coach, "Together").await;
        assert!(!needs_guardian(&room_now(&app, &room, &child).await.body));
        // At the very moment she leaves the club, not only once she has left the rooms.
        app.post(&format!("/api/members/{}/leave", mother.id), &admin, json!({})).await;
        assert_eq!(send(&app, &room, &coach, "Alone").await.problem(), (409, "guardian_required"));
        app.mails().await;
        check(&app).await;
    }

    async fn birthdays_count(app: TestApp) {
        let app = app.staying_signed_in();
        let (coach, admin) = (app.people.coach().await, app.people.admin().await);
        // The clock begins on the first of January 2026.
        let (young, older) = (born(&app, &admin, "2015-05-01").await, born(&app, &admin, "2008-01-20").await);
        channel_of(&app, &coach, &[&young, &older]).await;
        let room = direct(&app, &young, &[&older]).await.body;
        sent(&app, &room, &older, "Both of us").await;
        app.wait(chrono::TimeDelta::days(30));
        assert_eq!(send(&app, &room, &older, "I am of age").await.problem(), (409, "guardian_required"));
        let adults = direct(&app, &coach, &[&older]).await;
        assert_eq!(adults.status, 201, "{}", adults.text);
        check(&app).await;
    }

    async fn minors_among_themselves_need_nobody(app: TestApp) {
        let (coach, admin) = (app.people.coach().await, app.people.admin().await);
        let (one, two) = (born(&app, &admin, "2015-05-01").await, born(&app, &admin, "2014-05-01").await);
        channel_of(&app, &coach, &[&one, &two]).await;
        let room = direct(&app, &one, &[&two]).await;
        assert_eq!(room.status, 201, "{}", room.text);
        let path = format!("/api/rooms/{}/members", room.body["id"]);
        assert_eq!(app.post(&path, &one, json!({"user_id": coach.id})).await.problem(), (409, "guardian_required"));
        check(&app).await;
    }

    async fn rooms_are_looked_at_again_when_ages_and_guardians_change(app: TestApp) {
        let (coach, admin) = (app.people.coach().await, app.people.admin().await);
        let (child, mother) = (app.people.member().await, born(&app, &admin, "1980-05-01").await);
        // Of unknown age, and without guardians, they count as an adult.
        let room = direct(&app, &coach, &[&child]).await.body;
        sent(&app, &room, &coach, "Hello").await;
        app.patch(&format!("/api/users/{}", child.id), &admin, json!({"date_of_birth": "2016-01-01"})).await;
        assert!(needs_guardian(&room_now(&app, &room, &child).await.body));
        assert_eq!(send(&app, &room, &coach, "Hello").await.problem(), (409, "guardian_required"));
        guardians(&app, &admin, &child, &[&mother]).await;
        let path = format!("/api/rooms/{}/members", room["id"]);
        // They know each other, though not from a room.
        assert_eq!(app.post(&path, &coach, json!({"user_id": mother.id})).await.status, 201);
        sent(&app, &room, &coach, "Hello").await;
        guardians(&app, &admin, &child, &[]).await;
        assert!(needs_guardian(&room_now(&app, &room, &child).await.body));
        app.patch(&format!("/api/users/{}", child.id), &admin, json!({"date_of_birth": "1990-01-01"})).await;
        assert!(!needs_guardian(&room_now(&app, &room, &child).await.body));
        check(&app).await;
    }
}
