//! By what terms coaches are paid.

use muster_testkit::each_engine;
use serde_json::json;

use super::{coach_paid, in_november, items, path, teach};
use crate::support::TestApp;

each_engine! {
    async fn terms_are_set_by_who_keeps_the_books_and_seen_by_whom_they_are_of(app: TestApp) {
        let treasurer = in_november(&app).await;
        let (coach, other, member) = (app.people.coach().await, app.people.coach().await, app.people.member().await);
        let terms = json!({"starts_on": "2026-12-01", "per_class": 3000, "per_head": 100, "heads_above": 10, "minimum": 2000, "maximum": 5000});
        let list = path(&coach, "/terms");
        for by in [&coach, &other, &member] {
            assert_eq!(app.post(&list, by, terms.clone()).await.problem(), (403, "forbidden"));
        }
        let set = app.post(&list, &treasurer, terms.clone()).await;
        assert_eq!(set.status, 201, "{}", set.text);
        for (field, value) in terms.as_object().expect("fields") {
            assert_eq!(&set.body[field], value, "{field}");
        }
        assert_eq!(app.get(set.header("location"), &coach).await.body, set.body);
        let plain = app.post(&list, &treasurer, json!({"starts_on": "2026-11-01", "per_class": 2500})).await;
        for (field, value) in [("per_head", json!(0)), ("heads_above", json!(0)), ("minimum", json!(null)), ("maximum", json!(null))] {
            assert_eq!(plain.body[field], value, "{field}");
        }
        for by in [&coach, &treasurer] {
            assert_eq!(items(&app, by, &list, &["starts_on"]).await, [json!(["2026-12-01"]), json!(["2026-11-01"])]);
        }
        assert_eq!(app.get("/api/coaches/me/terms", &coach).await.status, 200);
        for by in [&other, &member] {
            assert_eq!(app.get(&list, by).await.problem(), (403, "forbidden"));
            assert_eq!(app.get("/api/coaches/999999/terms", by).await.problem(), (404, "not_found"));
        }
        assert_eq!(app.get("/api/coaches/me/terms", &member).await.problem(), (404, "not_found"));
    }

    async fn terms_have_bounds_and_no_two_start_on_one_day(app: TestApp) {
        let treasurer = in_november(&app).await;
        let coach = coach_paid(&app, &treasurer, json!({"per_class": 3000})).await;
        let list = path(&coach, "/terms");
        let again = app.post(&list, &treasurer, json!({"starts_on": "2026-01-01", "per_class": 1})).await;
        assert_eq!(again.problem(), (409, "already_exists"));
        for (terms, pointer, code) in [
            (json!({"per_class": -1}), "/per_class", "out_of_range"),
            (json!({"per_class": 1_000_000_001}), "/per_class", "out_of_range"),
            (json!({"per_class": 1, "per_head": -1}), "/per_head", "out_of_range"),
            (json!({"per_class": 1, "heads_above": 10_001}), "/heads_above", "out_of_range"),
            (json!({"per_class": 1, "minimum": -1}), "/minimum", "out_of_range"),
            (json!({"per_class": 1, "minimum": 2, "maximum": 1}), "/maximum", "out_of_range"),
            (json!({"per_class": 1, "starts_on": "3000-01-01"}), "/starts_on", "out_of_range"),
        ] {
            let mut body = json!({"starts_on": "2026-12-01"});
            for (name, value) in terms.as_object().expect("fields") {
                body[name] = value.clone();
            }
            let refused = app.post(&list, &treasurer, body).await;
            assert_eq!(refused.problem(), (422, "invalid_fields"), "{terms}");
            assert_eq!(refused.fields(), [(pointer, code)], "{terms}");
        }
    }

    async fn new_terms_never_change_what_was_accrued(app: TestApp) {
        let treasurer = in_november(&app).await;
        let coach = coach_paid(&app, &treasurer, json!({"per_class": 3000})).await;
        teach(&app, coach.id, 1, "2026-11-10", 5).await;
        teach(&app, coach.id, 2, "2026-11-05", 5).await;
        let list = path(&coach, "/terms");
        for on in ["2026-11-01", "2026-11-10"] {
            let refused = app.post(&list, &treasurer, json!({"starts_on": on, "per_class": 1})).await;
            assert_eq!(refused.problem(), (409, "invalid_state"), "{on}");
            assert!(refused.body["detail"].as_str().expect("a detail").contains("2026-11-10"), "{}", refused.text);
        }
        let set = app.post(&list, &treasurer, json!({"starts_on": "2026-11-11", "per_class": 4000})).await;
        assert_eq!(set.status, 201, "{}", set.text);
        // The day of the class says by which terms, not the day on which it is completed.
        teach(&app, coach.id, 3, "2026-11-09", 5).await;
        teach(&app, coach.id, 4, "2026-11-11", 5).await;
        let paid = items(&app, &coach, "/api/coaches/me/pay", &["class_id", "amount"]).await;
        assert_eq!(paid, [json!([4, 4000]), json!([1, 3000]), json!([3, 3000]), json!([2, 3000])]);
    }

    async fn terms_by_which_nothing_was_paid_can_be_taken_back(app: TestApp) {
        let treasurer = in_november(&app).await;
        let coach = coach_paid(&app, &treasurer, json!({"per_class": 3000})).await;
        let other = app.people.coach().await;
        teach(&app, coach.id, 1, "2026-11-10", 5).await;
        let list = path(&coach, "/terms");
        let wrong = app.post(&list, &treasurer, json!({"starts_on": "2026-11-15", "per_class": 300_000})).await;
        let of_another = format!("{}/{}", path(&other, "/terms"), wrong.body["id"]);
        assert_eq!(app.delete(&of_another, &treasurer).await.problem(), (404, "not_found"));
        assert_eq!(app.delete(wrong.header("location"), &coach).await.problem(), (403, "forbidden"));
        assert_eq!(app.delete(wrong.header("location"), &treasurer).await.status, 204);
        let right = app.post(&list, &treasurer, json!({"starts_on": "2026-11-15", "per_class": 3500})).await;
        assert_eq!(right.status, 201, "{}", right.text);
        let used = items(&app, &treasurer, &list, &["id"]).await[1][0].clone();
        assert_eq!(app.delete(&format!("{list}/{used}"), &treasurer).await.problem(), (409, "invalid_state"));
    }
}
