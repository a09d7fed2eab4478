//! Sockets and the people behind them: who is there, who types, who is signed out.

use muster_testkit::each_engine;
use serde_json::{Value, json};

use crate::chat::phone::Phone;
use crate::chat::{channel_of, direct, sent};
use crate::support::TestApp;

each_engine! {
    async fn whoever_is_signed_out_hears_nothing_more(app: TestApp) {
        let (coach, member, admin) = (app.people.coach().await, app.people.member().await, app.people.admin().await);
        let room = channel_of(&app, &coach, &[&member, &admin]).await;
        let elsewhere = app.people.again(&member).await;
        let mut phones = [Phone::in_rooms(&app, &member, &[&room]).await, Phone::in_rooms(&app, &elsewhere, &[&room]).await];
        assert_eq!(app.post("/api/auth/logout", &member, json!({})).await.status, 204);
        assert_eq!(phones[0].closed().await.1, 4500);
        phones[1].hears_nothing().await;
        app.post(&format!("/api/users/{}/deactivate", member.id), &admin, json!({"reason": "x"})).await;
        assert_eq!(phones[1].closed().await.1, 4500);
    }

    async fn a_socket_ends_with_its_session(app: TestApp) {
        let (member, other) = (app.people.member().await, app.people.member().await);
        let (mut phone, _other) = (Phone::of(&app, &member).await, Phone::of(&app, &other).await);
        app.wait(chrono::TimeDelta::days(31));
        assert_eq!(phone.closed().await.1, 4002);
    }

    async fn who_is_coach_no_more_writes_no_announcements(app: TestApp) {
        let (coach, admin) = (app.people.coach().await, app.people.admin().await);
        let news = app.post("/api/rooms", &admin, json!({"kind": "announcement", "room_name": "News"})).await.body;
        app.post(&format!("/api/rooms/{}/join", news["id"]), &coach, json!({})).await;
        let mut phone = Phone::in_rooms(&app, &coach, &[&news]).await;
        let (_, ack) = phone.asks(json!({"type": "send", "room": news["id"], "content": "Read this"})).await;
        assert_eq!(ack["type"], "ack");
        let changed = app.put(&format!("/api/users/{}/roles", coach.id), &admin, json!({"roles": ["member"]})).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
        // It takes effect within moments, on sockets that are open.
        let refused = async {
            loop {
                let (_, said) = phone.asks(json!({"type": "send", "room": news["id"], "content": "And this"})).await;
                if said["type"] == "error" {
                    return said["code"].clone();
                }
            }
        };
        let code = tokio::time::timeout(crate::chat::phone::PATIENCE, refused).await.expect("refused");
        assert_eq!(code, "forbidden");
    }

    async fn whoever_leaves_the_club_hears_of_its_room_no_more(app: TestApp) {
        let (admin, member) = (app.people.admin().await, app.people.member().await);
        let rooms = app.get("/api/rooms", &member).await.body;
        let club = rooms["items"][0].clone();
        let mut phone = Phone::in_rooms(&app, &member, &[&club]).await;
        let left = app.post(&format!("/api/members/{}/leave", member.id), &admin, json!({})).await;
        assert_eq!(left.status, 200, "{}", left.text);
        let told = phone.next().await;
        assert_eq!((&told["code"], &told["room"]), (&json!("not_found"), &club["id"]));
        sent(&app, &club, &admin, "Among ourselves").await;
        phone.hears_nothing().await;
    }

    async fn typing_is_told_to_others_in_the_room_and_not_all_the_time(app: TestApp) {
        let (coach, member, other) = (app.people.coach().await, app.people.member().await, app.people.member().await);
        let room = channel_of(&app, &coach, &[&member]).await;
        let (mut one, mut two) = (Phone::in_rooms(&app, &coach, &[&room]).await, Phone::in_rooms(&app, &member, &[&room]).await);
        for _ in 0..3 {
            one.say(json!({"type": "typing", "room": room["id"]})).await;
        }
        assert_eq!(two.next().await, json!({"type": "typing", "room": room["id"], "user_id": coach.id}));
        one.hears_nothing().await;
        two.hears_nothing().await;
        // Whoever is not in it types nowhere.
        let mut three = Phone::of(&app, &other).await;
        three.say(json!({"type": "typing", "room": room["id"]})).await;
        three.hears_nothing().await;
        two.hears_nothing().await;
    }

    async fn those_who_share_a_direct_room_see_each_other(app: TestApp) {
        let (one, two, three) = (app.people.coach().await, app.people.coach().await, app.people.coach().await);
        assert_eq!(direct(&app, &one, &[&two]).await.status, 201);
        channel_of(&app, &one, &[&three]).await;
        let (mut stranger, mut first) = (Phone::of(&app, &three).await, Phone::of(&app, &one).await);
        let mut second = Phone::of(&app, &two).await;
        let online = |person: &muster_testkit::Person| json!({"type": "presence", "user_id": person.id, "online": true});
        assert_eq!(first.next().await, online(&two));
        assert_eq!(second.next().await, online(&one));
        stranger.hears_nothing().await;
        // A second device is no news, and neither is a moment without one.
        let mut again = Phone::of(&app, &two).await;
        assert_eq!(again.next().await, online(&one));
        drop((second, again));
        let mut back = Phone::of(&app, &two).await;
        assert_eq!(back.next().await, online(&one));
        first.hears_nothing().await;
    }

    async fn whoever_does_not_want_to_be_seen_is_not(app: TestApp) {
        let (one, two) = (app.people.coach().await, app.people.coach().await);
        assert_eq!(direct(&app, &one, &[&two]).await.status, 201);
        app.patch("/api/users/me", &two, json!({"show_presence": false})).await;
        let (mut first, mut second) = (Phone::of(&app, &one).await, Phone::of(&app, &two).await);
        first.hears_nothing().await;
        assert_eq!(second.next().await["user_id"], json!(one.id), "they see others");
        let mut again = Phone::of(&app, &one).await;
        again.hears_nothing().await;
        // Whoever changes their mind is there at once, and gone at once.
        for shows in [true, false] {
            app.patch("/api/users/me", &two, json!({"show_presence": shows})).await;
            assert_eq!(first.next().await, json!({"type": "presence", "user_id": two.id, "online": shows}));
        }
    }

    async fn whoever_is_added_to_a_room_is_told_on_all_their_devices(app: TestApp) {
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let room = channel_of(&app, &coach, &[]).await;
        let mut phones = [Phone::of(&app, &member).await, Phone::of(&app, &member).await];
        app.post(&format!("/api/rooms/{}/members", room["id"]), &coach, json!({"user_id": member.id})).await;
        for phone in &mut phones {
            let told: Value = phone.next().await;
            assert_eq!((&told["event"], &told["room"], &told["user_id"]), (&json!("member.joined"), &room["id"], &json!(member.id)));
        }
    }
}
