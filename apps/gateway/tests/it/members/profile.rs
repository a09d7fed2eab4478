//! How members can be reached, and who sees what of a record.

use muster_auth::Role;
use muster_testkit::{Person, each_engine};
use reqwest::Method;
use reqwest::header::IF_MATCH;
use serde_json::json;

use super::{child_of, fields, ids, member};
use crate::support::{Answer, TestApp};
use crate::traces::{Traces, rows};

const PUBLIC: [&str; 13] = [
    "address",
    "attendance_count",
    "email",
    "emergency_contact",
    "first_name",
    "guardian_ids",
    "id",
    "last_name",
    "membership_approved",
    "phone",
    "status",
    "user_id",
    "version",
];
const MONEY: [&str; 5] = ["balance", "payment_status", "plan_id", "prepaid_fees", "prepaid_fees_reserved"];

fn sorted<'a>(parts: &[&[&'a str]]) -> Vec<&'a str> {
    let mut all = parts.concat();
    all.sort_unstable();
    all
}

each_engine! {
    async fn guardians_find_those_whom_they_act_for(app: TestApp) {
        let guardian = app.people.member().await;
        let (child, coach) = (child_of(&app, &guardian).await, app.people.coach().await);
        let list = async |by: &Person, path: String| app.get(&path, by).await;
        let own = list(&guardian, "/api/members/me/dependants".into()).await;
        assert_eq!((ids(&own), &own.body["has_more"]), (vec![child.id.0], &json!(false)));
        assert_eq!(fields(&own.body["items"][0]), sorted(&[&PUBLIC, &MONEY]));
        let path = format!("{}/dependants", member(&guardian));
        let seen = list(&coach, path.clone()).await;
        assert_eq!(ids(&seen), [child.id.0]);
        assert_eq!(fields(&seen.body["items"][0]), sorted(&[&PUBLIC, &["notes"]]));
        assert!(ids(&list(&coach, "/api/members/me/dependants".into()).await).is_empty());
        assert_eq!(list(&app.people.member().await, path).await.problem(), (404, "not_found"));
    }

    async fn what_somebody_may_not_see_is_absent(app: TestApp) {
        let person = app.people.member().await;
        let child = child_of(&app, &person).await;
        let seen = async |by: &Person, whom: &Person| app.get(&member(whom), by).await.body;
        assert_eq!(fields(&seen(&person, &person).await), sorted(&[&PUBLIC, &MONEY]));
        assert_eq!(fields(&seen(&person, &child).await), sorted(&[&PUBLIC, &MONEY]));
        let coach = app.people.coach().await;
        assert_eq!(fields(&seen(&coach, &person).await), sorted(&[&PUBLIC, &["notes"]]));
        assert_eq!(fields(&seen(&coach, &coach).await), sorted(&[&PUBLIC, &MONEY, &["notes"]]));
        let own_child = child_of(&app, &coach).await;
        assert_eq!(fields(&seen(&coach, &own_child).await), sorted(&[&PUBLIC, &MONEY, &["notes"]]));
        let both = app.people.with([Role::Coach, Role::Treasurer]).await;
        for staff in [app.people.treasurer().await, app.people.admin().await, both] {
            assert_eq!(fields(&seen(&staff, &person).await), sorted(&[&PUBLIC, &MONEY, &["notes", "external_id"]]));
        }
        // The same in the list, where a coach sees the money of their own.
        let list = app.get("/api/members", &coach).await;
        for row in list.body["items"].as_array().expect("a list") {
            let own = [coach.id.0, own_child.id.0].contains(&row["id"].as_i64().expect("an id"));
            let expected = if own { sorted(&[&PUBLIC, &MONEY, &["notes"]]) } else { sorted(&[&PUBLIC, &["notes"]]) };
            assert_eq!(fields(row), expected);
        }
        let fresh = seen(&person, &person).await;
        assert_eq!(fresh["payment_status"], "exempt");
        assert_eq!((&fresh["balance"], &fresh["prepaid_fees"], &fresh["plan_id"]), (&json!(0), &json!(0), &json!(null)));
        assert_eq!((&fresh["phone"], &fresh["attendance_count"]), (&json!(null), &json!(0)));
    }

    async fn one_says_how_one_can_be_reached(app: TestApp) {
        let person = app.people.member().await;
        let child = child_of(&app, &person).await;
        let patch = json!({"phone": "+49 30 123456", "address": "Weg 1\n12345 Berlin", "emergency_contact": "Bert, 0171 1"});
        for whom in [&person, &child] {
            let before = app.get(&member(whom), &person).await;
            let after = app.patch(&member(whom), &person, patch.clone()).await;
            assert_eq!(after.status, 200, "{}", after.text);
            for (field, value) in patch.as_object().expect("an object") {
                assert_eq!(&after.body[field], value);
            }
            assert_eq!(app.get(&member(whom), &person).await.body, after.body);
            assert_eq!(app.patch(&member(whom), &person, patch.clone()).await.body["version"], after.body["version"], "no change");
            let stale = app.request(Method::PATCH, &member(whom)).bearer_auth(&person.token).header(IF_MATCH, before.header("etag"));
            assert_eq!(Answer::of(stale.json(&json!({"phone": null}))).await.problem(), (412, "stale"));
            let without = app.patch(&member(whom), &person, json!({"phone": null})).await.body;
            assert_eq!((&without["phone"], &without["address"]), (&json!(null), &patch["address"]), "absent stays");
        }
        for staff in [app.people.treasurer().await, app.people.admin().await] {
            assert_eq!(app.patch(&member(&person), &staff, json!({"phone": "1"})).await.body["phone"], "1");
            assert_eq!(app.patch(&member(&person), &person, json!({"phone": null})).await.status, 200);
        }
        let (coach, other) = (app.people.coach().await, app.people.member().await);
        assert_eq!(app.patch(&member(&person), &coach, json!({"phone": "1"})).await.problem(), (403, "forbidden"));
        assert_eq!(app.patch(&member(&person), &other, json!({"phone": "1"})).await.problem(), (404, "not_found"));
    }

    async fn notes_are_the_treasurers_and_admins_to_write(app: TestApp) {
        let person = app.people.member().await;
        for staff in [app.people.treasurer().await, app.people.admin().await] {
            let notes = json!({"notes": "Pays in cash.", "external_id": "A-17"});
            let after = app.patch(&member(&person), &staff, notes).await;
            assert_eq!((&after.body["notes"], &after.body["external_id"]), (&json!("Pays in cash."), &json!("A-17")), "{}", after.text);
        }
        let coach = app.people.coach().await;
        assert_eq!(app.get(&member(&person), &coach).await.body["notes"], "Pays in cash.");
        for field in ["notes", "external_id"] {
            for by in [&person, &coach] {
                for value in [json!("x"), json!(null)] {
                    let refused = app.patch(&member(by), by, json!({"phone": "1", field: value})).await;
                    assert_eq!(refused.problem(), (403, "forbidden"), "{field}");
                }
            }
        }
        assert_eq!(app.get(&member(&coach), &coach).await.body["phone"], json!(null), "none of it was done");
    }

    async fn what_another_program_knows_somebody_by_is_theirs_alone(app: TestApp) {
        let (admin, anna, bert) = (app.people.admin().await, app.people.member().await, app.people.member().await);
        assert_eq!(app.patch(&member(&anna), &admin, json!({"external_id": "17"})).await.status, 200);
        assert_eq!(app.patch(&member(&bert), &admin, json!({"external_id": "17"})).await.problem(), (409, "already_exists"));
        assert_eq!(app.patch(&member(&anna), &admin, json!({"external_id": null})).await.status, 200);
        assert_eq!(app.patch(&member(&bert), &admin, json!({"external_id": "17"})).await.status, 200);
    }

    async fn a_profile_takes_only_what_is_its_own_and_fits(app: TestApp) {
        let (admin, person) = (app.people.admin().await, app.people.member().await);
        for (field, fits) in [("phone", 40), ("address", 500), ("emergency_contact", 500), ("notes", 4000), ("external_id", 64)] {
            let patch = async |value: String| app.patch(&member(&person), &admin, json!({field: value})).await;
            assert_eq!(patch("x".repeat(fits)).await.status, 200, "{field}");
            let pointer = format!("/{field}");
            assert_eq!(patch("x".repeat(fits + 1)).await.fields(), [(pointer.as_str(), "too_long")]);
            assert_eq!(patch(String::new()).await.fields(), [(pointer.as_str(), "too_short")]);
            let two_lines = patch("a\nb".into()).await;
            let takes_lines = !matches!(field, "phone" | "external_id");
            assert_eq!(two_lines.status.is_success(), takes_lines, "{field}");
        }
        for field in ["status", "balance", "plan_id", "attendance_count", "payment_status", "user_id", "version", "name_key", "email"] {
            let refused = app.patch(&member(&person), &admin, json!({field: 1})).await;
            assert_eq!(refused.problem(), (422, "unknown_field"), "{field}");
        }
    }

    async fn what_is_known_of_a_member_is_taken_along_and_erased(app: TestApp) {
        let (admin, person) = (app.people.admin().await, app.people.member().await);
        let patch = json!({
            "phone": "030 5550199", "address": "Quittenweg 9", "emergency_contact": "Bertold", "notes": "Zahlt bar.",
            "external_id": "xq-778",
        });
        assert_eq!(app.patch(&member(&person), &admin, patch.clone()).await.status, 200);
        let export = app.get("/api/users/me/export", &person).await.body["members"].clone();
        for (field, value) in patch.as_object().expect("an object") {
            assert_eq!(&export[field], value, "{field}");
        }
        assert_eq!(export["history"][0]["to"], "active");
        let traces = Traces(patch.as_object().expect("an object").values().map(|v| v.as_str().expect("text").to_owned()).collect());
        assert_eq!(traces.within(rows(&app.db.target())).len(), 5);
        assert_eq!(app.post(&format!("/api/users/{}/erase", person.id), &admin, json!({})).await.status, 200);
        assert_eq!(traces.within(rows(&app.db.target())), [""; 0]);
        assert_eq!(app.patch(&member(&person), &admin, json!({"phone": "1"})).await.problem(), (409, "invalid_state"));
    }
}
