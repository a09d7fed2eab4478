//! Chat: rooms, messages, and what happens in them in order.

mod classes;
mod gateways;
mod messages;
mod minors;
mod people;
pub mod phone;
mod races;
mod reading;
mod rooms;
mod running;
pub mod sockets;

use muster_testkit::Person;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

/// A channel that this person opened.
pub async fn channel(app: &TestApp, by: &Person) -> Value {
    let made = app.post("/api/rooms", by, json!({"kind": "channel", "room_name": "Tournament"})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.body
}

/// A channel in which all of these are.
pub async fn channel_of(app: &TestApp, by: &Person, others: &[&Person]) -> Value {
    let room = channel(app, by).await;
    for other in others {
        assert_eq!(join(app, &room, other).await.status, 200);
    }
    room
}

/// Opens a direct room.
pub async fn direct(app: &TestApp, by: &Person, others: &[&Person]) -> Answer {
    let others: Vec<_> = others.iter().map(|it| it.id).collect();
    app.post("/api/rooms/", by, json!({"kind": "direct", "user_ids": others})).await
}

/// Joins a room.
pub async fn join(app: &TestApp, room: &Value, person: &Person) -> Answer {
    app.post(&format!("/api/rooms/{}/join", room["id"]), person, json!({})).await
}

/// Sends a message.
pub async fn send(app: &TestApp, room: &Value, person: &Person, content: &str) -> Answer {
    app.post("/api/messages/", person, json!({"room_id": room["id"], "content": content})).await
}

/// Sends a message, and tells it.
pub async fn sent(app: &TestApp, room: &Value, person: &Person, content: &str) -> Value {
    let answer = send(app, room, person, content).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.body
}

/// A room as somebody sees it.
pub async fn room_now(app: &TestApp, room: &Value, person: &Person) -> Answer {
    app.get(&format!("/api/rooms/{}", room["id"]), person).await
}

/// What happened in a room after a number: the words of it.
pub async fn events(app: &TestApp, room: &Value, person: &Person, after: i64) -> Vec<String> {
    let caught_up = app.get(&format!("/api/rooms/{}/events?after={after}", room["id"]), person).await;
    assert_eq!(caught_up.status, 200, "{}", caught_up.text);
    let items = caught_up.body["items"].as_array().expect("items").clone();
    let mut expected = after.max(items.first().map_or(0, |it| it["seq"].as_i64().expect("a number") - 1));
    for item in &items {
        expected += 1;
        assert_eq!(item["seq"], expected, "without a hole");
        assert_eq!((&item["type"], &item["room"]), (&json!("event"), &room["id"]));
    }
    items.iter().map(|it| it["event"].as_str().expect("a word").to_owned()).collect()
}

/// The contents of a list of messages.
pub fn contents(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let items = answer.body["items"].as_array().expect("items");
    items.iter().map(|it| it["content"].as_str().unwrap_or("(deleted)")).collect()
}

/// Proves what `muster check` proves of chat.
pub async fn check(app: &TestApp) {
    for domain in [muster_chat::domain(), muster_classes::domain()] {
        for check in domain.checks {
            let found: Vec<String> = app.db.read(move |conn| (check.look)(conn)).await.expect("looked");
            assert_eq!(found, [""; 0], "{}", check.name);
        }
    }
}
