//! The text of the requests.

use super::Args;
use crate::person::person;

pub(super) struct Requests {
    method: String,
    path: String,
    head: String,
    body: String,
    people: u64,
    classes: u64,
    keys: bool,
    /// Which connection of how many asks.
    connection: u64,
    connections: u64,
    asked: u64,
}

impl Requests {
    pub(super) fn new(args: &Args, connection: u32) -> Requests {
        let mut head = format!(" HTTP/1.1\r\nhost: {}\r\n", args.address);
        if let Some(token) = &args.token {
            head.push_str(&format!("authorization: Bearer {token}\r\n"));
        }
        if !args.body.is_empty() {
            head.push_str("content-type: application/json\r\n");
        }
        Requests {
            method: args.method.clone(),
            path: args.path.clone(),
            head,
            body: args.body.clone(),
            people: args.people.max(1),
            classes: args.classes.max(1),
            keys: args.keys,
            connection: connection.into(),
            connections: args.connections.into(),
            asked: 0,
        }
    }

    pub(super) fn next(&mut self) -> String {
        let n = self.connection + self.connections * self.asked;
        self.asked += 1;
        let whom = n % self.people + 1;
        // Everybody to another class than whoever comes next, and to another each time.
        let class = (n + n / self.people) % self.classes + 1;
        let path = self.path.replace("{class}", &class.to_string());
        let mut head = format!("{} {path}{}", self.method, self.head);
        if self.keys {
            head.push_str(&format!("idempotency-key: bench-{n}\r\n"));
        }
        let mut body = self.body.replace("{n}", &n.to_string()).replace("{member}", &whom.to_string());
        if body.contains("{email}") {
            body = body.replace("{email}", &person(whom).email);
        }
        match body.len() {
            0 => format!("{head}\r\n"),
            length => format!("{head}content-length: {length}\r\n\r\n{body}"),
        }
    }
}
