//! Plans, and who is on which.

use muster_testkit::{Person, each_engine};
use reqwest::Method;
use serde_json::{Value, json};

use super::{crowd_on, in_november, member_on, plan, run, sql};
use crate::support::{Answer, TestApp};

async fn change(app: &TestApp, person: &Person, plan: i64, tag: &str, body: Value) -> Answer {
    let request = app.request(Method::PATCH, &format!("/api/plans/{plan}")).header("if-match", tag);
    Answer::of(request.bearer_auth(&person.token).json(&body)).await
}

each_engine! {
    async fn what_the_treasurer_makes_every_member_can_read(app: TestApp) {
        let (treasurer, member) = (app.people.treasurer().await, app.people.member().await);
        let body = json!({"name": "Adults", "price": 2500, "every": "month", "grace_days": 14});
        let made = app.post("/api/plans", &treasurer, body.clone()).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let read = app.get(made.header("location"), &member).await;
        assert_eq!(read.body, made.body);
        assert_eq!(read.body, json!({
            "id": made.body["id"], "version": 1, "name": "Adults", "price": 2500, "every": "month", "grace_days": 14,
            "prorate": false,
        }));
        let listed = app.get("/api/plans?count=true", &member).await;
        assert_eq!((&listed.body["items"], &listed.body["total"]), (&json!([made.body]), &json!(1)));
        assert_eq!(app.post("/api/plans", &treasurer, body).await.problem(), (409, "already_exists"));
        let wrong = json!({"name": "", "price": -1, "every": "month", "grace_days": 366});
        let wrong = app.post("/api/plans", &treasurer, wrong).await;
        assert_eq!(wrong.fields(), [("/name", "too_short"), ("/price", "out_of_range"), ("/grace_days", "out_of_range")]);
    }

    async fn nobodys_change_of_a_plan_is_overwritten_unseen(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let adults = plan(&app, &treasurer, json!({})).await;
        plan(&app, &treasurer, json!({"name": "Seniors"})).await;
        let path = format!("/api/plans/{adults}");
        let unseen = app.patch(&path, &treasurer, json!({"price": 1})).await;
        assert_eq!(unseen.problem(), (428, "precondition_required"));
        let tag = app.get(&path, &treasurer).await.header("etag").to_owned();
        let changed = change(&app, &treasurer, adults, &tag, json!({"price": 3500, "prorate": true})).await;
        assert_eq!((changed.status.as_u16(), &changed.body["price"], &changed.body["version"]), (200, &json!(3500), &json!(2)));
        assert_eq!(change(&app, &treasurer, adults, &tag, json!({"price": 1})).await.problem(), (412, "stale"));
        let same = change(&app, &treasurer, adults, "*", json!({"price": 3500})).await;
        assert_eq!(same.body["version"], 2, "no change leaves no trace");
        let taken = change(&app, &treasurer, adults, "*", json!({"name": "Seniors"})).await;
        assert_eq!(taken.problem(), (409, "already_exists"));
        assert_eq!(change(&app, &treasurer, 999, "*", json!({})).await.problem(), (404, "not_found"));
    }

    async fn a_member_is_put_on_a_plan_and_taken_off_again(app: TestApp) {
        let (treasurer, member) = (app.people.treasurer().await, app.people.member().await);
        let adults = plan(&app, &treasurer, json!({})).await;
        let path = format!("/api/members/{}/plan", member.id);
        let put = app.put(&path, &treasurer, json!({"plan_id": adults})).await;
        assert_eq!((put.status.as_u16(), &put.body["plan_id"], &put.body["payment_status"]), (200, &json!(adults), &json!("paid")));
        let unknown = app.put(&path, &treasurer, json!({"plan_id": 999})).await;
        assert_eq!(unknown.fields(), [("/plan_id", "unknown")]);
        let forgotten = app.put(&path, &treasurer, json!({})).await;
        assert_eq!(forgotten.status, 422, "a field that is missing is not null: {}", forgotten.text);
        let off = app.put(&path, &treasurer, json!({"plan_id": null})).await;
        assert_eq!((&off.body["plan_id"], &off.body["payment_status"]), (&json!(null), &json!("exempt")));
        let version = off.body["version"].clone();
        let again = app.put(&path, &treasurer, json!({"plan_id": null})).await;
        assert_eq!(again.body["version"], version, "no change leaves no trace");
        let log = app.get("/api/audit?object_type=member", &app.people.admin().await).await;
        let changes = log.body["items"].as_array().expect("events").iter().filter(|event| event["action"] == "member.plan_changed");
        assert_eq!(changes.count(), 2);
    }

    async fn changed_days_of_grace_hold_for_what_is_open(app: TestApp) {
        let treasurer = in_november(&app).await;
        let adults = plan(&app, &treasurer, json!({})).await;
        let member = member_on(&app, &treasurer, adults, "2025-03-01").await;
        run(&app, &treasurer, "k", json!({"period": "2026-11"})).await;
        app.wait(chrono::TimeDelta::days(5));
        let treasurer = app.people.again(&treasurer).await;
        let status = async || app.get(&format!("/api/members/{}", member.id), &treasurer).await.body["payment_status"].clone();
        assert_eq!(status().await, "due");
        assert_eq!(change(&app, &treasurer, adults, "*", json!({"grace_days": 4})).await.status, 200);
        assert_eq!(status().await, "overdue");
        let off = app.put(&format!("/api/members/{}/plan", member.id), &treasurer, json!({"plan_id": null})).await;
        assert_eq!(off.body["payment_status"], "overdue", "no plan, no grace");
    }

    async fn of_many_on_a_plan_all_follow_its_days_of_grace(app: TestApp) {
        let treasurer = in_november(&app).await;
        let adults = plan(&app, &treasurer, json!({})).await;
        crowd_on(&app, adults, 250).await;
        sql(&app, "UPDATE standing SET oldest_due_on = '2026-11-01'").await;
        assert_eq!(change(&app, &treasurer, adults, "*", json!({"grace_days": 7})).await.status, 200);
        app.mails().await;
        let late = app.get("/api/members?payment_status=overdue&count=true", &treasurer).await;
        assert_eq!(late.body["total"], 0, "nothing is owed");
        sql(&app, "UPDATE standing SET balance = 1 WHERE grace_days = 7 AND overdue_from = '2026-11-09'").await;
        let late = app.get("/api/members?payment_status=overdue&count=true", &treasurer).await;
        assert_eq!(late.body["total"], 250);
    }
}
