//! The page `docs/EXAMPLE-TERM.md` is what it says: its requests are sent, and its tables are the answers.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use muster_kernel::Timestamp;
use muster_testkit::{Person, each_engine};
use reqwest::Method;
use serde_json::{Value, json};

use crate::documents::is_kept;
use crate::support::{Answer, TestApp};

const PAGE: &str = include_str!("../../../../docs/EXAMPLE-TERM.md");

struct Term {
    app: TestApp,
    treasurer: Person,
    known: BTreeMap<String, Value>,
}

impl Term {
    async fn of(app: TestApp) -> Term {
        let (treasurer, admin) = (app.people.treasurer().await, app.people.admin().await);
        let mut known = BTreeMap::new();
        for (key, first, last) in
            [("anna", "Anna", "Berg"), ("ben", "Ben", "Meier"), ("carla", "Carla", "Roth")]
        {
            let member = app.people.member().await;
            let name = json!({"first_name": first, "last_name": last});
            let named = app.patch(&format!("/api/users/{}", member.id), &admin, name).await;
            assert_eq!(named.status, 200, "{}", named.text);
            known.insert(key.to_owned(), named.body);
        }
        Term { app, treasurer, known }
    }

    /// Goes on to the noon of a day, a night at a time, so that what the clock does is done when it is due.
    async fn go_on_to(&mut self, day: NaiveDate) {
        loop {
            let now = self.app.db.clock.now();
            let next = (now.utc().date_naive() + chrono::Days::new(1)).min(day);
            let noon = next.and_hms_opt(12, 0, 0).expect("a noon").and_utc();
            self.app.db.clock.set(Timestamp::new(noon));
            self.app.mails().await;
            if next == day {
                break;
            }
        }
        self.treasurer = self.app.people.again(&self.treasurer).await;
    }

    /// A line with its `{name.field}` filled in.
    fn filled(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        for (name, value) in &self.known {
            for field in ["id", "entry_id"] {
                filled = filled.replace(&format!("{{{name}.{field}}}"), &value[field].to_string());
            }
        }
        filled
    }

    async fn take(&mut self, line: &str) {
        if let Ok(day) = line.parse() {
            return self.go_on_to(day).await;
        }
        let (request, name) = line.split_once(" -> ").map_or((line, None), |(r, n)| (r, Some(n)));
        let request = self.filled(request);
        let request = request.strip_prefix("POST ").unwrap_or_else(|| panic!("{line}: POST or a day"));
        let (path, body) = request.split_once(' ').expect("a path and a body");
        let body: Value = serde_json::from_str(body).expect(line);
        let answer = self.app.post_once(path, &self.treasurer, body).await;
        assert!(answer.status.is_success(), "{line}: {}", answer.text);
        if let Some(name) = name {
            self.known.insert(name.to_owned(), answer.body);
        }
    }

    /// A table of the server as one for people.
    async fn table(&self, path: &str) -> String {
        let path = self.filled(path);
        let request = self.app.request(Method::GET, &path).bearer_auth(&self.treasurer.token);
        let answer = Answer::of(request.header("accept", "text/csv")).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        let mut rows = csv::ReaderBuilder::new().has_headers(false).from_reader(answer.text.as_bytes());
        let mut table = String::new();
        for (n, row) in rows.records().enumerate() {
            let row = row.expect("a row");
            table += &format!("| {} |\n", row.iter().collect::<Vec<_>>().join(" | "));
            if n == 0 {
                table += &format!("|{}\n", "---|".repeat(row.len()));
            }
        }
        table
    }

    /// The page as it has to be.
    async fn page(&mut self) -> String {
        let mut page = String::new();
        let mut lines = PAGE.lines().peekable();
        while let Some(line) = lines.next() {
            page += &format!("{line}\n");
            if line == "```http" {
                for line in lines.by_ref() {
                    page += &format!("{line}\n");
                    if line == "```" {
                        break;
                    }
                    self.take(line).await;
                }
            }
            if let Some(path) = line.strip_prefix("<!-- GET ").and_then(|rest| rest.strip_suffix(" -->")) {
                page += &self.table(path).await;
                while lines.peek().is_some_and(|line| line.starts_with('|')) {
                    lines.next();
                }
            }
        }
        page
    }
}

each_engine! {
    async fn the_example_is_what_the_server_says(app: TestApp) {
        let mut term = Term::of(app).await;
        let page = term.page().await;
        is_kept("docs/EXAMPLE-TERM.md", &page);
        assert_eq!(crate::bills::found(&term.app).await, Vec::<String>::new());
    }
}
