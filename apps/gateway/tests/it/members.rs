//! Memberships: how they begin, move and end, how members can be reached, and the list of everybody.

mod lifecycle;
mod list;
mod profile;
mod upkeep;

use diesel::connection::SimpleConnection;
use muster_kernel::UserId;
use muster_kernel::db::DbError;
use muster_testkit::{PASSWORD, Person};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

fn member(person: &Person) -> String {
    format!("/api/members/{}", person.id)
}

/// Moves somebody's membership, with a reason.
async fn step(app: &TestApp, by: &Person, whom: &Person, step: &str) -> Answer {
    app.post(&format!("{}/{step}", member(whom)), by, json!({"reason": "It has to be."})).await
}

/// Somebody who registered and is not approved yet.
async fn applicant(app: &TestApp, email: &str) -> Person {
    let body = json!({
        "first_name": "Anna", "last_name": "Applicant", "email": email, "password": PASSWORD,
        "date_of_birth": "1990-05-17",
    });
    assert_eq!(app.post_as_nobody("/api/auth/register", body).await.status, 201);
    let tokens = app.people.sign_in(email, PASSWORD).await;
    let me = Answer::of(app.request(Method::GET, "/api/users/me").bearer_auth(&tokens.access)).await;
    let id = UserId(me.body["id"].as_i64().expect("an id"));
    Person { id, email: email.into(), token: tokens.access, refresh: tokens.refresh }
}

/// A child without an address, with this guardian, whose membership waits.
async fn child_of(app: &TestApp, guardian: &Person) -> Person {
    let child = json!({"first_name": "Tom", "last_name": "Small", "date_of_birth": "2015-01-01"});
    let made = app.post("/api/members/me/dependants", guardian, child).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = UserId(made.body["id"].as_i64().expect("an id"));
    Person { id, email: String::new(), token: String::new(), refresh: String::new() }
}

/// More of each kind than are looked up by name: the list goes other ways then.
const MANY: [&str; 4] = [
    "INSERT INTO users (first_name, last_name, name_key, date_joined) \
     SELECT 'Many', 'People', 'people many', (SELECT date_joined FROM users WHERE id = 1) FROM \
     (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) SELECT i FROM n) AS numbers",
    "INSERT INTO members (id, status, status_since, plan_id) \
     SELECT id, 'active', date_joined, CASE WHEN id % 2 = 0 THEN 7 END FROM users WHERE name_key = 'people many'",
    "INSERT INTO standing (member_id, status, name_key, plan_id, balance, overdue_from) \
     SELECT id, 'active', name_key, CASE WHEN id % 2 = 0 THEN 7 END, CASE WHEN id % 4 > 1 THEN 5 ELSE 0 END, CASE WHEN id % 4 = 2 THEN (SELECT active_since FROM members WHERE id = 1) END \
     FROM users WHERE name_key = 'people many'",
    "INSERT INTO user_words (word, user_id) \
     SELECT 'many', id FROM users WHERE name_key = 'people many' UNION ALL \
     SELECT 'people', id FROM users WHERE name_key = 'people many'",
];

/// Fills the club with 10000 people, 2500 of whom have paid so, for each way to have paid.
pub async fn fill(app: &TestApp) {
    let filled = app.db.write(|tx| MANY.iter().try_for_each(|sql| Ok::<_, DbError>(tx.batch_execute(sql)?)));
    filled.await.expect("many people");
}

fn ids(list: &Answer) -> Vec<i64> {
    let items = list.body["items"].as_array().unwrap_or_else(|| panic!("{}", list.text));
    items.iter().map(|row| row["id"].as_i64().expect("an id")).collect()
}

/// The fields of a record, in order.
fn fields(record: &Value) -> Vec<&str> {
    let mut fields: Vec<_> = record.as_object().expect("a record").keys().map(String::as_str).collect();
    fields.sort_unstable();
    fields
}
