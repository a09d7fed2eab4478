//! Many at once in one room.

use futures_util::future::join_all;
use muster_testkit::each_engine;
use serde_json::{Value, json};

use super::{channel_of, check, events, room_now, sent};
use crate::support::TestApp;

each_engine! {
    async fn many_who_write_at_once_leave_no_hole_and_nothing_twice(app: TestApp) {
        let coach = app.people.coach().await;
        let mut people = Vec::new();
        for _ in 0..6 {
            people.push(app.people.member().await);
        }
        let room = channel_of(&app, &coach, &people.iter().collect::<Vec<_>>()).await;
        let started = room_now(&app, &room, &coach).await.body["head_seq"].as_i64().expect("a number");
        // Each sends ten messages, each of them three times at once.
        let sends = people.iter().flat_map(|person| (0..10).map(move |number| (person, number))).flat_map(|it| [it; 3]);
        let answers = join_all(sends.map(|(person, number)| {
            let body = json!({"room_id": room["id"], "content": format!("{number}"), "client_id": format!("c{number}")});
            app.post("/api/messages", person, body)
        })).await;
        let created = answers.iter().filter(|it| it.status.as_u16() == 201).count();
        let repeated = answers.iter().filter(|it| it.status.as_u16() == 200).count();
        assert_eq!((created, repeated), (60, 120));
        assert_eq!(events(&app, &room, &coach, started).await, ["message.created"; 60]);
        check(&app).await;
    }

    async fn one_id_in_two_rooms_at_once_is_one_message(app: TestApp) {
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let (one, two) = (channel_of(&app, &coach, &[&member]).await, channel_of(&app, &coach, &[&member]).await);
        for number in 0..10 {
            let send = |room: &Value| {
                let body = json!({"room_id": room["id"], "content": "x", "client_id": format!("c{number}")});
                let (app, member) = (&app, &member);
                async move { app.post("/api/messages", member, body).await }
            };
            let answers = [one.clone(), two.clone(), one.clone(), two.clone()];
            let mut statuses: Vec<_> = join_all(answers.iter().map(send)).await.iter().map(|it| it.status.as_u16()).collect();
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 201, 409, 409]);
        }
        check(&app).await;
    }

    async fn joining_leaving_reacting_and_writing_at_once_stay_in_order(app: TestApp) {
        let coach = app.people.coach().await;
        let mut people = Vec::new();
        for _ in 0..8 {
            people.push(app.people.member().await);
        }
        let room = channel_of(&app, &coach, &[]).await;
        let message = sent(&app, &room, &coach, "Who comes?").await;
        let id = room["id"].clone();
        let all = people.iter().map(|person| {
            let (app, id, message) = (&app, &id, &message);
            async move {
                for _ in 0..3 {
                    app.post(&format!("/api/rooms/{id}/join"), person, json!({})).await;
                    app.put(&format!("/api/messages/{}/reactions/%F0%9F%91%8D", message["id"]), person, json!({})).await;
                    app.post("/api/messages", person, json!({"room_id": id, "content": "Me"})).await;
                    app.post(&format!("/api/rooms/{id}/leave"), person, json!({})).await;
                }
            }
        });
        join_all(all).await;
        let seen = room_now(&app, &room, &coach).await.body;
        assert_eq!(seen["member_count"], 1);
        assert_eq!(events(&app, &room, &coach, 2).await.len(), 8 * (3 * 3 + 1));
        check(&app).await;
    }
}
