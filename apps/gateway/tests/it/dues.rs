//! Dues: plans, the runs that charge by them, and reminders of what is overdue.

mod attendance;
mod plans;
mod reminders;
mod runs;

use diesel::connection::SimpleConnection;
use muster_kernel::Timestamp;
use muster_kernel::db::DbError;
use muster_testkit::Person;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

/// A club that has been there for a while, with a treasurer: it is 21 November 2026.
async fn in_november(app: &TestApp) -> Person {
    app.db.clock.set(serde_json::from_str::<Timestamp>("\"2026-11-21T10:00:00Z\"").expect("a time"));
    app.people.treasurer().await
}

/// A plan that is paid every month.
async fn plan(app: &TestApp, treasurer: &Person, more: Value) -> i64 {
    let mut plan = json!({"name": "Adults", "price": 3000, "every": "month", "grace_days": 14});
    for (name, value) in more.as_object().expect("fields") {
        plan[name] = value.clone();
    }
    let made = app.post("/api/plans", treasurer, plan).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.body["id"].as_i64().expect("an id")
}

/// A member on a plan, active since this day.
async fn member_on(app: &TestApp, treasurer: &Person, plan: i64, since: &str) -> Person {
    let member = app.people.member().await;
    put_on(app, treasurer, &member, plan).await;
    sql(app, &format!("UPDATE members SET active_since = '{since}' WHERE id = {}", member.id)).await;
    member
}

async fn put_on(app: &TestApp, treasurer: &Person, member: &Person, plan: i64) {
    let path = format!("/api/members/{}/plan", member.id);
    let put = app.put(&path, treasurer, json!({"plan_id": plan})).await;
    assert_eq!(put.status, 200, "{}", put.text);
}

/// So many people more who are on a plan, made at once.
async fn crowd_on(app: &TestApp, plan: i64, how_many: usize) {
    let numbers = format!(
        "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {how_many}) SELECT i FROM n) AS numbers"
    );
    sql(
        app,
        &format!(
            "INSERT INTO users (first_name, last_name, name_key, date_joined) \
             SELECT 'Many', 'People', 'people many', (SELECT min(date_joined) FROM users) FROM {numbers}; \
             INSERT INTO members (id, status, status_since, plan_id, active_since) \
             SELECT id, 'active', date_joined, {plan}, '2025-01-01' FROM users WHERE name_key = 'people many'; \
             INSERT INTO standing (member_id, status, plan_id, name_key) \
             SELECT id, 'active', {plan}, name_key FROM users WHERE name_key = 'people many'"
        ),
    )
    .await;
}

async fn sql(app: &TestApp, statements: &str) {
    let statements = statements.to_owned();
    app.db.write(move |tx| Ok::<_, DbError>(tx.batch_execute(&statements)?)).await.expect("done");
}

/// Asks for a run.
async fn start(app: &TestApp, treasurer: &Person, key: &str, body: Value) -> Answer {
    let request = app.request(Method::POST, "/api/dues-runs").header("idempotency-key", key);
    Answer::of(request.bearer_auth(&treasurer.token).json(&body)).await
}

/// Runs dues to the end, and tells the run.
async fn run(app: &TestApp, treasurer: &Person, key: &str, body: Value) -> Value {
    let started = start(app, treasurer, key, body).await;
    assert_eq!(started.status, 202, "{}", started.text);
    app.mails().await;
    let run = app.get(started.header("location"), treasurer).await;
    assert_eq!(run.body["state"], "done", "{}", run.text);
    run.body
}

/// What became of everybody in a run: member, outcome, amount and reason.
async fn lines(app: &TestApp, treasurer: &Person, run: &Value) -> Vec<(i64, String, Value, Value)> {
    let page = app.get(&format!("/api/dues-runs/{}/lines?limit=100", run["id"]), treasurer).await;
    let line = |line: &Value| {
        let member = line["member_id"].as_i64().expect("a member");
        (
            member,
            line["outcome"].as_str().expect("a word").to_owned(),
            line["amount"].clone(),
            line["reason"].clone(),
        )
    };
    page.body["items"].as_array().expect("lines").iter().map(line).collect()
}

async fn charges(app: &TestApp, treasurer: &Person, member: &Person) -> Vec<Value> {
    let page = app.get(&format!("/api/members/{}/charges", member.id), treasurer).await;
    page.body["items"].as_array().expect("charges").clone()
}

/// What `muster check` finds wrong with members and the books.
async fn findings(app: &TestApp) -> Vec<String> {
    let mut found = Vec::new();
    for domain in [muster_members::domain(), muster_finance::domain()] {
        for check in domain.checks {
            found.extend(app.db.read(move |conn| (check.look)(conn)).await.expect("looked"));
        }
    }
    found
}
