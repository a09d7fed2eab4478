//! The list of all members as a file.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::RunQueryDsl;
use diesel::sql_types::BigInt;
use muster_kernel::db::{DbError, DbOptions, StatementObserver};
use muster_kernel::sql::Moment;
use muster_testkit::{Engine, TestDb, each_engine};
use reqwest::Method;
use serde_json::json;

use super::import;
use crate::support::{Answer, TestApp};

const HEADER: &str = "first_name,last_name,email,date_of_birth,phone,address,emergency_contact,notes,external_id,\
    status,plan,id,date_joined,plan_id,payment_status,balance,prepaid_fees\r\n";

/// Writes so many members, whose letters are not worth the time of the services.
async fn many(app: &TestApp, number: i64) {
    // One engine takes the parameters in the order in which they are first mentioned.
    let statements = [
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) \
         INSERT INTO users (first_name, last_name, is_active, date_joined) SELECT 'Many', 'Of Them', {true}, $2 FROM n",
        "INSERT INTO members (status, id, status_since) \
         SELECT CASE WHEN 0 < $1 THEN 'active' END, id, $2 FROM users WHERE first_name = 'Many'",
        "INSERT INTO standing (member_id) SELECT id FROM users WHERE 0 < $1 AND date_joined = $2 AND first_name = 'Many'",
    ];
    let yes = if app.db.engine() == Engine::Sqlite { "1" } else { "true" };
    app.db
        .write(move |tx| {
            let now = tx.now();
            for statement in statements {
                diesel::sql_query(statement.replace("{true}", yes))
                    .bind::<BigInt, _>(number)
                    .bind::<Moment, _>(now)
                    .execute(&mut **tx)?;
            }
            Ok::<_, DbError>(())
        })
        .await
        .expect("many members");
}

each_engine! {
    async fn the_list_of_members_can_be_opened_in_a_spreadsheet(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        let file = "first_name,last_name,email,date_of_birth,phone,address,notes,external_id\n\
            \"=HYPERLINK(\"\"x\"\")\",O'Neill,anna@example.org,1990-03-01,+49 170,\"Street 1\n12345 Town\", -1 ,@K\n";
        import(&app, &treasurer, "", file).await;
        let list = app.get("/api/members/export", &treasurer).await;
        assert_eq!(list.status, 200, "{}", list.text);
        assert_eq!(list.header("content-type"), "text/csv; charset=utf-8");
        assert_eq!(list.header("content-disposition"), "attachment; filename=\"members.csv\"");
        let rows = list.text.strip_prefix(HEADER).unwrap_or_else(|| panic!("{}", list.text));
        let (_, anna) = rows.split_once("\r\n").expect("the treasurer, then Anna");
        let expected = "\"'=HYPERLINK(\"\"x\"\")\",O'Neill,anna@example.org,1990-03-01,'+49 170,\"Street 1\n12345 Town\",\
            ,'-1,'@K,active,,";
        assert!(anna.starts_with(expected), "{anna}");
        assert!(anna.ends_with(",2026-01-01T00:00:00Z,,exempt,0.00,0\r\n"), "{anna}");
    }

    async fn what_was_exported_comes_back_as_it_was(app: TestApp) {
        let admin = app.people.admin().await;
        let file = "first_name,last_name,phone,notes,external_id\n=Anna,'-Quote,+49 170,'quoted',K-1\n";
        import(&app, &admin, "", file).await;
        let record = async || {
            let list = app.get("/api/members?q=quote", &admin).await;
            app.get(&format!("/api/members/{}", list.body["items"][0]["id"]), &admin).await.body
        };
        let before = record().await;
        let list = app.get("/api/members/export", &admin).await.text;
        let erased = app.post(&format!("/api/users/{}/erase", before["id"]), &admin, json!({})).await;
        assert_eq!(erased.status, 200, "{}", erased.text);
        // The columns of an import come first.
        let row = list.lines().find(|row| row.contains("Anna")).expect("Anna");
        let cells: Vec<_> = row.split(',').take(11).collect();
        let columns: Vec<_> = HEADER.split(',').take(11).collect();
        import(&app, &admin, "", format!("{}\n{}\n", columns.join(","), cells.join(","))).await;
        let after = record().await;
        for field in ["first_name", "last_name", "phone", "notes", "external_id", "status"] {
            assert_eq!(after[field], before[field], "{field}");
        }
    }

    async fn a_long_list_arrives_whole_and_in_order(app: TestApp) {
        let treasurer = app.people.treasurer().await;
        many(&app, 2_300).await;
        let list = app.get("/api/members/export?format=csv", &treasurer).await;
        assert_eq!(list.header("content-length"), "", "it is sent as it is read");
        let ids: Vec<i64> = list.text.lines().skip(1)
            .map(|row| row.split(',').nth(11).and_then(|id| id.parse().ok()).expect("an id")).collect();
        assert_eq!(ids.len(), 2_301);
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        let head = app.request(Method::HEAD, "/api/members/export").bearer_auth(&treasurer.token);
        assert_eq!(Answer::of(head).await.text, "");
        for query in ["?format=json", "?format=pdf", "?limit=1"] {
            assert_eq!(app.get(&format!("/api/members/export{query}"), &treasurer).await.status, 400, "{query}");
        }
    }

    async fn whoever_was_erased_is_not_on_the_list(app: TestApp) {
        let (admin, member) = (app.people.admin().await, app.people.member().await);
        assert_eq!(app.post(&format!("/api/users/{}/erase", member.id), &admin, json!({})).await.status, 200);
        let list = app.get("/api/members/export", &admin).await;
        assert_eq!(list.text.lines().count(), 2, "the header and the admin: {}", list.text);
    }
}

/// An application whose database fails at the given page of the list.
fn failing_at(page: u32) -> TestApp {
    let seen = AtomicU32::new(0);
    let observer: StatementObserver = Arc::new(move |sql| {
        let is_page = sql.starts_with("SELECT") && sql.contains("external_id") && sql.contains("LIMIT");
        assert!(!is_page || seen.fetch_add(1, Ordering::Relaxed) + 1 != page, "the disk is gone");
    });
    let options = DbOptions { readers: 2, writers: 2, observer: Some(observer), ..DbOptions::default() };
    TestApp::with(TestDb::with(Engine::Sqlite, options), &["--rate-limits", "off"])
}

#[test]
fn a_list_that_breaks_off_is_not_taken_for_the_whole() {
    muster_testkit::run(async {
        let app = failing_at(3);
        let treasurer = app.people.treasurer().await;
        many(&app, 2_000).await;
        let request = app.request(Method::GET, "/api/members/export").bearer_auth(&treasurer.token);
        let response = request.send().await.expect("the beginning of an answer");
        assert_eq!(response.status(), 200);
        assert!(response.text().await.is_err(), "its end is missing");
    });
}

#[test]
fn a_list_that_cannot_be_begun_is_a_problem() {
    muster_testkit::run(async {
        let app = failing_at(1);
        let treasurer = app.people.treasurer().await;
        assert_eq!(app.get("/api/members/export", &treasurer).await.problem(), (500, "internal"));
    });
}
