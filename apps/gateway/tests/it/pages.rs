//! The pages that links in mails lead to.

use muster_testkit::{Engine, PASSWORD};
use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, TestApp};

const PAGES: [&str; 5] =
    ["/account/verify", "/account/reset", "/account/invitation", "/account/forgot", "/account/setup"];
const SCRIPT: &str = "/account/account.js";
const STYLE: &str = "/account/account.css";
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// The pages ask no database, so one engine is enough.
fn app() -> TestApp {
    TestApp::configured(Engine::Sqlite, &["--rate-limits", "off"])
}

async fn get(app: &TestApp, path: &str) -> Answer {
    Answer::of(app.request(Method::GET, path)).await
}

#[test]
fn a_page_answers_with_and_without_a_slash_and_runs_only_its_own_script() {
    muster_testkit::run(async {
        let app = app();
        for page in PAGES {
            let answer = get(&app, page).await;
            assert_eq!(answer.status, 200, "{page}");
            assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{page}");
            assert_eq!(answer.header("content-security-policy"), POLICY, "{page}");
            assert_eq!(answer.header("cache-control"), "public, max-age=300", "{page}");
            assert!(answer.text.contains(&format!("src=\"{SCRIPT}\"")), "{page}");
            assert!(answer.text.contains(&format!("href=\"{STYLE}\"")), "{page}");
            let with_slash = get(&app, &format!("{page}/")).await;
            assert_eq!((with_slash.status, &with_slash.text), (answer.status, &answer.text), "{page}");
            assert_eq!(with_slash.header("content-security-policy"), POLICY, "{page}");
        }
    });
}

#[test]
fn the_pages_share_a_script_and_a_style() {
    muster_testkit::run(async {
        let app = app();
        for (path, kind) in [(SCRIPT, "text/javascript; charset=utf-8"), (STYLE, "text/css; charset=utf-8")] {
            let answer = get(&app, path).await;
            assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, kind));
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert!(!answer.text.is_empty());
        }
    });
}

#[test]
fn a_page_has_nothing_in_it_that_the_policy_would_stop_or_that_comes_from_elsewhere() {
    muster_testkit::run(async {
        let app = app();
        for path in PAGES.into_iter().chain([SCRIPT, STYLE]) {
            let text = get(&app, path).await.text;
            for elsewhere in ["http://", "https://", "\"//", "@import", "url("] {
                assert!(!text.contains(elsewhere), "{elsewhere} in {path}");
            }
        }
        for page in PAGES {
            let text = get(&app, page).await.text;
            for inline in ["<style", " style=", "javascript:"] {
                assert!(!text.contains(inline), "{inline} in {page}");
            }
            assert!(!text.split(" on").skip(1).any(is_handler), "a handler in {page}");
            for script in text.split("<script").skip(1) {
                assert!(script.contains("src=") && script.contains("></script>"), "{script} in {page}");
            }
        }
    });
}

/// Whether what followed " on" is the rest of an attribute such as `onclick=`.
fn is_handler(rest: &str) -> bool {
    rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).starts_with('=')
}

#[test]
fn every_field_has_a_label_a_place_for_what_is_wrong_with_it_and_a_hint_for_password_safes() {
    muster_testkit::run(async {
        let app = app();
        let mut fields = 0;
        for page in PAGES {
            let text = get(&app, page).await.text;
            assert!(text.contains("role=\"alert\"") && text.contains("role=\"status\""), "{page}");
            for input in text.split("<input ").skip(1).filter(|input| input.contains(" name=\"")) {
                let input = input.split('>').next().expect("an end");
                let name =
                    input.split(" name=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a name");
                assert!(text.contains(&format!("<label for=\"{name}\">")), "{name} in {page}");
                assert!(text.contains(&format!("<p id=\"{name}-error\"")), "{name} in {page}");
                assert!(input.contains(&format!("{name}-error\"")), "{input} in {page}");
                let safe = match name {
                    "password" | "new_password" => "new-password",
                    "email" => "username",
                    "first_name" => "given-name",
                    _ => "family-name",
                };
                assert!(input.contains(&format!("autocomplete=\"{safe}\"")), "{input} in {page}");
                fields += 1;
            }
        }
        assert_eq!(fields, 7, "two passwords, an address, and four fields of the first admin");
    });
}

#[test]
fn a_page_is_only_looked_at() {
    muster_testkit::run(async {
        let app = app();
        for path in PAGES.into_iter().chain([SCRIPT, STYLE]) {
            let posted = Answer::of(app.request(Method::POST, path).body("token=abc")).await;
            assert_eq!(posted.problem(), (405, "method_not_allowed"), "{path}");
            assert_eq!(posted.header("allow"), "GET", "{path}");
        }
        assert_eq!(get(&app, "/account").await.problem(), (404, "not_found"));
        assert_eq!(get(&app, "/account/signin").await.problem(), (404, "not_found"));
    });
}

#[test]
fn what_is_not_below_a_page_has_the_strictest_policy() {
    muster_testkit::run(async {
        let app = app();
        for path in ["/accounts", "/account.js", "/api/docsheet", "/api/club"] {
            let policy = "default-src 'none'; frame-ancestors 'none'";
            assert_eq!(get(&app, path).await.header("content-security-policy"), policy, "{path}");
        }
        let docs = get(&app, "/api/docs/").await;
        assert_eq!(docs.status, 200);
        assert!(docs.header("content-security-policy").starts_with("default-src 'self'"));
    });
}

#[test]
fn every_link_in_a_mail_leads_to_a_page() {
    muster_testkit::run(async {
        let app = app();
        let (admin, anna) = (app.people.admin().await, app.people.member().await);
        let new = json!({"first_name": "A", "last_name": "B", "email": "new@example.org"});
        app.post("/api/users", &admin, new).await;
        app.post(&format!("/api/users/{}/password-reset", anna.id), &admin, json!({})).await;
        for email in ["other@example.org", anna.email.as_str()] {
            let registration = json!({
                "first_name": "A", "last_name": "B", "email": email, "password": "violet kettle harbour",
                "date_of_birth": "1990-01-01",
            });
            app.post_as_nobody("/api/auth/register", registration).await;
        }
        let change = json!({"new_email": "third@example.org", "password": PASSWORD});
        app.put("/api/auth/email", &anna, change).await;
        let change = json!({"old_password": PASSWORD, "new_password": "violet kettle harbour"});
        app.put("/api/auth/password", &anna, change).await;
        app.post_as_nobody("/api/auth/password/forgot", json!({"email": anna.email})).await;
        let mails = app.mails().await;
        assert_eq!(mails.len(), 7);
        for mail in mails {
            let link = mail.text.lines().find_map(|line| line.strip_prefix("https://club.example/"));
            let link = link.unwrap_or_else(|| panic!("a link in {}", mail.text));
            let path = format!("/{}", link.split('#').next().expect("a path"));
            let page = get(&app, &path).await;
            assert_eq!(page.status, 200, "{path}");
            assert_eq!(page.text.contains(" data-token "), link.contains("#token="), "{path}");
        }
    });
}
