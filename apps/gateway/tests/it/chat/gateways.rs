//! Several gateways on one database: what is said at one of them is heard at all of them.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use muster_chat::Hub;
use muster_testkit::{Person, each_engine};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::phone::{PATIENCE, Phone, seqs};
use super::sockets::order::{listen, talk};
use super::{channel_of, check, direct, room_now, sent};
use crate::support::TestApp;

/// What a bus may do to what it carries.
#[derive(Clone, Copy)]
enum Bus {
    /// It carries everything, once and in order.
    Good,
    /// It loses a third, tells another third twice, and some of it late.
    Bad,
}

/// Carries what each of two gateways says to the other, until it is dropped.
fn carry(bus: Bus, one: &Hub, two: &Hub) -> JoinSet<()> {
    let mut carrying = JoinSet::new();
    for (from, to) in [(one.clone(), two.clone()), (two.clone(), one.clone())] {
        let mut said = from.bus().expect("asked for once");
        carrying.spawn(async move {
            // As good as chance, and the same each time.
            let mut chance: u64 = 7;
            let mut late = Vec::new();
            loop {
                for (_, said) in said.next(64).await {
                    chance = chance
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    match (bus, (chance >> 33) % 6) {
                        (Bus::Good, _) | (_, 0 | 1) => to.hear_from_bus(&said),
                        (_, 2 | 3) => (0..2).for_each(|_| to.hear_from_bus(&said)),
                        (_, 4) => late.push(said),
                        _ => {}
                    }
                    if late.len() > 5 {
                        late.drain(..).rev().for_each(|said| to.hear_from_bus(&said));
                    }
                }
            }
        });
    }
    carrying
}

async fn come_and_go(one: &TestApp, two: &TestApp) {
    let coach = one.people.coach().await;
    let mut people = Vec::new();
    for _ in 0..4 {
        people.push(one.people.member().await);
    }
    let room = channel_of(one, &coach, &people.iter().collect::<Vec<_>>()).await;
    let (tell, until) = tokio::sync::watch::channel(-1);
    // Everybody listens at both; half of them talk at one, half at the other, and a coach changes what was said.
    let listening = [one, two].into_iter().flat_map(|app| people.iter().map(move |person| (app, person)));
    let listening = join_all(listening.map(|(app, person)| listen(app, person, &room, 3, until.clone())));
    let talking = async {
        let talk =
            [one, two, one, two].into_iter().zip(&people).map(|(app, person)| talk(app, person, &room, 15));
        let (acknowledged, ()) = tokio::join!(join_all(talk), change(one, two, &coach, &room));
        let head = room_now(one, &room, &coach).await.body["head_seq"].as_i64().expect("a number");
        tell.send(head).expect("somebody listens");
        acknowledged
    };
    let (logs, acknowledged) = tokio::join!(listening, talking);
    let acknowledged: BTreeSet<i64> = acknowledged.into_iter().flatten().collect();
    assert_eq!(acknowledged.len(), 60);
    let by_rest = one.get(&format!("/api/rooms/{}/events?after=0&limit=500", room["id"]), &coach).await.body;
    // Of an event that came live the message is told as it was then; by REST as it is now.
    let told = |events: &[Value]| -> Vec<(Value, Value, Value)> {
        events
            .iter()
            .map(|it| (it["seq"].clone(), it["event"].clone(), it["message"]["id"].clone()))
            .collect()
    };
    let expected = told(by_rest["items"].as_array().expect("events"));
    for log in logs {
        assert_eq!(told(&log.events), expected);
        assert!(acknowledged.iter().all(|seq| seqs(&log.events).contains(seq)));
    }
    check(one).await;
}

/// Writes, edits and deletes, each at another gateway.
async fn change(one: &TestApp, two: &TestApp, coach: &Person, room: &Value) {
    for number in 0..10 {
        let message = sent(one, room, coach, &format!("first {number}")).await;
        let path = format!("/api/messages/{}", message["id"]);
        assert_eq!(two.put(&path, coach, json!({"content": format!("second {number}")})).await.status, 200);
        assert_eq!(one.delete(&path, coach).await.status, 204);
    }
}

each_engine! {
    async fn without_a_bus_they_meet_in_the_database(app: TestApp) {
        let other = app.beside();
        come_and_go(&app, &other).await;
    }

    async fn a_bus_that_loses_doubles_and_mixes_up_does_no_harm(app: TestApp) {
        let other = app.beside();
        let _carried = carry(Bus::Bad, &app.hub, &other.hub);
        come_and_go(&app, &other).await;
    }

    async fn over_a_bus_they_tell_each_other_what_does_not_last(app: TestApp) {
        let other = app.beside();
        let _carried = carry(Bus::Good, &app.hub, &other.hub);
        let (one, two) = (app.people.coach().await, app.people.coach().await);
        let room = direct(&app, &one, &[&two]).await.body;
        let mut here = Phone::in_rooms(&app, &one, &[&room]).await;
        let mut there = Phone::in_rooms(&other, &two, &[&room]).await;
        let mut own = Phone::of(&other, &one).await;
        assert_eq!(here.next_of("presence").await, json!({"type": "presence", "user_id": two.id, "online": true}));
        assert_eq!(there.next_of("presence").await, json!({"type": "presence", "user_id": one.id, "online": true}));

        here.say(json!({"type": "typing", "room": room["id"]})).await;
        assert_eq!(there.next_of("typing").await["user_id"], json!(one.id));
        let message = sent(&other, &room, &two, "Hello").await;
        assert_eq!(here.next_of("event").await["message"], message);
        here.say(json!({"type": "read", "room": room["id"], "seq": message["seq"]})).await;
        assert_eq!(own.next_of("read").await["seq"], message["seq"], "on one's other device");

        let added = channel_of(&app, &two, &[]).await;
        app.post(&format!("/api/rooms/{}/members", added["id"]), &two, json!({"user_id": one.id})).await;
        assert_eq!(own.next_of("event").await["room"], added["id"]);
    }

    async fn whoever_hides_is_gone_at_all_of_them_wherever_they_are_connected(app: TestApp) {
        let other = app.beside();
        let _carried = carry(Bus::Good, &app.hub, &other.hub);
        let (one, two) = (app.people.coach().await, app.people.coach().await);
        direct(&app, &one, &[&two]).await;
        let (mut here, mut there) = (Phone::of(&app, &one).await, Phone::of(&other, &one).await);
        let _hiding = Phone::of(&other, &two).await;
        let is = |online| json!({"type": "presence", "user_id": two.id, "online": online});
        assert_eq!((here.next().await, there.next().await), (is(true), is(true)));
        // They say so at the gateway where they are not connected.
        app.patch("/api/users/me", &two, json!({"show_presence": false})).await;
        assert_eq!((here.next().await, there.next().await), (is(false), is(false)));
        here.hears_nothing().await;
        there.hears_nothing().await;
    }

    async fn whoever_is_signed_out_at_one_hears_nothing_more_at_another(app: TestApp) {
        let other = app.beside();
        let (member, coach) = (app.people.member().await, app.people.coach().await);
        let room = channel_of(&app, &coach, &[&member]).await;
        let mut phone = Phone::in_rooms(&other, &member, &[&room]).await;
        assert_eq!(app.post("/api/auth/logout", &member, json!({})).await.status, 204);
        assert_eq!(phone.closed().await.1, 4500);
    }

    async fn what_one_of_them_did_not_hear_it_finds_by_itself(app: TestApp) {
        let other = app.beside();
        let (member, coach) = (app.people.member().await, app.people.coach().await);
        let room = channel_of(&app, &coach, &[&member]).await;
        let mut phone = Phone::in_rooms(&other, &member, &[&room]).await;
        let message = sent(&app, &room, &coach, "Without a bus").await;
        let heard = tokio::time::timeout(PATIENCE.max(Duration::from_secs(5)), phone.next_of("event")).await;
        assert_eq!(heard.expect("within seconds")["message"], message);
    }
}
