//! Classes: planning, booking, the line, cancelling, attendance.

mod at_random;
mod attendance;
mod bookings;
mod door;
mod locks;
mod money;
mod overview;
mod planning;
mod races;
mod ratings;
mod series;
mod warnings;

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use muster_kernel::Timestamp;
use muster_kernel::db::DbError;
use muster_testkit::{Engine, OnEngine, Person};
use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

/// A club in whose tests days go by.
pub struct ClassClub(pub TestApp);

impl OnEngine for ClassClub {
    async fn on(engine: Engine) -> ClassClub {
        ClassClub(TestApp::on(engine).await.staying_signed_in())
    }
}

/// An instant so many hours from now.
pub fn in_hours(app: &TestApp, hours: i64) -> Timestamp {
    app.db.clock.now().plus(TimeDelta::hours(hours))
}

/// What a class is like unless a test says otherwise: in three days, 60 minutes, 2 places, 8.00.
pub fn class(app: &TestApp) -> Value {
    json!({
        "class_title": "Yoga", "class_datetime": in_hours(app, 72), "duration_minutes": 60, "location": "Hall 2",
        "capacity": 2, "fee": 800,
    })
}

/// The same with other fields.
pub fn with(mut body: Value, fields: Value) -> Value {
    let (Some(body_fields), Value::Object(fields)) = (body.as_object_mut(), fields) else {
        panic!("objects, both")
    };
    body_fields.extend(fields);
    body
}

/// A class of this coach.
pub async fn planned(app: &TestApp, coach: &Person, fields: Value) -> Value {
    let made = app.post("/api/classes", coach, with(class(app), fields)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.body
}

/// Books a class.
pub async fn book(app: &TestApp, class: &Value, person: &Person) -> Answer {
    app.post_once(&format!("/api/classes/{}/bookings", class["id"]), person, json!({})).await
}

/// Books a class, and tells what came of it.
pub async fn booked(app: &TestApp, class: &Value, person: &Person) -> Value {
    let answer = book(app, class, person).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.body
}

/// Cancels a booking.
pub async fn cancel(app: &TestApp, booking: &Value, person: &Person) -> Answer {
    app.post_once(&format!("/api/bookings/{}/cancel", booking["id"]), person, json!({})).await
}

/// A booking as it is now.
pub async fn booking_now(app: &TestApp, booking: &Value, person: &Person) -> Value {
    app.get(&format!("/api/bookings/{}", booking["id"]), person).await.body
}

/// A class as it is now.
pub async fn class_now(app: &TestApp, class: &Value, person: &Person) -> Value {
    app.get(&format!("/api/classes/{}", class["id"]), person).await.body
}

/// Marks somebody.
pub async fn mark(app: &TestApp, class: &Value, coach: &Person, member: &Person, status: &str) -> Answer {
    let marks = json!({"marks": [{"member_id": member.id, "status": status}]});
    app.put(&format!("/api/classes/{}/attendance", class["id"]), coach, marks).await
}

/// Ends a class.
pub async fn complete(app: &TestApp, class: &Value, coach: &Person) -> Answer {
    app.post(&format!("/api/classes/{}/complete", class["id"]), coach, json!({})).await
}

/// Sells somebody class fees in advance.
pub async fn prepaid(app: &TestApp, treasurer: &Person, member: &Person, body: Value) -> Answer {
    app.post_once(&format!("/api/members/{}/prepaid-fees", member.id), treasurer, body).await
}

/// Moves the time to so many minutes before the start of a class, or after it if below zero.
pub fn at_start(app: &TestApp, class: &Value, minutes_before: i64) {
    let at: Timestamp = serde_json::from_value(class["class_datetime"].clone()).expect("an instant");
    app.db.clock.set(at.plus(-TimeDelta::minutes(minutes_before)));
}

/// Writes to the database past every rule of the program.
pub async fn sql(app: &TestApp, statements: &'static str) {
    app.db.write(move |tx| Ok::<_, DbError>(tx.batch_execute(statements)?)).await.expect("done");
}

/// Proves what `muster check` proves.
pub async fn check(app: &TestApp) {
    let mut found = Vec::new();
    for domain in muster_gateway::domains() {
        for check in domain.checks {
            let wrong = app.db.read_one(move |conn| (check.look)(conn)).await.expect("a look");
            found.extend(wrong);
        }
    }
    assert_eq!(found, Vec::<String>::new());
}
