//! One of everything that can be done in chat.

use muster_testkit::Person;
use serde_json::json;

use super::Watched;

impl Watched {
    pub(super) async fn use_chat(&self, admin: &Person) {
        let app = &self.app;
        let coach = app.people.coach().await;
        let (one, two) = (app.people.member().await, app.people.member().await);
        let room = app.post("/api/rooms", &coach, json!({"kind": "channel", "room_name": "Cup"})).await.body;
        let ticket = app.post("/api/chat/tickets", &one, json!({})).await.body;
        let by_ticket = format!("/api/chat/ws?ticket={}", ticket["ticket"].as_str().expect("a ticket"));
        let mut phone = crate::chat::phone::ask(app, &by_ticket, &[]).await.expect("a socket");
        let path = format!("/api/rooms/{}", room["id"]);
        for person in [&one, &two] {
            app.get("/api/rooms?joinable=true", person).await;
            assert_eq!(app.post(&format!("{path}/join"), person, json!({})).await.status, 200);
        }
        let words = format!("Hello <@{}>", two.id);
        let body = json!({"room_id": room["id"], "content": words, "client_id": "c", "title": "All"});
        let message = app.post("/api/messages", &one, body.clone()).await.body;
        app.post("/api/messages", &one, body).await;
        let reply = json!({"room_id": room["id"], "content": "Hi", "reply_to": message["id"]});
        let reply = app.post("/api/messages", &two, reply).await.body;
        let at = format!("/api/messages/{}", message["id"]);
        for person in [&one, &two] {
            app.put(&format!("{at}/reactions/%F0%9F%91%8D"), person, json!({})).await;
        }
        app.delete(&format!("{at}/reactions/%F0%9F%91%8D"), &one).await;
        app.put(&at, &one, json!({"content": "Good morning"})).await;
        app.put(&format!("{at}/pin"), &coach, json!({})).await;
        app.delete(&format!("/api/messages/{}", reply["id"]), &two).await;
        app.put(&format!("{path}/read"), &two, json!({"seq": 4})).await;
        app.put(&format!("{path}/mute"), &two, json!({"muted_until": null})).await;
        app.put(
            &format!("{path}/members/{}/mute", two.id),
            &coach,
            json!({"muted_until": "2099-01-01T00:00:00Z"}),
        )
        .await;
        for list in [
            "/api/rooms".to_owned(),
            path.clone(),
            format!("{path}/messages?before=9"),
            format!("{path}/messages?after=1"),
            format!("{path}/events?after=1"),
            format!("{path}/members"),
            "/api/messages".to_owned(),
            at.clone(),
            "/api/messages/search?q=good+morning".to_owned(),
            format!("/api/messages/search?q=good&room_id={}", room["id"]),
        ] {
            assert_eq!(app.get(&list, &two).await.status, 200, "{list}");
        }
        let club = app.get("/api/rooms", admin).await.body["items"][0]["id"].clone();
        assert_eq!(app.get(&format!("/api/rooms/{club}/members"), admin).await.status, 200);
        let direct = json!({"kind": "direct", "user_ids": [two.id]});
        let direct = app.post("/api/rooms", &one, direct).await.body;
        let members = format!("/api/rooms/{}/members", direct["id"]);
        app.post(&members, &one, json!({"user_id": coach.id})).await;
        app.get("/api/messages/search?q=anything", &coach).await;
        let wanted = json!({room["id"].to_string(): 1, direct["id"].to_string(): 0, club.to_string(): 0});
        let (replay, _) = phone.subscribe(wanted).await;
        assert!(!replay.is_empty());
        app.delete(&format!("{members}/me"), &coach).await;
        app.patch(&path, &coach, json!({"room_name": "The cup"})).await;
        app.delete(&format!("{path}/members/{}", two.id), &coach).await;
        app.post(&format!("{path}/leave"), &one, json!({})).await;
        app.get("/api/users/me/export", &one).await;
        app.delete(&path, &coach).await;
        app.post(&format!("/api/members/{}/leave", one.id), admin, json!({})).await;
        app.mails().await;
        app.post(&format!("/api/users/{}/erase", two.id), admin, json!({})).await;
    }
}
