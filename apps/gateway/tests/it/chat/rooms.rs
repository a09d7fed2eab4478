//! Opening, changing and archiving rooms, and how they are listed.

use muster_testkit::each_engine;
use serde_json::{Value, json};

use super::{channel, channel_of, check, contents, direct, events, join, room_now, send, sent};
use crate::support::TestApp;

each_engine! {
    async fn the_club_has_a_room_from_the_start_in_which_staff_writes(app: TestApp) {
        let (member, coach) = (app.people.member().await, app.people.coach().await);
        let rooms = app.get("/api/rooms/", &member).await;
        let club = rooms.body["items"][0].clone();
        assert!(club.is_object(), "{}", rooms.text);
        assert_eq!(
            (&club["room_name"], &club["kind"], &club["my_role"], &club["head_seq"]),
            (&json!("club"), &json!("announcement"), &json!("member"), &json!(0))
        );
        assert_eq!(send(&app, &club, &member, "Hello").await.problem(), (403, "forbidden"));
        let news = sent(&app, &club, &coach, "The hall is closed on Monday.").await;
        let path = format!("/api/rooms/{}/messages/", club["id"]);
        assert_eq!(contents(&app.get(&path, &member).await), ["The hall is closed on Monday."]);
        let reply = json!({"room_id": club["id"], "content": "Why?", "reply_to": news["id"]});
        assert_eq!(app.post("/api/messages", &member, reply.clone()).await.problem(), (403, "forbidden"));
        let patch = json!({"replies_allowed": true});
        let changed = app.patch(&format!("/api/rooms/{}", club["id"]), &coach, patch).await;
        assert_eq!(changed.body["replies_allowed"], true, "{}", changed.text);
        assert_eq!(app.post("/api/messages", &member, reply).await.status, 201);
        assert_eq!(events(&app, &club, &member, 0).await, ["message.created", "room.updated", "message.created"]);
        // Nobody leaves it, and it stays.
        for (path, who) in [("leave", &member), ("leave", &coach)] {
            let answer = app.post(&format!("/api/rooms/{}/{path}", club["id"]), who, json!({})).await;
            assert_eq!(answer.problem(), (409, "invalid_state"));
        }
        let gone = app.delete(&format!("/api/rooms/{}", club["id"]), &coach).await;
        assert_eq!(gone.problem(), (409, "invalid_state"));
        // Who is in it is for staff to know.
        let members = format!("/api/rooms/{}/members", club["id"]);
        assert_eq!(app.get(&members, &member).await.problem(), (403, "forbidden"));
        let listed = app.get(&members, &coach).await;
        let ids: Vec<_> = listed.body["items"].as_array().expect("items").iter().map(|it| it["user_id"].clone()).collect();
        assert!(ids.contains(&json!(member.id)) && ids.contains(&json!(coach.id)), "{}", listed.text);
        check(&app).await;
    }

    async fn whoever_takes_no_part_in_the_club_sees_no_room(app: TestApp) {
        let (member, coach, admin) =
            (app.people.member().await, app.people.coach().await, app.people.admin().await);
        let room = channel_of(&app, &coach, &[&member]).await;
        sent(&app, &room, &member, "Hello").await;
        let path = format!("/api/members/{}/leave", member.id);
        assert_eq!(app.post(&path, &admin, json!({})).await.status, 200);
        for path in ["rooms", "messages", "messages/search?q=hello", "rooms?joinable=true"] {
            assert_eq!(app.get(&format!("/api/{path}"), &member).await.problem(), (404, "not_found"), "{path}");
        }
        assert_eq!(room_now(&app, &room, &member).await.problem(), (404, "not_found"));
        assert_eq!(send(&app, &room, &member, "Still here").await.problem(), (404, "not_found"));
        assert_eq!(direct(&app, &member, &[&coach]).await.problem(), (404, "not_found"));
        assert_eq!(direct(&app, &coach, &[&member]).await.fields(), [("/user_ids", "unknown")]);
        // They leave the rooms they were in.
        app.mails().await;
        assert_eq!(room_now(&app, &room, &coach).await.body["member_count"], 1);
        assert_eq!(events(&app, &room, &coach, 3).await, ["member.left"]);
        check(&app).await;
    }

    async fn people_join_channels_and_leave_them(app: TestApp) {
        let (member, coach) = (app.people.member().await, app.people.coach().await);
        let refused = app.post("/api/rooms", &member, json!({"kind": "channel", "room_name": "Mine"})).await;
        assert_eq!(refused.problem(), (403, "forbidden"));
        let room = channel(&app, &coach).await;
        assert_eq!(
            (&room["my_role"], &room["member_count"], &room["head_seq"]),
            (&json!("moderator"), &json!(1), &json!(1))
        );
        for path in ["", "/messages", "/events", "/members"] {
            let path = format!("/api/rooms/{}{path}", room["id"]);
            assert_eq!(app.get(&path, &member).await.problem(), (404, "not_found"), "{path}");
        }
        let joinable = app.get("/api/rooms/?joinable=true", &member).await;
        assert_eq!((&joinable.body["items"][0]["id"], &joinable.body["items"][0]["my_role"]), (&room["id"], &Value::Null));
        sent(&app, &room, &coach, "Before").await;
        assert_eq!(join(&app, &room, &member).await.body["my_role"], "member");
        assert_eq!(join(&app, &room, &member).await.status, 200, "again");
        assert_eq!(app.get("/api/rooms/?joinable=true", &member).await.body["items"], json!([]));
        // The whole history is theirs.
        let path = format!("/api/rooms/{}/messages", room["id"]);
        assert_eq!(contents(&app.get(&path, &member).await), ["Before"]);
        assert_eq!(events(&app, &room, &member, 0).await, ["member.joined", "message.created", "member.joined"]);
        assert_eq!(app.post(&format!("/api/rooms/{}/leave", room["id"]), &member, json!({})).await.status, 204);
        assert_eq!(app.get(&path, &member).await.problem(), (404, "not_found"));
        assert_eq!(app.post(&format!("/api/rooms/{}/leave", room["id"]), &member, json!({})).await.problem(), (404, "not_found"));
        check(&app).await;
    }

    async fn moderators_change_archive_and_keep_order(app: TestApp) {
        let (coach, treasurer) = (app.people.coach().await, app.people.treasurer().await);
        let (one, two) = (app.people.member().await, app.people.member().await);
        let room = channel_of(&app, &coach, &[&one, &two, &treasurer]).await;
        let path = format!("/api/rooms/{}", room["id"]);
        for somebody in [&one, &treasurer] {
            assert_eq!(app.patch(&path, somebody, json!({"room_name": "Mine"})).await.problem(), (403, "forbidden"));
            assert_eq!(app.delete(&path, somebody).await.problem(), (403, "forbidden"));
            let member = format!("{path}/members/{}", two.id);
            assert_eq!(app.delete(&member, somebody).await.problem(), (403, "forbidden"));
            let until = json!({"muted_until": "2099-01-01T00:00:00Z"});
            assert_eq!(app.put(&format!("{member}/mute"), somebody, until).await.problem(), (403, "forbidden"));
        }
        let renamed = app.put(&path, &coach, json!({"room_name": "Summer tournament"})).await;
        assert_eq!((&renamed.body["room_name"], &renamed.body["version"]), (&json!("Summer tournament"), &json!(2)));
        assert_eq!(app.patch(&path, &coach, json!({})).await.body["version"], 2, "nothing changed");
        // Told to be quiet, and allowed to speak again.
        let until = json!({"muted_until": app.db.clock.now().plus(chrono::TimeDelta::minutes(5))});
        let mute = format!("{path}/members/{}/mute", one.id);
        assert_eq!(app.put(&mute, &coach, until.clone()).await.body["muted_until"], until["muted_until"]);
        assert_eq!(send(&app, &room, &one, "But").await.problem(), (403, "muted"));
        app.wait(chrono::TimeDelta::minutes(5));
        assert_eq!(send(&app, &room, &one, "But").await.status, 201);
        // Removed, they hear nothing more of it.
        assert_eq!(app.delete(&format!("{path}/members/{}", two.id), &coach).await.status, 204);
        assert_eq!(app.delete(&format!("{path}/members/{}", two.id), &coach).await.problem(), (404, "not_found"));
        assert_eq!(room_now(&app, &room, &two).await.problem(), (404, "not_found"));
        assert_eq!(app.delete(&path, &coach).await.status, 204);
        assert_eq!(app.delete(&path, &coach).await.status, 204, "again");
        assert_eq!(send(&app, &room, &one, "Hello?").await.problem(), (409, "read_only"));
        assert_eq!(join(&app, &room, &two).await.problem(), (409, "read_only"));
        assert_eq!(app.put(&mute, &coach, json!({"muted_until": null})).await.problem(), (409, "read_only"));
        assert_eq!(contents(&app.get(&format!("{path}/messages"), &one).await), ["But"]);
        assert_eq!(
            events(&app, &room, &one, 4).await,
            ["room.updated", "member.muted", "message.created", "member.removed", "room.updated"]
        );
        check(&app).await;
    }

    async fn whoever_is_no_coach_any_more_keeps_no_order(app: TestApp) {
        let (coach, admin, member) =
            (app.people.coach().await, app.people.admin().await, app.people.member().await);
        let room = channel_of(&app, &coach, &[&member]).await;
        let path = format!("/api/rooms/{}", room["id"]);
        app.put(&format!("/api/users/{}/roles", coach.id), &admin, json!({"roles": ["member"]})).await;
        let coach = app.people.again(&coach).await;
        assert_eq!(room_now(&app, &room, &coach).await.body["my_role"], "member");
        assert_eq!(app.patch(&path, &coach, json!({"room_name": "Mine"})).await.problem(), (403, "forbidden"));
        assert_eq!(app.delete(&format!("{path}/members/{}", member.id), &coach).await.problem(), (403, "forbidden"));
        let none = app.put(&format!("{path}/mute"), &member, json!({})).await;
        assert_eq!(none.status, 422, "{}", none.text);
    }

    async fn what_a_room_cannot_be_is_said_field_by_field(app: TestApp) {
        let coach = app.people.coach().await;
        for (body, fault) in [
            (json!({"kind": "channel"}), ("/room_name", "required")),
            (json!({"kind": "channel", "room_name": " "}), ("/room_name", "too_short")),
            (json!({"kind": "channel", "room_name": "x".repeat(121)}), ("/room_name", "too_long")),
            (json!({"kind": "channel", "room_name": "x", "user_ids": [1]}), ("/user_ids", "does_not_fit")),
            (json!({"kind": "channel", "room_name": "x", "replies_allowed": true}), ("/replies_allowed", "does_not_fit")),
            (json!({"kind": "class", "room_name": "x"}), ("/kind", "does_not_fit")),
            (json!({"kind": "direct", "room_name": "x", "user_ids": [1]}), ("/room_name", "does_not_fit")),
            (json!({"kind": "direct", "user_ids": []}), ("/user_ids", "too_short")),
            (json!({"kind": "direct", "user_ids": [coach.id]}), ("/user_ids", "too_short")),
            (json!({"kind": "direct", "user_ids": [90001, 90002, 90003, 90004, 90005, 90006, 90007, 90008]}), ("/user_ids", "too_long")),
            (json!({"kind": "direct", "user_ids": [999_999]}), ("/user_ids", "unknown")),
        ] {
            let refused = app.post("/api/rooms", &coach, body.clone()).await;
            assert!(refused.fields().contains(&fault), "{body}: {}", refused.text);
        }
    }

    async fn rooms_are_listed_page_by_page(app: TestApp) {
        let coach = app.people.coach().await;
        for _ in 0..3 {
            channel(&app, &coach).await;
        }
        let first = app.get("/api/rooms?limit=2", &coach).await;
        let more = format!("/api/rooms?limit=2&cursor={}", first.body["next_cursor"].as_str().expect("a cursor"));
        let second = app.get(&more, &coach).await;
        let ids = |answer: &crate::support::Answer| -> Vec<Value> {
            answer.body["items"].as_array().expect("items").iter().map(|it| it["id"].clone()).collect()
        };
        assert_eq!((ids(&first).len(), ids(&second).len(), &second.body["has_more"]), (2, 2, &json!(false)));
        assert!(ids(&first).iter().all(|id| !ids(&second).contains(id)));
    }
}
