//! What a socket is told, but for the events of rooms. Each begins with its `type`.

use std::collections::BTreeMap;

use muster_kernel::UserId;
use serde::Serialize;

use crate::message::MessageId;
use crate::room::RoomId;

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Told<'a> {
    /// The greeting.
    Hello { version: u32, epoch: &'a str, user_id: UserId, heartbeat_ms: u64, max_bytes: u64 },
    /// Everything up to these numbers was sent; some rooms are not theirs.
    Subscribed {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
        heads: BTreeMap<RoomId, i64>,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        refused: BTreeMap<RoomId, &'static str>,
    },
    /// A room is not caught up with here.
    Reset { room: RoomId, head: i64, reason: &'static str },
    /// A message is kept.
    Ack {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
        room: RoomId,
        seq: i64,
        message_id: MessageId,
        duplicate: bool,
    },
    /// Something cannot be done, or somebody is in a room no more.
    Error {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        room: Option<RoomId>,
        code: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    },
    /// Somebody types.
    Typing { room: RoomId, user_id: UserId },
    /// Somebody is there, or not any more.
    Presence { user_id: UserId, online: bool },
    /// One has read a room up to here, on another device.
    Read { room: RoomId, seq: i64 },
    /// The answer to a ping.
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
    },
}

impl Told<'_> {
    /// As it is sent.
    pub(crate) fn json(&self) -> Vec<u8> {
        // There is nothing in it that cannot be written.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_begins_with_its_type_and_leaves_out_what_is_not_there() {
        let written = |told: Told<'_>| String::from_utf8(told.json()).expect("text");
        assert_eq!(written(Told::Pong { id: None }), r#"{"type":"pong"}"#);
        let (room, message_id) = (RoomId(42), MessageId(5501));
        let ack = Told::Ack { id: Some("2"), room, seq: 1009, message_id, duplicate: false };
        assert_eq!(
            written(ack),
            r#"{"type":"ack","id":"2","room":42,"seq":1009,"message_id":5501,"duplicate":false}"#
        );
        let subscribed =
            |refused| Told::Subscribed { id: None, heads: BTreeMap::from([(room, 1008)]), refused };
        assert_eq!(written(subscribed(BTreeMap::new())), r#"{"type":"subscribed","heads":{"42":1008}}"#);
        assert_eq!(
            written(subscribed(BTreeMap::from([(RoomId(44), "not_found")]))),
            r#"{"type":"subscribed","heads":{"42":1008},"refused":{"44":"not_found"}}"#
        );
    }
}
