//! What the running program does with accounts: the first admin, its keys, several gateways, and what it writes
//! into files.

use std::time::Duration;

use muster_kernel::db::Target;
use muster_testkit::{Engine, OnEngine, each_engine};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::program::{Program, Served, log_in, sign_in};
use crate::traces::{Traces, files};

/// What is changed on one gateway counts on all others after this time.
const EVERYWHERE: Duration = Duration::from_secs(5);

async fn send(served: &Served, method: Method, path: &str, token: &str, body: Value) -> (StatusCode, Value) {
    let request = reqwest::Client::new().request(method, format!("{}{path}", served.address));
    let request = request.header("user-agent", "Marrowphone 77.3");
    let request = if body.is_null() { request } else { request.json(&body) };
    let request = if token.is_empty() { request } else { request.bearer_auth(token) };
    let answer = request.send().await.expect("an answer");
    (answer.status(), serde_json::from_str(&answer.text().await.expect("text")).unwrap_or_default())
}

async fn me(served: &Served, token: &str) -> StatusCode {
    send(served, Method::GET, "/api/users/me", token, json!(null)).await.0
}

/// Asks again and again until it is so; false when time is up.
async fn comes_true(time: Duration, is_so: impl AsyncFn() -> bool) -> bool {
    let mut again = tokio::time::interval(Duration::from_millis(20));
    let asking = async {
        while !is_so().await {
            again.tick().await;
        }
    };
    tokio::time::timeout(time, asking).await.is_ok()
}

async fn refresh(served: &Served, token: &Value) -> (StatusCode, Value) {
    send(served, Method::POST, "/api/auth/refresh", "", json!({"refresh_token": token})).await
}

/// The part of a token that says by which key it is signed.
fn head(tokens: &Value) -> &str {
    let token = tokens["access_token"].as_str().expect("a token");
    token.split_once('.').expect("three parts").0
}

fn access(tokens: &Value) -> &str {
    tokens["access_token"].as_str().expect("a token")
}

each_engine! {
    async fn the_first_admin_comes_by_the_last_link_that_was_printed(program: Program) {
        let token_of = |link: String| link.split_once("#token=").expect("a token").1.to_owned();
        let first = program.serve();
        let old = token_of(first.says("/account/setup#token="));
        assert_eq!(first.stop().0, Some(0));
        let second = program.serve();
        let new = token_of(second.says("/account/setup#token="));
        let set_up = async |token: &str| {
            let body = json!({
                "token": token, "first_name": "Anna", "last_name": "Example", "email": "anna@example.org",
                "password": "a password for tests",
            });
            let (status, answer) = send(&second, Method::POST, "/api/auth/setup", "", body).await;
            (status.as_u16(), answer["code"].clone())
        };
        assert_eq!(set_up(&old).await, (422, json!("token_invalid")));
        assert_eq!(set_up(&new).await.0, 201);
        assert_eq!(set_up(&new).await, (422, json!("token_invalid")));
        assert_eq!(log_in(&second.address, "anna@example.org").await["user"]["role"], "admin");
        assert_eq!(second.stop().0, Some(0));
        let (_, lines) = program.serve().stop();
        assert!(lines.iter().all(|line| !line.contains("admin")), "{lines:?}");
    }

    async fn of_whoever_is_erased_the_program_leaves_nothing_in_files(program: Program) {
        let served = program.serve();
        program.create_admin("anna@example.org");
        let admin = sign_in(&served.address, "anna@example.org").await;
        let person = json!({
            "first_name": "Quillana", "last_name": "Sarmiento", "email": "quillana@vervainport.example",
            "password": "a password for tests", "date_of_birth": "1971-10-23",
        });
        assert_eq!(send(&served, Method::POST, "/api/auth/register", "", person.clone()).await.0, 201);
        let tokens = log_in(&served.address, "quillana@vervainport.example").await;
        let user = format!("/api/users/{}", tokens["user"]["id"]);
        let changed = json!({"last_name": "Ostrova"});
        assert_eq!(send(&served, Method::PATCH, &user, access(&tokens), changed).await.0, 200);
        // What goes wrong is logged more readily than what does not.
        send(&served, Method::POST, "/api/auth/login", "", json!({"email": person["email"], "password": "wrong"})).await;
        send(&served, Method::GET, "/api/users?q=quillana&quillana=1", &admin, json!(null)).await;
        send(&served, Method::PATCH, &user, access(&tokens), json!({"quillana": "ostrova"})).await;
        let why = json!({"reason": "the grimsby affair"});
        assert_eq!(send(&served, Method::POST, &format!("{user}/password-reset"), &admin, why).await.0, 200);
        let traces = ["quillana", "sarmiento", "ostrova", "vervainport", "1971-10-23", "marrowphone", "grimsby"];
        let traces = Traces(traces.map(str::to_owned).into());
        let data = program.folder.path().join("data");
        let mails = data.join("mail");
        let written = comes_true(Duration::from_secs(10), async || mails.exists() && !traces.within(files(&mails)).is_empty());
        assert!(written.await, "mails are kept as files here");

        assert_eq!(send(&served, Method::POST, &format!("{user}/erase"), &admin, json!({})).await.0, 200);
        for folder in [&mails, &data] {
            let gone = comes_true(Duration::from_secs(10), async || traces.within(files(folder)).is_empty());
            assert!(gone.await, "{:?}", traces.within(files(folder)));
        }
        let backup = program.folder.path().join("backup");
        for command in [&["export", "out"][..], &["backup", "backup"]] {
            assert!(program.run(command).status.success(), "{command:?}");
        }
        assert_eq!(served.stop().0, Some(0));
        assert_eq!(traces.within(files(&program.folder.path().join("out"))), [""; 0], "in the export");
        assert_eq!(traces.within(program.log()), [""; 0], "in the log");
        if let Target::Sqlite(_) = program.target() {
            assert_eq!(traces.within(std::fs::read(backup).expect("a backup")), [""; 0], "in a backup");
            assert_eq!(traces.within(files(&data)), [""; 0], "in the database's files");
        }
    }
}

#[test]
fn a_new_key_signs_nobody_out() {
    use std::os::unix::fs::PermissionsExt;
    muster_testkit::run(async {
        let program = Program::on_sqlite();
        let served = program.serve();
        program.create_admin("anna@example.org");
        let before = log_in(&served.address, "anna@example.org").await;
        assert!(program.run(&["keys", "rotate"]).status.success());
        let secret = program.folder.path().join("data/secret");
        let mode = std::fs::metadata(&secret).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_to_string(&secret).expect("text").lines().count(), 2, "the old key stays");

        assert_eq!(me(&served, access(&before)).await, 200);
        let (status, after) = refresh(&served, &before["refresh_token"]).await;
        assert_eq!((status.as_u16(), me(&served, access(&after)).await.as_u16()), (200, 200));
        served.stop();

        let restarted = program.serve();
        for tokens in [&before, &after] {
            assert_eq!(me(&restarted, access(tokens)).await, 200);
        }
        let (status, anew) = refresh(&restarted, &after["refresh_token"]).await;
        assert_eq!((status.as_u16(), me(&restarted, access(&anew)).await.as_u16()), (200, 200));
        assert_eq!(head(&before), head(&after), "the running server has only just seen the new key");
        assert_ne!(head(&before), head(&anew), "the restarted one signs with it");
    });
}

#[test]
fn a_running_gateway_takes_up_a_key_that_another_signs_with() {
    muster_testkit::run(async {
        let program = Program::on(Engine::Postgres).await;
        let running = program.serve();
        program.create_admin("anna@example.org");
        assert!(program.run(&["keys", "rotate"]).status.success());
        let started_later = program.serve();
        let token = sign_in(&started_later.address, "anna@example.org").await;
        assert!(comes_true(Duration::from_secs(20), async || me(&running, &token).await == 200).await);
    });
}

#[test]
fn what_one_gateway_changes_counts_on_the_other_within_seconds() {
    muster_testkit::run(async {
        let program = Program::on(Engine::Postgres).await;
        let (here, there) = (program.serve(), program.serve());
        program.create_admin("anna@example.org");
        program.create_admin("bert@example.org");
        let anna = sign_in(&here.address, "anna@example.org").await;
        let bert = log_in(&here.address, "bert@example.org").await;
        let (token, user) = (access(&bert), format!("/api/users/{}", bert["user"]["id"]));
        let reads_the_log =
            async || send(&there, Method::GET, "/api/audit?limit=1", token, json!(null)).await.0 == 200;

        assert!(reads_the_log().await);
        for (roles, may) in [(json!([]), false), (json!(["admin"]), true)] {
            let given =
                send(&here, Method::PUT, &format!("{user}/roles"), &anna, json!({"roles": roles})).await;
            assert_eq!(given.0, 200, "{}", given.1);
            assert!(comes_true(EVERYWHERE, async || reads_the_log().await == may).await, "{roles}");
        }
        let sessions = send(&here, Method::GET, "/api/auth/sessions", token, json!(null)).await.1;
        let path = format!("/api/auth/sessions/{}", sessions["items"][0]["id"]);
        assert_eq!(me(&there, token).await, 200);
        assert_eq!(send(&here, Method::DELETE, &path, token, json!(null)).await.0, 204);
        assert_eq!(me(&here, token).await, 401, "at once where it was done");
        assert!(comes_true(EVERYWHERE, async || me(&there, token).await == 401).await);
    });
}
