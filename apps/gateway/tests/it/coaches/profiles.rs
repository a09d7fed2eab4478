//! Who the coaches are.

use muster_testkit::{Person, each_engine};
use reqwest::Method;
use serde_json::{Value, json};

use super::{coach_paid, correct, in_november, items, leafed, path, pay, teach};
use crate::support::{Answer, TestApp};

fn fields(answer: &Answer) -> Vec<String> {
    answer.body.as_object().expect("fields").keys().cloned().collect()
}

const PUBLIC: [&str; 9] = [
    "bio",
    "classes_taught_total",
    "id",
    "name",
    "numbers_classes_taught",
    "public_name",
    "specialities",
    "user_id",
    "version",
];

fn with_money() -> Vec<String> {
    let mut all: Vec<String> = PUBLIC.iter().map(|field| (*field).to_owned()).collect();
    all.extend(["last_payment_balance".to_owned(), "payment_balance".to_owned()]);
    all.sort();
    all
}

each_engine! {
    async fn whoever_gets_the_role_is_a_coach_and_everybody_sees_them(app: TestApp) {
        let (admin, member) = (app.people.admin().await, app.people.member().await);
        let invited = json!({"first_name": "Kim", "last_name": "Zorn", "email": "kim@example.org", "roles": ["coach"]});
        let kim = app.post("/api/users", &admin, invited).await.body["id"].clone();
        let other = app.people.member().await;
        let roles = format!("/api/users/{}/roles", other.id);
        assert_eq!(app.get(&path(&other, ""), &member).await.problem(), (404, "not_found"));
        assert_eq!(app.put(&roles, &admin, json!({"roles": ["coach"]})).await.status, 200);
        let names = ["id", "name", "public_name"];
        let listed = items(&app, &member, "/api/coaches", &names).await;
        assert_eq!(listed, [json!([other.id, "Person Number 2", null]), json!([kim, "Kim Zorn", null])]);
        assert_eq!(app.put(&roles, &admin, json!({"roles": []})).await.status, 200);
        assert_eq!(items(&app, &member, "/api/coaches/", &["id"]).await, [json!([kim])], "the role is gone");
        assert_eq!(app.get(&path(&other, ""), &member).await.status, 200, "who was one is known by old classes");
    }

    async fn the_money_of_a_coach_is_absent_for_others(app: TestApp) {
        let (coach, other) = (app.people.coach().await, app.people.coach().await);
        let seen = async |by: &Person| app.get(&path(&coach, ""), by).await;
        for by in [app.people.member().await, other] {
            assert_eq!(fields(&seen(&by).await), PUBLIC);
        }
        for by in [&coach, &app.people.treasurer().await, &app.people.admin().await] {
            assert_eq!(fields(&seen(by).await), with_money());
        }
        let member = app.people.member().await;
        let listed = async |by: &Person| {
            let list = app.get("/api/coaches", by).await;
            let rows = list.body["items"].as_array().expect("coaches").clone();
            rows.iter().filter(|row| row.get("payment_balance").is_some()).count()
        };
        assert_eq!((listed(&member).await, listed(&coach).await), (0, 1));
        assert_eq!(app.get("/api/coaches/me", &member).await.problem(), (404, "not_found"));
        assert_eq!(app.get("/api/coaches/me", &coach).await.body["id"], coach.id.0);
    }

    async fn an_admin_fills_a_profile_in_once(app: TestApp) {
        let (admin, coach, member) = (app.people.admin().await, app.people.coach().await, app.people.member().await);
        let body = json!({"user_id": coach.id, "public_name": "Coach Kim", "bio": "Judo.\nSince 1990.", "specialities": ["Judo", "Children"]});
        let made = app.post("/api/coaches/", &admin, body.clone()).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let read = app.get(made.header("location"), &admin).await;
        assert_eq!((&read.body, read.header("etag")), (&made.body, made.header("etag")));
        for (field, value) in body.as_object().expect("fields") {
            assert_eq!(&made.body[field], value, "{field}");
        }
        assert_eq!(made.body["name"], "Coach Kim");
        assert_eq!(app.post("/api/coaches", &admin, body).await.problem(), (409, "already_exists"));
        for id in [member.id.0, 999_999] {
            let refused = app.post("/api/coaches", &admin, json!({"user_id": id})).await;
            assert_eq!(refused.fields(), [("/user_id", "not_a_coach")], "{}", refused.text);
        }
    }

    async fn coaches_change_their_own_profile_and_nobody_elses(app: TestApp) {
        let (coach, other, admin) = (app.people.coach().await, app.people.coach().await, app.people.admin().await);
        let treasurer = app.people.treasurer().await;
        let seen = app.get("/api/coaches/me", &coach).await;
        let change = json!({"public_name": "Coach Kim", "specialities": ["Judo"]});
        for by in [&other, &treasurer] {
            assert_eq!(app.patch(&path(&coach, ""), by, change.clone()).await.problem(), (403, "forbidden"));
        }
        assert_eq!(app.patch("/api/coaches/999999", &other, change.clone()).await.problem(), (404, "not_found"));
        let changed = app.patch("/api/coaches/me", &coach, change).await;
        assert_eq!((&changed.body["name"], &changed.body["specialities"]), (&json!("Coach Kim"), &json!(["Judo"])), "{}", changed.text);
        let stale = app.request(Method::PATCH, "/api/coaches/me").header("if-match", seen.header("etag"));
        let stale = Answer::of(stale.bearer_auth(&coach.token).json(&json!({"bio": "x"}))).await;
        assert_eq!(stale.problem(), (412, "stale"));
        let taken_away = app.patch(&path(&coach, ""), &admin, json!({"public_name": null})).await;
        assert_eq!((&taken_away.body["public_name"], &taken_away.body["name"]), (&Value::Null, &json!("Person Number 0")));
        let same = app.patch(&path(&coach, ""), &admin, json!({"bio": null})).await;
        assert_eq!(same.body["version"], taken_away.body["version"], "a change that changes nothing leaves no trace");
    }

    async fn what_a_profile_says_has_bounds(app: TestApp) {
        let coach = app.people.coach().await;
        for (body, pointer, code) in [
            (json!({"public_name": ""}), "/public_name", "too_short"),
            (json!({"public_name": "x".repeat(81)}), "/public_name", "too_long"),
            (json!({"bio": "x".repeat(4001)}), "/bio", "too_long"),
            (json!({"specialities": (0..21).map(|n| n.to_string()).collect::<Vec<_>>()}), "/specialities", "too_long"),
            (json!({"specialities": ["Judo", "x".repeat(61)]}), "/specialities/1", "too_long"),
            (json!({"specialities": ["Judo", "Judo"]}), "/specialities/1", "twice"),
        ] {
            let refused = app.patch("/api/coaches/me", &coach, body.clone()).await;
            assert_eq!(refused.fields(), [(pointer, code)], "{body}");
        }
        let smuggled = app.patch("/api/coaches/me", &coach, json!({"payment_balance": 5})).await;
        assert_eq!(smuggled.problem(), (422, "unknown_field"));
    }

    async fn coaches_are_listed_by_the_name_that_is_shown(app: TestApp) {
        let (zoe, adam) = (app.people.coach().await, app.people.coach().await);
        app.patch("/api/coaches/me", &zoe, json!({"public_name": "Zoe"})).await;
        app.patch("/api/coaches/me", &adam, json!({"public_name": "adam"})).await;
        let plain = app.people.coach().await;
        let listed = leafed(&app, &plain, "/api/coaches", "id").await;
        assert_eq!(listed, [json!(adam.id), json!(plain.id), json!(zoe.id)]);
        // Somebody who is shown by their name is sorted by it, whatever it becomes.
        app.patch("/api/users/me", &plain, json!({"last_name": "Zz"})).await;
        app.patch("/api/users/me", &adam, json!({"last_name": "Zzz"})).await;
        assert_eq!(items(&app, &plain, "/api/coaches", &["id"]).await, [json!([adam.id]), json!([zoe.id]), json!([plain.id])]);
    }

    async fn classes_of_this_month_are_counted_where_the_club_is(app: TestApp) {
        let treasurer = in_november(&app).await;
        let admin = app.people.admin().await;
        let coach = coach_paid(&app, &treasurer, json!({"per_class": 1000, "per_head": 100})).await;
        let unpaid = app.people.coach().await;
        for (class, on) in [(1, "2026-10-31"), (2, "2026-11-01"), (3, "2026-11-20")] {
            teach(&app, coach.id, class, on, 5).await;
        }
        teach(&app, unpaid.id, 4, "2026-11-20", 5).await;
        correct(&app, 3, 9).await;
        let counts = async |coach: &Person| {
            let seen = app.get(&path(coach, ""), &treasurer).await.body;
            (seen["numbers_classes_taught"].as_i64(), seen["classes_taught_total"].as_i64())
        };
        assert_eq!(counts(&coach).await, (Some(2), Some(3)));
        assert_eq!(counts(&unpaid).await, (Some(1), Some(1)), "what is paid nothing was taught all the same");
        assert_eq!(items(&app, &treasurer, "/api/coaches", &["numbers_classes_taught"]).await, [json!([2]), json!([1])]);
        // In November here, in December there.
        app.db.clock.set(serde_json::from_str("\"2026-11-30T23:30:00Z\"").expect("a time"));
        let treasurer = app.people.again(&treasurer).await;
        let month = async || app.get(&path(&coach, ""), &treasurer).await.body["numbers_classes_taught"].clone();
        assert_eq!(month().await, 2);
        let admin = app.people.again(&admin).await;
        assert_eq!(app.patch("/api/club", &admin, json!({"time_zone": "Europe/Berlin"})).await.status, 200);
        assert_eq!(month().await, 0);
    }

    async fn who_lost_the_role_is_listed_while_something_is_owed(app: TestApp) {
        let treasurer = in_november(&app).await;
        let admin = app.people.admin().await;
        let coach = coach_paid(&app, &treasurer, json!({"per_class": 1000})).await;
        teach(&app, coach.id, 1, "2026-11-01", 5).await;
        let roles = format!("/api/users/{}/roles", coach.id);
        assert_eq!(app.put(&roles, &admin, json!({"roles": []})).await.status, 200);
        let listed = async || items(&app, &treasurer, "/api/coaches", &["id"]).await;
        assert_eq!(listed().await, [json!([coach.id])]);
        assert_eq!(app.get("/api/coaches/me/pay", &coach).await.status, 200, "and sees what that is");
        assert_eq!(pay(&app, &treasurer, &coach, json!({"method": "cash"})).await.status, 201);
        assert_eq!(listed().await, [Value::Null; 0]);
    }
}
