//! Coming to an account, and getting back into it.

use chrono::TimeDelta;
use muster_kernel::db::DbError;
use muster_testkit::{Engine, PASSWORD, TestDb, each_engine};
use serde_json::{Value, json};

use crate::support::{Answer, TestApp, token_in};

const ANNA: &str = "anna@example.org";

fn registration(email: &str) -> Value {
    json!({
        "first_name": "Anna", "last_name": "Example", "email": email, "password": "violet kettle harbour",
        "date_of_birth": "1990-05-17",
    })
}

async fn register(app: &TestApp, body: Value) -> Answer {
    let answer = app.post_as_nobody("/api/auth/register", body).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (201, r#"{"verification":"sent"}"#));
    answer
}

async fn log_in(app: &TestApp, email: &str, password: &str) -> Answer {
    app.post_as_nobody("/api/auth/login", json!({"email": email, "password": password})).await
}

async fn with_mailer(engine: Engine) -> TestApp {
    let flags = ["--rate-limits", "off", "--smtp-url", "smtp://mail.example.org"];
    TestApp::with(TestDb::new(engine), &flags)
}

each_engine! {
    async fn whoever_registers_is_a_pending_member_and_nothing_more(app: TestApp) {
        register(&app, registration(" Anna@Example.ORG ")).await;
        let login = log_in(&app, ANNA, "violet kettle harbour").await;
        assert_eq!(login.status, 200, "without a mail server it works at once: {}", login.text);
        let user = &login.body["user"];
        assert_eq!((&user["role"], &user["roles"]), (&json!("member"), &json!(["member"])));
        assert_eq!((&user["email"], &user["email_verified"]), (&json!(ANNA), &json!(false)));
        assert_eq!((&user["date_of_birth"], &user["is_active"]), (&json!("1990-05-17"), &json!(true)));
        let id = user["id"].as_i64().expect("an id");
        let standing = app.db.read(move |conn| {
            use diesel::prelude::*;
            diesel::table! { members (id) { id -> BigInt, status -> Text, } }
            Ok::<_, DbError>(members::table.find(id).select(members::status).get_result::<String>(conn)?)
        }).await.expect("a member");
        assert_eq!(standing, "pending");
    }

    async fn a_registration_sets_nothing_that_is_not_its_own(app: TestApp) {
        for (field, value) in [
            ("role", json!("admin")), ("roles", json!(["admin"])), ("id", json!(1)), ("is_active", json!(true)),
            ("date_joined", json!("2020-01-01T00:00:00Z")), ("email_verified", json!(true)),
            ("membership_approved", json!(true)), ("password_hash", json!("x")), ("self_registered", json!(false)),
        ] {
            let mut body = registration(ANNA);
            body[field] = value;
            let refused = app.post_as_nobody("/api/auth/register", body).await;
            assert_eq!(refused.problem(), (422, "unknown_field"), "{field}");
        }
        assert_eq!(log_in(&app, ANNA, "violet kettle harbour").await.problem(), (401, "bad_credentials"));
    }

    async fn every_wrong_field_of_a_registration_is_named(app: TestApp) {
        let wrong = json!({
            "first_name": "", "last_name": "x".repeat(81), "email": "anna", "password": "short",
            "date_of_birth": "2026-01-02",
        });
        let answer = app.post_as_nobody("/api/auth/register", wrong).await;
        assert_eq!(answer.problem(), (422, "invalid_fields"));
        assert_eq!(answer.fields(), [
            ("/first_name", "too_short"), ("/last_name", "too_long"), ("/email", "invalid"),
            ("/password", "too_short"), ("/date_of_birth", "out_of_range"),
        ]);
        for (password, code) in [("password1", "too_common"), ("anna-example", "too_personal"), ("a\u{0}bcdefgh", "control_characters")] {
            let mut body = registration(ANNA);
            body["password"] = json!(password);
            let answer = app.post_as_nobody("/api/auth/register", body).await;
            assert_eq!(answer.fields(), [("/password", code)], "{password}");
        }
        for (field, value) in [("date_of_birth", json!("yesterday")), ("date_of_birth", json!("1850-01-01")), ("email", json!(null))] {
            let mut body = registration(ANNA);
            body[field] = value;
            assert_eq!(app.post_as_nobody("/api/auth/register", body).await.status, 422, "{field}");
        }
    }

    async fn a_taken_address_is_told_to_its_owner_alone(app: TestApp) {
        let owner = app.people.member().await;
        app.mails().await;
        register(&app, registration(&owner.email)).await;
        let mails = app.mails().await;
        assert_eq!(mails.len(), 1);
        assert_eq!((mails[0].to.as_str(), mails[0].text.contains("#token=")), (owner.email.as_str(), false));
        assert!(!mails[0].text.contains("Anna"), "nothing of a stranger's choosing is sent to anybody");
        assert_eq!(log_in(&app, &owner.email, "violet kettle harbour").await.problem(), (401, "bad_credentials"));
        assert_eq!(log_in(&app, &owner.email, PASSWORD).await.status, 200, "nothing has changed for them");
    }

    async fn a_registration_nobody_used_is_replaced_by_the_next(app: TestApp) {
        register(&app, registration(ANNA)).await;
        let stranger_link = token_in(&app.mails().await[0]);
        let mut second = registration(ANNA);
        second["password"] = json!("amber lantern meadow");
        second["first_name"] = json!("Annabel");
        register(&app, second).await;
        let own_link = token_in(&app.mails().await[0]);
        // The link of a registration belongs to it: following the first must not prove the second.
        let followed = app.post_as_nobody("/api/auth/email/verify", json!({"token": stranger_link})).await;
        assert_eq!(followed.problem(), (422, "token_invalid"));
        assert_eq!(log_in(&app, ANNA, "violet kettle harbour").await.problem(), (401, "bad_credentials"));
        assert_eq!(app.post_as_nobody("/api/auth/email/verify", json!({"token": own_link})).await.status, 204);
        let login = log_in(&app, ANNA, "amber lantern meadow").await;
        assert_eq!((&login.body["user"]["first_name"], &login.body["user"]["email_verified"]), (&json!("Annabel"), &json!(true)));
        // From now on it is used, and stays.
        register(&app, registration(ANNA)).await;
        assert!(!app.mails().await[0].text.contains("#token="));
        assert_eq!(log_in(&app, ANNA, "amber lantern meadow").await.status, 200);
    }

    async fn a_registration_that_was_approved_is_not_replaced(app: TestApp) {
        register(&app, registration(ANNA)).await;
        app.db.write(|tx| {
            use diesel::prelude::*;
            diesel::table! { members (id) { id -> BigInt, status -> Text, } }
            diesel::update(members::table).set(members::status.eq("active")).execute(&mut **tx).map_err(DbError::from)
        }).await.expect("approved");
        app.mails().await;
        let mut second = registration(ANNA);
        second["password"] = json!("amber lantern meadow");
        register(&app, second).await;
        assert!(!app.mails().await[0].text.contains("#token="));
        assert_eq!(log_in(&app, ANNA, "violet kettle harbour").await.status, 200);
    }

    async fn many_registrations_at_once_make_one_person(app: TestApp) {
        let all = (0..20).map(|n| {
            let mut body = registration(ANNA);
            body["password"] = json!(format!("violet kettle harbour {n}"));
            register(&app, body)
        });
        futures_util::future::join_all(all).await;
        let admin = app.people.admin().await;
        let found = app.get("/api/users?q=anna@example.org&count=true", &admin).await;
        assert_eq!(found.body["total"], 1, "{}", found.text);
    }

    async fn a_forgotten_password_is_chosen_anew_and_all_devices_are_signed_out(app: TestApp) {
        let person = app.people.member().await;
        app.mails().await;
        let asked = app.post_as_nobody("/api/auth/password/forgot", json!({"email": person.email})).await;
        assert_eq!((asked.status.as_u16(), asked.text.as_str()), (202, ""));
        let mails = app.mails().await;
        assert_eq!(mails[0].to, person.email);
        let token = token_in(&mails[0]);
        let reset = |password: &str| json!({"token": token, "new_password": password});
        let weak = app.post_as_nobody("/api/auth/password/reset", reset("password1")).await;
        assert_eq!(weak.fields(), [("/new_password", "too_common")]);
        assert_eq!(app.post_as_nobody("/api/auth/password/reset", reset("amber lantern meadow")).await.status, 204);
        assert_eq!(app.get("/api/users/me", &person).await.problem(), (401, "unauthenticated"));
        let refreshed = app.post_as_nobody("/api/auth/refresh", json!({"refresh_token": person.refresh})).await;
        assert_eq!(refreshed.problem(), (401, "unauthenticated"));
        assert_eq!(log_in(&app, &person.email, PASSWORD).await.problem(), (401, "bad_credentials"));
        assert_eq!(log_in(&app, &person.email, "amber lantern meadow").await.status, 200);
        assert!(app.mails().await.iter().any(|mail| mail.to == person.email), "they are told");
        let again = app.post_as_nobody("/api/auth/password/reset", reset("cobalt window garden")).await;
        assert_eq!(again.problem(), (422, "token_invalid"), "a link is good once");
    }

    async fn a_link_holds_for_its_time_and_the_latest_alone(app: TestApp) {
        let person = app.people.member().await;
        let ask = || app.post_as_nobody("/api/auth/password/forgot", json!({"email": person.email}));
        let reset = |token: String| app.post_as_nobody("/api/auth/password/reset", json!({"token": token, "new_password": "amber lantern meadow"}));
        app.mails().await;
        ask().await;
        let first = token_in(&app.mails().await[0]);
        ask().await;
        let second = token_in(&app.mails().await[0]);
        assert_eq!(reset(first).await.problem(), (422, "token_invalid"), "a newer link was sent");
        app.wait(TimeDelta::hours(1));
        assert_eq!(reset(second).await.problem(), (422, "token_invalid"), "an hour has passed");
        ask().await;
        let third = token_in(&app.mails().await[0]);
        app.wait(TimeDelta::minutes(59));
        for wrong in ["", "x", &third[1..]] {
            assert_eq!(reset(wrong.to_owned()).await.problem(), (422, "token_invalid"));
        }
        assert_eq!(reset(third).await.status, 204);
    }

    async fn a_link_is_good_for_what_it_was_sent_for(app: TestApp) {
        register(&app, registration(ANNA)).await;
        let verify = token_in(&app.mails().await[0]);
        let reset = app.post_as_nobody("/api/auth/password/reset", json!({"token": verify, "new_password": "amber lantern meadow"})).await;
        assert_eq!(reset.problem(), (422, "token_invalid"));
        let setup = app.post_as_nobody("/api/auth/setup", json!({
            "token": verify, "first_name": "A", "last_name": "B", "email": "b@example.org", "password": "amber lantern meadow",
        })).await;
        assert_eq!(setup.problem(), (422, "token_invalid"));
        assert_eq!(app.post_as_nobody("/api/auth/email/verify", json!({"token": verify})).await.status, 204);
    }

    async fn one_of_many_who_follow_a_link_at_once_succeeds(app: TestApp) {
        let person = app.people.member().await;
        app.mails().await;
        app.post_as_nobody("/api/auth/password/forgot", json!({"email": person.email})).await;
        let token = token_in(&app.mails().await[0]);
        let all = (0..10).map(|n| {
            let body = json!({"token": token, "new_password": format!("amber lantern meadow {n}")});
            app.post_as_nobody("/api/auth/password/reset", body)
        });
        let all = futures_util::future::join_all(all).await;
        assert_eq!(all.iter().filter(|answer| answer.status == 204).count(), 1);
    }

    async fn asking_for_a_mail_looks_and_costs_the_same_for_every_address(app: TestApp) {
        let person = app.people.member().await;
        app.mails().await;
        for path in ["/api/auth/password/forgot", "/api/auth/email/verify/resend"] {
            for email in [person.email.as_str(), "nobody@example.org"] {
                let answer = app.post_as_nobody(path, json!({"email": email})).await;
                assert_eq!((answer.status.as_u16(), answer.text.as_str()), (202, ""), "{path} {email}");
            }
            assert_eq!(app.post_as_nobody(path, json!({"email": "nonsense"})).await.fields(), [("/email", "invalid")]);
        }
        let to: Vec<_> = app.mails().await.into_iter().map(|mail| mail.to).collect();
        assert_eq!(to, std::slice::from_ref(&person.email), "a reset for the one, nothing for nobody, nothing to prove");
    }

    async fn the_first_admin_comes_by_the_link_that_the_program_prints(app: TestApp) {
        let link = app.accounts.setup_link(&app.db).await.expect("asked").expect("a link");
        let (_, token) = link.split_once("#token=").expect("a token");
        let body = json!({
            "token": token, "first_name": "Anna", "last_name": "Example", "email": ANNA,
            "password": "violet kettle harbour",
        });
        let mut weak = body.clone();
        weak["password"] = json!("password1");
        assert_eq!(app.post_as_nobody("/api/auth/setup", weak).await.fields(), [("/password", "too_common")]);
        let all = (0..5).map(|n| {
            let mut body = body.clone();
            body["email"] = json!(format!("anna{n}@example.org"));
            app.post_as_nobody("/api/auth/setup", body)
        });
        let all = futures_util::future::join_all(all).await;
        assert_eq!(all.iter().filter(|answer| answer.status == 201).count(), 1, "{all:?}");
        assert!(all.iter().filter(|answer| answer.status != 201).all(|answer| answer.problem() == (422, "token_invalid")));
        assert_eq!(app.accounts.setup_link(&app.db).await.expect("asked"), None, "there is an admin now");
    }

    async fn a_setup_link_is_worth_nothing_once_there_is_an_admin(app: TestApp) {
        let link = app.accounts.setup_link(&app.db).await.expect("asked").expect("a link");
        app.people.admin().await;
        let body = json!({
            "token": link.split_once("#token=").expect("a token").1, "first_name": "Eve", "last_name": "Example",
            "email": "eve@example.org", "password": "violet kettle harbour",
        });
        assert_eq!(app.post_as_nobody("/api/auth/setup", body).await.problem(), (422, "token_invalid"));
    }
}

fn an_unproven_address_cannot_sign_in_where_mail_is_delivered(engine: Engine) {
    muster_testkit::run(async {
        let app = with_mailer(engine).await;
        register(&app, registration(ANNA)).await;
        let refused = log_in(&app, ANNA, "violet kettle harbour").await;
        assert_eq!(refused.problem(), (403, "email_unverified"));
        assert_eq!(
            log_in(&app, ANNA, "wrong").await.problem(),
            (401, "bad_credentials"),
            "only with the password"
        );
        let first = token_in(&app.mails().await[0]);
        app.post_as_nobody("/api/auth/email/verify/resend", json!({"email": ANNA})).await;
        let token = token_in(&app.mails().await[0]);
        let verify = |token: String| app.post_as_nobody("/api/auth/email/verify", json!({"token": token}));
        assert_eq!(verify(first).await.problem(), (422, "token_invalid"));
        assert_eq!(verify(token.clone()).await.status, 204);
        assert_eq!(verify(token).await.problem(), (422, "token_invalid"));
        assert_eq!(log_in(&app, ANNA, "violet kettle harbour").await.status, 200);
    });
}

#[test]
fn an_unproven_address_cannot_sign_in_where_mail_is_delivered_on_sqlite() {
    an_unproven_address_cannot_sign_in_where_mail_is_delivered(Engine::Sqlite);
}

#[test]
fn an_unproven_address_cannot_sign_in_where_mail_is_delivered_on_postgres() {
    an_unproven_address_cannot_sign_in_where_mail_is_delivered(Engine::Postgres);
}
