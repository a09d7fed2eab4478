//! Ratings of classes.

use muster_testkit::{Person, each_engine};
use serde_json::{Value, json};

use super::ClassClub;
use super::{at_start, booked, check, complete, mark, planned};
use crate::support::{Answer, TestApp};

/// Rates a class.
pub async fn rate(app: &TestApp, class: &Value, person: &Person, stars: i32) -> Answer {
    app.put(&format!("/api/classes/{}/rating", class["id"]), person, json!({"stars": stars})).await
}

/// A class that these attended, and that is over.
pub async fn attended(app: &TestApp, coach: &Person, members: &[&Person], fields: Value) -> Value {
    let class = planned(app, coach, fields).await;
    at_start(app, &class, 0);
    for member in members {
        let marked = mark(app, &class, coach, member, "attended").await;
        assert_eq!(marked.status, 200, "{}", marked.text);
    }
    let done = complete(app, &class, coach).await;
    assert_eq!(done.body["status"], "completed", "{}", done.text);
    class
}

each_engine! {
    async fn who_attended_a_class_rates_it_once_it_began(club: ClassClub) {
        let app = club.0;
        let (coach, member, absent) =
            (app.people.coach().await, app.people.member().await, app.people.member().await);
        let yoga = planned(&app, &coach, json!({})).await;
        for person in [&member, &absent] {
            booked(&app, &yoga, person).await;
        }
        at_start(&app, &yoga, 20);
        mark(&app, &yoga, &coach, &member, "attended").await;
        assert_eq!(rate(&app, &yoga, &member, 4).await.problem(), (409, "invalid_state"), "it has not begun");
        at_start(&app, &yoga, 0);
        mark(&app, &yoga, &coach, &absent, "no_show").await;
        assert_eq!(rate(&app, &yoga, &absent, 1).await.problem(), (409, "invalid_state"));
        assert_eq!(rate(&app, &json!({"id": 999_999}), &member, 4).await.problem(), (404, "not_found"));
        for stars in [0, 6] {
            assert_eq!(rate(&app, &yoga, &member, stars).await.fields(), [("/stars", "out_of_range")]);
        }
        let path = format!("/api/classes/{}/rating", yoga["id"]);
        assert_eq!(app.get(&path, &member).await.problem(), (404, "not_found"));
        let rated = rate(&app, &yoga, &member, 4).await;
        assert_eq!(rated.body, json!({"class_id": yoga["id"], "version": 1, "stars": 4}), "{}", rated.text);
        let rated = rate(&app, &yoga, &member, 2).await;
        assert_eq!(rated.body, json!({"class_id": yoga["id"], "version": 2, "stars": 2}), "instead of the other");
        assert_eq!(app.get(&path, &member).await.body, rated.body);
        check(&app).await;
    }

    async fn nobody_rates_a_class_of_their_own(club: ClassClub) {
        let app = club.0;
        let coach = app.people.coach().await;
        let yoga = attended(&app, &coach, &[&coach], json!({})).await;
        assert_eq!(rate(&app, &yoga, &coach, 5).await.problem(), (409, "invalid_state"));
    }

    async fn nobody_but_the_member_sees_their_stars(club: ClassClub) {
        let app = club.0;
        let (coach, admin, member) =
            (app.people.coach().await, app.people.admin().await, app.people.member().await);
        let yoga = attended(&app, &coach, &[&member], json!({})).await;
        rate(&app, &yoga, &member, 1).await;
        for person in [&coach, &admin] {
            let person = app.people.again(person).await;
            assert_eq!(app.get(&format!("/api/classes/{}/rating", yoga["id"]), &person).await.status, 404);
            let seen = app.get(&format!("/api/classes/{}", yoga["id"]), &person).await;
            assert!(!seen.text.contains("stars"), "{}", seen.text);
        }
        let log = app.get("/api/audit?object_type=class", &app.people.again(&admin).await).await;
        let event = &log.body["items"][0];
        assert_eq!((&event["action"], &event["reason"]), (&json!("class.rated"), &Value::Null), "{}", log.text);
        let mine = app.get("/api/users/me/export", &member).await;
        let given = &mine.body["classes"]["ratings"];
        assert_eq!((&given[0]["stars"], &given[0]["class_title"]), (&json!(1), &json!("Yoga")), "{}", mine.text);
        let others = app.get("/api/users/me/export", &coach).await;
        assert_eq!(others.body["classes"]["ratings"], json!([]));
    }
}
