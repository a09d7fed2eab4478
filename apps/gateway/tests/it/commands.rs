//! The program's commands, its configuration, and what it says when something is in the way.

use std::path::Path;
use std::process::Output;

use muster_testkit::each_engine;
use serde_json::{Value, json};

use crate::program::{Program, club, sign_in};

fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// One sentence on standard error, and the code.
#[track_caller]
fn refused(output: &Output, code: i32, words: &str) {
    let (actual, _, err) = said(output);
    assert_eq!(actual, code, "{err}");
    assert_eq!(err.trim_end().lines().count(), 1, "{err}");
    assert!(err.starts_with("muster: ") && err.contains(words), "{err}");
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

async fn rename(address: &str, token: &str, name: &str) -> u16 {
    let request = reqwest::Client::new().patch(format!("{address}/api/club")).bearer_auth(token);
    request.json(&json!({"name": name})).send().await.expect("an answer").status().as_u16()
}

each_engine! {
    async fn a_server_makes_all_it_needs_and_stops_in_order(program: Program) {
        let served = program.serve();
        assert!(served.address.starts_with("http://127.0.0.1:"), "{}", served.address);
        let made = program.create_admin("anna@example.org");
        assert_eq!(said(&made).0, 0, "{}", said(&made).2);
        let token = sign_in(&served.address, "anna@example.org").await;
        assert_eq!(rename(&served.address, &token, "SV Example").await, 200);
        let (code, lines) = served.stop();
        assert_eq!(code, Some(0));
        let text = lines.join("\n");
        assert!(text.contains("/api/docs/") && text.contains("muster create-admin --email"), "{text}");

        // The same club, the same key: a restart signs nobody out.
        let again = program.serve();
        assert_eq!(club(&again.address, &token).await["name"], "SV Example");
    }

    async fn an_address_has_one_account(program: Program) {
        assert_eq!(said(&program.create_admin("Anna@Example.org")).0, 0);
        refused(&program.create_admin("anna@example.org"), 1, "there is an account with this e-mail address");
        refused(&program.create_admin("nonsense"), 1, "not an e-mail address");
    }

    async fn a_sound_club_passes_its_check(program: Program) {
        program.create_admin("anna@example.org");
        let (code, out, err) = said(&program.run(&["check"]));
        assert_eq!(code, 0, "{err}");
        assert!(out.lines().count() >= 3 && out.lines().all(|line| line.starts_with("ok ")), "{out}");
        let (_, json, _) = said(&program.run(&["check", "--json"]));
        for line in json.lines() {
            let check: Value = serde_json::from_str(line).expect("JSON");
            assert_eq!(check["ok"], true, "{line}");
        }
    }

    async fn damage_is_found(program: Program) {
        program.create_admin("anna@example.org");
        program.damage("DELETE FROM members");
        let (code, out, err) = said(&program.run(&["check"]));
        assert_eq!(code, 5, "{err}");
        assert!(out.contains("FAIL members.everybody_has_a_record: user 1 has no member record"), "{out}");
    }

    async fn a_backup_taken_beside_a_server_can_be_put_back(program: Program) {
        let served = program.serve();
        program.create_admin("anna@example.org");
        let token = sign_in(&served.address, "anna@example.org").await;
        rename(&served.address, &token, "Before").await;
        let backup = program.run(&["backup", "club.backup"]);
        assert_eq!(said(&backup).0, 0, "{}", said(&backup).2);
        refused(&program.run(&["backup", "club.backup"]), 1, "is there already");
        rename(&served.address, &token, "After").await;
        refused(&program.run(&["restore", "club.backup"]), 6, "another muster uses");
        served.stop();
        let restored = program.run(&["restore", "club.backup"]);
        assert_eq!(said(&restored).0, 0, "{}", said(&restored).2);
        let again = program.serve();
        assert_eq!(club(&again.address, &token).await["name"], "Before");
        assert_eq!(said(&program.run(&["check"])).0, 0);
        again.stop();
        if program.database.is_none() {
            // What was there is kept, each time anew.
            assert_eq!(said(&program.run(&["restore", "club.backup"])).0, 0);
            let names = files(&program.folder.path().join("data"));
            assert_eq!(names.iter().filter(|n| n.contains(".before-restore-")).count(), 2, "{names:?}");
            assert!(!names.iter().any(|n| n.contains(".restore-")), "{names:?}");
            // Whoever comes by a link meets the same lock.
            std::os::unix::fs::symlink("data/muster.db", program.folder.path().join("link.db")).expect("a link");
            let served = program.serve();
            let by_link = program.command(&["serve"]).env("DATABASE_URL", "sqlite://link.db").output();
            refused(&by_link.expect("it runs"), 6, "another muster uses");
            drop(served);
        }
    }

    async fn an_export_holds_every_table_twice_and_no_secret(program: Program) {
        program.create_admin("anna@example.org");
        let (code, out, err) = said(&program.run(&["export", "out"]));
        assert_eq!(code, 0, "{err}");
        let folder = program.folder.path().join("out");
        for table in ["users", "user_roles", "club", "members", "audit_events"] {
            assert!(out.contains(&format!("{table}: ")), "{out}");
            let csv = std::fs::read_to_string(folder.join(format!("{table}.csv"))).expect("CSV");
            let json: Value = serde_json::from_str(&std::fs::read_to_string(folder.join(format!("{table}.json"))).expect("text")).expect("JSON");
            assert_eq!(csv.lines().count() - 1, json.as_array().expect("a list").len(), "{table}");
            assert!(!csv.contains("$2b$") && !json.to_string().contains("$2b$"), "{table} holds a hash");
        }
        refused(&program.run(&["export", "out"]), 1, "is not empty");
    }

    async fn two_servers_may_start_at_once(program: Program) {
        // On PostgreSQL both run; a file is one server's.
        if program.database.is_some() {
            std::thread::scope(|scope| {
                let starts = [scope.spawn(|| program.serve()), scope.spawn(|| program.serve())];
                for start in starts {
                    assert_eq!(start.join().expect("it started").stop().0, Some(0));
                }
            });
        } else {
            let first = program.serve();
            refused(&program.run(&["serve"]), 6, "another muster uses");
            assert_eq!(first.stop().0, Some(0));
        }
    }
}

fn alone() -> Program {
    Program::on_sqlite()
}

#[test]
fn an_admin_is_told_what_is_wrong_with_a_password() {
    let program = alone();
    program.create_admin("ben@example.org");
    for (password, words) in [
        ("short", "password: At least 8 characters."),
        ("password1", "password: This password is among the first that would be guessed."),
        ("anna-club-admin", "password: Something that others know of you is no password."),
    ] {
        refused(&program.create_admin_with("anna@example.org", password), 1, words);
    }
}

#[test]
fn a_wrong_configuration_is_one_sentence_and_leaves_nothing_behind() {
    for (key, value, words) in [
        ("DATABASE_URL", "mysql://host/db", "DATABASE_URL must begin with"),
        ("MUSTER_BIND", "nowhere", "MUSTER_BIND is not an address"),
        ("MUSTER_PUBLIC_URL", "club.example", "MUSTER_PUBLIC_URL must begin with"),
        ("MUSTER_BCRYPT_COST", "3", "MUSTER_BCRYPT_COST"),
        ("MUSTER_BCRYPT_COST", "many", "MUSTER_BCRYPT_COST"),
        ("MUSTER_RATE_LIMITS", "maybe", "MUSTER_RATE_LIMITS"),
        ("MUSTER_TRUSTED_PROXIES", "10.0.0.0/99", "MUSTER_TRUSTED_PROXIES"),
        ("MUSTER_ALLOWED_ORIGINS", "club.example", "MUSTER_ALLOWED_ORIGINS"),
        ("MUSTER_MAIL_FROM", "nobody", "MUSTER_MAIL_FROM"),
        ("MUSTER_SMTP_URL", "ftp://user:geheim@host", "MUSTER_SMTP_URL"),
        ("MUSTER_LOG_FORMAT", "pictures", "MUSTER_LOG_FORMAT"),
    ] {
        let program = alone();
        let output = program.command(&["serve"]).env(key, value).output().expect("it runs");
        refused(&output, 3, words);
        assert!(!said(&output).2.contains("geheim"));
        assert_eq!(files(program.folder.path()), Vec::<String>::new(), "{key}={value}");
    }
    let program = alone();
    let open = program.command(&["serve"]).env("MUSTER_BIND", "0.0.0.0:0").output().expect("it runs");
    refused(&open, 3, "only when MUSTER_BIND is a loopback address");
    let mut command = program.command(&["serve", "--test-clock", "clock"]);
    let open =
        command.env("MUSTER_BIND", "0.0.0.0:0").env("MUSTER_RATE_LIMITS", "on").output().expect("it runs");
    refused(&open, 3, "--test-clock is only for servers on a loopback address");
}

#[test]
fn the_environment_wins_over_the_file_and_a_flag_over_both() {
    let program = alone();
    std::fs::write(
        program.folder.path().join(".env"),
        "MUSTER_DATA_DIR=from-file\nMUSTER_MAIL_FROM=club@example.org\n",
    )
    .expect("written");
    assert_eq!(said(&program.run(&["migrate"])).0, 0);
    assert!(program.folder.path().join("from-file/muster.db").exists());
    let output =
        program.command(&["migrate"]).env("MUSTER_DATA_DIR", "from-environment").output().expect("it runs");
    assert_eq!(said(&output).0, 0);
    assert!(program.folder.path().join("from-environment/muster.db").exists());
    let output = program
        .command(&["migrate", "--data-dir", "from-flag"])
        .env("MUSTER_DATA_DIR", "from-environment-2")
        .output();
    assert_eq!(said(&output.expect("it runs")).0, 0);
    assert!(program.folder.path().join("from-flag/muster.db").exists());
    assert!(!program.folder.path().join("from-environment-2").exists());
}

#[test]
fn an_unknown_key_in_the_file_is_said() {
    let program = alone();
    std::fs::write(program.folder.path().join(".env"), "MUSTER_BINT=127.0.0.1:1\n").expect("written");
    refused(&program.run(&["serve"]), 3, ".env sets MUSTER_BINT");
    std::fs::write(program.folder.path().join(".env"), "this is no line\n").expect("written");
    refused(&program.run(&["serve"]), 3, ".env cannot be read");
    assert_eq!(files(program.folder.path()), [".env"]);
}

#[test]
fn a_wrong_command_line_is_a_matter_of_usage() {
    let program = alone();
    for args in [&["dance"][..], &["--colour"], &["backup"], &["serve", "--bcrypt-cost", "3"]] {
        assert_eq!(said(&program.run(args)).0, 2, "{args:?}");
    }
    let (code, out, _) = said(&program.run(&["serve", "--help"]));
    assert_eq!(code, 0);
    for key in ["DATABASE_URL", "MUSTER_BIND", "MUSTER_DATA_DIR", "REDIS_URL", "RUST_LOG"] {
        assert!(out.contains(key), "{key} is not in the help");
    }
}

#[test]
fn an_address_that_is_taken_is_said_before_anything_is_made() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let program = alone();
    let address = taken.local_addr().expect("an address").to_string();
    let output = program.command(&["serve"]).env("MUSTER_BIND", &address).output().expect("it runs");
    refused(&output, 6, "is in use");
    assert_eq!(files(program.folder.path()), Vec::<String>::new());
}

#[test]
fn a_folder_that_cannot_be_used_is_said() {
    let program = alone();
    // A file where the folder should be: that stops even root.
    std::fs::write(program.folder.path().join("data"), "not a folder").expect("written");
    refused(&program.run(&["serve"]), 3, "the data folder");
    assert_eq!(files(program.folder.path()), ["data"]);
}

#[test]
fn a_file_that_is_no_database_is_said_and_left_alone() {
    let program = alone();
    let data = program.folder.path().join("data");
    std::fs::create_dir(&data).expect("a folder");
    let nonsense = "this is not a database, however long it may be ".repeat(100);
    std::fs::write(data.join("muster.db"), &nonsense).expect("written");
    for command in [&["serve"][..], &["check"], &["migrate"], &["export", "out"], &["backup", "file"]] {
        let output = program.run(command);
        refused(&output, 4, "not a database");
    }
    assert_eq!(std::fs::read_to_string(data.join("muster.db")).expect("text"), nonsense);
    assert!(!program.folder.path().join("out").exists() && !program.folder.path().join("file").exists());
}

#[test]
fn a_database_that_is_not_there_or_does_not_answer_is_said() {
    let program = alone();
    for command in [&["check"][..], &["export", "out"], &["epoch", "new"]] {
        refused(&program.run(command), 4, "there is no database");
    }
    refused(&program.run(&["backup", "file"]), 4, "there is no club");
    refused(&program.run(&["restore", "file"]), 1, "there is no backup");
    let output = program
        .command(&["serve"])
        .env("DATABASE_URL", "postgres://127.0.0.1:1/club")
        .output()
        .expect("it runs");
    refused(&output, 4, "cannot be reached");
}

#[test]
fn a_database_of_a_newer_version_is_refused() {
    use diesel::Connection;
    use diesel::connection::SimpleConnection;
    let program = alone();
    program.run(&["migrate"]);
    let file = program.folder.path().join("data/muster.db");
    diesel::SqliteConnection::establish(&file.to_string_lossy())
        .expect("open")
        .batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('299901010000')")
        .expect("done");
    for command in [&["serve"][..], &["migrate"], &["check"]] {
        refused(&program.run(command), 4, "newer version of muster");
    }
}

#[test]
fn the_data_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let program = alone();
    program.create_admin("anna@example.org");
    let mode = |path: &str| {
        std::fs::metadata(program.folder.path().join(path)).expect(path).permissions().mode() & 0o777
    };
    assert_eq!(mode("data"), 0o700);
    for file in ["data/muster.db", "data/secret"] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
    program.run(&["backup", "club.backup"]);
    assert_eq!(mode("club.backup"), 0o600);
    // Also where the folder was somebody else's idea.
    std::fs::create_dir(program.folder.path().join("out")).expect("a folder");
    program.run(&["export", "out"]);
    for file in ["out/users.csv", "out/users.json"] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
}

#[test]
fn the_document_can_be_printed() {
    let (code, out, _) = said(&alone().run(&["openapi"]));
    assert_eq!(code, 0);
    assert_eq!(out.trim_end(), muster_gateway::openapi_document().expect("a document").pretty().trim_end());
}

#[test]
fn a_test_clock_tells_the_server_the_time() {
    muster_testkit::run(async {
        let program = alone();
        let clock = program.folder.path().join("clock");
        std::fs::write(&clock, "2030-05-06T07:08:09Z").expect("written");
        let served = program.serve_with(&["--test-clock", "clock"]);
        program.create_admin("anna@example.org");
        let token = sign_in(&served.address, "anna@example.org").await;
        rename(&served.address, &token, "Renamed").await;
        let log = reqwest::Client::new()
            .get(format!("{}/api/audit?object_type=club", served.address))
            .bearer_auth(&token);
        let log: Value = log.send().await.expect("an answer").json().await.expect("JSON");
        assert_eq!(log["items"][0]["at"], "2030-05-06T07:08:09Z");
        std::fs::write(&clock, "2030-05-06T07:18:15Z").expect("written");
        let late = reqwest::Client::new().get(format!("{}/api/club", served.address)).bearer_auth(&token);
        assert_eq!(late.send().await.expect("an answer").status(), 401, "the token is ten minutes old");
    });
}

#[test]
fn a_request_leaves_one_line_in_the_log_and_no_secret() {
    muster_testkit::run(async {
        let program = alone();
        let served = program.serve();
        program.create_admin("anna@example.org");
        let token = sign_in(&served.address, "anna@example.org").await;
        let request = reqwest::Client::new().post(format!("{}/api/jobs/77/retry?", served.address));
        let answer =
            request.bearer_auth(&token).header("x-request-id", "the-one").send().await.expect("an answer");
        assert_eq!(answer.status(), 404);
        served.stop();
        let log = program.log();
        let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let [line] = lines.iter().filter(|l| l["request_id"] == "the-one").collect::<Vec<_>>()[..] else {
            panic!("one line: {log}")
        };
        assert_eq!(line["method"], "POST");
        assert_eq!(line["route"], "/api/jobs/{id}/retry");
        assert_eq!(line["status"], 404);
        assert_eq!(line["code"], "not_found");
        assert_eq!(line["actor"], "1");
        assert!(line["us"].as_u64().expect("a duration") > 0);
        for secret in ["a password for tests", token.as_str(), "anna@example.org"] {
            assert!(!log.contains(secret), "{secret} is in the log");
        }
    });
}

#[test]
fn what_is_measured_is_shown_where_it_is_configured_and_counted_by_route() {
    muster_testkit::run(async {
        let program = alone();
        let served = program.serve_with(&["--metrics", "on"]);
        let client = reqwest::Client::new();
        for path in ["/health/live", "/api/nothing/1", "/api/nothing/2"] {
            client.get(format!("{}{path}", served.address)).send().await.expect("an answer");
        }
        let odd = reqwest::Method::from_bytes(b"DANCE").expect("a method");
        client.request(odd, format!("{}/health/live", served.address)).send().await.expect("an answer");
        let text = client.get(format!("{}/metrics", served.address)).send().await.expect("an answer");
        let text = text.text().await.expect("text");
        assert!(text.contains("route=\"/health/live\",status=\"200\""), "{text}");
        assert!(text.contains("route=\"unknown\",status=\"404\""), "{text}");
        assert!(!text.contains("nothing") && !text.contains("DANCE"), "{text}");
    });
}
