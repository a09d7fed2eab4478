//! The club that one explores: that it is whole, as lively as it is promised, and made of nobody else's club.

use std::io::{BufRead, BufReader, Write};
use std::process::{Output, Stdio};

use chrono::{DateTime, TimeDelta, Utc};
use muster_testkit::each_engine;
use serde_json::{Value, json};

use crate::program::Program;

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Refused with one sentence, and code 1.
#[track_caller]
fn refused(output: &Output, words: &str) {
    let said = err(output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    assert!(said.starts_with("muster: ") && said.contains(words), "{said}");
}

/// All that the program exports: what is in the club.
fn all_of(program: &Program, folder: &str) -> Vec<(String, String)> {
    let exported = program.run(&["export", folder]);
    assert_eq!(exported.status.code(), Some(0), "{}", err(&exported));
    let mut files: Vec<_> = std::fs::read_dir(program.folder.path().join(folder))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (path.file_name().expect("a name").to_string_lossy().into_owned(), path))
        .map(|(name, path)| (name, std::fs::read_to_string(path).expect("text")))
        .collect();
    files.sort();
    files
}

/// Somebody who is signed in to a running server.
struct Visitor {
    address: String,
    token: String,
    id: i64,
}

impl Visitor {
    async fn sign_in(address: &str, email: &str, password: &str) -> Visitor {
        let request = reqwest::Client::new().post(format!("{address}/api/auth/login"));
        let answer = request.json(&json!({"email": email, "password": password})).send().await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 200, "{email}");
        let body: Value = answer.json().await.expect("JSON");
        let token = body["access_token"].as_str().expect("a token").to_owned();
        Visitor { address: address.to_owned(), token, id: body["user"]["id"].as_i64().expect("a number") }
    }

    async fn get(&self, path: &str) -> Value {
        let request = reqwest::Client::new().get(format!("{}/api{path}", self.address));
        let answer = request.bearer_auth(&self.token).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.expect("JSON")
    }

    /// How many there are in a list.
    async fn count(&self, path: &str) -> i64 {
        let sign = if path.contains('?') { '&' } else { '?' };
        self.get(&format!("{path}{sign}limit=1&count=true")).await["total"].as_i64().expect("a number")
    }

    /// The rooms they are in, by their names.
    async fn rooms(&self) -> Vec<(String, i64, i64)> {
        let rooms = self.get("/rooms?limit=100").await;
        let count = |room: &Value, what: &str| room[what].as_i64().expect("a number");
        let rooms = rooms["items"].as_array().expect("rooms").iter().map(|room| {
            let name = room["room_name"].as_str().expect("a name").to_owned();
            (name, count(room, "unread_count"), count(room, "mention_count"))
        });
        rooms.collect()
    }
}

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().expect("a time").parse().expect("a time")
}

/// Those whom the command tells about, by what they are, and everybody's password.
fn told(text: &str) -> (Vec<(String, String)>, String) {
    let people = text
        .lines()
        .filter_map(|line| {
            let mut words = line.strip_prefix("  ")?.split_whitespace();
            Some((words.next()?.to_owned(), words.next()?.to_owned()))
        })
        .collect();
    let password = text.lines().find_map(|line| line.strip_prefix("Everybody has the same password: "));
    (people, password.expect("a password").to_owned())
}

async fn is_lively(admin: &Visitor) {
    assert_eq!(admin.count("/users").await, 200);
    for (role, count) in [("admin", 1), ("treasurer", 2), ("coach", 6), ("member", 200)] {
        assert_eq!(admin.count(&format!("/users?role={role}")).await, count, "{role}");
    }
    for (status, count) in [("active", 179), ("pending", 7), ("suspended", 4), ("left", 8), ("rejected", 2)] {
        assert_eq!(admin.count(&format!("/members?status={status}")).await, count, "{status}");
    }
    assert!(admin.count("/members?payment_status=overdue").await >= 2);
    for plan in admin.get("/plans").await["items"].as_array().expect("plans") {
        assert!(admin.count(&format!("/members?plan_id={}", plan["id"])).await > 0, "{plan}");
    }
    assert!(admin.count("/bookings?status=waitlisted").await >= 3);
    for status in ["booked", "attended", "no_show", "excused", "cancelled", "late_cancelled"] {
        assert!(admin.count(&format!("/bookings?status={status}")).await > 10, "{status}");
    }
    let now = Utc::now();
    let newest = admin.get("/messages?limit=1").await;
    assert!(now - time(&newest["items"][0]["timestamp"]) < TimeDelta::days(1), "{newest}");
    let next = admin.get(&format!("/classes?limit=1&from={}", now.format("%Y-%m-%dT%H:%M:%SZ"))).await;
    assert!(time(&next["items"][0]["class_datetime"]) - now < TimeDelta::days(7), "{next}");
    let off = admin.get("/classes?limit=100&q=night").await;
    assert!(off["items"].as_array().expect("classes").iter().any(|it| it["status"] == "cancelled"), "{off}");
}

async fn the_books_are_sound(treasurer: &Visitor) {
    let months = treasurer.get("/finance/periods").await;
    let is_closed = |month: &&Value| month["state"] == "closed";
    assert_eq!(months["items"].as_array().expect("months").iter().filter(is_closed).count(), 3);
    let trial = treasurer.get("/finance/reports/trial-balance").await;
    assert!(trial["total_debit"].as_i64().expect("a sum") > 1_000_000);
    assert_eq!(trial["total_debit"], trial["total_credit"]);
    assert!(treasurer.count("/dues-runs").await >= 4);
    assert!(treasurer.count("/payroll-runs").await >= 3);
    for kind in ["payment", "refund", "write_off", "prepaid", "prepaid_used", "prepaid_expired", "reversal"] {
        assert!(treasurer.count(&format!("/finance/entries?kind={kind}")).await > 0, "{kind}");
    }
    assert!(treasurer.get("/finance/bills?open=true").await["items"].as_array().expect("bills").len() >= 2);
}

each_engine! {
    async fn a_demo_is_a_whole_club_that_is_left_alone_from_then_on(program: Program) {
        let made = program.run(&["demo"]);
        assert_eq!(made.status.code(), Some(0), "{}", err(&made));
        let checked = program.run(&["check"]);
        assert_eq!(checked.status.code(), Some(0), "{}", out(&checked));
        assert!(!program.folder.path().join("data/mail").exists(), "no mail was written");

        let before = all_of(&program, "before");
        refused(&program.run(&["demo"]), "this club has people in it");
        assert_eq!(before, all_of(&program, "after"), "nothing was changed");

        let (people, password) = told(&out(&made));
        let served = program.serve();
        let mut visitors = Vec::new();
        for (role, email) in &people {
            assert!(email.ends_with("@example.org"), "{email}");
            visitors.push((role.as_str(), Visitor::sign_in(&served.address, email, &password).await));
        }
        let visitor = |role: &str| &visitors.iter().find(|(its, _)| *its == role).expect("somebody").1;
        is_lively(visitor("admin")).await;
        the_books_are_sound(visitor("treasurer")).await;

        let coach = visitor("coach");
        assert!(coach.get(&format!("/coaches/{}", coach.id)).await["payment_balance"].as_i64() > Some(0));
        let member = visitor("member");
        assert!(member.count("/bookings?status=booked").await > 0);
        assert_eq!(member.count("/bookings?status=waitlisted").await, 1);
        let record = member.get(&format!("/members/{}", member.id)).await;
        assert!(record["prepaid_fees"].as_i64() > Some(0), "{record}");
        let rooms = member.rooms().await;
        assert!(rooms.iter().any(|(_, unread, _)| *unread > 0), "{rooms:?}");
        assert!(rooms.iter().any(|(_, _, mentions)| *mentions > 0), "{rooms:?}");
        let children = visitor("guardian").get("/bookings?limit=100").await;
        let of_children = |it: &&Value| it["member_id"].as_i64() != Some(visitor("guardian").id);
        assert!(children["items"].as_array().expect("bookings").iter().any(|it| of_children(&it)));
        let overdue = visitor("overdue");
        let record = overdue.get(&format!("/members/{}", overdue.id)).await;
        assert_eq!(record["payment_status"], "overdue", "{record}");
        let rooms = visitor("minor").rooms().await;
        assert!(rooms.iter().any(|(name, ..)| name == "Tomasz Nowak, Andrea Vogt"), "{rooms:?}");
    }

    async fn a_club_with_anybody_in_it_is_refused_and_stays_as_it_is(program: Program) {
        program.create_admin("anna@example.org");
        let before = all_of(&program, "before");
        refused(&program.run(&["demo"]), "this club has people in it, and a demo is made of an empty one only");
        assert_eq!(before, all_of(&program, "after"));
    }

    async fn a_demo_that_was_cut_off_is_refused_with_how_to_begin_anew(program: Program) {
        let mut child = program.command(&["demo"]).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it runs");
        // The first month has begun: by then everybody of old is there.
        let lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        assert!(lines.map_while(Result::ok).any(|line| line.ends_with('…')));
        child.kill().expect("killed");
        child.wait().expect("it ends");
        let again = program.run(&["demo"]);
        refused(&again, "an earlier `muster demo` was cut off here");
        let how = if program.database.is_some() { "drop the database" } else { "muster.db and what lies beside it" };
        assert!(err(&again).contains(how), "{}", err(&again));
    }
}

#[test]
fn everybodys_password_can_be_chosen() {
    let program = Program::on_sqlite();
    program.run(&["migrate"]);
    let mut command = program.command(&["demo", "--password-stdin"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    child.stdin.take().expect("a pipe").write_all(b"password1\n").expect("written");
    let weak = child.wait_with_output().expect("it ends");
    refused(&weak, "password: This password is among the first that would be guessed.");
}
