//! A client of the protocol `chat.v1`, by a library that knows nothing of the server's.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use muster_testkit::Person;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::support::TestApp;

/// Longer than anything takes here.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// An open socket.
pub struct Phone {
    socket: WebSocketStream<TcpStream>,
    pub hello: Value,
}

/// Asks for a socket: the socket, or the answer instead of one: its status and its code.
pub async fn ask(
    app: &TestApp,
    path: &str,
    headers: &[(&'static str, &str)],
) -> Result<Phone, (u16, String)> {
    ask_at(&app.address.to_string(), path, headers).await
}

/// The same of any server.
pub async fn ask_at(
    address: &str,
    path: &str,
    headers: &[(&'static str, &str)],
) -> Result<Phone, (u16, String)> {
    let mut request = format!("ws://{address}{path}").into_client_request().expect("a request");
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).expect("a value");
        request.headers_mut().insert(HeaderName::from_static(name), value);
    }
    let stream = TcpStream::connect(address).await.expect("a connection");
    match client_async(request, stream).await {
        Ok((socket, _)) => {
            let mut phone = Phone { socket, hello: Value::Null };
            phone.hello = phone.next().await;
            Ok(phone)
        }
        Err(Error::Http(answer)) => {
            let body = answer.body().as_deref().unwrap_or_default();
            let problem: Value = serde_json::from_slice(body).unwrap_or_default();
            let code = problem["code"].as_str().unwrap_or("none").to_owned();
            Err((answer.status().as_u16(), code))
        }
        Err(e) => panic!("{e}"),
    }
}

impl Phone {
    /// The phone of somebody who is signed in.
    pub async fn of(app: &TestApp, person: &Person) -> Phone {
        let bearer = format!("Bearer {}", person.token);
        ask(app, "/api/chat/ws", &[("authorization", &bearer)]).await.expect("a socket")
    }

    /// The same of any server, told as `http://host:port`.
    pub async fn at(address: &str, token: &str) -> Phone {
        let address = address.trim_start_matches("http://");
        let bearer = format!("Bearer {token}");
        ask_at(address, "/api/chat/ws", &[("authorization", &bearer)]).await.expect("a socket")
    }

    /// The same, listening to these rooms from the beginning.
    pub async fn in_rooms(app: &TestApp, person: &Person, rooms: &[&Value]) -> Phone {
        let mut phone = Phone::of(app, person).await;
        let last: BTreeMap<String, i64> = rooms.iter().map(|room| (room["id"].to_string(), 0)).collect();
        let (_, subscribed) = phone.subscribe(json!(last)).await;
        assert_eq!(subscribed.get("refused"), None);
        phone
    }

    /// Says something.
    pub async fn say(&mut self, what: Value) {
        self.send(Message::text(what.to_string())).await;
    }

    /// Sends a message of the protocol below.
    pub async fn send(&mut self, message: Message) {
        self.socket.send(message).await.expect("sent");
    }

    /// Says something that goes out with what comes after it.
    pub async fn feed(&mut self, what: Value) {
        self.socket.feed(Message::text(what.to_string())).await.expect("taken");
    }

    /// Has what was said go out.
    pub async fn flush(&mut self) {
        self.socket.flush().await.expect("sent");
    }

    /// What the server says next.
    pub async fn next(&mut self) -> Value {
        loop {
            match self.message().await {
                Message::Text(text) => {
                    assert!(text.starts_with("{\"type\":\""), "its type comes first: {text}");
                    return serde_json::from_str(&text).expect("JSON");
                }
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The next message of the protocol below.
    pub async fn message(&mut self) -> Message {
        let next = timeout(PATIENCE, self.socket.next()).await.expect("it says something");
        next.expect("it is open").expect("a message")
    }

    /// Says something to a server that may be gone.
    pub async fn try_say(&mut self, what: Value) -> Result<(), Error> {
        self.socket.send(Message::text(what.to_string())).await
    }

    /// What the server says next, or the code with which it closes.
    pub async fn next_or_close(&mut self) -> Result<Value, Option<u16>> {
        loop {
            match timeout(PATIENCE, self.socket.next()).await.expect("it says something, or ends") {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).expect("JSON")),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(frame))) => return Err(frame.map(|frame| frame.code.into())),
                Some(Ok(_) | Err(_)) | None => return Err(None),
            }
        }
    }

    /// What the server says next that is of this type; what it says before is skipped.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let said = self.next().await;
            if said["type"] == kind {
                return said;
            }
        }
    }

    /// What the server says next; nothing when it has ended, however.
    pub async fn try_next(&mut self) -> Option<Value> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).ok(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(_) | Err(_)) | None => return None,
            }
        }
    }

    /// Says something with an id, and gives what comes before the answer to it, and the answer.
    pub async fn asks(&mut self, mut what: Value) -> (Vec<Value>, Value) {
        what["id"] = json!("asked");
        self.say(what).await;
        let mut before = Vec::new();
        loop {
            let said = self.next().await;
            if said["id"] == "asked" {
                return (before, said);
            }
            before.push(said);
        }
    }

    /// Subscribes to rooms, each with the last number that is known; gives the replay and the answer.
    pub async fn subscribe(&mut self, rooms: Value) -> (Vec<Value>, Value) {
        let epoch = self.hello["epoch"].clone();
        self.asks(json!({"type": "subscribe", "epoch": epoch, "rooms": rooms})).await
    }

    /// Proves that nothing has come that is not an answer to this ping.
    pub async fn hears_nothing(&mut self) {
        self.say(json!({"type": "ping"})).await;
        let next = self.next().await;
        assert_eq!(next, json!({"type": "pong"}));
    }

    /// The code with which the server closes; what comes before is given, too.
    pub async fn closed(&mut self) -> (Vec<Value>, u16) {
        let mut before = Vec::new();
        loop {
            match timeout(PATIENCE, self.socket.next()).await.expect("it ends") {
                Some(Ok(Message::Text(text))) => before.push(serde_json::from_str(&text).expect("JSON")),
                Some(Ok(Message::Close(Some(frame)))) => return (before, frame.code.into()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

/// The numbers of events.
pub fn seqs(said: &[Value]) -> Vec<i64> {
    let of_events = said.iter().filter(|it| it["type"] == "event");
    of_events.map(|it| it["seq"].as_i64().expect("a number")).collect()
}
