//! Who may open a socket: told by an answer to the request, before it is one.

use muster_testkit::{Engine, PASSWORD, TestDb, each_engine};
use reqwest::Method;
use reqwest::header::COOKIE;
use serde_json::json;

use crate::chat::phone::{Phone, ask};
use crate::support::{Answer, TestApp};

/// The cookies that a sign-in sets, as they are sent back.
async fn cookies(app: &TestApp, email: &str) -> String {
    let login = app
        .post_as_nobody("/api/auth/login", json!({"email": email, "password": PASSWORD, "session": "cookie"}))
        .await;
    assert_eq!(login.status, 200, "{}", login.text);
    let set = login.headers.get_all("set-cookie").iter();
    let pairs = set.map(|it| it.to_str().expect("text").split(';').next().expect("a pair").to_owned());
    pairs.collect::<Vec<_>>().join("; ")
}

fn code(refused: Result<Phone, (u16, String)>) -> (u16, String) {
    refused.err().expect("a refusal")
}

fn is(code: u16, word: &str) -> (u16, String) {
    (code, word.to_owned())
}

each_engine! {
    async fn a_ticket_opens_one_socket_within_its_time(app: TestApp) {
        let member = app.people.member().await;
        let take = async || {
            let taken = app.post("/api/chat/tickets", &member, json!({})).await;
            assert_eq!((taken.status.as_u16(), &taken.body["expires_in"]), (200, &json!(30)));
            assert_eq!(taken.header("cache-control"), "no-store");
            format!("/api/chat/ws?ticket={}", taken.body["ticket"].as_str().expect("a ticket"))
        };
        let path = take().await;
        let phone = ask(&app, &path, &[("origin", "https://elsewhere.example")]).await.expect("a socket");
        assert_eq!(phone.hello["user_id"], json!(member.id));
        assert_eq!(code(ask(&app, &path, &[]).await), is(401, "ticket_invalid"), "once");
        assert_eq!(code(ask(&app, "/api/chat/ws?ticket=nonsense", &[]).await), is(401, "ticket_invalid"));

        let late = take().await;
        app.wait(chrono::TimeDelta::seconds(30));
        assert_eq!(code(ask(&app, &late, &[]).await), is(401, "ticket_invalid"), "half a minute");

        // With its session it is gone, too.
        let orphaned = take().await;
        assert_eq!(app.post("/api/auth/logout", &member, json!({})).await.status, 204);
        assert_eq!(code(ask(&app, &orphaned, &[]).await), is(401, "ticket_invalid"));
    }

    async fn tickets_are_kept_hashed_and_not_without_end(app: TestApp) {
        let member = app.people.member().await;
        for _ in 0..20 {
            assert_eq!(app.post("/api/chat/tickets", &member, json!({})).await.status, 200);
        }
        assert_eq!(app.post("/api/chat/tickets", &member, json!({})).await.problem(), (429, "rate_limited"));
        app.wait(chrono::TimeDelta::seconds(31));
        assert_eq!(app.post("/api/chat/tickets", &member, json!({})).await.status, 200);
        assert_eq!(app.post_as_nobody("/api/chat/tickets", json!({})).await.problem(), (401, "unauthenticated"));
    }

    async fn nobody_and_what_asks_for_no_socket_get_an_ordinary_answer(app: TestApp) {
        let member = app.people.member().await;
        assert_eq!(code(ask(&app, "/api/chat/ws", &[]).await), is(401, "unauthenticated"));
        assert_eq!(code(ask(&app, "/api/chat/ws", &[("authorization", "Bearer nonsense")]).await), is(401, "unauthenticated"));
        assert_eq!(app.get("/api/chat/ws", &member).await.problem(), (400, "malformed"));
        let bearer = format!("Bearer {}", member.token);
        let old = [("authorization", bearer.as_str()), ("sec-websocket-version", "8")];
        assert_eq!(code(ask(&app, "/api/chat/ws", &old).await), is(400, "malformed"));
        let slash = ask(&app, "/api/chat/ws/", &[("authorization", &bearer)]).await.expect("a socket");
        assert_eq!(slash.hello["type"], "hello");
        let odd = ask(&app, "/api/chat/ws?room=1", &[("authorization", &bearer)]).await;
        assert_eq!(code(odd), is(400, "unknown_parameter"));
    }

    async fn cookies_open_a_socket_for_pages_of_this_site_only(app: TestApp) {
        let member = app.people.member().await;
        let held = cookies(&app, &member.email).await;
        let from = async |origin: &str| ask(&app, "/api/chat/ws", &[("cookie", &held), ("origin", origin)]).await;
        // The application of these tests has no address of its own; its host is as good.
        assert!(from(&format!("http://{}", app.address)).await.is_ok());
        assert_eq!(code(from("https://elsewhere.example").await), is(403, "cross_site"));
        assert_eq!(code(from("null").await), is(403, "cross_site"));
        let silent = ask(&app, "/api/chat/ws", &[("cookie", &held)]).await;
        assert_eq!(code(silent), is(403, "cross_site"), "no browser leaves it out");
        // A token in the header is nobody's by accident.
        let bearer = format!("Bearer {}", member.token);
        let elsewhere = [("authorization", bearer.as_str()), ("origin", "https://elsewhere.example")];
        assert!(ask(&app, "/api/chat/ws", &elsewhere).await.is_ok());
        let me = Answer::of(app.request(Method::GET, "/api/users/me").header(COOKIE, &held)).await;
        assert_eq!(me.status, 200, "the cookies are good");
    }

    async fn somebody_has_ten_sockets_at_most(app: TestApp) {
        let (member, other) = (app.people.member().await, app.people.member().await);
        let bearer = format!("Bearer {}", member.token);
        let mut phones = Vec::new();
        for _ in 0..10 {
            phones.push(Phone::of(&app, &member).await);
        }
        let eleventh = ask(&app, "/api/chat/ws", &[("authorization", &bearer)]).await;
        assert_eq!(code(eleventh), is(429, "too_many_connections"));
        Phone::of(&app, &other).await.hears_nothing().await;
        let mut leaving = phones.pop().expect("a phone");
        leaving.send(tokio_tungstenite::tungstenite::Message::Close(None)).await;
        drop(leaving);
        // The server has heard of it as soon as there is room again.
        let again = async {
            while ask(&app, "/api/chat/ws", &[("authorization", &bearer)]).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(crate::chat::phone::PATIENCE, again).await.expect("room again");
    }
}

#[test]
fn pages_of_trusted_origins_open_sockets_with_cookies() {
    muster_testkit::run(async {
        let flags = [
            "--rate-limits",
            "off",
            "--allowed-origins",
            "https://app.example",
            "--public-url",
            "http://club.example",
        ];
        let app = TestApp::with(TestDb::new(Engine::Sqlite), &flags);
        let member = app.people.member().await;
        let held = cookies(&app, &member.email).await;
        for (origin, fine) in [
            ("https://app.example", true),
            ("http://club.example", true),
            ("http://app.example", false),
            ("https://app.example.evil.example", false),
        ] {
            let opened = ask(&app, "/api/chat/ws", &[("cookie", &held), ("origin", origin)]).await;
            assert_eq!(opened.is_ok(), fine, "{origin}");
        }
    });
}

#[test]
fn the_protocol_is_named_when_it_is_asked_for() {
    muster_testkit::run(async {
        let app = TestApp::with(TestDb::new(Engine::Sqlite), &["--rate-limits", "off"]);
        let member = app.people.member().await;
        for (asked, named) in [(None, None), (Some("soap, chat.v1"), Some("chat.v1")), (Some("soap"), None)] {
            let mut request = app
                .request(Method::GET, "/api/chat/ws")
                .bearer_auth(&member.token)
                .header("connection", "Upgrade")
                .header("upgrade", "websocket")
                .header("sec-websocket-version", "13")
                .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
            if let Some(asked) = asked {
                request = request.header("sec-websocket-protocol", asked);
            }
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), 101);
            assert_eq!(answer.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
            let protocol =
                answer.headers().get("sec-websocket-protocol").map(|it| it.to_str().expect("text"));
            assert_eq!(protocol, named);
        }
    });
}
