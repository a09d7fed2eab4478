//! Cost does not grow with the whole: every statement that the services make is shown to the engine's planner,
//! and none may read a growing table from end to end, or sort what it cannot bound. And a request makes as few
//! statements as it needs.

mod calendar;
mod chat;
mod classes;
mod coaches;
mod door;
mod dues;
mod imports;
mod members;
mod reports;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection};
use muster_kernel::db::{DbOptions, StatementObserver, Target};
use muster_kernel::job::{self, NewJob, Runner};
use muster_kernel::{Domain, UserId, audit, idempotency, mail};
use muster_testkit::{Engine, PASSWORD, Person, TestDb};
use serde_json::json;

use crate::second_factors;
use crate::support::{TestApp, token_in};

/// Tables that grow with the life of a club.
const GROWING: &[&str] = &[
    "allocations",
    "attendance_months",
    "audit_events",
    "bill_payments",
    "bills",
    "bookings",
    "calendar_secrets",
    "charges",
    "class_ratings",
    "class_series",
    "class_words",
    "classes",
    "coach_accruals",
    "coach_availability",
    "coach_payouts",
    "coach_terms",
    "coaches",
    "credits",
    "dues_charged",
    "dues_lines",
    "dues_reminders",
    "dues_runs",
    "entries",
    "entry_notes",
    "guardianships",
    "idempotency_keys",
    "jobs",
    "links",
    "member_changes",
    "member_import_keys",
    "member_import_lines",
    "member_import_parts",
    "member_imports",
    "members",
    "message_index",
    "message_index_data",
    "message_index_docsize",
    "message_index_idx",
    "message_mentions",
    "message_reactions",
    "messages",
    "payroll_lines",
    "payroll_runs",
    "period_balances",
    "plans",
    "postings",
    "prepaid_lots",
    "prepaid_moves",
    "recovery_codes",
    "room_events",
    "room_marks",
    "room_members",
    "rooms",
    "second_factors",
    "sessions",
    "tickets",
    "account_days",
    "standing",
    "user_roles",
    "user_words",
    "users",
];

/// Tables that stay as small as they are.
const SMALL: &[&str] = &[
    "__diesel_schema_migrations",
    "accounts",
    "books",
    "calendar_identity",
    "closed_periods",
    "club",
    "installation",
    "message_index_config",
    "sqlite_sequence",
];

#[test]
fn every_table_is_known_to_grow_or_to_stay_small() {
    #[derive(QueryableByName)]
    struct Table {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let db = TestDb::new(Engine::Sqlite);
    let Target::Sqlite(path) = db.target() else { panic!("it was asked for SQLite") };
    let mut conn = SqliteConnection::establish(&path.to_string_lossy()).expect("open");
    let tables: Vec<Table> = diesel::sql_query("SELECT name FROM sqlite_master WHERE type = 'table'")
        .load(&mut conn)
        .expect("tables");
    for Table { name } in tables {
        let known = GROWING.contains(&name.as_str()) || SMALL.contains(&name.as_str());
        assert!(known, "{name} belongs into GROWING or into SMALL");
    }
}

/// Statements of `check` and `export`, which read everything by their nature, are not made here.
struct Watched {
    app: TestApp,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Watched {
    fn on(engine: Engine) -> Watched {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let into = seen.clone();
        let observer: StatementObserver =
            Arc::new(move |sql| into.lock().expect("a list").push(sql.to_owned()));
        let options = DbOptions { readers: 2, writers: 4, observer: Some(observer), ..DbOptions::default() };
        Watched { app: TestApp::with(TestDb::with(engine, options), &["--rate-limits", "off"]), seen }
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().expect("a list"))
    }

    /// What was done since, without asking who it is: that is remembered for a moment, and asked anew after it.
    fn work(&self) -> Vec<String> {
        let mut asked = false;
        let is_work = |sql: &String| {
            let policies = std::mem::replace(&mut asked, sql.contains("sessions")) && sql.contains("club");
            !asked && !policies
        };
        self.take().into_iter().filter(is_work).collect()
    }

    async fn use_accounts(&self) {
        let app = &self.app;
        let new = |email: &str| {
            json!({
                "first_name": "Anna", "last_name": "Example", "email": email, "password": "violet kettle harbour",
                "date_of_birth": "1990-01-01",
            })
        };
        let person = app.people.member().await;
        for email in ["anna@example.org", "anna@example.org", person.email.as_str()] {
            assert_eq!(app.post_as_nobody("/api/auth/register", new(email)).await.status, 201);
        }
        let verify = token_in(&app.mails().await[1]);
        assert_eq!(app.post_as_nobody("/api/auth/email/verify", json!({"token": verify})).await.status, 204);
        app.post_as_nobody("/api/auth/email/verify/resend", json!({"email": person.email})).await;
        app.post_as_nobody("/api/auth/password/forgot", json!({"email": person.email})).await;
        let reset = json!({"token": token_in(&app.mails().await[0]), "new_password": PASSWORD});
        assert_eq!(app.post_as_nobody("/api/auth/password/reset", reset).await.status, 204);
        let person = app.people.again(&person).await;
        for list in ["/api/auth/sessions?limit=1", "/api/users/me/export"] {
            assert_eq!(app.get(list, &person).await.status, 200);
        }
        app.people.again(&person).await;
        assert_eq!(app.delete("/api/auth/sessions/1", &person).await.status, 404);
        assert_eq!(app.delete("/api/auth/sessions", &person).await.status, 204);
        let change = json!({"old_password": PASSWORD, "new_password": "violet kettle harbour"});
        assert_eq!(app.put("/api/auth/password", &person, change).await.status, 204);
        let change = json!({"new_email": "other@example.org", "password": "violet kettle harbour"});
        assert_eq!(app.put("/api/auth/email", &person, change).await.status, 202);
        let refreshed =
            app.post_as_nobody("/api/auth/refresh", json!({"refresh_token": person.refresh})).await;
        assert_eq!(refreshed.status, 200, "{}", refreshed.text);
        assert_eq!(app.post("/api/auth/logout", &person, json!({})).await.status, 204);
        let person = app.people.member().await;
        second_factors::set_up(app, &person).await;
        let body = json!({"email": person.email, "password": PASSWORD, "totp": "ABCDE-FGHJK"});
        assert_eq!(app.post_as_nobody("/api/auth/login", body).await.status, 401);
        app.get("/api/auth/totp", &person).await;
        let proof = json!({"password": PASSWORD});
        for path in ["/api/auth/totp/recovery-codes", "/api/auth/totp/remove"] {
            assert!(app.post(path, &person, proof.clone()).await.status.is_success());
        }
        app.accounts.setup_link(&app.db).await.expect("asked");
    }

    async fn use_people(&self, admin: &Person) {
        let app = &self.app;
        let person = app.people.member().await;
        for filter in [
            "",
            "?sort=-name",
            "?sort=date_joined",
            "?sort=-date_joined",
            "?role=coach",
            "?role=admin&sort=-name",
            "?role=member&sort=date_joined",
            "?role=member&sort=-date_joined",
            "?is_active=true",
            "?q=ann",
            "?is_active=false&sort=-date_joined",
            "?q=ann+exam",
            "?q=ann&role=member&is_active=true",
            "?count=true",
            "?role=member&is_active=true&count=true",
            "?q=ann+exam&count=true",
        ] {
            let joint = if filter.is_empty() { "?" } else { "&" };
            let path = format!("/api/users{filter}{joint}limit=1");
            let page = app.get(&path, admin).await;
            assert_eq!(page.status, 200, "{path}: {}", page.text);
            if let Some(cursor) = page.body["next_cursor"].as_str() {
                assert_eq!(app.get(&format!("{path}&cursor={cursor}"), admin).await.status, 200, "{path}");
            }
        }
        let invite = json!({"first_name": "Ben", "last_name": "Example", "email": "ben@example.org"});
        assert_eq!(app.post("/api/users", admin, invite).await.status, 201);
        let child = json!({"first_name": "Tom", "last_name": "Small", "date_of_birth": "2015-01-01"});
        let child = app.post("/api/members/me/dependants", &person, child).await.body["id"].clone();
        let path = format!("/api/users/{child}");
        assert_eq!(app.get(&path, &person).await.status, 200);
        assert_eq!(app.get(&format!("/api/members/{child}"), &person).await.status, 200);
        assert_eq!(app.get("/api/members/me/dependants", &person).await.status, 200);
        assert_eq!(app.patch(&path, &person, json!({"date_of_birth": "2016-01-01"})).await.status, 200);
        assert_eq!(
            app.put(&format!("{path}/email"), &person, json!({"email": "tom@example.org"})).await.status,
            202
        );
        let guardians = json!({"user_ids": [admin.id]});
        assert_eq!(app.put(&format!("/api/members/{child}/guardians"), admin, guardians).await.status, 200);
        let path = format!("/api/users/{}", person.id);
        assert_eq!(app.put(&format!("{path}/roles"), admin, json!({"roles": ["admin"]})).await.status, 200);
        assert_eq!(app.put(&format!("{path}/roles"), admin, json!({"roles": []})).await.status, 200);
        for (action, status) in [
            ("password-reset", 200),
            ("totp-reset", 409),
            ("deactivate", 200),
            ("reactivate", 200),
            ("erase", 200),
        ] {
            assert_eq!(
                app.post(&format!("{path}/{action}"), admin, json!({})).await.status,
                status,
                "{action}"
            );
        }
        app.wait(chrono::TimeDelta::days(100));
        app.mails().await;
    }

    async fn use_money(&self, admin: &Person) {
        let app = &self.app;
        let member = app.people.member().await;
        let path = format!("/api/members/{}", member.id);
        let mut made = Vec::new();
        for (what, body) in [
            ("charges", json!({"amount": 300, "account": "dues", "text": "Dues"})),
            ("payments", json!({"amount": 500, "method": "cash"})),
            ("refunds", json!({"amount": 200, "method": "cash"})),
            ("charges", json!({"amount": 300, "account": "dues", "text": "Dues", "date": "2025-11-01"})),
            ("write-offs", json!({"amount": 300, "reason": "Gone"})),
            (
                "prepaid-fees",
                json!({"count": 2, "amount": 300, "method": "bank", "expires_on": "2026-06-01"}),
            ),
            (
                "prepaid-fees",
                json!({"count": 2, "amount": 300, "method": "bank", "expires_on": "2026-06-01"}),
            ),
            ("prepaid-fees", json!({"count": 2, "amount": 300, "method": "bank"})),
            ("prepaid-fees", json!({"count": 2, "amount": 300, "method": "bank"})),
        ] {
            let answer = app.post_once(&format!("{path}/{what}"), admin, body).await;
            assert_eq!(answer.status, 201, "{what}: {}", answer.text);
            made.push(answer.body);
        }
        let lot = format!("{path}/prepaid-fees/{}/refund", made[7]["id"]);
        assert_eq!(
            app.post_once(&lot, admin, json!({"count": 2, "amount": 10, "method": "cash"})).await.status,
            200
        );
        for what in ["charges", "payments", "refunds", "write-offs", "prepaid-fees"] {
            let list = format!("{path}/{what}?limit=1&count=true");
            let page = app.get(&list, &member).await;
            if let Some(cursor) = page.body["next_cursor"].as_str() {
                assert_eq!(app.get(&format!("{list}&cursor={cursor}"), &member).await.status, 200, "{what}");
            }
        }
        for query in ["", "?from=2025-12-01", "?to=2025-12-01", "?from=2025-12-01&to=2025-12-31"] {
            assert_eq!(app.get(&format!("{path}/statement{query}"), &member).await.status, 200, "{query}");
        }
        let income =
            json!({"kind": "income", "account": "other", "method": "cash", "amount": 5, "text": "x"});
        made.push(json!({"entry_id": app.post_once("/api/finance/entries", admin, income).await.body["id"]}));
        for one in [9, 0, 1, 6] {
            let path = format!("/api/finance/entries/{}", made[one]["entry_id"]);
            let reversed = app.post_once(&format!("{path}/reverse"), admin, json!({"reason": "x"})).await;
            assert_eq!(reversed.status, 200, "{}", reversed.text);
            assert_eq!(app.get(&path, admin).await.status, 200);
        }
        for (action, body) in [("close", json!({})), ("reopen", json!({"reason": "x"})), ("close", json!({}))]
        {
            let done = app.post(&format!("/api/finance/periods/2025-11/{action}"), admin, body).await;
            assert_eq!(done.status, 200, "{}", done.text);
        }
        for list in ["/api/finance/entries?limit=1", "/api/finance/entries?kind=charge&limit=1"] {
            let page = app.get(list, admin).await;
            let next = format!("{list}&cursor={}", page.body["next_cursor"].as_str().expect("a next page"));
            assert_eq!(app.get(&next, admin).await.status, 200, "{next}");
        }
        assert_eq!(app.post("/api/finance/categories", admin, json!({"name": "Hall"})).await.status, 201);
        for list in ["/api/finance/accounts", "/api/finance/categories", "/api/finance/periods"] {
            assert_eq!(app.get(list, admin).await.status, 200, "{list}");
        }
        app.wait(chrono::TimeDelta::days(100));
        app.db
            .write(move |tx| {
                use muster_finance::prepaid;
                prepaid::expire_some(tx)?;
                let on = chrono::NaiveDate::from_ymd_opt(2026, 1, 1).unwrap_or_default();
                let origin = audit::Origin::default();
                let lot = prepaid::reserve(tx, member.id, on)?.expect("a fee");
                prepaid::release(tx, &origin, lot)?;
                let lot = prepaid::reserve(tx, member.id, on)?.expect("a fee");
                let used = prepaid::use_fee(tx, &origin, lot, on)?;
                prepaid::return_used(tx, &origin, lot, used, on)?;
                muster_finance::set_grace(tx, member.id, 3)
            })
            .await
            .expect("class fees used");
    }

    /// Does one of everything.
    async fn use_it_all(&self) {
        let app = &self.app;
        let admin = app.people.admin().await;
        app.get("/api/club", &admin).await;
        app.patch("/api/club", &admin, json!({"name": "SV Example"})).await;
        for filter in [
            "",
            "?actor_id=1",
            "?object_type=club",
            "?object_type=club&object_id=1",
            "?actor_id=1&object_type=club",
            "?count=true",
        ] {
            let first = app.get(&format!("/api/audit{filter}"), &admin).await;
            assert_eq!(first.status, 200, "{}", first.text);
        }
        app.db
            .write(|tx| {
                for _ in 0..3 {
                    job::enqueue(tx, NewJob::new("kernel.housekeeping", ()).once("one"))?;
                    job::enqueue(tx, NewJob::new("test.nobody", ()))?;
                }
                Ok::<_, muster_kernel::db::DbError>(())
            })
            .await
            .expect("jobs");
        for list in ["/api/jobs?limit=1", "/api/jobs?state=queued&limit=1", "/api/audit?limit=1"] {
            let page = app.get(list, &admin).await;
            let next = format!("{list}&cursor={}", page.body["next_cursor"].as_str().expect("a next page"));
            assert_eq!(app.get(&next, &admin).await.status, 200, "{next}");
        }
        app.post("/api/jobs/1/retry", &admin, json!({})).await;
        self.use_accounts().await;
        self.use_people(&admin).await;
        self.use_members().await;
        self.use_money(&app.people.admin().await).await;
        self.use_bills(&app.people.admin().await).await;
        self.use_reports(&app.people.admin().await).await;
        self.use_imports().await;
        self.use_dues(&app.people.admin().await).await;
        self.use_calendars(&app.people.admin().await).await;
        self.use_coaches(&app.people.admin().await).await;
        self.use_classes(&app.people.admin().await).await;
        self.use_chat(&app.people.admin().await).await;
        self.use_the_door(&app.people.admin().await).await;
        let all: Vec<Domain> = muster_gateway::domains();
        Runner::new((*app.db).clone(), &all).run_due().await.expect("jobs done");
        app.db
            .write(|tx| {
                mail::forget(tx, UserId(1))?;
                idempotency::forget(tx, UserId(1))?;
                audit::redact(tx, "user", 1)
            })
            .await
            .expect("forgotten");
    }
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

#[derive(QueryableByName)]
struct PlanLine {
    #[diesel(sql_type = Text)]
    #[diesel(column_name = "QUERY PLAN")]
    line: String,
}

/// A new parent has no children: the engine's program for it would look for them only where a child already dangles.
/// The children of `accounts` have no index for that, since an account never goes.
fn is_a_new_account(sql: &str) -> bool {
    sql.starts_with("INSERT INTO `accounts`")
}

/// Reading a whole table in the order of a key is fine where a limit ends it.
fn sqlite_finds_fault(conn: &mut SqliteConnection, sql: &str) -> Option<String> {
    if is_a_new_account(sql) {
        return None;
    }
    let steps: Vec<Step> = diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load(conn).expect(sql);
    let plan: Vec<_> = steps.into_iter().map(|step| step.detail).collect();
    let sorts = plan.iter().any(|step| step.contains("TEMP B-TREE"));
    let scans = plan.iter().any(|step| {
        GROWING.iter().any(|table| step.starts_with(&format!("SCAN {table}")))
            && (sorts || !(sql.contains("LIMIT") || counts(sql)))
    });
    let few = names_people(sql) || is_about_few_bookings(sql) || is_of_daily_sums(sql);
    (scans || (sorts && !(sql.contains("count(") || few))).then(|| plan.join(" / "))
}

/// True when it is about people who were found before, who are never many.
fn names_people(sql: &str) -> bool {
    sql.contains("`user_id` IN (?") || sql.contains("`members`.`id` IN (?")
}

/// True when it is about the bookings of a class, or about what somebody has booked.
fn is_about_few_bookings(sql: &str) -> bool {
    sql.contains("`bookings`.`class_id` = ?")
        || sql.contains("`bookings`.`class_id` IN (")
        || sql.contains("(`bookings`.`member_id` = ?) AND (`bookings`.`is_live` = ?)")
        || sql.contains("(`bookings`.`member_id` IN (?")
        || sql.contains("(`before`.`member_id` = ?)")
}

/// True when it sorts days of accounts, or the postings that the job has not added up yet.
fn is_of_daily_sums(sql: &str) -> bool {
    sql.contains("FROM `account_days`") || sql.contains(") AS late WHERE")
}

/// Counting all is asked for by name, and is what it costs.
fn counts(sql: &str) -> bool {
    sql.to_lowercase().starts_with("select count(*)")
}

fn postgres_finds_fault(conn: &mut PgConnection, sql: &str) -> Option<String> {
    let parameters = (1..1000).take_while(|n| sql.contains(&format!("${n}"))).count();
    conn.batch_execute(&format!("DEALLOCATE ALL; PREPARE shown AS {sql}")).expect(sql);
    let nulls = vec!["NULL"; parameters].join(", ");
    let call = if parameters == 0 { "shown".to_owned() } else { format!("shown({nulls})") };
    let plan: Vec<PlanLine> = diesel::sql_query(format!("EXPLAIN EXECUTE {call}")).load(conn).expect(sql);
    let plan: Vec<_> = plan.into_iter().map(|line| line.line).collect();
    let scans =
        plan.iter().any(|line| GROWING.iter().any(|table| line.contains(&format!("Seq Scan on {table}"))));
    (scans && !counts(sql)).then(|| plan.join(" / "))
}

fn no_statement_reads_a_growing_table_from_end_to_end(engine: Engine) {
    muster_testkit::run(async {
        let watched = Watched::on(engine);
        watched.use_it_all().await;
        let statements: BTreeSet<String> = watched.take().into_iter().filter(|sql| is_query(sql)).collect();
        assert!(statements.len() >= 15, "{statements:#?}");
        let mut faults = Vec::new();
        match watched.app.db.target() {
            Target::Sqlite(path) => {
                let mut conn = SqliteConnection::establish(&path.to_string_lossy()).expect("open");
                for sql in &statements {
                    faults
                        .extend(sqlite_finds_fault(&mut conn, sql).map(|plan| format!("{sql}\n    {plan}")));
                }
            }
            Target::Postgres(url) => {
                let mut conn = PgConnection::establish(&url).expect("open");
                conn.batch_execute("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off")
                    .expect("set");
                for sql in &statements {
                    faults.extend(
                        postgres_finds_fault(&mut conn, sql).map(|plan| format!("{sql}\n    {plan}")),
                    );
                }
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    });
}

fn is_query(sql: &str) -> bool {
    ["SELECT", "UPDATE", "DELETE", "INSERT"].iter().any(|word| sql.starts_with(word))
}

#[test]
fn no_statement_reads_a_growing_table_from_end_to_end_on_sqlite() {
    no_statement_reads_a_growing_table_from_end_to_end(Engine::Sqlite);
}

#[test]
fn no_statement_reads_a_growing_table_from_end_to_end_on_postgres() {
    no_statement_reads_a_growing_table_from_end_to_end(Engine::Postgres);
}

#[test]
fn a_request_makes_as_few_statements_as_it_needs() {
    muster_testkit::run(async {
        let watched = Watched::on(Engine::Sqlite);
        let admin = watched.app.people.admin().await;
        for n in 0..20 {
            watched.app.patch("/api/club", &admin, json!({"name": format!("Name {n}")})).await;
        }
        watched.take();
        watched.app.get("/api/club", &admin).await;
        assert_eq!(watched.work().len(), 1);
        watched.app.get("/api/audit", &admin).await;
        assert_eq!(watched.work().len(), 1, "a list is one statement however long it is");
        watched.app.patch("/api/club", &admin, json!({"name": "SV Example"})).await;
        assert_eq!(watched.work().len(), 3, "the row, its change, the event");
        watched.app.get("/api/users/me", &admin).await;
        assert_eq!(watched.work().len(), 1);
        for _ in 0..20 {
            watched.app.people.member().await;
        }
        watched.take();
        watched.app.get("/api/users?q=person", &admin).await;
        assert_eq!(watched.work().len(), 2, "the people, and the roles of all of them");
    });
}

#[test]
fn a_search_begins_with_those_of_whom_there_are_few() {
    muster_testkit::run(async {
        let watched = Watched::on(Engine::Sqlite);
        let admin = watched.app.people.admin().await;
        for search in ["q=person+number", "q=person&role=admin", "q=person+number&role=member"] {
            watched.take();
            watched.app.get(&format!("/api/users?{search}"), &admin).await;
            let statements = watched.work();
            let found = statements.iter().find(|sql| sql.contains("INNER JOIN")).expect("the search itself");
            assert!(names_people(found), "everybody called so would be tried: {found}");
        }
    });
}
