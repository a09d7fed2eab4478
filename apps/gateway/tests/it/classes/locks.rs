//! The order of locks: classes, then people. Who does it otherwise waits for somebody who waits for them.

use std::sync::{Arc, Mutex};

use muster_kernel::db::StatementObserver;
use muster_testkit::{Engine, TestDb, TestDbOptions};
use serde_json::json;

use super::{booked, planned};
use crate::support::TestApp;

/// What is locked by a statement, if anything.
fn locked(sql: &str) -> Option<&'static str> {
    let is_lock = sql.contains("FOR NO KEY UPDATE");
    ["classes", "users", "rooms"]
        .into_iter()
        .find(|table| is_lock && sql.contains(&format!("FROM \"{table}\"")))
}

#[test]
fn whatever_ends_bookings_locks_classes_before_people_and_rooms_last() {
    muster_testkit::run(async {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let into = seen.clone();
        let observer: StatementObserver =
            Arc::new(move |sql| into.lock().expect("a list").extend(locked(sql)));
        let options =
            TestDbOptions { readers: 2, writers: 4, observer: Some(observer), ..TestDbOptions::default() };
        let app = TestApp::with(TestDb::with(Engine::Postgres, options), &["--rate-limits", "off"]);
        let (coach, admin) = (app.people.coach().await, app.people.admin().await);
        for act in
            ["members/{}/suspend", "members/{}/leave", "users/{}/deactivate", "users/{}/erase", "bookings"]
        {
            let member = app.people.member().await;
            let yoga = planned(&app, &coach, json!({"class_datetime": super::in_hours(&app, 72 + 2 * i64::try_from(act.len()).expect("few"))})).await;
            let booking = booked(&app, &yoga, &member).await;
            seen.lock().expect("a list").clear();
            let answer = match act {
                "bookings" => super::cancel(&app, &booking, &member).await,
                _ => {
                    let path = format!("/api/{}", act.replace("{}", &member.id.to_string()));
                    app.post(&path, &admin, json!({"reason": "They wished it."})).await
                }
            };
            assert_eq!(answer.status, 200, "{act}: {}", answer.text);
            let order = seen.lock().expect("a list").clone();
            let first = |table| order.iter().position(|it| *it == table);
            let last = |table| order.iter().rposition(|it| *it == table);
            assert!(first("classes").is_some() && first("users").is_some(), "{act}: {order:?}");
            assert!(first("classes") < first("users"), "{act}: {order:?}");
            assert!(last("rooms") >= first("users"), "{act}: {order:?}");
        }
    });
}
