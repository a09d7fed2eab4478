//! What holds for every operation: problems, ids, headers, slashes, limits.

use muster_testkit::{Engine, each_engine};
use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, TestApp};

each_engine! {
    async fn whatever_goes_wrong_is_a_problem_document(app: TestApp) {
        let admin = app.people.admin().await;
        let signed = |method: Method, path: &str| app.request(method, path).bearer_auth(&admin.token);
        let json_type = |r: reqwest::RequestBuilder| r.header("content-type", "application/json");
        let large = format!("{{\"name\":\"{}\"}}", "x".repeat(70_000));
        for (request, expected) in [
            (signed(Method::GET, "/api/nothing"), (404, "not_found")),
            (signed(Method::GET, "/nothing"), (404, "not_found")),
            (signed(Method::GET, "/api/jobs/1"), (404, "not_found")),
            (signed(Method::DELETE, "/api/club"), (405, "method_not_allowed")),
            (json_type(signed(Method::PATCH, "/api/club")).body("{"), (400, "malformed")),
            (json_type(signed(Method::PATCH, "/api/club")).body("{\"name\":\"a\"} trailing"), (400, "malformed")),
            (json_type(signed(Method::PATCH, "/api/club")).body(vec![0xff, 0xfe]), (400, "malformed")),
            (json_type(signed(Method::PATCH, "/api/club")).body(large), (413, "too_large")),
            (signed(Method::PATCH, "/api/club").header("content-type", "text/plain").body("{}"), (415, "unsupported_media_type")),
            (signed(Method::PATCH, "/api/club").body("{\"name\":\"a\"}"), (415, "unsupported_media_type")),
            (json_type(signed(Method::PATCH, "/api/club")).header("content-encoding", "gzip").body("{}"), (415, "unsupported_media_type")),
            (signed(Method::PATCH, "/api/club").json(&json!({"name": 7})), (422, "invalid_fields")),
            (signed(Method::POST, "/api/jobs/seven/retry"), (400, "malformed")),
            (signed(Method::POST, "/api/jobs/99999999999999999999/retry"), (400, "malformed")),
            (signed(Method::POST, "/api/jobs/7/retry"), (404, "not_found")),
            (signed(Method::GET, "/api/jobs?colour=red"), (400, "unknown_parameter")),
            (signed(Method::GET, "/api/club?colour=red"), (400, "unknown_parameter")),
            (signed(Method::POST, "/api/jobs/7/retry?limit=1"), (400, "unknown_parameter")),
            (app.request(Method::GET, "/api/club?colour=red"), (401, "unauthenticated")),
            (signed(Method::GET, "/api/audit?object_type=%00"), (400, "malformed")),
            (signed(Method::GET, "//api/club"), (404, "not_found")),
            (signed(Method::POST, "/api/openapi.json"), (405, "method_not_allowed")),
            (signed(Method::PATCH, "/api/club").json(&json!(["a name", "EUR", "UTC", null])), (422, "invalid_fields")),
            (signed(Method::GET, "/api/jobs?limit=0"), (400, "malformed")),
            (signed(Method::GET, "/api/jobs?limit=101"), (400, "malformed")),
            (signed(Method::GET, "/api/jobs?limit=many"), (400, "malformed")),
            (signed(Method::GET, "/api/jobs?state=resting"), (400, "malformed")),
            (signed(Method::GET, "/api/jobs?cursor=nonsense"), (400, "malformed")),
            (app.request(Method::GET, "/api/club"), (401, "unauthenticated")),
            (app.request(Method::GET, "/api/club").bearer_auth("nonsense"), (401, "unauthenticated")),
            (app.request(Method::GET, "/metrics"), (404, "not_found")),
        ] {
            let answer = Answer::of(request).await;
            assert_eq!(answer.problem(), expected, "{}", answer.text);
        }
        let refused = Answer::of(signed(Method::DELETE, "/api/club")).await;
        assert!(refused.header("allow").contains("PATCH"), "{:?}", refused.headers);
    }

    async fn who_may_comes_before_what_was_sent(app: TestApp) {
        let member = app.people.member().await;
        let nonsense = |request: reqwest::RequestBuilder| request.header("content-type", "text/plain").body("nonsense");
        let nobody = Answer::of(nonsense(app.request(Method::PATCH, "/api/club"))).await;
        assert_eq!(nobody.problem(), (401, "unauthenticated"));
        let member = Answer::of(nonsense(app.request(Method::PATCH, "/api/club").bearer_auth(&member.token))).await;
        assert_eq!(member.problem(), (403, "forbidden"));
    }

    async fn a_slash_at_the_end_makes_no_difference(app: TestApp) {
        let admin = app.people.admin().await;
        for path in ["/api/club", "/api/club/", "/api/jobs/?limit=3", "/health/live/", "/api/openapi.json/"] {
            assert_eq!(app.get(path, &admin).await.status, 200, "{path}");
        }
        let changed = app.patch("/api/club/", &admin, json!({"name": "With a slash"})).await;
        assert_eq!((changed.status.as_u16(), &changed.body["name"]), (200, &json!("With a slash")));
        let login = json!({"email": admin.email, "password": muster_testkit::PASSWORD});
        assert_eq!(app.post("/api/auth/login/", &admin, login).await.status, 200);
    }

    async fn a_request_has_an_id_from_end_to_end(app: TestApp) {
        let with = |id: &'static str| Answer::of(app.request(Method::GET, "/api/club").header("x-request-id", id));
        assert_eq!(with("abc-123").await.body["request_id"], "abc-123");
        for odd in ["", "with space", "x\"y", &"x".repeat(65)] {
            let answer = Answer::of(app.request(Method::GET, "/api/club").header("x-request-id", odd)).await;
            let id = answer.header("x-request-id");
            assert!(id != odd && id.len() == 24, "{odd:?} became {id}");
        }
    }

    async fn every_answer_is_careful_with_browsers(app: TestApp) {
        for path in ["/api/club", "/health/live", "/api/nothing", "/api/docs/"] {
            let answer = Answer::of(app.request(Method::GET, path)).await;
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
            assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
            assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
            assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
            assert_eq!(answer.header("strict-transport-security"), "", "there is no https here");
        }
    }

    async fn the_program_shows_signs_of_life(app: TestApp) {
        let live = Answer::of(app.request(Method::GET, "/health/live")).await;
        assert_eq!((live.status.as_u16(), &live.body["status"]), (200, &json!("live")));
        let ready = Answer::of(app.request(Method::GET, "/health/ready")).await;
        assert_eq!((ready.status.as_u16(), &ready.body["database"]), (200, &json!("ok")));
    }

    async fn answers_are_compressed_for_those_who_can_read_them(app: TestApp) {
        let packed = app.request(Method::GET, "/api/openapi.json").header("accept-encoding", "gzip").send().await.expect("an answer");
        assert_eq!(packed.headers()["content-encoding"], "gzip");
        let bytes = packed.bytes().await.expect("a body");
        assert_eq!(bytes[..2], [0x1f, 0x8b], "gzip begins so");
    }

    async fn a_wrong_password_and_a_wrong_address_are_told_alike(app: TestApp) {
        let admin = app.people.admin().await;
        let login = |email: &str, password: &str| {
            Answer::of(app.request(Method::POST, "/api/auth/login").json(&json!({"email": email, "password": password})))
        };
        let right = login(&admin.email, muster_testkit::PASSWORD).await;
        assert_eq!(right.status, 200, "{}", right.text);
        assert_eq!(right.header("cache-control"), "no-store");
        assert_eq!(right.body["token_type"], "Bearer");
        assert_eq!(right.body["expires_in"], 600);
        assert_eq!(right.body["user"]["roles"], json!(["member", "admin"]));
        assert_eq!(right.body["user"]["role"], "admin");
        assert!(!right.text.contains("$2b$"), "a hash never leaves the server");
        let mut told = Vec::new();
        for (email, password) in [(admin.email.as_str(), "wrong password"), ("nobody@example.org", "wrong password"), ("nonsense", "x")] {
            let mut wrong = login(email, password).await;
            assert_eq!(wrong.problem(), (401, "bad_credentials"));
            wrong.body["request_id"] = json!(null);
            told.push(wrong.body);
        }
        assert!(told.iter().all(|body| *body == told[0]), "{told:?}");
    }

    async fn a_token_holds_for_ten_minutes(app: TestApp) {
        let member = app.people.member().await;
        let later = |seconds: i64| app.db.clock().now().plus(chrono::TimeDelta::seconds(seconds));
        assert_eq!(app.get("/api/club", &member).await.status, 200);
        app.db.clock.set(later(600));
        assert_eq!(app.get("/api/club", &member).await.status, 200);
        app.db.clock.set(later(6));
        assert_eq!(app.get("/api/club", &member).await.problem(), (401, "unauthenticated"));
    }
}

#[test]
fn only_named_origins_may_read_answers() {
    muster_testkit::run(async {
        let app = TestApp::configured(
            Engine::Sqlite,
            &["--rate-limits", "off", "--allowed-origins", "https://club.example"],
        );
        let from =
            |origin: &'static str, method: Method| app.request(method, "/api/club").header("origin", origin);
        let named = Answer::of(from("https://club.example", Method::GET)).await;
        assert_eq!(named.header("access-control-allow-origin"), "https://club.example");
        assert_eq!(named.problem(), (401, "unauthenticated"));
        let other = Answer::of(from("https://evil.example", Method::GET)).await;
        assert_eq!(other.header("access-control-allow-origin"), "");
        let preflight = from("https://club.example", Method::OPTIONS)
            .header("access-control-request-method", "PATCH")
            .header("access-control-request-headers", "authorization,if-match");
        let preflight = Answer::of(preflight).await;
        assert_eq!(preflight.status, 200, "{}", preflight.text);
        assert!(preflight.header("access-control-allow-methods").contains("PATCH"));
    });
}

#[test]
fn whoever_asks_too_often_is_told_when_to_come_back() {
    muster_testkit::run(async {
        let app = TestApp::configured(Engine::Sqlite, &[]);
        let ask = || Answer::of(app.request(Method::GET, "/api/club"));
        let first = ask().await;
        assert!(first.header("ratelimit").starts_with("\"address\";r="), "{:?}", first.headers);
        let mut answer = first;
        for _ in 0..20_000 {
            if answer.status == 429 {
                break;
            }
            answer = ask().await;
        }
        assert_eq!(answer.problem(), (429, "rate_limited"));
        assert_eq!(
            Answer::of(app.request(Method::GET, "/health/live")).await.status,
            200,
            "its watchers are not limited"
        );
        assert!(answer.header("retry-after").parse::<u32>().expect("seconds") >= 1);
        assert!(answer.header("ratelimit").starts_with("\"address\";r=0"), "{:?}", answer.headers);
    });
}
