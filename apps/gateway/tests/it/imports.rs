//! Members whom the club brings along in a file, and the list that it takes out as one.

mod export;
mod work;

use muster_gateway::domains_at_work;
use muster_kernel::job::Runner;
use muster_testkit::{Engine, PASSWORD, Person, TestDb, each_engine};
use reqwest::Method;
use serde_json::{Value, json};

use crate::raw_http::Client;
use crate::support::{Answer, TestApp, token_in};
use crate::traces::ask;

/// Sends a file.
pub async fn send(app: &TestApp, person: &Person, query: &str, file: impl Into<Vec<u8>>) -> Answer {
    let request = app.request(Method::POST, &format!("/api/members/import{query}"));
    Answer::of(request.bearer_auth(&person.token).header("content-type", "text/csv").body(file.into())).await
}

/// Does the jobs that are due.
async fn work(app: &TestApp) {
    Runner::new((*app.db).clone(), &domains_at_work(&app.accounts)).run_due().await.expect("jobs done");
}

/// Imports a file to its end, and tells what came of it.
async fn import(app: &TestApp, person: &Person, query: &str, file: impl Into<Vec<u8>>) -> Answer {
    let sent = send(app, person, query, file).await;
    assert_eq!(sent.status, 202, "{}", sent.text);
    work(app).await;
    let done = app.get(sent.header("location"), person).await;
    assert_eq!(done.body["state"], "done", "{}", done.text);
    done
}

/// How many lines became what: created, skipped, failed.
fn counts(import: &Answer) -> [i64; 3] {
    ["created", "skipped", "failed"].map(|count| import.body[count].as_i64().expect("a count"))
}

/// What became of the lines.
async fn lines(app: &TestApp, person: &Person, import: &Answer) -> Vec<Value> {
    let path = format!("/api/members/imports/{}/lines?limit=100", import.body["id"]);
    let lines = app.get(&path, person).await;
    lines.body["items"].as_array().unwrap_or_else(|| panic!("{}", lines.text)).clone()
}

/// The line, what became of it, where and why.
fn told(line: &Value) -> (i64, &str, &str, &str) {
    let text = |field: &str| line[field].as_str().unwrap_or_default();
    (line["line"].as_i64().expect("a line"), text("outcome"), text("pointer"), text("code"))
}

/// The one person with this name.
async fn found(app: &TestApp, person: &Person, name: &str) -> Value {
    let page = app.get(&format!("/api/users?q={name}"), person).await;
    assert_eq!(page.body["items"].as_array().map(Vec::len), Some(1), "{}", page.text);
    page.body["items"][0].clone()
}

async fn people(app: &TestApp, person: &Person) -> i64 {
    app.get("/api/users?count=true&limit=1", person).await.body["total"].as_i64().expect("a count")
}

/// So many people with addresses.
fn crowd(range: std::ops::Range<usize>) -> String {
    let row = |n: usize| format!("Person{n},Crowd,crowd{n}@example.org\n");
    "first_name,last_name,email\n".to_owned() + &range.map(row).collect::<String>()
}

each_engine! {
    async fn those_in_a_file_become_members_whatever_it_is_separated_by(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        for (n, file) in [
            "first_name,last_name,email\nAnna,Zero,anna0@example.org\n",
            "\u{feff}first_name;last_name;email\r\nAnna;One;anna1@example.org\r\n",
            "EMAIL, last_name ,First_Name\nAnna2@Example.ORG, Two ,Anna",
        ]
        .into_iter()
        .enumerate()
        {
            let sent = send(&app, &treasurer, "", file).await;
            assert_eq!(sent.status, 202, "{}", sent.text);
            assert_eq!((&sent.body["state"], &sent.body["dry_run"]), (&json!("queued"), &json!(false)));
            assert_eq!(sent.body["lines_total"], 1);
            work(&app).await;
            let done = app.get(sent.header("location"), &treasurer).await;
            assert_eq!((&done.body["state"], counts(&done)), (&json!("done"), [1, 0, 0]), "{}", done.text);
            assert!(done.body["finished_at"].is_string());
            let anna = found(&app, &treasurer, &format!("anna{n}@example.org")).await;
            assert_eq!((&anna["first_name"], &anna["email_verified"]), (&json!("Anna"), &json!(false)));
            assert_eq!(anna["roles"], json!(["member"]));
            let line = json!({"line": 2, "outcome": "created", "member_id": anna["id"]});
            assert_eq!(lines(&app, &treasurer, &done).await, [line]);
        }
    }

    async fn everything_that_a_row_says_is_kept(app: TestApp) {
        let admin = app.people.admin().await;
        let file = "first_name,last_name,date_of_birth,phone,address,emergency_contact,notes,external_id,status\n\
            Tom,Small,2015-03-31,'+49 170 1,\"Street 1\n12345 Town\",Mum,=1+1,K-7,\n\
            Ida,Small,,,,,,K-8,pending\n";
        assert_eq!(counts(&import(&app, &admin, "", file).await), [2, 0, 0]);
        let tom = found(&app, &admin, "tom").await;
        assert_eq!((&tom["date_of_birth"], &tom["email"]), (&json!("2015-03-31"), &Value::Null));
        let record = app.get(&format!("/api/members/{}", tom["id"]), &admin).await.body;
        for (field, value) in [
            ("status", "active"),
            ("phone", "+49 170 1"),
            ("address", "Street 1\n12345 Town"),
            ("emergency_contact", "Mum"),
            ("notes", "=1+1"),
            ("external_id", "K-7"),
        ] {
            assert_eq!(record[field], value, "{field}: {record}");
        }
        let ida = found(&app, &admin, "ida").await;
        let record = app.get(&format!("/api/members/{}", ida["id"]), &admin).await.body;
        assert_eq!((&record["status"], &record["phone"]), (&json!("pending"), &Value::Null));
    }

    async fn whoever_is_on_a_plan_is_put_on_it(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        for (name, grace_days) in [("Adults", 14), ("Children; all", 3)] {
            let plan = json!({"name": name, "price": 3000, "every": "month", "grace_days": grace_days});
            assert_eq!(app.post("/api/plans", &treasurer, plan).await.status, 201);
        }
        let file = "first_name,last_name,plan\nAnna,One,Adults\nTom,Two,Children; all\nIda,Three,\nBen,Four,adults\n";
        let rehearsed = import(&app, &treasurer, "?dry_run=true", file).await;
        assert_eq!(counts(&rehearsed), [3, 0, 1]);
        let done = import(&app, &treasurer, "", file).await;
        let became = lines(&app, &treasurer, &done).await;
        assert_eq!(told(&became[3]), (5, "failed", "/plan", "unknown"), "a name is as it is written");
        let export = app.get("/api/members/export", &treasurer).await;
        assert!(export.text.contains("Tom,Two,,,,,,,,active,Children; all,"), "{}", export.text);
        for (line, plan, grace_days) in [(0, json!(1), "14"), (1, json!(2), "3"), (2, Value::Null, "0")] {
            let id = &became[line]["member_id"];
            assert_eq!(app.get(&format!("/api/members/{id}"), &treasurer).await.body["plan_id"], plan, "{line}");
            let grace = format!("SELECT CAST(grace_days AS TEXT) AS line FROM standing WHERE member_id = {id}");
            assert_eq!(ask(&app.db.target(), &grace), [grace_days], "{line}");
            let events = format!(
                "SELECT action AS line FROM audit_events WHERE object_type = 'member' AND object_id = {id} AND action = 'member.plan_changed'"
            );
            assert_eq!(ask(&app.db.target(), &events).len(), usize::from(!plan.is_null()), "{line}");
            if !plan.is_null() {
                let listed = app.get(&format!("/api/members?plan_id={plan}&payment_status=paid"), &treasurer).await;
                assert_eq!(listed.body["items"][0]["id"], *id);
            }
        }
    }

    async fn a_row_with_something_wrong_fails_alone_and_tells_why(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let long = "x".repeat(9_000);
        let file = format!(
            "first_name,last_name,email,date_of_birth,phone,address,notes,external_id,status\n\
             Anna,Fine,,,,,,,\n\
             ,Nameless,,,,,,,\n\
             Nul\0,Example,,,,,,,\n\
             Anna,Example,no address,,,,,,\n\
             Anna,Example,,31.03.2015,,,,,\n\
             Anna,Example,,2999-01-01,,,,,\n\
             Anna,Example,,,{long},,,,\n\
             Anna,Example,,,,,{long},,\n\
             Anna,Example,,,,,,{long},\n\
             Anna,Example,,,,,,,left\n\
             Anna,Example\n\
             Anna,Example,,,,,,,,\n\
             Ben,Fine,,,,,,,\n"
        );
        let done = import(&app, &treasurer, "", file).await;
        assert_eq!(counts(&done), [2, 0, 11]);
        let lines = lines(&app, &treasurer, &done).await;
        let failed: Vec<_> = lines.iter().map(told).filter(|line| line.1 != "created").collect();
        assert_eq!(
            failed,
            [
                (3, "failed", "/first_name", "too_short"),
                (4, "failed", "/first_name", "control_characters"),
                (5, "failed", "/email", "invalid"),
                (6, "failed", "/date_of_birth", "invalid"),
                (7, "failed", "/date_of_birth", "out_of_range"),
                (8, "failed", "/phone", "too_long"),
                (9, "failed", "/notes", "too_long"),
                (10, "failed", "/external_id", "too_long"),
                (11, "failed", "/status", "unknown_value"),
                (12, "failed", "", "ragged_row"),
                (13, "failed", "", "ragged_row"),
            ]
        );
        let path = format!("/api/members/imports/{}/lines", done.body["id"]);
        let created = app.get(&format!("{path}?outcome=created"), &treasurer).await;
        let places: Vec<_> = created.body["items"].as_array().expect("lines").iter().map(|l| l["line"].clone()).collect();
        assert_eq!(places, [json!(2), json!(14)]);
        let page = app.get(&format!("{path}?outcome=failed&limit=10"), &treasurer).await;
        let next = format!("{path}?outcome=failed&limit=10&cursor={}", page.body["next_cursor"].as_str().expect("more"));
        assert_eq!(app.get(&next, &treasurer).await.body["items"].as_array().map(Vec::len), Some(1));
    }

    async fn a_file_that_is_none_is_refused_and_nothing_of_it_is_kept(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        for (file, wrong) in [
            (&b""[..], ("", "empty")),
            (b"first_name,last_name\n", ("", "empty")),
            (b"first_name,email\nAnna,anna@example.org\n", ("/last_name", "required")),
            (b"first_name,last_name,nickname\nAnna,Example,Nan\n", ("/nickname", "unknown_field")),
            (b"first_name,last_name,first_name\nAnna,Example,Anna\n", ("/first_name", "duplicate")),
            (b"first_name,last_name\nJ\xfcrgen,Example\n", ("", "invalid_encoding")),
            (b"\xff\xfef\0i\0", ("", "invalid_encoding")),
        ] {
            let refused = send(&app, &treasurer, "", file).await;
            assert_eq!(refused.status, 422, "{}", refused.text);
            refused.problem();
            assert_eq!(refused.fields(), [wrong], "{}", refused.text);
        }
        assert_eq!(app.get("/api/members/imports", &treasurer).await.body["items"], json!([]));
    }

    async fn whoever_is_there_already_is_left_as_they_are(app: TestApp) {
        let (treasurer, member) = (app.people.treasurer().await, app.people.member().await);
        let first = "first_name,last_name,external_id\nKim,Known,K-1\n";
        assert_eq!(counts(&import(&app, &treasurer, "", first).await), [1, 0, 0]);
        let file = format!(
            "first_name,last_name,email,external_id\n\
             Other,Name,{},\n\
             Other,Name,other@example.org,K-1\n\
             Anna,New,anna@example.org,K-2\n\
             Anna,Again,ANNA@example.org,K-3\n\
             Anna,Again,,K-2\n\
             Ben,New,other@example.org,\n",
            member.email
        );
        // The same by trial as in earnest, although nothing of a trial stays.
        let before = people(&app, &treasurer).await;
        for query in ["?dry_run=true", ""] {
            let done = import(&app, &treasurer, query, file.clone()).await;
            assert_eq!(done.body["dry_run"], !query.is_empty());
            let lines = lines(&app, &treasurer, &done).await;
            assert_eq!(
                lines.iter().map(told).collect::<Vec<_>>(),
                [
                    (2, "skipped", "/email", "same_email"),
                    (3, "skipped", "/external_id", "same_external_id"),
                    (4, "created", "", ""),
                    (5, "skipped", "/email", "same_email"),
                    (6, "skipped", "/external_id", "same_external_id"),
                    (7, "created", "", ""),
                ],
                "{query}"
            );
            assert_eq!(lines[0]["member_id"], json!(member.id));
            assert_eq!(lines[2]["member_id"].is_null(), !query.is_empty());
            let made = if query.is_empty() { 2 } else { 0 };
            assert_eq!(people(&app, &treasurer).await, before + made, "{query}");
        }
        assert_eq!(counts(&import(&app, &treasurer, "", file).await), [0, 6, 0], "and all of it again");
    }

    async fn a_trial_leaves_nothing_however_long_the_file_is(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let before = people(&app, &treasurer).await;
        let twice = crowd(0..130) + &crowd(0..120).lines().skip(1).map(|line| format!("{line}\n")).collect::<String>();
        let trial = import(&app, &treasurer, "?dry_run=true", twice.clone()).await;
        assert_eq!(counts(&trial), [130, 120, 0], "in other parts of the file too");
        assert_eq!(people(&app, &treasurer).await, before);
        assert_eq!(counts(&import(&app, &treasurer, "", twice).await), [130, 120, 0]);
    }

    async fn whoever_was_imported_chooses_a_password_as_if_it_was_forgotten(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let file = "first_name,last_name,email\nAnna,Example,anna@example.org\n";
        import(&app, &treasurer, "", file).await;
        assert_eq!(app.mails().await.len(), 0, "nobody gets a mail");
        let forgot = app.post_as_nobody("/api/auth/password/forgot", json!({"email": "anna@example.org"})).await;
        assert_eq!(forgot.status, 202);
        let token = token_in(&app.mails().await[0]);
        let reset = app.post_as_nobody("/api/auth/password/reset", json!({"token": token, "new_password": PASSWORD})).await;
        assert_eq!(reset.status, 204, "{}", reset.text);
        app.people.sign_in("anna@example.org", PASSWORD).await;
        assert_eq!(found(&app, &treasurer, "anna@example.org").await["email_verified"], true);
    }

    async fn the_address_of_somebody_imported_counts_as_taken(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let file = "first_name,last_name,email,status\nAnna,Example,anna@example.org,pending\n";
        import(&app, &treasurer, "", file).await;
        let registration = json!({
            "first_name": "Eve", "last_name": "Stranger", "email": "anna@example.org", "password": PASSWORD,
            "date_of_birth": "1990-01-01",
        });
        assert_eq!(app.post_as_nobody("/api/auth/register", registration).await.status, 201);
        assert_eq!(found(&app, &treasurer, "anna@example.org").await["first_name"], "Anna");
    }

    async fn an_import_stands_in_the_audit_log_with_whom_it_made(app: TestApp) {
        let (treasurer, admin) = (app.people.treasurer().await, app.people.admin().await);
        let done = import(&app, &treasurer, "", "first_name,last_name\nQuillana,Example\n").await;
        let log = app.get(&format!("/api/audit?actor_id={}", treasurer.id), &admin).await;
        let actions: Vec<_> = log.body["items"].as_array().expect("events").iter().map(|e| (&e["action"], &e["object_id"])).collect();
        let begun = json!("member_import.begun");
        assert!(actions.contains(&(&begun, &done.body["id"])), "{}", log.text);
        let anna = found(&app, &treasurer, "quillana").await;
        assert!(actions.contains(&(&json!("user.created"), &anna["id"])), "{}", log.text);
        assert!(!log.text.contains("Quillana"));
    }
}

#[test]
fn a_file_is_sent_as_csv_and_is_not_too_large() {
    muster_testkit::run(async {
        let app = TestApp::configured(Engine::Sqlite, &["--rate-limits", "off"]);
        let treasurer = app.people.treasurer().await;
        for content_type in ["application/json", "text/csv; charset=iso-8859-1", "text/plain"] {
            let request = app.request(Method::POST, "/api/members/import").bearer_auth(&treasurer.token);
            let request = request.header("content-type", content_type).body("first_name,last_name\nA,B\n");
            assert_eq!(
                Answer::of(request).await.problem(),
                (415, "unsupported_media_type"),
                "{content_type}"
            );
        }
        let mut large = "first_name,last_name\nA,B\n".to_owned();
        large.extend(std::iter::repeat_n('\n', 16 * 1024 * 1024 - large.len()));
        let taken = send(&app, &treasurer, "", large.clone()).await;
        assert_eq!(taken.status, 202, "{}", taken.text);

        let mut client = Client(std::net::TcpStream::connect(app.address).expect("a connection"));
        let length = large.len() + 1;
        client.send(format!(
            "POST /api/members/import HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: text/csv\r\n\
             content-length: {length}\r\n\r\n",
            treasurer.token
        ));
        let answer = client.response();
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("too_large"), "{answer}");
    });
}

#[test]
fn where_mail_is_delivered_an_imported_person_signs_in_after_choosing_a_password() {
    muster_testkit::run(async {
        let flags = ["--rate-limits", "off", "--smtp-url", "smtp://mail.example.org"];
        let app = TestApp::with(TestDb::new(Engine::Sqlite), &flags);
        let treasurer = app.people.treasurer().await;
        import(&app, &treasurer, "", "first_name,last_name,email\nAnna,Example,anna@example.org\n").await;
        app.post_as_nobody("/api/auth/password/forgot", json!({"email": "anna@example.org"})).await;
        let token = token_in(&app.mails().await[0]);
        let reset = json!({"token": token, "new_password": PASSWORD});
        assert_eq!(app.post_as_nobody("/api/auth/password/reset", reset).await.status, 204);
        let login = json!({"email": "anna@example.org", "password": PASSWORD});
        assert_eq!(app.post_as_nobody("/api/auth/login", login).await.status, 200);
    });
}
