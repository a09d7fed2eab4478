//! Second factors: codes of an app, recovery codes, and roles that ask for one.

use chrono::TimeDelta;
use muster_testkit::{Engine, PASSWORD, Person, each_engine};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

/// What an app would show for this secret.
pub fn code(app: &TestApp, secret: &str) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let key = base32_bytes(secret);
    let step = u64::try_from(app.db.clock.now().utc().timestamp() / 30).expect("after 1970");
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(&key).expect("any length");
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let at = usize::from(digest[19] & 15);
    let number = u32::from_be_bytes(digest[at..at + 4].try_into().expect("four")) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

fn base32_bytes(text: &str) -> Vec<u8> {
    let mut bits = String::new();
    for c in text.trim_end_matches('=').bytes() {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|a| *a == c).expect("base32");
        bits.push_str(&format!("{value:05b}"));
    }
    bits.as_bytes()
        .chunks_exact(8)
        .map(|b| u8::from_str_radix(std::str::from_utf8(b).expect("ascii"), 2).expect("bits"))
        .collect()
}

async fn log_in(app: &TestApp, person: &Person, totp: Option<&str>) -> Answer {
    let mut body = json!({"email": person.email, "password": PASSWORD});
    if let Some(totp) = totp {
        body["totp"] = json!(totp);
    }
    app.post_as_nobody("/api/auth/login", body).await
}

/// Sets a second factor up: its secret and the recovery codes.
pub async fn set_up(app: &TestApp, person: &Person) -> (String, Vec<String>) {
    let begun = app.post("/api/auth/totp", person, json!({"password": PASSWORD})).await;
    assert_eq!(begun.status, 200, "{}", begun.text);
    let secret = begun.body["secret"].as_str().expect("a secret").to_owned();
    assert!(begun.body["uri"].as_str().expect("a uri").starts_with("otpauth://totp/"));
    let confirmed = app.post("/api/auth/totp/confirm", person, json!({"code": code(app, &secret)})).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.text);
    let codes = confirmed.body["recovery_codes"].as_array().expect("codes").iter();
    (secret, codes.map(|c| c.as_str().expect("a code").to_owned()).collect())
}

#[test]
fn codes_are_not_tried_out_from_many_addresses() {
    muster_testkit::run(async {
        let app = TestApp::configured(Engine::Sqlite, &["--trusted-proxies", "127.0.0.1"]);
        let person = app.people.member().await;
        set_up(&app, &person).await;
        let mut last = 0;
        for n in 0..12 {
            let body = json!({"email": person.email, "password": PASSWORD, "totp": "000000"});
            let request = app
                .request(Method::POST, "/api/auth/login")
                .header("x-forwarded-for", format!("192.0.2.{n}"));
            last = Answer::of(request.json(&body)).await.problem().0;
        }
        assert_eq!(last, 429);
    });
}

async fn state(app: &TestApp, person: &Person) -> Value {
    app.get("/api/auth/totp", person).await.body
}

each_engine! {
    async fn a_second_factor_is_asked_for_once_it_is_confirmed(app: TestApp) {
        let person = app.people.member().await;
        assert_eq!(state(&app, &person).await, json!({"enabled": false, "required": false, "recovery_codes_left": 0}));
        let wrong = app.post("/api/auth/totp", &person, json!({"password": "wrong"})).await;
        assert_eq!(wrong.fields(), [("/password", "wrong")]);
        app.post("/api/auth/totp", &person, json!({"password": PASSWORD})).await;
        let wrong = app.post("/api/auth/totp/confirm", &person, json!({"code": "000000"})).await;
        assert_eq!(wrong.fields(), [("/code", "wrong")]);
        assert_eq!(log_in(&app, &person, None).await.status, 200, "nothing is asked until it is confirmed");

        let (secret, codes) = set_up(&app, &person).await;
        assert_eq!(codes.len(), 10);
        assert_eq!(state(&app, &person).await, json!({"enabled": true, "required": false, "recovery_codes_left": 10}));
        assert_eq!(log_in(&app, &person, None).await.problem(), (401, "totp_required"));
        assert_eq!(log_in(&app, &person, Some("000000")).await.problem(), (401, "bad_credentials"));
        assert_eq!(log_in(&app, &person, Some(&code(&app, &secret))).await.problem(), (401, "bad_credentials"), "a code is good once");
        app.wait(TimeDelta::seconds(30));
        assert_eq!(log_in(&app, &person, Some(&code(&app, &secret))).await.status, 200);
        let mut wrong_password = json!({"email": person.email, "password": "wrong"});
        app.wait(TimeDelta::seconds(30));
        wrong_password["totp"] = json!(code(&app, &secret));
        assert_eq!(app.post_as_nobody("/api/auth/login", wrong_password).await.problem(), (401, "bad_credentials"));
        assert_eq!(app.post("/api/auth/totp", &person, json!({"password": PASSWORD})).await.problem(), (409, "invalid_state"));
    }

    async fn one_of_many_who_use_a_code_at_once_comes_in(app: TestApp) {
        let person = app.people.member().await;
        let (secret, codes) = set_up(&app, &person).await;
        app.wait(TimeDelta::seconds(30));
        let code = code(&app, &secret);
        let all = futures_util::future::join_all((0..8).map(|_| log_in(&app, &person, Some(&code)))).await;
        assert_eq!(all.iter().filter(|answer| answer.status == 200).count(), 1);
        let all = futures_util::future::join_all((0..8).map(|_| log_in(&app, &person, Some(&codes[0])))).await;
        assert_eq!(all.iter().filter(|answer| answer.status == 200).count(), 1);
    }

    async fn a_recovery_code_is_good_once_and_they_can_be_renewed(app: TestApp) {
        let person = app.people.member().await;
        let (_, codes) = set_up(&app, &person).await;
        assert_eq!(log_in(&app, &person, Some(&codes[3].to_uppercase().replace('-', " "))).await.status, 200);
        assert_eq!(log_in(&app, &person, Some(&codes[3])).await.problem(), (401, "bad_credentials"));
        assert_eq!(state(&app, &person).await["recovery_codes_left"], 9);
        let renewed = app.post("/api/auth/totp/recovery-codes", &person, json!({"password": PASSWORD})).await;
        let fresh = renewed.body["recovery_codes"][0].as_str().expect("a code").to_owned();
        assert_eq!(log_in(&app, &person, Some(&codes[4])).await.problem(), (401, "bad_credentials"));
        assert_eq!(log_in(&app, &person, Some(&fresh)).await.status, 200);
    }

    async fn it_is_taken_away_with_the_password_or_by_an_admin(app: TestApp) {
        let (person, admin) = (app.people.member().await, app.people.admin().await);
        set_up(&app, &person).await;
        let wrong = app.post("/api/auth/totp/remove", &person, json!({"password": "wrong"})).await;
        assert_eq!(wrong.fields(), [("/password", "wrong")]);
        assert_eq!(app.post("/api/auth/totp/remove", &person, json!({"password": PASSWORD})).await.status, 204);
        assert_eq!(log_in(&app, &person, None).await.status, 200);

        app.wait(TimeDelta::seconds(60));
        set_up(&app, &person).await;
        app.mails().await;
        let path = format!("/api/users/{}/totp-reset", person.id);
        let reset = app.post(&path, &admin, json!({"reason": "lost the phone"})).await;
        assert_eq!(reset.status, 200, "{}", reset.text);
        assert_eq!(log_in(&app, &person, None).await.status, 200);
        assert_eq!(app.mails().await[0].to, person.email, "they are told");
        assert_eq!(app.post(&path, &admin, json!({})).await.problem(), (409, "invalid_state"));
    }

    async fn a_role_that_asks_for_a_second_factor_rests_until_there_is_one(app: TestApp) {
        let (admin, treasurer) = (app.people.admin().await, app.people.treasurer().await);
        let member = app.people.member().await;
        let policy = |roles: Value| json!({"policies": {"require_totp_for": roles}});
        assert_eq!(app.patch("/api/club", &admin, policy(json!(["member"]))).await.fields(), [("/policies/require_totp_for", "invalid")]);
        assert_eq!(app.patch("/api/club", &admin, policy(json!(["treasurer"]))).await.status, 200);
        assert_eq!(app.get("/api/users", &treasurer).await.problem(), (403, "totp_setup_required"));
        assert_eq!(app.get("/api/audit", &treasurer).await.problem(), (403, "forbidden"), "a second factor would not help");
        assert_eq!(app.get("/api/users/me", &treasurer).await.status, 200, "they act as a member");
        assert_eq!(app.get("/api/users/me", &treasurer).await.body["role"], "treasurer", "and are what they are");
        assert_eq!(app.get("/api/club", &member).await.status, 200);
        assert_eq!(app.get("/api/users", &admin).await.status, 200);
        assert_eq!(state(&app, &treasurer).await["required"], true);
        set_up(&app, &treasurer).await;
        assert_eq!(app.get("/api/users", &treasurer).await.status, 200, "at once");
    }
}
