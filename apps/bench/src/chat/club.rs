//! The room, and those who are in it.

use std::io::{Error, Result};

use serde_json::{Value, json};

use super::Args;
use crate::http::client::Client;
use crate::person::person;

pub(super) struct Club {
    /// The room's number.
    pub(super) room: String,
    /// Up to here everybody knows what happened in it.
    pub(super) head: i64,
    tokens: Vec<String>,
}

impl Club {
    /// A new channel, with so many people in it who are signed in.
    pub(super) async fn with_room(args: &Args) -> Result<Club> {
        let mut rest =
            Rest { client: Client::connect(&args.address, None).await?, address: args.address.clone() };
        let room =
            rest.post("/api/rooms", &args.token, &json!({"kind": "channel", "room_name": "Bench"})).await?;
        let room = room["id"].to_string();
        let mut tokens = Vec::new();
        for number in 1..=args.people.min(args.sockets) {
            let sign_in = json!({"email": person(number).email, "password": args.password});
            let signed_in = rest.post("/api/auth/login", "", &sign_in).await?;
            let token =
                signed_in["access_token"].as_str().ok_or_else(|| Error::other("no token"))?.to_owned();
            rest.post(&format!("/api/rooms/{room}/join"), &token, &Value::Null).await?;
            tokens.push(token);
        }
        // Whoever opened it, and everybody who joined it.
        let head = i64::try_from(tokens.len()).unwrap_or(0) + 1;
        Ok(Club { room, head, tokens })
    }

    /// The token of whoever has the socket with this number.
    pub(super) fn token(&self, socket: u64) -> &str {
        let number = usize::try_from(socket).unwrap_or(0) % self.tokens.len().max(1);
        self.tokens.get(number).map_or("", String::as_str)
    }
}

struct Rest {
    client: Client,
    address: String,
}

impl Rest {
    async fn post(&mut self, path: &str, token: &str, body: &Value) -> Result<Value> {
        // What needs no body gets none.
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let address = &self.address;
        let bearer =
            if token.is_empty() { String::new() } else { format!("authorization: Bearer {token}\r\n") };
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\n{bearer}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.client.ask(&request).await?;
        serde_json::from_slice(self.client.body()).map_err(Error::other)
    }
}
