//! The table's part about chat.

use serde_json::json;

use super::club::Thing::{Message, Room};
use super::row::Row;

/// A room is one that the asker is in, or one that only others are in. Whose membership is pending is in none, and to them
/// there is no chat at all.
#[rustfmt::skip]
pub fn chat() -> Vec<Row> {
    let mut rows = vec![
        //                                                                pending member coach treasurer admin
        Row::of("GET /api/rooms")                                   .own("404 200 200 200 200"),
        // A direct one: who opens others is tried in chat/rooms.rs.
        Row::of("POST /api/rooms").on(Room)
            .with(|it| json!({"kind": "direct", "user_ids": [it["coach_id"]]}))
                                                                    .own("404 201 201 201 201")
                                                                 .others("404 201 201 201 201")
                                                                .missing("404 422:invalid_fields 422:invalid_fields 422:invalid_fields 422:invalid_fields"),
        Row::of("POST /api/rooms/{id}/join").on(Room)               .own("404 200 200 200 200")
                                                                 .others("404 200 200 200 200")
                                                                .missing("404"),
        // What makes a socket of a request is tried in chat/sockets/entering.rs.
        Row::of("GET /api/chat/ws")                                 .own("400:malformed"),
        Row::of("POST /api/chat/tickets")                           .own("200"),
        Row::of("GET /api/messages")                                .own("404 200 200 200 200"),
        // There is nothing to look for.
        Row::of("GET /api/messages/search")                         .own("400:malformed"),
        Row::of("POST /api/messages").on(Room)
            .with(|it| json!({"room_id": it["id"], "content": "Hello"}))
                                                                    .own("404 201 201 201 201")
                                                                 .others("404")
                                                                .missing("404"),
    ];
    for (operation, outcomes) in [
        ("GET /api/rooms/{id}", "404 200 200 200 200"),
        ("GET /api/rooms/{id}/messages", "404 200 200 200 200"),
        ("GET /api/rooms/{id}/events", "404 200 200 200 200"),
        ("GET /api/rooms/{id}/members", "404 200 200 200 200"),
        ("DELETE /api/rooms/{id}", "404 403 204 403 204"),
        ("DELETE /api/rooms/{id}/members/{user_id}", "404 403 204 403 204"),
        ("POST /api/rooms/{id}/leave", "404 204 204 204 204"),
    ] {
        rows.push(Row::of(operation).on(Room).own(outcomes).others("404").missing("404"));
    }
    let named = || |_: &serde_json::Value| json!({"room_name": "Cup"});
    let until = || |_: &serde_json::Value| json!({"muted_until": null});
    rows.extend([
        Row::of("PUT /api/rooms/{id}").on(Room).with(named())       .own("404 403 200 403 200").others("404").missing("404"),
        Row::of("PATCH /api/rooms/{id}").on(Room).with(named())     .own("404 403 200 403 200").others("404").missing("404"),
        Row::of("PUT /api/rooms/{id}/read").on(Room)
            .with(|_| json!({"seq": 1}))                            .own("404 200 200 200 200").others("404").missing("404"),
        Row::of("PUT /api/rooms/{id}/mute").on(Room).with(until())  .own("404 200 200 200 200").others("404").missing("404"),
        Row::of("PUT /api/rooms/{id}/members/{user_id}/mute").on(Room).with(until())
                                                                    .own("404 403 200 403 200").others("404").missing("404"),
        Row::of("POST /api/rooms/{id}/members").on(Room)
            .with(|it| json!({"user_id": it["other_id"]}))          .own("404 403 201 403 201").others("404").missing("404"),
        Row::of("PUT /api/messages/{id}").on(Message)
            .with(|_| json!({"content": "Hello!"}))                 .own("404 200 200 200 200").others("404").missing("404"),
    ]);
    for (operation, outcomes) in [
        ("GET /api/messages/{id}", "404 200 200 200 200"),
        ("DELETE /api/messages/{id}", "404 204 204 204 204"),
        ("PUT /api/messages/{id}/reactions/{emoji}", "404 200 200 200 200"),
        ("DELETE /api/messages/{id}/reactions/{emoji}", "404 200 200 200 200"),
        ("PUT /api/messages/{id}/pin", "404 403 200 403 200"),
        ("DELETE /api/messages/{id}/pin", "404 403 200 403 200"),
    ] {
        rows.push(Row::of(operation).on(Message).own(outcomes).others("404").missing("404"));
    }
    rows
}
