//! The list of members.

use chrono::NaiveDate;
use muster_kernel::db::DbError;
use muster_kernel::job::Runner;
use muster_testkit::{Person, each_engine};
use reqwest::Method;
use serde_json::json;

use super::{applicant, child_of, fill, ids, member, step};
use crate::support::{Answer, TestApp};
use crate::traces::ask;

async fn rename(app: &TestApp, admin: &Person, person: &Person, first: &str, last: &str) {
    let name = json!({"first_name": first, "last_name": last});
    assert_eq!(app.patch(&format!("/api/users/{}", person.id), admin, name).await.status, 200);
}

/// Does to the books what a treasurer would.
async fn books(app: &TestApp, statement: String) {
    app.db
        .write(move |tx| {
            use diesel::connection::SimpleConnection;
            Ok::<_, DbError>(tx.batch_execute(&statement)?)
        })
        .await
        .expect("done");
}

async fn attended(app: &TestApp, person: &Person, times: i32) {
    let (id, day) = (person.id, NaiveDate::from_ymd_opt(2026, 1, 1).expect("a day"));
    app.db.write(move |tx| muster_members::count_attendance(tx, id, day, times)).await.expect("counted");
}

/// Every page of a list, two rows each.
async fn walk(app: &TestApp, by: &Person, query: &str) -> Vec<i64> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(&format!("/api/members?limit=2{query}{cursor}"), by).await;
        assert_eq!(page.status, 200, "{query}: {}", page.text);
        all.extend(ids(&page));
        let Some(next) = page.body["next_cursor"].as_str() else { return all };
        cursor = format!("&cursor={next}");
    }
}

each_engine! {
    async fn members_are_listed_in_order_and_page_by_page(app: TestApp) {
        let admin = app.people.admin().await;
        let people = [app.people.member().await, app.people.member().await, app.people.member().await, app.people.member().await];
        for (person, (first, last)) in people.iter().zip([("Bea", "Ähren"), ("anna", "baum"), ("Cid", "Baum"), ("Dora", "abel")]) {
            rename(&app, &admin, person, first, last).await;
        }
        let [bea, anna, cid, dora] = people.each_ref().map(|person| person.id.0);
        for (person, times) in people.iter().zip([3, 1, 1, 2]) {
            attended(&app, person, times).await;
        }
        for (id, balance) in [(bea, -500), (anna, 700), (cid, 0), (dora, 700)] {
            books(&app, format!("UPDATE standing SET balance = {balance} WHERE member_id = {id}")).await;
        }
        let own = admin.id.0;
        for (sort, order) in [
            ("", [dora, anna, cid, own, bea]),
            ("&sort=name", [dora, anna, cid, own, bea]),
            ("&sort=attendance", [own, anna, cid, dora, bea]),
            ("&sort=debt", [bea, own, cid, anna, dora]),
            ("&sort=joined", [own, bea, anna, cid, dora]),
        ] {
            assert_eq!(walk(&app, &admin, sort).await, order, "{sort}");
            let Some(sort) = sort.strip_prefix("&sort=") else { continue };
            let backwards: Vec<i64> = order.into_iter().rev().collect();
            assert_eq!(walk(&app, &admin, &format!("&sort=-{sort}")).await, backwards, "-{sort}");
            // Few or many, the order is the same.
            assert_eq!(walk(&app, &admin, &format!("&status=active&sort={sort}")).await, order, "{sort}");
            assert_eq!(walk(&app, &admin, &format!("&status=active&sort=-{sort}")).await, backwards, "-{sort}");
        }
        let all = app.get("/api/members/?count=true&limit=2", &admin).await;
        assert_eq!(all.body["total"], 5);
        let cursor = all.body["next_cursor"].as_str().expect("a next page");
        let other = app.get(&format!("/api/members?sort=-name&cursor={cursor}"), &admin).await;
        assert_eq!(other.problem(), (400, "malformed"), "a cursor is of one order");
        assert_eq!(app.get("/api/members?sort=age", &admin).await.problem(), (400, "malformed"));
        assert_eq!(app.get("/api/members?q=a&sort=name", &admin).await.problem(), (400, "malformed"));
        assert_eq!(app.get("/api/members?status=gone", &admin).await.problem(), (400, "malformed"));
        assert_eq!(app.get("/api/members?secret=1", &admin).await.problem(), (400, "unknown_parameter"));
    }

    async fn members_are_filtered_by_how_they_stand(app: TestApp) {
        let admin = app.people.admin().await;
        let own = admin.id.0;
        let (exempt, paid, due, overdue, credit) = (
            app.people.member().await, app.people.member().await, app.people.member().await, app.people.member().await,
            app.people.member().await,
        );
        let applied = applicant(&app, "anna@example.org").await;
        for (person, plan, balance, overdue_from) in [
            (&paid, "7", 0, "NULL"), (&due, "7", 5, "'2026-01-02'"), (&overdue, "NULL", 5, "'2026-01-01'"), (&credit, "8", -5, "NULL"),
        ] {
            books(&app, format!("UPDATE members SET plan_id = {plan} WHERE id = {}", person.id)).await;
            books(&app, format!("UPDATE standing SET plan_id = {plan} WHERE member_id = {}", person.id)).await;
            books(&app, format!("UPDATE standing SET balance = {balance}, overdue_from = {overdue_from} WHERE member_id = {}", person.id)).await;
        }
        assert_eq!(step(&app, &admin, &exempt, "suspend").await.status, 200);
        let [exempt, paid, due, overdue, credit, applied] = [exempt, paid, due, overdue, credit, applied].map(|person| person.id.0);
        for (query, expected) in [
            ("&status=pending", vec![applied]),
            ("&status=suspended", vec![exempt]),
            ("&status=left", vec![]),
            ("&payment_status=exempt", vec![own, exempt, applied]),
            ("&payment_status=paid", vec![paid, credit]),
            ("&payment_status=due", vec![due]),
            ("&payment_status=overdue", vec![overdue]),
            ("&plan_id=7", vec![paid, due]),
            ("&plan_id=9", vec![]),
            ("&plan_id=7&payment_status=due", vec![due]),
            ("&plan_id=7&status=suspended", vec![]),
            ("&payment_status=exempt&status=pending", vec![applied]),
            ("&status=active&plan_id=7&payment_status=paid", vec![paid]),
        ] {
            for sort in ["joined", "name", "debt", "attendance", "-debt"] {
                let mut found = walk(&app, &admin, &format!("{query}&sort={sort}")).await;
                found.sort_unstable();
                assert_eq!(found, expected, "{query} by {sort}");
            }
            let counted = app.get(&format!("/api/members?count=true{query}"), &admin).await;
            assert_eq!(counted.body["total"], expected.len(), "{query}");
            let mut found = walk(&app, &admin, &format!("{query}&q=a")).await;
            found.sort_unstable();
            let named = expected.iter().copied().filter(|id| *id == applied).collect::<Vec<_>>();
            assert_eq!(found, named, "{query}, and a word");
        }
        let statuses = app.get("/api/members?sort=joined", &admin).await;
        let statuses: Vec<_> = statuses.body["items"].as_array().expect("a list").iter().map(|row| row["payment_status"].clone()).collect();
        assert_eq!(json!(statuses), json!(["exempt", "exempt", "paid", "due", "overdue", "paid", "exempt"]));
        app.wait(chrono::TimeDelta::days(1));
        let admin = app.people.again(&admin).await;
        assert_eq!(walk(&app, &admin, "&payment_status=due").await, [0_i64; 0], "a day later it is overdue");
    }

    async fn whoever_is_late_is_listed_so_before_and_after_the_change_of_the_day_was_seen(app: TestApp) {
        let admin = app.people.admin().await;
        let (soon, later) = (app.people.member().await, app.people.member().await);
        for (person, day) in [(&soon, 2), (&later, 3)] {
            books(&app, format!("UPDATE standing SET balance = 5, overdue_from = '2026-01-0{day}' WHERE member_id = {}", person.id)).await;
        }
        let marked = || ask(&app.db.target(), "SELECT CAST(member_id AS TEXT) AS line FROM standing WHERE is_late = true");
        let jobs = Runner::new((*app.db).clone(), &muster_gateway::domains());
        jobs.run_due().await.expect("nobody is late yet");
        assert_eq!(marked(), [""; 0]);
        app.wait(chrono::TimeDelta::days(1));
        let admin = app.people.again(&admin).await;
        let as_it_is = async || {
            for sort in ["joined", "-name", "debt"] {
                let listed = async |status| walk(&app, &admin, &format!("&payment_status={status}&status=active&sort={sort}")).await;
                assert_eq!((listed("due").await, listed("overdue").await), (vec![later.id.0], vec![soon.id.0]), "{sort}");
            }
            for status in ["due", "overdue"] {
                let counted = app.get(&format!("/api/members?payment_status={status}&q=person&count=true"), &admin).await;
                assert_eq!((counted.body["total"].clone(), ids(&counted).len()), (json!(1), 1), "{status}");
            }
        };
        as_it_is().await;
        jobs.run_due().await.expect("seen");
        assert_eq!(marked(), [soon.id.to_string()]);
        as_it_is().await;
        // As when the club moves to where it is still yesterday.
        for marked in [format!("{}, {}", soon.id, later.id), later.id.to_string()] {
            books(&app, format!("UPDATE standing SET is_late = (member_id IN ({marked}))")).await;
            as_it_is().await;
        }
        app.wait(chrono::TimeDelta::hours(1));
        jobs.run_due().await.expect("seen");
        assert_eq!(marked(), [soon.id.to_string()]);
    }

    async fn among_many_the_same_is_found(app: TestApp) {
        let admin = app.people.admin().await;
        fill(&app).await;
        for (status, on_plan) in [("exempt", false), ("paid", true), ("due", false), ("overdue", true)] {
            for sort in ["name", "-name", "attendance", "-attendance", "debt", "-debt", "joined", "-joined"] {
                let path = format!("/api/members?status=active&payment_status={status}&sort={sort}&limit=100");
                let first = app.get(&path, &admin).await;
                let cursor = first.body["next_cursor"].as_str().expect("a next page");
                let second = app.get(&format!("{path}&cursor={cursor}"), &admin).await;
                let rows = [&first, &second].map(|page| page.body["items"].as_array().expect("a list").clone()).concat();
                assert!(rows.iter().all(|row| row["payment_status"] == status), "{status} by {sort}");
                assert!(rows.iter().all(|row| row["plan_id"].is_null() != on_plan || row["id"] == admin.id.0), "{status} by {sort}");
                // All are called the same, and are alike in all else: what is left is the id.
                let mut in_order: Vec<i64> = rows.iter().filter_map(|row| row["id"].as_i64()).filter(|id| *id != admin.id.0).collect();
                let found = in_order.clone();
                in_order.sort_unstable();
                in_order.dedup();
                if sort.starts_with('-') {
                    in_order.reverse();
                }
                assert!(in_order.len() >= 199 && in_order == found, "{status} by {sort}: {in_order:?}");
            }
            let counted = app.get(&format!("/api/members?count=true&payment_status={status}&limit=1"), &admin).await;
            let with_the_admin = if status == "exempt" { 2501 } else { 2500 };
            assert_eq!(counted.body["total"], with_the_admin, "{status}");
            let searched = app.get(&format!("/api/members?q=peop+man&payment_status={status}&count=true&limit=1"), &admin).await;
            assert_eq!(searched.body["total"], 2500, "{status}");
        }
    }

    async fn members_are_found_by_the_beginnings_of_words(app: TestApp) {
        let admin = app.people.admin().await;
        let (anna, other) = (app.people.member().await, app.people.member().await);
        rename(&app, &admin, &anna, "Anna-Lena", "von Annaberg").await;
        rename(&app, &admin, &other, "Anna", "Other").await;
        let (anna_id, other_id) = (anna.id.0, other.id.0);
        for (query, expected) in [
            ("q=annab", vec![anna_id]), ("q=ANNA", vec![anna_id, other_id]), ("q=anna+lena", vec![anna_id]),
            ("q=anna+number", vec![]), ("q=nobody", vec![]), ("q=%25", vec![]),
        ] {
            assert_eq!(walk(&app, &admin, &format!("&{query}")).await, expected, "{query}");
        }
        assert_eq!(walk(&app, &admin, &format!("&q={}", anna.email)).await, [anna_id]);
        let counted = app.get("/api/members?q=anna&count=true", &admin).await;
        assert_eq!(counted.body["total"], 2, "somebody with two such words counts once");
        assert_eq!(app.get("/api/members?q=a+b+c+d+e+f", &admin).await.problem(), (400, "malformed"));
    }

    async fn coaches_neither_filter_nor_sort_by_money(app: TestApp) {
        let coach = app.people.coach().await;
        for query in ["payment_status=paid", "plan_id=1", "sort=debt", "sort=-debt", "payment_status=due&count=true"] {
            assert_eq!(app.get(&format!("/api/members?{query}"), &coach).await.problem(), (403, "forbidden"), "{query}");
        }
        for query in ["status=active", "sort=-attendance", "sort=joined", "q=person", "count=true"] {
            assert_eq!(app.get(&format!("/api/members?{query}"), &coach).await.status, 200, "{query}");
        }
    }

    async fn members_are_listed_by_the_name_they_have(app: TestApp) {
        let admin = app.people.admin().await;
        let (anna, bert) = (app.people.member().await, app.people.member().await);
        rename(&app, &admin, &anna, "Anna", "Zorn").await;
        rename(&app, &admin, &bert, "Bert", "Aal").await;
        assert_eq!(walk(&app, &admin, "").await, [bert.id.0, admin.id.0, anna.id.0]);
        rename(&app, &admin, &anna, "Anna", "Aa").await;
        assert_eq!(walk(&app, &admin, "").await, [anna.id.0, bert.id.0, admin.id.0]);
        for last_name in ["Carl", "Zander"] {
            let again = json!({
                "first_name": "Cid", "last_name": last_name, "email": "cid@example.org", "password": "violet kettle harbour",
                "date_of_birth": "1990-05-17",
            });
            assert_eq!(app.post_as_nobody("/api/auth/register", again).await.status, 201);
        }
        let all = walk(&app, &admin, "").await;
        assert_eq!(all.iter().position(|id| *id > bert.id.0), Some(3), "whoever registered again, too: {all:?}");
        assert_eq!(app.post(&format!("/api/users/{}/erase", bert.id), &admin, json!({})).await.status, 200);
        let names = format!("SELECT name_key AS line FROM standing WHERE member_id = {}", bert.id);
        assert_eq!(ask(&app.db.target(), &names), [""], "who is on no list needs no name there");
    }

    async fn whoever_was_erased_is_on_no_list(app: TestApp) {
        let (admin, person) = (app.people.admin().await, app.people.member().await);
        assert_eq!(app.post(&format!("/api/users/{}/erase", person.id), &admin, json!({})).await.status, 200);
        for query in ["", "&sort=attendance", "&sort=-debt", "&sort=joined", "&status=left", "&status=left&payment_status=exempt"] {
            assert!(!walk(&app, &admin, query).await.contains(&person.id.0), "{query}");
        }
        assert_eq!(app.get("/api/members?count=true", &admin).await.body["total"], 1);
        assert_eq!(app.get(&member(&person), &admin).await.body["last_name"], "person", "their record is there");
    }

    async fn whoever_changes_is_listed_as_they_are_then(app: TestApp) {
        let (admin, anna) = (app.people.admin().await, app.people.member().await);
        let plan = json!({"name": "Adults", "price": 3000, "every": "month", "grace_days": 14});
        let plan = app.post("/api/plans", &admin, plan).await.body["id"].clone();
        let path = format!("/api/members/{}", anna.id);
        assert_eq!(app.put(&format!("{path}/plan"), &admin, json!({"plan_id": plan})).await.status, 200);
        assert_eq!(walk(&app, &admin, &format!("&plan_id={plan}&payment_status=paid")).await, [anna.id.0]);
        attended(&app, &anna, 3).await;
        assert_eq!(walk(&app, &admin, "&sort=-attendance").await, [anna.id.0, admin.id.0]);
        let debt = json!({"amount": 300, "account": "dues", "text": "Dues", "due_on": "2025-12-01"});
        assert_eq!(app.post_once(&format!("{path}/charges"), &admin, debt).await.status, 201);
        assert_eq!(ask(&app.db.target(), "SELECT payment_status AS line FROM standing WHERE is_late = true"), ["overdue"], "at once");
        let request = app.request(Method::PATCH, &format!("/api/plans/{plan}")).header("if-match", "*");
        let changed = Answer::of(request.bearer_auth(&admin.token).json(&json!({"grace_days": 40}))).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
        assert_eq!(walk(&app, &admin, &format!("&plan_id={plan}&payment_status=due")).await, [anna.id.0]);
        assert_eq!(ask(&app.db.target(), "SELECT payment_status AS line FROM standing WHERE balance > 0"), ["due"], "at once");
        assert_eq!(app.post_once(&format!("{path}/payments"), &admin, json!({"amount": 300, "method": "cash"})).await.status, 201);
        assert_eq!(step(&app, &admin, &anna, "suspend").await.status, 200);
        assert_eq!(walk(&app, &admin, &format!("&plan_id={plan}&payment_status=paid&status=suspended")).await, [anna.id.0]);
        let wrong = app.db.read(|conn| {
            let checks = [muster_members::domain().checks, muster_finance::domain().checks].concat();
            let found: Result<Vec<_>, DbError> = checks.iter().map(|check| (check.look)(conn)).collect();
            found
        });
        assert_eq!(wrong.await.expect("checked").concat(), [""; 0]);
    }

    async fn everybody_on_a_page_has_their_guardians(app: TestApp) {
        let (admin, anna, bert) = (app.people.admin().await, app.people.member().await, app.people.member().await);
        let (one, other) = (child_of(&app, &anna).await, child_of(&app, &bert).await);
        let page = app.get("/api/members?status=pending&sort=joined", &admin).await;
        let guardians: Vec<_> = page.body["items"].as_array().expect("a list").iter().map(|row| (row["id"].clone(), row["guardian_ids"].clone())).collect();
        assert_eq!(guardians, [(json!(one.id), json!([anna.id])), (json!(other.id), json!([bert.id]))]);
    }
}
