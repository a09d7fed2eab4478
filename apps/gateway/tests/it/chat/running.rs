//! Chat with the program as it is run: told to stop, killed, and with Redis between two of it.

use std::sync::Arc;
use std::time::Duration;

use muster_testkit::{Engine, OnEngine, each_engine};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::Notify;

use super::phone::{PATIENCE, Phone};
use crate::program::{Program, Served, sign_in};

async fn post(served: &Served, path: &str, token: &str, body: Value) -> Value {
    let request = reqwest::Client::new().request(Method::POST, format!("{}{path}", served.address));
    let answer = request.bearer_auth(token).json(&body).send().await.expect("an answer");
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    answer.json().await.expect("JSON")
}

async fn get(served: &Served, path: &str, token: &str) -> Value {
    let request = reqwest::Client::new().request(Method::GET, format!("{}{path}", served.address));
    request.bearer_auth(token).send().await.expect("an answer").json().await.expect("JSON")
}

/// A room of an admin's own.
async fn room(served: &Served, token: &str) -> Value {
    post(served, "/api/rooms", token, json!({"kind": "channel", "room_name": "Cup"})).await
}

async fn in_room(served: &Served, token: &str, room: &Value) -> Phone {
    let mut phone = Phone::at(&served.address, token).await;
    phone.subscribe(json!({room["id"].to_string(): 0})).await;
    phone
}

each_engine! {
    async fn told_to_stop_it_says_goodbye_and_loses_nothing_that_it_acknowledged(program: Program) {
        program.create_admin("admin@example.org");
        let served = program.serve();
        let token = sign_in(&served.address, "admin@example.org").await;
        let room = room(&served, &token).await;
        let mut idle = in_room(&served, &token, &room).await;
        let mut busy = in_room(&served, &token, &room).await;
        // Somebody talks on and on, and remembers what was acknowledged.
        let talking = tokio::spawn({
            let room = room.clone();
            async move {
                let mut acknowledged = Vec::new();
                for number in 0.. {
                    let send = json!({"type": "send", "id": "s", "room": room["id"], "content": format!("{number}")});
                    if busy.try_say(send).await.is_err() {
                        return (acknowledged, None);
                    }
                    loop {
                        match busy.next_or_close().await {
                            Ok(said) if said["type"] == "ack" => break acknowledged.push(said["seq"].clone()),
                            Ok(_) => {}
                            Err(code) => return (acknowledged, code),
                        }
                    }
                }
                (acknowledged, None)
            }
        });
        // It is under way.
        for _ in 0..20 {
            idle.next_of("event").await;
        }
        let (code, _) = served.stop();
        assert_eq!(code, Some(0));
        assert_eq!(idle.closed().await.1, 1012);
        let (acknowledged, code) = talking.await.expect("no panic");
        assert_eq!(code, Some(1012));
        assert!(acknowledged.len() >= 19);

        let again = program.serve();
        let mut kept = Vec::new();
        let mut last = 0;
        loop {
            let path = format!("/api/rooms/{}/events?after={last}&limit=500", room["id"]);
            let items = get(&again, &path, &token).await["items"].as_array().expect("events").clone();
            let Some(next) = items.last() else { break };
            last = next["seq"].as_i64().expect("a number");
            kept.extend(items.iter().map(|it| it["seq"].clone()));
        }
        assert!(acknowledged.iter().all(|seq| kept.contains(seq)));
    }
}

/// A way to Redis that can be cut.
struct Way {
    address: String,
    cut: Arc<Notify>,
    open: tokio::sync::watch::Sender<bool>,
}

impl Way {
    async fn to_redis() -> Way {
        #[allow(clippy::disallowed_methods, reason = "scripts/test tells where its Redis is")]
        let url = std::env::var("MUSTER_TEST_REDIS").expect("the Redis of scripts/test");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("redis://{}", listener.local_addr().expect("an address"));
        let (cut, (open, is_open)) = (Arc::new(Notify::new()), tokio::sync::watch::channel(true));
        let cuts = cut.clone();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let (url, cuts, is_open) = (url.clone(), cuts.clone(), is_open.clone());
                tokio::spawn(async move {
                    if !*is_open.borrow() {
                        return;
                    }
                    let carry = async {
                        match url.strip_prefix("redis+unix://") {
                            Some(path) => {
                                let mut far = UnixStream::connect(path).await.expect("Redis");
                                let _ = copy_bidirectional(&mut near, &mut far).await;
                            }
                            None => {
                                let host = url.trim_start_matches("redis://").trim_end_matches('/');
                                let mut far = TcpStream::connect(host).await.expect("Redis");
                                let _ = copy_bidirectional(&mut near, &mut far).await;
                            }
                        }
                    };
                    tokio::select! {
                        () = carry => {}
                        () = cuts.notified() => {}
                    }
                });
            }
        });
        Way { address, cut, open }
    }

    fn close(&self) {
        let _ = self.open.send(false);
        self.cut.notify_waiters();
    }

    fn open(&self) {
        let _ = self.open.send(true);
    }
}

/// Asks until the program says so of itself.
async fn is_said(served: &Served, status: &str, bus: &str) {
    let asking = async {
        while get(served, "/health/ready", "").await
            != json!({"status": status, "database": "ok", "bus": bus})
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("it never says {status}"));
}

#[test]
fn two_with_redis_between_them_hear_each_other_and_without_it_they_meet_in_the_database() {
    muster_testkit::run(async {
        let program = Program::on(Engine::Postgres).await;
        program.create_admin("admin@example.org");
        let way = Way::to_redis().await;
        let (one, two) = (program.serve_beside(&way.address), program.serve_beside(&way.address));
        is_said(&one, "ready", "ok").await;
        is_said(&two, "ready", "ok").await;
        let token = sign_in(&one.address, "admin@example.org").await;
        let room = room(&one, &token).await;
        let (mut here, mut there) = (in_room(&one, &token, &room).await, in_room(&two, &token, &room).await);
        let message = json!({"room_id": room["id"], "content": "Over Redis"});
        let sent = post(&one, "/api/messages", &token, message).await;
        assert_eq!(there.next_of("event").await["message"], sent);
        here.say(json!({"type": "read", "room": room["id"], "seq": sent["seq"]})).await;
        assert_eq!(there.next_of("read").await["seq"], sent["seq"], "what only Redis carries");

        way.close();
        is_said(&one, "degraded", "away").await;
        is_said(&two, "degraded", "away").await;
        let (_, ack) =
            here.asks(json!({"type": "send", "room": room["id"], "content": "Without Redis"})).await;
        assert_eq!(ack["type"], "ack");
        let event = there.next_of("event").await;
        assert_eq!((&event["seq"], &event["message"]["content"]), (&ack["seq"], &json!("Without Redis")));

        way.open();
        is_said(&one, "ready", "ok").await;
        is_said(&two, "ready", "ok").await;
        here.say(json!({"type": "read", "room": room["id"], "seq": ack["seq"]})).await;
        assert_eq!(there.next_of("read").await["seq"], ack["seq"]);
    });
}

#[test]
fn what_is_no_address_of_a_redis_is_told_at_the_start() {
    let program = Program::on_sqlite();
    let mut command = program.command(&["serve"]);
    let told = command.env("REDIS_URL", "nonsense").output().expect("it runs");
    assert_eq!(told.status.code(), Some(3));
    let said = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(said.contains("REDIS_URL") && said.contains("redis://host:6379"), "{said}");
}
