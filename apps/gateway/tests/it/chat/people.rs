//! Direct rooms, and whom one may write to.

use muster_testkit::each_engine;
use serde_json::json;

use super::{channel_of, check, direct, events, room_now, send, sent};
use crate::support::TestApp;

each_engine! {
    async fn the_same_people_find_their_room_again(app: TestApp) {
        let (coach, one, two) = (app.people.coach().await, app.people.member().await, app.people.member().await);
        let made = direct(&app, &coach, &[&one, &two]).await;
        assert_eq!(made.status, 201, "{}", made.text);
        assert_eq!(
            (&made.body["room_name"], &made.body["my_role"], &made.body["member_count"]),
            (&json!("Person Number 1, Person Number 2"), &json!("member"), &json!(3))
        );
        for (who, others) in [(&one, [&two, &coach]), (&two, [&coach, &one])] {
            let found = direct(&app, who, &others).await;
            assert_eq!((found.status.as_u16(), &found.body["id"]), (200, &made.body["id"]));
        }
        // Two of them have another; and once one has left, the others are other people.
        assert_eq!(direct(&app, &coach, &[&one]).await.status, 201);
        app.post(&format!("/api/rooms/{}/leave", made.body["id"]), &two, json!({})).await;
        let anew = direct(&app, &coach, &[&one, &two]).await;
        assert_eq!(anew.status, 201);
        assert_ne!(anew.body["id"], made.body["id"]);
        assert_eq!(room_now(&app, &made.body, &two).await.problem(), (404, "not_found"));
        check(&app).await;
    }

    async fn members_write_to_staff_and_to_whom_they_share_a_room_with(app: TestApp) {
        let (coach, treasurer) = (app.people.coach().await, app.people.treasurer().await);
        let (one, two, stranger) =
            (app.people.member().await, app.people.member().await, app.people.member().await);
        channel_of(&app, &coach, &[&one, &two]).await;
        for staff in [&coach, &treasurer] {
            assert_eq!(direct(&app, &stranger, &[staff]).await.status, 201);
            assert_eq!(direct(&app, staff, &[&one]).await.status, 201);
        }
        assert_eq!(direct(&app, &one, &[&two]).await.status, 201);
        assert_eq!(direct(&app, &one, &[&stranger]).await.fields(), [("/user_ids", "unknown")]);
        assert_eq!(direct(&app, &one, &[&two, &stranger]).await.fields(), [("/user_ids", "unknown")]);
        // The club's room is shared by all, and makes nobody known.
        let room = direct(&app, &one, &[&two]).await.body;
        let path = format!("/api/rooms/{}/members", room["id"]);
        let refused = app.post(&path, &one, json!({"user_id": stranger.id})).await;
        assert_eq!(refused.fields(), [("/user_id", "unknown")]);
        let missing = app.post(&path, &one, json!({"user_id": 999_999})).await;
        assert_eq!((missing.fields(), missing.body["errors"].clone()), (refused.fields(), refused.body["errors"].clone()));
        assert_eq!(app.post(&path, &one, json!({"user_id": coach.id})).await.status, 201);
        assert_eq!(app.post(&path, &one, json!({"user_id": coach.id})).await.status, 200, "again");
        check(&app).await;
    }

    async fn eight_are_the_most_of_a_direct_room_and_nobody_moderates_it(app: TestApp) {
        let coach = app.people.coach().await;
        let mut others = Vec::new();
        for _ in 0..8 {
            others.push(app.people.member().await);
        }
        let seven: Vec<_> = others.iter().take(7).collect();
        let room = direct(&app, &coach, &seven).await.body;
        assert_eq!(room["member_count"], 8);
        let path = format!("/api/rooms/{}", room["id"]);
        let ninth = app.post(&format!("{path}/members"), &coach, json!({"user_id": others[7].id})).await;
        assert_eq!(ninth.problem(), (409, "invalid_state"));
        assert_eq!(app.patch(&path, &coach, json!({"room_name": "Ours"})).await.problem(), (403, "forbidden"));
        assert_eq!(app.delete(&path, &coach).await.problem(), (403, "forbidden"));
        assert_eq!(app.delete(&format!("{path}/members/{}", others[0].id), &coach).await.problem(), (403, "forbidden"));
        let message = sent(&app, &room, &others[0], "Pin me").await;
        assert_eq!(app.put(&format!("/api/messages/{}/pin", message["id"]), &others[1], json!({})).await.status, 200);
        assert_eq!(app.delete(&format!("/api/messages/{}", message["id"]), &coach).await.problem(), (403, "forbidden"));
        assert_eq!(app.delete(&format!("{path}/members/me"), &others[0]).await.status, 204);
        check(&app).await;
    }

    async fn whoever_is_erased_is_named_no_more(app: TestApp) {
        let (coach, member, admin) =
            (app.people.coach().await, app.people.member().await, app.people.admin().await);
        let room = channel_of(&app, &coach, &[&member]).await;
        let message = sent(&app, &room, &member, "I was here").await;
        sent(&app, &room, &coach, &format!("Hello <@{}>", member.id)).await;
        app.put(&format!("/api/rooms/{}/read", room["id"]), &member, json!({"seq": 2})).await;
        let erased = app.post(&format!("/api/users/{}/erase", member.id), &admin, json!({})).await;
        assert_eq!(erased.status, 200, "{}", erased.text);
        app.mails().await;
        let shown = app.get(&format!("/api/messages/{}", message["id"]), &coach).await;
        assert_eq!(
            (&shown.body["user_name"], &shown.body["content"]),
            (&json!("Erased person"), &json!("I was here"))
        );
        assert_eq!(events(&app, &room, &coach, 4).await, ["member.left"]);
        assert_eq!(send(&app, &room, &coach, "Gone").await.status, 201);
        check(&app).await;
    }
}
