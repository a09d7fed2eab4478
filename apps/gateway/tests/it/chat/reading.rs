//! History, unread counts, search.

use muster_testkit::each_engine;
use serde_json::{Value, json};

use super::{channel_of, check, contents, direct, events, room_now, sent};
use crate::support::TestApp;

each_engine! {
    async fn a_history_is_read_in_both_directions(app: TestApp) {
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let room = channel_of(&app, &coach, &[&member]).await;
        for word in ["a", "b", "c", "d", "e"] {
            sent(&app, &room, &coach, word).await;
        }
        let get = async |query: &str| app.get(&format!("/api/rooms/{}/messages/?{query}", room["id"]), &member).await;
        assert_eq!(contents(&get("").await), ["e", "d", "c", "b", "a"]);
        assert_eq!(contents(&get("before=5").await), ["b", "a"]);
        assert_eq!(contents(&get("after=5").await), ["d", "e"]);
        assert_eq!(contents(&get("after=3&before=6").await), ["b", "c"]);
        for query in ["", "after=0&"] {
            let first = get(&format!("{query}limit=3")).await;
            let cursor = first.body["next_cursor"].as_str().expect("a cursor").to_owned();
            let rest = get(&format!("{query}limit=3&cursor={cursor}")).await;
            let mut all = [contents(&first), contents(&rest)].concat();
            all.sort_unstable();
            assert_eq!(all, ["a", "b", "c", "d", "e"]);
            assert_eq!(rest.body["has_more"], false);
        }
        assert_eq!(get("limit=101").await.problem(), (400, "malformed"));
        let events = format!("/api/rooms/{}/events?limit=501", room["id"]);
        assert_eq!(app.get(&events, &member).await.problem(), (400, "malformed"));
    }

    async fn the_messages_of_all_ones_rooms_come_in_order(app: TestApp) {
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let (one, two) = (channel_of(&app, &coach, &[&member]).await, channel_of(&app, &coach, &[&member]).await);
        let hidden = channel_of(&app, &coach, &[]).await;
        for (room, word) in [(&one, "a"), (&two, "b"), (&hidden, "x"), (&one, "c"), (&two, "d")] {
            sent(&app, room, &coach, word).await;
        }
        let first = app.get("/api/messages/?limit=3", &member).await;
        assert_eq!(contents(&first), ["d", "c", "b"]);
        let more = format!("/api/messages/?limit=3&cursor={}", first.body["next_cursor"].as_str().expect("a cursor"));
        assert_eq!(contents(&app.get(&more, &member).await), ["a"]);
        assert_eq!(contents(&app.get(&format!("/api/messages?room_id={}", one["id"]), &member).await), ["c", "a"]);
        let not_mine = app.get(&format!("/api/messages?room_id={}", hidden["id"]), &member).await;
        assert_eq!(not_mine.problem(), (404, "not_found"));
    }

    async fn what_is_unread_is_what_others_wrote_since(app: TestApp) {
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let room = channel_of(&app, &coach, &[&member]).await;
        let first = sent(&app, &room, &coach, "a").await;
        sent(&app, &room, &member, "mine").await;
        let third = sent(&app, &room, &coach, "b").await;
        let unread = async || room_now(&app, &room, &member).await.body["unread_count"].clone();
        assert_eq!(unread().await, 2);
        let read = async |seq: Value| app.put(&format!("/api/rooms/{}/read", room["id"]), &member, json!({"seq": seq})).await;
        let marked = read(first["seq"].clone()).await;
        assert_eq!((&marked.body["unread_count"], &marked.body["last_read_seq"]), (&json!(1), &first["seq"]));
        assert_eq!(read(json!(1)).await.body["last_read_seq"], first["seq"], "only forward");
        app.delete(&format!("/api/messages/{}", third["id"]), &coach).await;
        assert_eq!(unread().await, 0, "deleted ones are not waiting to be read");
        assert_eq!(read(json!(99)).await.fields(), [("/seq", "out_of_range")]);
        assert_eq!(read(json!(-1)).await.fields(), [("/seq", "out_of_range")]);
        for _ in 0..101 {
            sent(&app, &room, &coach, "more").await;
        }
        assert_eq!(unread().await, 100, "counted to a hundred");
        let until = json!({"muted_until": "2099-01-01T00:00:00Z"});
        let muted = app.put(&format!("/api/rooms/{}/mute", room["id"]), &member, until).await;
        assert_eq!((&muted.body["muted_until"], &muted.body["last_read_seq"]), (&json!("2099-01-01T00:00:00Z"), &first["seq"]));
        check(&app).await;
    }

    async fn messages_are_found_by_their_words_in_ones_own_rooms(app: TestApp) {
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let room = channel_of(&app, &coach, &[&member]).await;
        let other = channel_of(&app, &coach, &[&member]).await;
        let hidden = channel_of(&app, &coach, &[]).await;
        let blue = sent(&app, &room, &coach, "The blue mats are in hall 2").await;
        sent(&app, &other, &coach, "Übungen: blaue Matten").await;
        sent(&app, &hidden, &coach, "The blue mats are mine").await;
        let titled = json!({"room_id": room["id"], "content": "See above", "title": "About mats"});
        app.post("/api/messages", &coach, titled).await;
        let find = async |query: &str| app.get(&format!("/api/messages/search?{query}"), &member).await;
        assert_eq!(contents(&find("q=MATS").await), ["See above", "The blue mats are in hall 2"]);
        assert_eq!(contents(&find("q=bl").await), ["Übungen: blaue Matten", "The blue mats are in hall 2"]);
        assert_eq!(contents(&find("q=blue+mats").await), ["The blue mats are in hall 2"]);
        assert_eq!(contents(&find("q=%C3%BCbung").await), ["Übungen: blaue Matten"]);
        assert_eq!(contents(&find(&format!("q=bl&room_id={}", other["id"])).await), ["Übungen: blaue Matten"]);
        assert_eq!(find(&format!("q=bl&room_id={}", hidden["id"])).await.problem(), (404, "not_found"));
        assert_eq!(contents(&find(&format!("q=room{}", room["id"])).await), [""; 0], "the room is no word of theirs");
        for nonsense in ["q=", "q=%22%27%28", "q=a+b+c+d+e+f+g+h+i+j+k"] {
            assert_eq!(find(nonsense).await.problem(), (400, "malformed"), "{nonsense}");
        }
        for syntax in ["q=NEAR", "q=a+AND", "q=-x", "q=x%3A*", "q=%5Ex", "q=a%26b%7C%21c"] {
            assert_eq!(find(syntax).await.status, 200, "{syntax}");
        }
        let first = find("q=mats&limit=1").await;
        let more = format!("q=mats&limit=1&cursor={}", first.body["next_cursor"].as_str().expect("a cursor"));
        assert_eq!(contents(&find(&more).await), ["The blue mats are in hall 2"]);
        // What was said otherwise, or taken back, is found by that no more.
        app.put(&format!("/api/messages/{}", blue["id"]), &coach, json!({"content": "The red ones are"})).await;
        assert_eq!(contents(&find("q=hall").await), [""; 0]);
        assert_eq!(contents(&find("q=red").await), ["The red ones are"]);
        app.delete(&format!("/api/messages/{}", blue["id"]), &coach).await;
        assert_eq!(contents(&find("q=red").await), [""; 0]);
    }

    async fn of_a_direct_room_one_sees_what_came_after_one(app: TestApp) {
        let (coach, member, late) =
            (app.people.coach().await, app.people.member().await, app.people.member().await);
        let room = direct(&app, &coach, &[&member]).await.body;
        let secret = sent(&app, &room, &coach, "Between us, pineapple").await;
        let path = format!("/api/rooms/{}/members", room["id"]);
        let added = app.post(&path, &coach, json!({"user_id": late.id})).await;
        assert_eq!(added.status, 201, "{}", added.text);
        sent(&app, &room, &member, "Welcome, pineapple").await;
        let messages = app.get(&format!("/api/rooms/{}/messages", room["id"]), &late).await;
        assert_eq!(contents(&messages), ["Welcome, pineapple"]);
        assert_eq!(contents(&app.get("/api/messages", &late).await), ["Welcome, pineapple"]);
        assert_eq!(contents(&app.get("/api/messages/search?q=pineapple", &late).await), ["Welcome, pineapple"]);
        let in_room = format!("/api/messages/search?q=pineapple&room_id={}", room["id"]);
        assert_eq!(contents(&app.get(&in_room, &late).await), ["Welcome, pineapple"]);
        assert_eq!(events(&app, &room, &late, 0).await, ["member.joined", "message.created"]);
        let earlier = app.get(&format!("/api/messages/{}", secret["id"]), &late).await;
        assert_eq!(earlier.problem(), (404, "not_found"));
        let reply = json!({"room_id": room["id"], "content": "What?", "reply_to": secret["id"]});
        assert_eq!(app.post("/api/messages", &late, reply).await.fields(), [("/reply_to", "unknown")]);
        // What happens to an earlier message later is told without it.
        app.put(&format!("/api/messages/{}/pin", secret["id"]), &member, json!({})).await;
        app.put(&format!("/api/messages/{}/reactions/%F0%9F%91%8D", secret["id"]), &member, json!({})).await;
        app.put(&format!("/api/messages/{}", secret["id"]), &coach, json!({"content": "Between us, papaya"})).await;
        let told = app.get(&format!("/api/rooms/{}/events", room["id"]), &late).await;
        assert!(!told.text.contains("Between us") && !told.text.contains("message_id"), "{}", told.text);
        assert_eq!(
            events(&app, &room, &late, 5).await,
            ["message.pinned", "reaction.added", "message.updated"]
        );
        let told = app.get(&format!("/api/rooms/{}/events", room["id"]), &member).await;
        assert!(told.text.contains("Between us, papaya") && told.text.contains("message_id"), "{}", told.text);
        let seen = room_now(&app, &room, &late).await.body;
        assert_eq!((&seen["unread_count"], &seen["from_seq"]), (&json!(1), &json!(4)));
        check(&app).await;
    }
}
