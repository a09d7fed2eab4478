//! Writing, changing, deleting, pinning and reacting.

use muster_testkit::each_engine;
use serde_json::{Value, json};

use super::{channel_of, check, contents, events, room_now, send, sent};
use crate::support::TestApp;

each_engine! {
    async fn a_message_sent_twice_under_one_id_is_one(app: TestApp) {
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let room = channel_of(&app, &coach, &[&member]).await;
        let other = channel_of(&app, &coach, &[&member]).await;
        let message = json!({"room_id": room["id"], "content": "  Hello  ", "client_id": "c-1"});
        let first = app.post("/api/messages", &member, message.clone()).await;
        assert_eq!((first.status.as_u16(), &first.body["content"], &first.body["seq"]), (201, &json!("Hello"), &json!(3)));
        assert_eq!(first.header("location"), format!("/api/messages/{}", first.body["id"]));
        let again = app.post("/api/messages", &member, message.clone()).await;
        assert_eq!((again.status.as_u16(), &again.body), (200, &first.body));
        // Whatever became of it.
        let path = format!("/api/messages/{}/", first.body["id"]);
        app.put(&path, &member, json!({"content": "Hello!"})).await;
        assert_eq!(app.post("/api/messages", &member, message.clone()).await.body["content"], "Hello!");
        for (field, value) in [
            ("content", json!("Else")), ("room_id", other["id"].clone()), ("title", json!("T")), ("reply_to", first.body["id"].clone()),
        ] {
            let mut different = message.clone();
            different[field] = value;
            let refused = app.post("/api/messages", &member, different).await;
            assert_eq!(refused.problem(), (409, "client_id_conflict"), "{field}");
        }
        // Of somebody else it is another.
        assert_eq!(app.post("/api/messages", &coach, message).await.status, 201);
        check(&app).await;
    }

    async fn a_message_is_changed_by_its_author_and_deleted_by_moderators_too(app: TestApp) {
        let (coach, member, other) =
            (app.people.coach().await, app.people.member().await, app.people.member().await);
        let room = channel_of(&app, &coach, &[&member, &other]).await;
        let message = sent(&app, &room, &member, "Helo <@999999>").await;
        assert_eq!((&message["user_name"], &message["mentions"]), (&json!("Person Number 1"), &json!([])));
        let path = format!("/api/messages/{}/", message["id"]);
        for somebody in [&coach, &other] {
            assert_eq!(app.put(&path, somebody, json!({"content": "Mine"})).await.problem(), (403, "forbidden"));
        }
        assert_eq!(app.delete(&path, &other).await.problem(), (403, "forbidden"));
        let changed = app.put(&path, &member, json!({"content": "Hello", "title": "All"})).await;
        assert_eq!(
            (&changed.body["content"], &changed.body["title"], &changed.body["updated_seq"], &changed.body["version"]),
            (&json!("Hello"), &json!("All"), &json!(5), &json!(2))
        );
        assert!(changed.body["edited_at"].is_string());
        let unchanged = app.put(&path, &member, json!({"content": "Hello", "title": "All"})).await;
        assert_eq!(unchanged.body["version"], 2, "nothing changed");
        assert_eq!(app.delete(&path, &coach).await.status, 204);
        assert_eq!(app.delete(&path, &member).await.status, 204, "again");
        let gone = app.get(&path, &other).await;
        assert_eq!(
            (&gone.body["content"], &gone.body["title"], &gone.body["deleted_by"]),
            (&Value::Null, &Value::Null, &json!(coach.id))
        );
        assert_eq!(app.put(&path, &member, json!({"content": "Back"})).await.problem(), (409, "message_deleted"));
        // What is said again of what happened carries no deleted words.
        let all = app.get(&format!("/api/rooms/{}/events", room["id"]), &other).await;
        assert!(!all.text.contains("Hello") && !all.text.contains("Helo"), "{}", all.text);
        assert_eq!(events(&app, &room, &other, 3).await, ["message.created", "message.updated", "message.deleted"]);
        check(&app).await;
    }

    async fn reactions_are_one_emoji_of_each(app: TestApp) {
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let room = channel_of(&app, &coach, &[&member]).await;
        let message = sent(&app, &room, &coach, "Who comes?").await;
        let path = |emoji: &str| format!("/api/messages/{}/reactions/{emoji}", message["id"]);
        let thumb = path("%F0%9F%91%8D");
        let reacted = app.put(&thumb, &member, json!({})).await;
        assert_eq!(reacted.body["reactions"], json!([{"emoji": "👍", "count": 1, "user_ids": [member.id]}]), "{}", reacted.text);
        assert_eq!(app.put(&thumb, &member, json!({})).await.body, reacted.body, "again");
        app.put(&thumb, &coach, json!({})).await;
        let back = app.delete(&thumb, &member).await;
        assert_eq!(back.body["reactions"], json!([{"emoji": "👍", "count": 1, "user_ids": [coach.id]}]));
        assert_eq!(app.delete(&thumb, &member).await.status, 200, "again");
        assert_eq!(app.delete(&thumb, &coach).await.body["reactions"], json!([]));
        for word in ["a", "%3Cb%3E", "%F0%9F%91%8D%F0%9F%91%8D", "yes"] {
            assert_eq!(app.put(&path(word), &member, json!({})).await.fields(), [("emoji", "malformed")], "{word}");
        }
        assert_eq!(
            events(&app, &room, &member, 3).await,
            ["reaction.added", "reaction.added", "reaction.removed", "reaction.removed"]
        );
        check(&app).await;
    }

    async fn twenty_kinds_of_reactions_are_enough(app: TestApp) {
        let coach = app.people.coach().await;
        let room = channel_of(&app, &coach, &[]).await;
        let message = sent(&app, &room, &coach, "Who comes?").await;
        let mut statuses = Vec::new();
        for emoji in emojis_of_animals() {
            let path = format!("/api/messages/{}/reactions/{emoji}", message["id"]);
            statuses.push(app.put(&path, &coach, json!({})).await.status.as_u16());
        }
        assert_eq!(statuses, [vec![200; 20], vec![409_u16]].concat());
        check(&app).await;
    }

    async fn moderators_pin_messages(app: TestApp) {
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let room = channel_of(&app, &coach, &[&member]).await;
        let message = sent(&app, &room, &member, "The rules").await;
        let path = format!("/api/messages/{}/pin", message["id"]);
        assert_eq!(app.put(&path, &member, json!({})).await.problem(), (403, "forbidden"));
        assert_eq!(app.put(&path, &coach, json!({})).await.body["pinned"], true);
        assert_eq!(app.put(&path, &coach, json!({})).await.status, 200, "again");
        app.delete(&format!("/api/messages/{}", message["id"]), &member).await;
        let gone = app.get(&format!("/api/messages/{}", message["id"]), &member).await;
        assert_eq!(gone.body["pinned"], false);
        assert_eq!(app.put(&path, &coach, json!({})).await.problem(), (409, "message_deleted"));
        assert_eq!(events(&app, &room, &member, 3).await, ["message.pinned", "message.deleted"]);
        check(&app).await;
    }

    async fn what_cannot_be_a_message_is_said_field_by_field(app: TestApp) {
        let coach = app.people.coach().await;
        let (room, other) = (channel_of(&app, &coach, &[]).await, channel_of(&app, &coach, &[]).await);
        let elsewhere = sent(&app, &other, &coach, "There").await;
        let head = room_now(&app, &room, &coach).await.body["head_seq"].clone();
        for (fields, fault) in [
            (json!({"content": ""}), ("/content", "too_short")),
            (json!({"content": " \n "}), ("/content", "too_short")),
            (json!({"content": "x".repeat(8001)}), ("/content", "too_long")),
            (json!({"content": "a\u{7}b"}), ("/content", "control_characters")),
            (json!({"content": "x", "title": ""}), ("/title", "too_short")),
            (json!({"content": "x", "title": "a\nb"}), ("/title", "control_characters")),
            (json!({"content": "x", "client_id": ""}), ("/client_id", "too_short")),
            (json!({"content": "x", "client_id": "x".repeat(65)}), ("/client_id", "too_long")),
            (json!({"content": "x", "reply_to": elsewhere["id"]}), ("/reply_to", "unknown")),
            (json!({"content": "x", "reply_to": 999_999}), ("/reply_to", "unknown")),
        ] {
            let mut body = json!({"room_id": room["id"]});
            body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
            let refused = app.post("/api/messages", &coach, body).await;
            assert!(refused.fields().contains(&fault), "{fields}: {}", refused.text);
        }
        assert_eq!(send(&app, &json!({"id": 999_999}), &coach, "x").await.problem(), (404, "not_found"));
        assert_eq!(room_now(&app, &room, &coach).await.body["head_seq"], head, "nothing took a number");
        let longest = sent(&app, &room, &coach, &"ü".repeat(8000)).await;
        assert_eq!(longest["content"].as_str().expect("words").chars().count(), 8000);
    }

    async fn whoever_is_mentioned_hears_of_it(app: TestApp) {
        let (coach, member, outsider) =
            (app.people.coach().await, app.people.member().await, app.people.member().await);
        let room = channel_of(&app, &coach, &[&member]).await;
        let words = format!("<@{}> and <@{}>, <@{}>, <@x>, <@", member.id, outsider.id, member.id);
        let message = sent(&app, &room, &coach, &words).await;
        assert_eq!(message["mentions"], json!([member.id]));
        let seen = room_now(&app, &room, &member).await.body;
        assert_eq!((&seen["unread_count"], &seen["mention_count"]), (&json!(1), &json!(1)));
        app.put(&format!("/api/messages/{}", message["id"]), &coach, json!({"content": "Nobody"})).await;
        assert_eq!(room_now(&app, &room, &member).await.body["mention_count"], 0);
        let many: String = (1..=51).map(|id| format!("<@{id}>")).collect();
        assert_eq!(send(&app, &room, &coach, &many).await.fields(), [("/content", "too_many")]);
        assert_eq!(contents(&app.get(&format!("/api/messages?room_id={}", room["id"]), &member).await), ["Nobody"]);
        check(&app).await;
    }
}

fn emojis_of_animals() -> impl Iterator<Item = String> {
    // From U+1F400, a rat, on.
    (0x80..0x95_u32).map(|last| format!("%F0%9F%90%{last:X}"))
}
