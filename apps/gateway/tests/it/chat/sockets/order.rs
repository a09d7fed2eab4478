//! Nothing acknowledged is lost, doubled or out of order, whoever comes and goes.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use muster_testkit::{Person, each_engine};
use serde_json::{Value, json};

use crate::chat::phone::{Phone, seqs};
use crate::chat::{channel_of, check, room_now};
use crate::support::TestApp;

/// What a client knows of a room: as the protocol asks, the next number is applied, lower ones are ignored.
pub struct Log {
    last: i64,
    pub events: Vec<Value>,
}

impl Log {
    fn hear(&mut self, said: &Value) {
        if said["type"] != "event" {
            return;
        }
        let seq = said["seq"].as_i64().expect("a number");
        assert!(seq <= self.last + 1, "a hole between {} and {seq}", self.last);
        if seq == self.last + 1 {
            self.last = seq;
            self.events.push(said.clone());
        }
    }
}

/// Comes and goes until it knows of everything up to `until`, which is told in the end.
pub async fn listen(
    app: &TestApp,
    person: &Person,
    room: &Value,
    turns: usize,
    until: tokio::sync::watch::Receiver<i64>,
) -> Log {
    let mut log = Log { last: 0, events: Vec::new() };
    for turn in 0.. {
        let mut phone = Phone::of(app, person).await;
        let (replay, subscribed) = phone.subscribe(json!({room["id"].to_string(): log.last})).await;
        replay.iter().for_each(|said| log.hear(said));
        assert_eq!(subscribed["heads"][room["id"].to_string()], log.last, "the replay is whole");
        // It stays for a few events, the last time until the end.
        for _ in 0..(5 + turn % 7) {
            if *until.borrow() == log.last {
                break;
            }
            log.hear(&phone.next().await);
        }
        while turn >= turns && *until.borrow() != log.last {
            let mut until = until.clone();
            tokio::select! {
                said = phone.next() => log.hear(&said),
                _ = until.changed() => {}
            }
        }
        if *until.borrow() == log.last {
            return log;
        }
    }
    log
}

pub async fn talk(app: &TestApp, person: &Person, room: &Value, count: usize) -> BTreeSet<i64> {
    let mut phone = Phone::of(app, person).await;
    let mut acknowledged = BTreeSet::new();
    for number in 0..count {
        let send = json!({"type": "send", "room": room["id"], "client_id": format!("c{number}"), "content": format!("{number}")});
        let (_, ack) = phone.asks(send.clone()).await;
        assert_eq!(ack["type"], "ack", "{ack}");
        acknowledged.insert(ack["seq"].as_i64().expect("a number"));
        // Now and then the answer is taken for lost.
        if number % 5 == 0 {
            let (_, again) = phone.asks(send).await;
            assert_eq!((&again["seq"], &again["duplicate"]), (&ack["seq"], &json!(true)));
        }
    }
    acknowledged
}

each_engine! {
    async fn every_log_is_the_same_whoever_comes_and_goes_while_others_talk(app: TestApp) {
        let coach = app.people.coach().await;
        let mut people = Vec::new();
        for _ in 0..8 {
            people.push(app.people.member().await);
        }
        let room = channel_of(&app, &coach, &people.iter().collect::<Vec<_>>()).await;
        let (tell, until) = tokio::sync::watch::channel(-1);
        let listening = join_all(people.iter().map(|person| listen(&app, person, &room, 6, until.clone())));
        let talking = async {
            let acknowledged: Vec<BTreeSet<i64>> = join_all(people[..4].iter().map(|person| talk(&app, person, &room, 40))).await;
            let head = room_now(&app, &room, &coach).await.body["head_seq"].as_i64().expect("a number");
            tell.send(head).expect("somebody listens");
            acknowledged
        };
        let (logs, acknowledged) = tokio::join!(listening, talking);
        let all: BTreeSet<i64> = acknowledged.into_iter().flatten().collect();
        assert_eq!(all.len(), 160, "each has a number of its own");
        let by_rest = app.get(&format!("/api/rooms/{}/events?after=0&limit=500", room["id"]), &coach).await.body;
        for log in logs {
            assert_eq!(json!(log.events), by_rest["items"]);
            assert!(all.iter().all(|seq| seqs(&log.events).contains(seq)), "nothing acknowledged is missing");
        }
        check(&app).await;
    }

    async fn whoever_subscribes_in_the_middle_of_it_misses_nothing(app: TestApp) {
        let (coach, member) = (app.people.coach().await, app.people.member().await);
        let room = channel_of(&app, &coach, &[&member]).await;
        let talking = talk(&app, &coach, &room, 150);
        let joining = async {
            for _ in 0..30 {
                let mut phone = Phone::of(&app, &member).await;
                let mut log = Log { last: 0, events: Vec::new() };
                let (replay, _) = phone.subscribe(json!({room["id"].to_string(): 0})).await;
                replay.iter().for_each(|said| log.hear(said));
                // Subscribed to once more on the same socket, events may come again, but none is left out.
                phone.say(json!({"type": "subscribe", "rooms": {room["id"].to_string(): log.last}})).await;
                let mut said = json!({});
                while said["type"] != "subscribed" {
                    said = phone.next().await;
                    log.hear(&said);
                }
                assert_eq!(said["heads"][room["id"].to_string()], log.last);
            }
        };
        tokio::join!(talking, joining);
    }
}
