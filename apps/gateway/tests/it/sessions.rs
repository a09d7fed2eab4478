//! Staying signed in, and being shut out the moment one should be.

use chrono::TimeDelta;
use muster_testkit::{PASSWORD, Person, each_engine};
use reqwest::Method;
use reqwest::header::{COOKIE, ORIGIN, SET_COOKIE};
use serde_json::json;

use crate::support::{Answer, TestApp};

async fn refresh(app: &TestApp, token: &str) -> Answer {
    app.post_as_nobody("/api/auth/refresh", json!({"refresh_token": token})).await
}

fn text(answer: &Answer, field: &str) -> String {
    answer.body[field].as_str().unwrap_or_else(|| panic!("{field}: {}", answer.text)).to_owned()
}

async fn is_signed_in(app: &TestApp, token: &str) -> bool {
    let answer = Answer::of(app.request(Method::GET, "/api/users/me").bearer_auth(token)).await;
    assert!(answer.status == 200 || answer.problem() == (401, "unauthenticated"), "{}", answer.text);
    answer.status == 200
}

async fn log_in(app: &TestApp, person: &Person) -> Answer {
    let answer =
        app.post_as_nobody("/api/auth/login", json!({"email": person.email, "password": PASSWORD})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer
}

/// The cookies that an answer sets: name and value.
fn cookies(answer: &Answer) -> Vec<(String, String)> {
    let set = answer.headers.get_all(SET_COOKIE).iter().map(|v| v.to_str().expect("text"));
    set.map(|cookie| {
        let (name, value) = cookie.split(';').next().and_then(|c| c.split_once('=')).expect("a cookie");
        (name.to_owned(), value.to_owned())
    })
    .collect()
}

fn cookie_header(cookies: &[(String, String)]) -> String {
    cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
}

each_engine! {
    async fn a_refresh_token_is_good_for_one_use_and_leads_on(app: TestApp) {
        let person = app.people.member().await;
        let mut token = person.refresh.clone();
        for _ in 0..3 {
            app.wait(TimeDelta::minutes(11));
            assert!(!is_signed_in(&app, &person.token).await, "an access token lives ten minutes");
            let next = refresh(&app, &token).await;
            assert_eq!(next.status, 200, "{}", next.text);
            assert_eq!(next.header("cache-control"), "no-store");
            assert_eq!((next.body["expires_in"].as_i64(), &next.body["token_type"]), (Some(600), &json!("Bearer")));
            assert_eq!(next.body["user"]["id"], person.id.0);
            assert!(is_signed_in(&app, &text(&next, "access_token")).await);
            assert_ne!(text(&next, "refresh_token"), token);
            token = text(&next, "refresh_token");
        }
    }

    async fn a_used_refresh_token_ends_its_session_and_no_other(app: TestApp) {
        let person = app.people.member().await;
        let elsewhere = app.people.sign_in(&person.email, PASSWORD).await;
        let second = refresh(&app, &person.refresh).await;
        let third = refresh(&app, &text(&second, "refresh_token")).await;
        // Two generations back it is nobody's lost answer, however soon.
        assert_eq!(refresh(&app, &person.refresh).await.problem(), (401, "unauthenticated"));
        assert_eq!(refresh(&app, &text(&third, "refresh_token")).await.problem(), (401, "unauthenticated"));
        assert!(!is_signed_in(&app, &text(&third, "access_token")).await);
        assert!(is_signed_in(&app, &elsewhere.access).await);
        assert_eq!(refresh(&app, &elsewhere.refresh).await.status, 200);
    }

    async fn a_lost_answer_can_be_asked_for_again_for_ten_seconds(app: TestApp) {
        let person = app.people.member().await;
        let first = refresh(&app, &person.refresh).await;
        app.wait(TimeDelta::seconds(10));
        let again = refresh(&app, &person.refresh).await;
        assert_eq!(again.status, 200, "{}", again.text);
        assert_eq!(text(&again, "refresh_token"), text(&first, "refresh_token"), "there is one line of tokens");
        assert!(is_signed_in(&app, &text(&again, "access_token")).await);
        app.wait(TimeDelta::milliseconds(1));
        assert_eq!(refresh(&app, &person.refresh).await.problem(), (401, "unauthenticated"));
        assert_eq!(refresh(&app, &text(&first, "refresh_token")).await.problem(), (401, "unauthenticated"));
    }

    async fn tabs_that_refresh_at_once_all_stay_signed_in(app: TestApp) {
        let person = app.people.member().await;
        let all = futures_util::future::join_all((0..20).map(|_| refresh(&app, &person.refresh))).await;
        let tokens: Vec<_> = all.iter().map(|answer| text(answer, "refresh_token")).collect();
        assert!(tokens.iter().all(|token| *token == tokens[0]));
        assert_eq!(refresh(&app, &tokens[0]).await.status, 200);
    }

    async fn a_session_ends_after_thirty_idle_days_and_ninety_in_all(app: TestApp) {
        let person = app.people.member().await;
        let idle = app.people.sign_in(&person.email, PASSWORD).await;
        let mut token = person.refresh.clone();
        for day in [29, 58, 87] {
            app.wait(TimeDelta::days(29));
            let next = refresh(&app, &token).await;
            assert_eq!(next.status, 200, "day {day}: {}", next.text);
            token = text(&next, "refresh_token");
        }
        assert_eq!(refresh(&app, &idle.refresh).await.problem(), (401, "unauthenticated"));
        app.wait(TimeDelta::days(3));
        assert_eq!(refresh(&app, &token).await.problem(), (401, "unauthenticated"));
    }

    async fn a_session_that_has_run_out_is_not_listed(app: TestApp) {
        let person = app.people.member().await;
        app.wait(TimeDelta::days(31));
        let person = app.people.again(&person).await;
        let list = app.get("/api/auth/sessions?count=true", &person).await;
        assert_eq!((list.body["items"].as_array().map(Vec::len), &list.body["total"]), (Some(1), &json!(1)));
    }

    async fn nonsense_and_other_peoples_tokens_are_refused_alike(app: TestApp) {
        let (anna, bert) = (app.people.member().await, app.people.member().await);
        for wrong in ["", "x", &anna.token, &anna.refresh[1..], &format!("{}x", anna.refresh), &"x".repeat(5000)] {
            assert_eq!(refresh(&app, wrong).await.problem(), (401, "unauthenticated"), "{wrong}");
        }
        assert_eq!(app.post_as_nobody("/api/auth/refresh", json!({})).await.problem(), (401, "unauthenticated"));
        assert_eq!(refresh(&app, &anna.refresh).await.status, 200, "none of that harmed her session");
        // A refresh token is no access token.
        assert!(!is_signed_in(&app, &bert.refresh).await);
    }

    async fn signing_out_ends_the_session_at_once(app: TestApp) {
        let person = app.people.member().await;
        let elsewhere = app.people.sign_in(&person.email, PASSWORD).await;
        let out = app.post("/api/auth/logout", &person, json!({})).await;
        assert_eq!((out.status.as_u16(), out.text.as_str()), (204, ""));
        assert!(!is_signed_in(&app, &person.token).await);
        assert_eq!(refresh(&app, &person.refresh).await.problem(), (401, "unauthenticated"));
        assert!(is_signed_in(&app, &elsewhere.access).await);
        // Whoever only has the refresh token left signs out with that.
        let out = app.post_as_nobody("/api/auth/logout", json!({"refresh_token": elsewhere.refresh})).await;
        assert_eq!(out.status, 204);
        assert!(!is_signed_in(&app, &elsewhere.access).await);
        assert_eq!(app.post_as_nobody("/api/auth/logout", json!({})).await.problem(), (401, "unauthenticated"));
    }

    async fn one_sees_ones_devices_and_signs_them_out(app: TestApp) {
        let person = app.people.member().await;
        let other = app.people.member().await;
        let request = app.request(Method::POST, "/api/auth/login").header("user-agent", "Phone/1.0");
        let phone = Answer::of(request.json(&json!({"email": person.email, "password": PASSWORD}))).await;
        let list = app.get("/api/auth/sessions", &person).await;
        let sessions = list.body["items"].as_array().expect("sessions");
        assert_eq!(sessions.len(), 2, "{}", list.text);
        assert_eq!(sessions[0]["user_agent"], "Phone/1.0");
        assert_eq!((&sessions[0]["current"], &sessions[1]["current"]), (&json!(false), &json!(true)));
        for field in ["id", "version", "created_at", "last_seen_at", "expires_at"] {
            assert!(!sessions[0][field].is_null(), "{field}");
        }
        let phones = format!("/api/auth/sessions/{}", sessions[0]["id"]);
        assert_eq!(app.delete(&phones, &other).await.problem(), (404, "not_found"), "not hers");
        assert!(is_signed_in(&app, &text(&phone, "access_token")).await);
        assert_eq!(app.delete(&phones, &person).await.status, 204);
        assert!(!is_signed_in(&app, &text(&phone, "access_token")).await);
        assert_eq!(app.delete(&phones, &person).await.problem(), (404, "not_found"));

        let (tablet, laptop) = (log_in(&app, &person).await, log_in(&app, &person).await);
        assert_eq!(app.delete("/api/auth/sessions", &person).await.status, 204);
        assert!(!is_signed_in(&app, &text(&tablet, "access_token")).await);
        assert!(!is_signed_in(&app, &text(&laptop, "access_token")).await);
        assert!(is_signed_in(&app, &person.token).await, "the one that asked stays");
        assert!(is_signed_in(&app, &other.token).await);
    }

    async fn the_fifty_first_device_takes_the_place_of_the_first(app: TestApp) {
        let person = app.people.member().await;
        for _ in 0..49 {
            app.people.sign_in(&person.email, PASSWORD).await;
        }
        assert!(is_signed_in(&app, &person.token).await);
        let newest = app.people.sign_in(&person.email, PASSWORD).await;
        assert_eq!(refresh(&app, &person.refresh).await.problem(), (401, "unauthenticated"));
        assert!(is_signed_in(&app, &newest.access).await);
    }

    async fn a_page_keeps_its_session_in_cookies_that_scripts_cannot_read(app: TestApp) {
        let person = app.people.member().await;
        let body = json!({"email": person.email, "password": PASSWORD, "session": "cookie"});
        let login = app.post_as_nobody("/api/auth/login", body).await;
        assert_eq!(login.status, 200, "{}", login.text);
        let fields: Vec<_> = login.body.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(fields, ["expires_in", "user"], "no token is in the body");
        let set: Vec<_> = login.headers.get_all(SET_COOKIE).iter().map(|v| v.to_str().expect("text")).collect();
        assert_eq!(set.len(), 2);
        assert!(set.iter().all(|c| c.contains("HttpOnly") && c.contains("SameSite=") && c.contains("Path=/")), "{set:?}");
        let held = cookies(&login);
        let me = Answer::of(app.request(Method::GET, "/api/users/me").header(COOKIE, cookie_header(&held))).await;
        assert_eq!(me.body["id"], person.id.0, "{}", me.text);

        app.wait(TimeDelta::minutes(11));
        let next = Answer::of(app.request(Method::POST, "/api/auth/refresh").header(COOKIE, cookie_header(&held))).await;
        assert_eq!(next.status, 200, "{}", next.text);
        assert!(next.body.get("refresh_token").is_none());
        let held = cookies(&next);
        let me = Answer::of(app.request(Method::GET, "/api/users/me").header(COOKIE, cookie_header(&held))).await;
        assert_eq!(me.status, 200);
        let out = Answer::of(app.request(Method::POST, "/api/auth/logout").header(COOKIE, cookie_header(&held))).await;
        assert_eq!(out.status, 204, "{}", out.text);
        assert!(cookies(&out).iter().all(|(_, value)| value.is_empty()), "they are taken back");
        let me = Answer::of(app.request(Method::GET, "/api/users/me").header(COOKIE, cookie_header(&held))).await;
        assert_eq!(me.problem(), (401, "unauthenticated"));
    }

    async fn what_another_site_sends_with_the_cookies_is_refused(app: TestApp) {
        let person = app.people.member().await;
        let body = json!({"email": person.email, "password": PASSWORD, "session": "cookie"});
        let held = cookie_header(&cookies(&app.post_as_nobody("/api/auth/login", body.clone()).await));
        let own = format!("http://{}", app.address);
        let change = json!({"first_name": "Anna"});
        for (name, value, fine) in [
            ("sec-fetch-site", "cross-site", false),
            ("sec-fetch-site", "same-site", false),
            ("sec-fetch-site", "same-origin", true),
            ("origin", "https://evil.example", false),
            ("origin", "null", false),
            ("origin", own.as_str(), true),
        ] {
            for (method, path) in [(Method::PATCH, "/api/users/me"), (Method::DELETE, "/api/auth/sessions")] {
                let request = app.request(method.clone(), path).header(COOKIE, &held).header(name, value);
                let answer = Answer::of(request.json(&change)).await;
                if fine {
                    assert!(answer.status.is_success(), "{name} {value}: {}", answer.text);
                } else {
                    assert_eq!(answer.problem(), (403, "cross_site"), "{name} {value}");
                }
            }
            let request = app.request(Method::GET, "/api/users/me").header(COOKIE, &held).header(name, value);
            assert_eq!(Answer::of(request).await.status, 200, "reading is harmless");
            // A bearer token does not come by itself.
            let bearer = app.people.sign_in(&person.email, PASSWORD).await.access;
            let request = app.request(Method::PATCH, "/api/users/me").bearer_auth(bearer).header(name, value);
            assert_eq!(Answer::of(request.json(&change)).await.status, 200);
            // Nobody is signed in to somebody else's account by a page they look at.
            let answer = Answer::of(app.request(Method::POST, "/api/auth/login").header(name, value).json(&body)).await;
            assert_eq!(answer.status == 200, fine, "{}", answer.text);
        }
        let request = app.request(Method::POST, "/api/auth/refresh").header(COOKIE, &held).header(ORIGIN, "https://evil.example");
        assert_eq!(Answer::of(request).await.problem(), (403, "cross_site"));
        let request = app.request(Method::POST, "/api/auth/logout").header(COOKIE, &held).header(ORIGIN, "https://evil.example");
        assert_eq!(Answer::of(request).await.problem(), (403, "cross_site"));
    }
}
