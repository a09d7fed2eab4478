//! One's own password and address, and how often somebody may guess.

use chrono::TimeDelta;
use muster_testkit::{Engine, PASSWORD, TestDb, each_engine};
use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, TestApp, token_in};

async fn log_in(app: &TestApp, email: &str, password: &str) -> Answer {
    app.post_as_nobody("/api/auth/login", json!({"email": email, "password": password})).await
}

each_engine! {
    async fn a_changed_password_signs_out_every_other_device(app: TestApp) {
        let person = app.people.member().await;
        let elsewhere = app.people.sign_in(&person.email, PASSWORD).await;
        app.mails().await;
        let change = |old: &str, new: &str| json!({"old_password": old, "new_password": new});
        let wrong = app.put("/api/auth/password", &person, change("wrong", "amber lantern meadow")).await;
        assert_eq!(wrong.fields(), [("/old_password", "wrong")]);
        let weak = app.put("/api/auth/password", &person, change(PASSWORD, "password1")).await;
        assert_eq!(weak.fields(), [("/new_password", "too_common")]);
        assert_eq!(app.put("/api/auth/password", &person, change(PASSWORD, "amber lantern meadow")).await.status, 204);
        assert_eq!(app.get("/api/users/me", &person).await.status, 200, "this device stays");
        let other = Answer::of(app.request(Method::GET, "/api/users/me").bearer_auth(&elsewhere.access)).await;
        assert_eq!(other.problem(), (401, "unauthenticated"));
        assert_eq!(log_in(&app, &person.email, PASSWORD).await.problem(), (401, "bad_credentials"));
        assert_eq!(log_in(&app, &person.email, "amber lantern meadow").await.status, 200);
        assert_eq!(app.mails().await[0].to, person.email);
    }

    async fn of_many_who_change_a_password_at_once_one_succeeds(app: TestApp) {
        let person = app.people.member().await;
        let all = (0..6).map(|n| {
            let body = json!({"old_password": PASSWORD, "new_password": format!("amber lantern meadow {n}")});
            app.put("/api/auth/password", &person, body)
        });
        let all = futures_util::future::join_all(all).await;
        assert_eq!(all.iter().filter(|answer| answer.status == 204).count(), 1);
        let refused = all.iter().filter(|answer| answer.status != 204);
        assert!(refused.into_iter().all(|answer| answer.fields() == [("/old_password", "wrong")]));
    }

    async fn a_new_address_counts_once_its_link_was_followed(app: TestApp) {
        let person = app.people.member().await;
        app.mails().await;
        let change = json!({"new_email": "New@Example.org", "password": PASSWORD});
        let wrong = app.put("/api/auth/email", &person, json!({"new_email": "new@example.org", "password": "x"})).await;
        assert_eq!(wrong.fields(), [("/password", "wrong")]);
        // A link to the old address, which is to hold no longer afterwards.
        app.post_as_nobody("/api/auth/password/forgot", json!({"email": person.email})).await;
        let reset = token_in(&app.mails().await[0]);
        assert_eq!(app.put("/api/auth/email", &person, change).await.status, 202);
        let mails = app.mails().await;
        assert_eq!(mails.iter().map(|m| m.to.as_str()).collect::<Vec<_>>(), ["new@example.org"]);
        assert_eq!(app.get("/api/users/me", &person).await.body["email"], person.email.as_str());
        assert_eq!(app.post_as_nobody("/api/auth/email/verify", json!({"token": token_in(&mails[0])})).await.status, 204);
        let me = app.get("/api/users/me", &person).await;
        assert_eq!((&me.body["email"], &me.body["email_verified"]), (&json!("new@example.org"), &json!(true)));
        assert_eq!(log_in(&app, &person.email, PASSWORD).await.problem(), (401, "bad_credentials"));
        assert_eq!(log_in(&app, "new@example.org", PASSWORD).await.status, 200);
        assert_eq!(app.mails().await[0].to, person.email, "the old address is told");
        let late = app.post_as_nobody("/api/auth/password/reset", json!({"token": reset, "new_password": "amber lantern meadow"})).await;
        assert_eq!(late.problem(), (422, "token_invalid"));
    }

    async fn somebody_elses_address_stays_theirs_and_nobody_is_told_but_them(app: TestApp) {
        let (person, owner) = (app.people.member().await, app.people.member().await);
        app.mails().await;
        let change = json!({"new_email": owner.email, "password": PASSWORD});
        let answer = app.put("/api/auth/email", &person, change).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (202, ""));
        let mails = app.mails().await;
        assert_eq!((mails.len(), mails[0].to.as_str()), (1, owner.email.as_str()));
        assert!(!mails[0].text.contains("#token="));
    }

    async fn of_two_who_take_an_address_the_first_to_follow_the_link_has_it(app: TestApp) {
        let (anna, bert) = (app.people.member().await, app.people.member().await);
        app.mails().await;
        for person in [&anna, &bert] {
            app.put("/api/auth/email", person, json!({"new_email": "new@example.org", "password": PASSWORD})).await;
        }
        let tokens: Vec<_> = app.mails().await.iter().map(token_in).collect();
        assert_eq!(app.post_as_nobody("/api/auth/email/verify", json!({"token": tokens[0]})).await.status, 204);
        let second = app.post_as_nobody("/api/auth/email/verify", json!({"token": tokens[1]})).await;
        assert_eq!(second.problem(), (422, "token_invalid"));
        assert_eq!(app.get("/api/users/me", &anna).await.body["email"], "new@example.org");
        assert_eq!(app.get("/api/users/me", &bert).await.body["email"], bert.email.as_str());
    }

    async fn a_password_whose_hash_has_become_cheap_is_hashed_anew_at_the_sign_in(app: TestApp) {
        let person = app.people.member().await;
        let TestApp { db, .. } = &app;
        let hash = || db.read(|conn| {
            use diesel::prelude::*;
            diesel::table! { users (id) { id -> BigInt, password_hash -> Nullable<Text>, } }
            let hash = users::table.select(users::password_hash).get_result::<Option<String>>(conn)?;
            Ok::<_, muster_kernel::db::DbError>(hash.expect("a password"))
        });
        assert!(hash().await.expect("a hash").starts_with("$2b$04$"));
        let dearer = muster_gateway::accounts(
            muster_auth::Passwords::new(5),
            muster_auth::Keyring::open(&tempfile::tempdir().expect("a folder").path().join("secret")).expect("keys"),
            muster_auth::AccountOptions::default(),
        );
        let people = muster_testkit::People::new((**db).clone(), dearer);
        people.sign_in(&person.email, PASSWORD).await;
        let upgraded = hash().await.expect("a hash");
        assert!(upgraded.starts_with("$2b$05$"), "{upgraded}");
        people.sign_in(&person.email, PASSWORD).await;
        assert_eq!(hash().await.expect("a hash"), upgraded, "once is enough");
        assert_eq!(app.get("/api/users/me", &person).await.status, 200, "nobody is signed out by it");
    }
}

fn guessing_is_limited_and_locks_nobody_out(engine: Engine) {
    muster_testkit::run(async {
        // Every test address is the same client; a proxy tells them apart.
        let app = TestApp::with(TestDb::new(engine), &["--trusted-proxies", "127.0.0.1"]);
        let person = app.people.member().await;
        let from = async |address: &str, email: &str, password: &str| {
            let request = app.request(Method::POST, "/api/auth/login").header("x-forwarded-for", address);
            Answer::of(request.json(&json!({"email": email, "password": password}))).await
        };
        for email in [person.email.as_str(), "nobody@example.org"] {
            for n in 0..10 {
                assert_eq!(
                    from("192.0.2.1", email, "wrong").await.problem(),
                    (401, "bad_credentials"),
                    "{n}"
                );
            }
            let refused = from("192.0.2.1", email, PASSWORD).await;
            assert_eq!(refused.problem(), (429, "rate_limited"), "{email}");
            let seconds: u64 = refused.header("retry-after").parse().expect("seconds");
            assert!((1..=900).contains(&seconds));
        }
        let owner = from("192.0.2.2", &person.email, PASSWORD).await;
        assert_eq!(owner.status, 200, "who guesses elsewhere locks nobody out: {}", owner.text);
    });
}

#[test]
fn guessing_is_limited_and_locks_nobody_out_on_sqlite() {
    guessing_is_limited_and_locks_nobody_out(Engine::Sqlite);
}

#[test]
fn guessing_is_limited_and_locks_nobody_out_on_postgres() {
    guessing_is_limited_and_locks_nobody_out(Engine::Postgres);
}

#[test]
fn a_stranger_cannot_fill_a_mailbox() {
    muster_testkit::run(async {
        let app = TestApp::configured(Engine::Sqlite, &[]);
        let person = app.people.member().await;
        app.mails().await;
        for _ in 0..8 {
            let answer =
                app.post_as_nobody("/api/auth/password/forgot", json!({"email": person.email})).await;
            assert_eq!(answer.status, 202, "it looks the same to the end");
        }
        app.wait(TimeDelta::seconds(1));
        assert_eq!(app.mails().await.len(), 3);
    });
}
