//! How sockets end: for what came in, for what was not taken, for saying too much.

use std::time::Duration;

use muster_testkit::{Engine, TestDb};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::chat::phone::Phone;
use crate::chat::{channel_of, sent};
use crate::support::TestApp;

fn app(limits: &str) -> TestApp {
    TestApp::with(TestDb::new(Engine::Sqlite), &["--rate-limits", limits])
}

#[test]
fn a_goodbye_is_answered_with_the_same() {
    muster_testkit::run(async {
        let app = app("off");
        let member = app.people.member().await;
        for code in [1000, 1001, 3000, 4999] {
            let mut phone = Phone::of(&app, &member).await;
            let frame = CloseFrame { code: code.into(), reason: "bye".into() };
            phone.send(Message::Close(Some(frame))).await;
            assert_eq!(phone.closed().await.1, code);
        }
    });
}

#[test]
fn a_ping_is_answered_with_its_words() {
    muster_testkit::run(async {
        let app = app("off");
        let member = app.people.member().await;
        let mut phone = Phone::of(&app, &member).await;
        phone.send(Message::Ping("are you there?".into())).await;
        assert_eq!(phone.message().await, Message::Pong("are you there?".into()));
    });
}

#[test]
fn binary_and_long_messages_end_it() {
    muster_testkit::run(async {
        let app = app("off");
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let room = channel_of(&app, &coach, &[&member]).await;
        let mut phone = Phone::of(&app, &member).await;
        phone.send(Message::Binary(vec![1, 2, 3].into())).await;
        assert_eq!(phone.closed().await.1, 1003);
        let mut phone = Phone::of(&app, &member).await;
        let long = json!({"type": "send", "room": room["id"], "content": "x".repeat(8000)}).to_string();
        phone.send(Message::text(format!("{long}{}", " ".repeat(16 * 1024 - long.len())))).await;
        assert_eq!(phone.next().await["type"], "ack", "16 KiB are fine");
        phone.send(Message::text(" ".repeat(16 * 1024 + 1))).await;
        assert_eq!(phone.closed().await.1, 1009);
    });
}

#[test]
fn the_tenth_wrong_request_of_a_minute_ends_it() {
    muster_testkit::run(async {
        let app = app("off");
        let member = app.people.member().await;
        let mut phone = Phone::of(&app, &member).await;
        for wrong in ["", "nonsense", "[]", "{}", "{\"type\":7}", "null", "{\"type\":\"send\"}", "1", "\"x\""]
        {
            phone.send(Message::text(wrong)).await;
            assert_eq!(phone.next().await["code"], "bad_request", "{wrong}");
        }
        phone.hears_nothing().await;
        phone.send(Message::text("nonsense")).await;
        assert_eq!(phone.closed().await.1, 1008);
    });
}

#[test]
fn ten_messages_at_once_are_fine_and_then_five_a_second_over_all_ways() {
    muster_testkit::run(async {
        let app = app("on");
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let room = channel_of(&app, &coach, &[&member]).await;
        let (mut one, mut two) = (Phone::of(&app, &member).await, Phone::of(&app, &member).await);
        let mut refused = Value::Null;
        let mut fine = 0;
        // Some are refilled while they are sent.
        for number in 0..100 {
            let phone = if number % 2 == 0 { &mut one } else { &mut two };
            let (_, answer) = phone.asks(json!({"type": "send", "room": room["id"], "content": "x"})).await;
            match answer["type"].as_str() {
                Some("ack") => fine += 1,
                _ => {
                    refused = answer;
                    break;
                }
            }
        }
        assert!((10..99).contains(&fine), "{fine}");
        assert_eq!(refused["code"], "rate_limited");
        assert!((1..=200).contains(&refused["retry_after_ms"].as_u64().expect("a time")), "{refused}");
        let mut by_rest = crate::chat::send(&app, &room, &member, "x").await;
        while by_rest.status.as_u16() == 201 {
            by_rest = crate::chat::send(&app, &room, &member, "x").await;
        }
        assert_eq!(by_rest.problem(), (429, "rate_limited"));
        assert_eq!(by_rest.header("retry-after"), "1");
        sent(&app, &room, &coach, "Others may").await;
    });
}

#[test]
fn whoever_says_far_too_much_is_shown_the_door() {
    muster_testkit::run(async {
        let app = app("on");
        let member = app.people.member().await;
        let mut phone = Phone::of(&app, &member).await;
        for _ in 0..120 {
            phone.say(json!({"type": "ping"})).await;
            assert_eq!(phone.next().await["type"], "pong");
        }
        phone.say(json!({"type": "ping"})).await;
        let error = phone.next().await;
        assert_eq!(error["code"], "rate_limited");
        assert!((1..=60_000).contains(&error["retry_after_ms"].as_u64().expect("a time")));
        phone.send(Message::Ping("x".into())).await;
        for _ in 0..118 {
            phone.say(json!({"type": "ping"})).await;
            assert_eq!(phone.next().await["code"], "rate_limited");
        }
        phone.say(json!({"type": "ping"})).await;
        assert_eq!(phone.closed().await.1, 4003);
        // However many come at once, those within the limit are heard.
        let mut phone = Phone::of(&app, &member).await;
        for _ in 0..130 {
            phone.feed(json!({"type": "ping", "id": "p"})).await;
        }
        phone.flush().await;
        for _ in 0..120 {
            assert_eq!(phone.next().await, json!({"type": "pong", "id": "p"}));
        }
        for _ in 0..10 {
            assert_eq!(phone.next().await["code"], "rate_limited");
        }
        // Empty fragments and pings are frames, too.
        let mut phone = Phone::of(&app, &member).await;
        for _ in 0..241 {
            phone.send(Message::Ping("".into())).await;
        }
        assert_eq!(phone.closed().await.1, 4003);
    });
}

#[test]
fn whoever_does_not_read_is_cut_off_and_others_are_not() {
    muster_testkit::run(async {
        let app = app("off");
        let (coach, member, other) =
            (app.people.coach().await, app.people.member().await, app.people.member().await);
        let room = channel_of(&app, &coach, &[&member, &other]).await;
        let mut slow = Phone::in_rooms(&app, &member, &[&room]).await;
        let mut quick = Phone::in_rooms(&app, &other, &[&room]).await;
        let mut talker = Phone::of(&app, &coach).await;
        // More than a connection's buffers hold, until the slow one is gone: it is seen in that it no longer counts.
        let words = "x".repeat(8000);
        for number in 0..6000 {
            let (_, ack) = talker.asks(json!({"type": "send", "room": room["id"], "content": words})).await;
            assert_eq!(ack["type"], "ack");
            assert_eq!(quick.next().await["seq"], ack["seq"], "{number}");
            if number % 500 == 499 && sockets_of(&app, &member).await == 0 {
                break;
            }
        }
        assert_eq!(sockets_of(&app, &member).await, 0, "it is not held on to");
        let mut heard = 0;
        // What was on its way comes; then the end, not a hole.
        loop {
            match tokio::time::timeout(Duration::from_secs(20), slow.try_next()).await.expect("an end") {
                Some(said) if said["type"] == "event" => heard += 1,
                Some(other) => panic!("{other}"),
                None => break,
            }
        }
        assert!(heard > 0);
    });
}

/// How many more than nine sockets can be opened, counted down from ten.
async fn sockets_of(app: &TestApp, person: &muster_testkit::Person) -> usize {
    let bearer = format!("Bearer {}", person.token);
    let mut open = Vec::new();
    while let Ok(phone) = crate::chat::phone::ask(app, "/api/chat/ws", &[("authorization", &bearer)]).await {
        open.push(phone);
    }
    10 - open.len()
}
