//! Memberships: how they begin, move and end, how members can be reached, and the list of everybody.

mod lifecycle;
mod list;
mod profile;
mod upkeep;

use muster_kernel::UserId;
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
