//! What is said over a socket, and what is answered.

use muster_testkit::each_engine;
use serde_json::{Value, json};

use crate::chat::phone::{Phone, seqs};
use crate::chat::{channel_of, direct, events, room_now, send, sent};
use crate::support::TestApp;

/// Messages until there are so many events in a room.
async fn fill(app: &TestApp, room: &Value, by: &muster_testkit::Person, count: usize) {
    for number in 0..count {
        sent(app, room, by, &format!("{number}")).await;
    }
}

each_engine! {
    async fn whoever_subscribes_is_sent_all_that_happened_and_then_what_happens(app: TestApp) {
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let room = channel_of(&app, &coach, &[&member]).await;
        sent(&app, &room, &coach, "Before").await;
        let mut phone = Phone::of(&app, &member).await;
        assert_eq!((&phone.hello["version"], &phone.hello["user_id"]), (&json!(1), &json!(member.id)));
        assert_eq!((&phone.hello["heartbeat_ms"], &phone.hello["max_bytes"]), (&json!(25000), &json!(16384)));
        let (replay, subscribed) = phone.subscribe(json!({room["id"].to_string(): 0})).await;
        let head = room_now(&app, &room, &member).await.body["head_seq"].as_i64().expect("a number");
        assert_eq!(seqs(&replay), (1..=head).collect::<Vec<_>>());
        let mut heads = serde_json::Map::new();
        heads.insert(room["id"].to_string(), json!(head));
        assert_eq!(subscribed, json!({"type": "subscribed", "id": "asked", "heads": heads}));
        let by_rest = app.get(&format!("/api/rooms/{}/events?after=0", room["id"]), &member).await.body;
        assert_eq!(json!(replay), by_rest["items"], "the same as by REST");

        let message = sent(&app, &room, &coach, "Now").await;
        let event = phone.next().await;
        assert_eq!((&event["type"], &event["event"]), (&json!("event"), &json!("message.created")));
        assert_eq!((&event["seq"], &event["message"]), (&json!(head + 1), &message));
        app.delete(&format!("/api/messages/{}", message["id"]), &coach).await;
        let event = phone.next().await;
        assert_eq!((&event["event"], &event["message"]["content"]), (&json!("message.deleted"), &Value::Null));
        phone.hears_nothing().await;
    }

    async fn a_message_is_acknowledged_and_comes_to_all_its_author_included(app: TestApp) {
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let room = channel_of(&app, &coach, &[&member]).await;
        let (mut one, mut two) =
            (Phone::in_rooms(&app, &coach, &[&room]).await, Phone::in_rooms(&app, &member, &[&room]).await);
        let message = json!({"type": "send", "room": room["id"], "client_id": "c-1", "content": "Hi", "title": null, "reply_to": null});
        let (before, ack) = one.asks(message.clone()).await;
        let own = if before.is_empty() { one.next().await } else { before[0].clone() };
        let event = two.next().await;
        assert_eq!(own, event);
        assert_eq!((&event["message"]["content"], &event["message"]["client_id"]), (&json!("Hi"), &json!("c-1")));
        let expected = json!({
            "type": "ack", "id": "asked", "room": room["id"], "seq": event["seq"],
            "message_id": event["message"]["id"], "duplicate": false,
        });
        assert_eq!(ack, expected);

        // Sent again, over any way, it is the same message.
        let (before, again) = one.asks(message).await;
        assert_eq!((before, &again["duplicate"], &again["seq"]), (vec![], &json!(true), &ack["seq"]));
        let (_, conflict) = one.asks(json!({"type": "send", "room": room["id"], "client_id": "c-1", "content": "Other"})).await;
        assert_eq!((&conflict["type"], &conflict["code"]), (&json!("error"), &json!("client_id_conflict")));
        let by_rest = app.post("/api/messages", &coach, json!({"room_id": room["id"], "client_id": "c-1", "content": "Hi"})).await;
        assert_eq!((by_rest.status.as_u16(), &by_rest.body["id"]), (200, &ack["message_id"]));
        two.hears_nothing().await;
    }

    async fn whoever_comes_back_is_sent_exactly_what_they_missed(app: TestApp) {
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let room = channel_of(&app, &coach, &[&member]).await;
        let phone = Phone::in_rooms(&app, &member, &[&room]).await;
        let head = room_now(&app, &room, &member).await.body["head_seq"].as_i64().expect("a number");
        drop(phone);
        fill(&app, &room, &coach, 3).await;
        let mut phone = Phone::of(&app, &member).await;
        let (replay, _) = phone.subscribe(json!({room["id"].to_string(): head})).await;
        assert_eq!(seqs(&replay), [head + 1, head + 2, head + 3]);
        let (replay, subscribed) = phone.subscribe(json!({room["id"].to_string(): head + 3})).await;
        assert_eq!((replay.len(), &subscribed["heads"][room["id"].to_string()]), (0, &json!(head + 3)));
    }

    async fn whoever_cannot_be_caught_up_is_told_why_and_where_the_room_is(app: TestApp) {
        let (coach, one, two) = (app.people.coach().await, app.people.member().await, app.people.member().await);
        let room = channel_of(&app, &coach, &[&one]).await;
        let many = channel_of(&app, &coach, &[&one]).await;
        let late = direct(&app, &coach, &[&one]).await.body;
        fill(&app, &late, &coach, 2).await;
        let added = app.post(&format!("/api/rooms/{}/members", late["id"]), &coach, json!({"user_id": two.id})).await;
        assert_eq!(added.status, 201, "{}", added.text);
        let heads = |answer: &Value, room: &Value| answer["heads"][room["id"].to_string()].clone();

        let mut phone = Phone::of(&app, &one).await;
        let (said, subscribed) = phone.subscribe(json!({room["id"].to_string(): 99})).await;
        let reset = |room: &Value, head: &Value, reason: &str| {
            vec![json!({"type": "reset", "room": room["id"], "head": head, "reason": reason})]
        };
        assert_eq!(said, reset(&room, &heads(&subscribed, &room), "ahead"));
        let old = json!({"type": "subscribe", "epoch": "another", "rooms": {room["id"].to_string(): 1}});
        let (said, subscribed) = phone.asks(old).await;
        assert_eq!(said, reset(&room, &heads(&subscribed, &room), "epoch"));

        // Five hundred are caught up with, one more is too far.
        fill(&app, &many, &coach, 499).await;
        let head = room_now(&app, &many, &one).await.body["head_seq"].as_i64().expect("a number");
        let (said, _) = phone.subscribe(json!({many["id"].to_string(): head - 500})).await;
        assert_eq!(seqs(&said), (head - 499..=head).collect::<Vec<_>>());
        let (said, subscribed) = phone.subscribe(json!({many["id"].to_string(): head - 501})).await;
        assert_eq!(said, reset(&many, &heads(&subscribed, &many), "too_far"));
        sent(&app, &many, &coach, "After that").await;
        assert_eq!(phone.next().await["seq"], head + 1, "live from there on");

        let mut phone = Phone::of(&app, &two).await;
        let (mut said, subscribed) = phone.subscribe(json!({late["id"].to_string(): 0})).await;
        said.retain(|it| it["type"] != "presence");
        assert_eq!(said, reset(&late, &heads(&subscribed, &late), "joined_later"));
    }

    async fn rooms_that_one_is_not_in_are_refused_one_by_one(app: TestApp) {
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let (own, other) = (channel_of(&app, &coach, &[&member]).await, channel_of(&app, &coach, &[]).await);
        let mut phone = Phone::of(&app, &member).await;
        let (replay, subscribed) = phone.subscribe(json!({own["id"].to_string(): 1, other["id"].to_string(): 0, "99": 0})).await;
        assert_eq!(seqs(&replay).len(), 1);
        assert_eq!(subscribed["refused"], json!({other["id"].to_string(): "not_found", "99": "not_found"}));
        sent(&app, &other, &coach, "Among ourselves").await;
        phone.hears_nothing().await;
        let (_, error) = phone.asks(json!({"type": "send", "room": other["id"], "content": "Hi"})).await;
        assert_eq!(error["code"], "not_found");
    }

    async fn whoever_is_removed_hears_that_and_nothing_after(app: TestApp) {
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let room = channel_of(&app, &coach, &[&member]).await;
        let mut phone = Phone::in_rooms(&app, &member, &[&room]).await;
        app.delete(&format!("/api/rooms/{}/members/{}", room["id"], member.id), &coach).await;
        sent(&app, &room, &coach, "Gone").await;
        let last = phone.next().await;
        assert_eq!((&last["event"], &last["user_id"]), (&json!("member.removed"), &json!(member.id)));
        phone.hears_nothing().await;
        let (_, subscribed) = phone.subscribe(json!({room["id"].to_string(): last["seq"]})).await;
        assert_eq!(subscribed["refused"][room["id"].to_string()], "not_found");
        // Back again, they hear again.
        app.post(&format!("/api/rooms/{}/members", room["id"]), &coach, json!({"user_id": member.id})).await;
        let joined = phone.next().await;
        assert_eq!((&joined["event"], &joined["room"]), (&json!("member.joined"), &room["id"]));
        let (replay, _) = phone.subscribe(json!({room["id"].to_string(): last["seq"]})).await;
        assert_eq!(seqs(&replay).len(), 2);
    }

    async fn whoever_unsubscribes_hears_nothing_more(app: TestApp) {
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let room = channel_of(&app, &coach, &[&member]).await;
        let mut phone = Phone::in_rooms(&app, &member, &[&room]).await;
        phone.say(json!({"type": "unsubscribe", "rooms": [room["id"]]})).await;
        phone.hears_nothing().await;
        sent(&app, &room, &coach, "Hello?").await;
        phone.hears_nothing().await;
    }

    async fn of_a_direct_room_nobody_hears_what_was_before_them(app: TestApp) {
        let (one, two, three) = (app.people.coach().await, app.people.coach().await, app.people.coach().await);
        let room = direct(&app, &one, &[&two]).await.body;
        let old = sent(&app, &room, &one, "Between us").await;
        app.post(&format!("/api/rooms/{}/members", room["id"]), &one, json!({"user_id": three.id})).await;
        let (mut known, mut new) = (Phone::of(&app, &two).await, Phone::of(&app, &three).await);
        let head = room_now(&app, &room, &three).await.body["head_seq"].clone();
        for phone in [&mut known, &mut new] {
            phone.subscribe(json!({room["id"].to_string(): head})).await;
        }
        app.put(&format!("/api/messages/{}", old["id"]), &one, json!({"content": "Between the two of us"})).await;
        let (seen, unseen) = (known.next_of("event").await, new.next_of("event").await);
        assert_eq!(seen["message"]["content"], "Between the two of us");
        assert_eq!((&unseen["seq"], &unseen["event"]), (&seen["seq"], &seen["event"]), "without a hole");
        assert_eq!(unseen.get("message"), None);
    }

    async fn what_cannot_be_done_is_told_with_a_code_and_the_socket_stays(app: TestApp) {
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let room = channel_of(&app, &coach, &[&member]).await;
        app.put(&format!("/api/rooms/{}/members/{}/mute", room["id"], member.id), &coach, json!({"muted_until": "2099-01-01T00:00:00Z"})).await;
        let news = app.post("/api/rooms", &coach, json!({"kind": "announcement", "room_name": "News"})).await.body;
        app.post(&format!("/api/rooms/{}/join", news["id"]), &member, json!({})).await;
        let old = channel_of(&app, &coach, &[&member]).await;
        app.delete(&format!("/api/rooms/{}", old["id"]), &coach).await;
        let mut phone = Phone::of(&app, &member).await;
        for (room, expected) in [(&room, "muted"), (&news, "forbidden"), (&old, "read_only"), (&json!({"id": 99}), "not_found")] {
            let (_, error) = phone.asks(json!({"type": "send", "room": room["id"], "content": "Hi"})).await;
            assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!(expected)));
        }
        for wrong in [
            json!({"type": "send", "room": room["id"]}),
            json!({"type": "send", "room": room["id"], "content": ""}),
            json!({"type": "send", "room": room["id"], "content": "x", "as": 1}),
            json!({"type": "subscribe", "rooms": {room["id"].to_string(): -1}}),
            json!({"type": "subscribe", "rooms": (0..201).map(|id| (id.to_string(), json!(0))).collect::<serde_json::Map<_, _>>()}),
            json!({"type": "dance"}),
        ] {
            let (_, error) = phone.asks(wrong.clone()).await;
            assert_eq!(error["code"], "bad_request", "{wrong}");
        }
        phone.hears_nothing().await;
        assert_eq!(send(&app, &room, &member, "Hi").await.problem(), (403, "muted"), "as by REST");
    }

    async fn read_markers_go_to_ones_own_sockets(app: TestApp) {
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let room = channel_of(&app, &coach, &[&member]).await;
        let message = sent(&app, &room, &coach, "Read me").await;
        let mut phones = [Phone::of(&app, &member).await, Phone::of(&app, &member).await, Phone::in_rooms(&app, &coach, &[&room]).await];
        phones[0].say(json!({"type": "read", "room": room["id"], "seq": message["seq"]})).await;
        let read = json!({"type": "read", "room": room["id"], "seq": message["seq"]});
        assert_eq!(phones[0].next().await, read);
        assert_eq!(phones[1].next().await, read);
        assert_eq!(room_now(&app, &room, &member).await.body["unread_count"], 0);
        // Back it does not go.
        phones[0].say(json!({"type": "read", "room": room["id"], "seq": 1})).await;
        let (_, error) = phones[0].asks(json!({"type": "read", "room": room["id"], "seq": 9999})).await;
        assert_eq!(error["code"], "bad_request");
        phones[1].hears_nothing().await;
        phones[2].hears_nothing().await;
        assert_eq!(events(&app, &room, &coach, 0).await.last().expect("events"), "message.created");
    }
}
