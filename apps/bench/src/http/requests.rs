//! The text of the requests.

use super::Args;
use crate::person::person;

pub(super) struct Requests {
    head: String,
    body: String,
    people: u64,
    /// Which connection of how many asks.
    connection: u64,
    connections: u64,
    asked: u64,
}

impl Requests {
    pub(super) fn new(args: &Args, connection: u32) -> Requests {
        let mut head = format!("{} {} HTTP/1.1\r\nhost: {}\r\n", args.method, args.path, args.address);
        if let Some(token) = &args.token {
            head.push_str(&format!("authorization: Bearer {token}\r\n"));
        }
        if !args.body.is_empty() {
            head.push_str("content-type: application/json\r\n");
        }
        Requests {
            head,
            body: args.body.clone(),
            people: args.people.max(1),
            connection: connection.into(),
            connections: args.connections.into(),
            asked: 0,
        }
    }

    pub(super) fn next(&mut self) -> String {
        let n = self.connection + self.connections * self.asked;
        self.asked += 1;
        let mut body = self.body.replace("{n}", &n.to_string());
        if body.contains("{email}") {
            body = body.replace("{email}", &person(n % self.people + 1).email);
        }
        match body.len() {
            0 => format!("{}\r\n", self.head),
            length => format!("{}content-length: {length}\r\n\r\n{body}", self.head),
        }
    }
}
