//! Coaches: who they are and when they are there, what they earn and what they are paid.

mod at_random;
mod availability;
mod earning;
mod payouts;
mod payroll;
mod people;
mod profiles;
mod terms;

use chrono::NaiveDate;
use diesel::connection::SimpleConnection;
use muster_coaches::Taught;
use muster_kernel::audit::Origin;
use muster_kernel::db::DbError;
use muster_kernel::{Timestamp, UserId};
use muster_testkit::Person;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

/// A club that has been there for a while, with a treasurer: it is 21 November 2026.
async fn in_november(app: &TestApp) -> Person {
    app.db.clock.set(serde_json::from_str::<Timestamp>("\"2026-11-21T10:00:00Z\"").expect("a time"));
    app.people.treasurer().await
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

/// A coach who is paid by these terms since the beginning of the year.
async fn coach_paid(app: &TestApp, treasurer: &Person, terms: Value) -> Person {
    let coach = app.people.coach().await;
    let mut body = json!({"starts_on": "2026-01-01"});
    for (name, value) in terms.as_object().expect("fields") {
        body[name] = value.clone();
    }
    let set = app.post(&format!("/api/coaches/{}/terms", coach.id), treasurer, body).await;
    assert_eq!(set.status, 201, "{}", set.text);
    coach
}

/// A class was taught at noon, and so many attended.
async fn teach(app: &TestApp, coach: UserId, class_id: i64, on: &str, heads: i32) {
    let date = day(on);
    let starts_at = Timestamp::new(date.and_hms_opt(12, 0, 0).expect("noon").and_utc());
    let taught = Taught { class_id, coach, starts_at, date, heads };
    let origin = Origin::default();
    app.db.write(move |tx| muster_coaches::accrue(tx, &origin, &taught)).await.expect("accrued");
}

/// The attendance of a class was corrected.
async fn correct(app: &TestApp, class_id: i64, heads: i32) {
    let origin = Origin::default();
    app.db.write(move |tx| muster_coaches::adjust(tx, &origin, class_id, heads)).await.expect("adjusted");
}

fn path(coach: &Person, rest: &str) -> String {
    format!("/api/coaches/{}{rest}", coach.id)
}

/// What a coach is owed, and what the last payout was.
async fn owed(app: &TestApp, coach: &Person) -> (i64, i64) {
    let seen = app.get("/api/coaches/me", coach).await;
    let amount = |name: &str| seen.body[name].as_i64().expect("an amount");
    (amount("payment_balance"), amount("last_payment_balance"))
}

/// Pays a coach.
async fn pay(app: &TestApp, treasurer: &Person, coach: &Person, body: Value) -> Answer {
    app.post_once(&path(coach, "/payouts"), treasurer, body).await
}

/// Some fields of every item of a list.
async fn items(app: &TestApp, person: &Person, list: &str, fields: &[&str]) -> Vec<Value> {
    let page = app.get(list, person).await;
    assert_eq!(page.status, 200, "{}", page.text);
    picked(&page.body["items"], fields)
}

/// A field of every item of a list, read page by page with one item each.
async fn leafed(app: &TestApp, person: &Person, list: &str, field: &str) -> Vec<Value> {
    let (mut all, mut path) = (Vec::new(), format!("{list}?limit=1&count=true"));
    loop {
        let page = app.get(&path, person).await;
        assert_eq!(page.status, 200, "{}", page.text);
        all.extend(page.body["items"].as_array().expect("items").iter().map(|item| item[field].clone()));
        let total = page.body["total"].as_u64().expect("a total");
        assert!(all.len() as u64 <= total, "{list} has no end: {all:?}");
        let Some(cursor) = page.body["next_cursor"].as_str() else {
            assert_eq!(all.len() as u64, total, "{list}");
            return all;
        };
        path = format!("{list}?limit=1&count=true&cursor={cursor}");
    }
}

/// Some fields of everything in an array.
fn picked(all: &Value, fields: &[&str]) -> Vec<Value> {
    let pick = |item: &Value| fields.iter().map(|field| item[*field].clone()).collect::<Value>();
    all.as_array().expect("items").iter().map(pick).collect()
}

async fn sql(app: &TestApp, statements: &str) {
    let statements = statements.to_owned();
    app.db.write(move |tx| Ok::<_, DbError>(tx.batch_execute(&statements)?)).await.expect("done");
}

/// What `muster check` finds wrong with coaches and the books.
async fn findings(app: &TestApp) -> Vec<String> {
    let mut found = Vec::new();
    for domain in [muster_coaches::domain(), muster_finance::domain()] {
        for check in domain.checks {
            found.extend(app.db.read(move |conn| (check.look)(conn)).await.expect("looked"));
        }
    }
    found
}
