//! Payroll runs.

use muster_gateway::domains_at_work;
use muster_kernel::db::DbOptions;
use muster_kernel::job::Runner;
use muster_testkit::{Engine, Gate, Person, TestDb, each_engine};
use serde_json::{Value, json};

use super::{coach_paid, correct, findings, in_november, items, leafed, owed, path, pay, picked, sql, teach};
use crate::support::TestApp;

/// Runs payroll to the end, and tells the run.
pub(super) async fn run(app: &TestApp, treasurer: &Person, body: Value) -> Value {
    let started = app.post_once("/api/payroll-runs", treasurer, body).await;
    assert_eq!(
        (started.status.as_u16(), &started.body["state"]),
        (202, &json!("running")),
        "{}",
        started.text
    );
    app.mails().await;
    let run = app.get(started.header("location"), treasurer).await;
    assert_eq!(run.body["state"], "done", "{}", run.text);
    run.body
}

async fn lines(app: &TestApp, treasurer: &Person, run: &Value) -> Vec<Value> {
    let list = format!("/api/payroll-runs/{}/lines?limit=100", run["id"]);
    items(app, treasurer, &list, &["coach_id", "outcome", "amount", "reason"]).await
}

/// So many coaches more who are owed something, made at once.
async fn crowd(app: &TestApp, how_many: usize) -> Vec<i64> {
    sql(
        app,
        &format!(
            "INSERT INTO users (first_name, last_name, name_key, date_joined) \
             SELECT 'Many', 'Coaches', 'coaches many', (SELECT min(date_joined) FROM users) FROM \
             (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {how_many}) SELECT i FROM n) AS numbers; \
             INSERT INTO user_roles (user_id, role, name_key) SELECT id, 'coach', name_key FROM users WHERE name_key = 'coaches many'; \
             INSERT INTO standing (member_id) SELECT id FROM users WHERE name_key = 'coaches many'; \
             INSERT INTO coaches (id, is_coach, is_listed, name_key) SELECT id, (1 = 1), (1 = 1), name_key FROM users WHERE name_key = 'coaches many'; \
             INSERT INTO coach_terms (coach_id, starts_on, per_class, per_head, heads_above, made_by, made_at) \
             SELECT id, '2026-01-01', 1000, 0, 0, 1, date_joined FROM users WHERE name_key = 'coaches many'"
        ),
    )
    .await;
    let admin = app.people.admin().await;
    let (mut ids, mut list) = (Vec::new(), "/api/coaches?limit=100".to_owned());
    loop {
        let page = app.get(&list, &admin).await;
        ids.extend(
            page.body["items"].as_array().expect("coaches").iter().filter_map(|coach| coach["id"].as_i64()),
        );
        let Some(cursor) = page.body["next_cursor"].as_str() else { break };
        list = format!("/api/coaches?limit=100&cursor={cursor}");
    }
    assert_eq!(ids.len(), how_many);
    for (class, id) in (1..).zip(&ids) {
        teach(app, muster_kernel::UserId(*id), class, "2026-11-10", 5).await;
    }
    ids
}

each_engine! {
    async fn every_coach_is_paid_what_is_due_and_the_lines_say_who_was_not_and_why(app: TestApp) {
        let treasurer = in_november(&app).await;
        let paid = coach_paid(&app, &treasurer, json!({"per_class": 1000})).await;
        let idle = app.people.coach().await;
        let below = coach_paid(&app, &treasurer, json!({"per_class": 0, "per_head": 100})).await;
        teach(&app, paid.id, 1, "2026-11-10", 5).await;
        teach(&app, paid.id, 2, "2026-11-15", 5).await;
        teach(&app, paid.id, 3, "2026-11-16", 5).await;
        teach(&app, below.id, 4, "2026-11-10", 5).await;
        assert_eq!(pay(&app, &treasurer, &below, json!({"method": "cash"})).await.status, 201);
        correct(&app, 4, 2).await;
        let run = run(&app, &treasurer, json!({"through": "2026-11-15"})).await;
        for (field, value) in [("through", json!("2026-11-15")), ("paid", json!(1)), ("skipped", json!(2)), ("amount", json!(2000)), ("method", json!("bank"))] {
            assert_eq!(run[field], value, "{field}");
        }
        assert_eq!(lines(&app, &treasurer, &run).await, [
            json!([paid.id, "paid", 2000, null]),
            json!([idle.id, "skipped", null, "nothing_due"]),
            json!([below.id, "skipped", null, "below_zero"]),
        ]);
        assert_eq!(owed(&app, &paid).await, (1000, 2000), "what was taught later is not due yet");
        let payout = app.get("/api/coaches/me/payouts/2", &paid).await.body;
        for (field, value) in [("run_id", run["id"].clone()), ("date", json!("2026-11-21")), ("method", json!("bank")), ("amount", json!(2000))] {
            assert_eq!(payout[field], value, "{field}");
        }
        assert_eq!(picked(&payout["items"], &["class_id"]), [json!([1]), json!([2])]);
        let entry = app.get(&format!("/api/finance/entries/{}", payout["entry_id"]), &treasurer).await.body;
        assert_eq!(entry["made_by"], treasurer.id.0);
        let list = format!("/api/payroll-runs/{}/lines", run["id"]);
        assert_eq!(items(&app, &treasurer, &format!("{list}?outcome=paid"), &["payout_id", "entry_id", "date"]).await, [json!([2, payout["entry_id"], "2026-11-21"])]);
        let skipped = app.get(&format!("{list}?outcome=skipped&count=true"), &treasurer).await;
        assert_eq!(skipped.body["total"], 2);
        assert_eq!(app.get("/api/payroll-runs", &treasurer).await.body["items"], json!([run]));
        assert_eq!(findings(&app).await, [""; 0]);
    }

    async fn a_run_twice_pays_nobody_twice(app: TestApp) {
        let treasurer = in_november(&app).await;
        let coach = coach_paid(&app, &treasurer, json!({"per_class": 1000})).await;
        teach(&app, coach.id, 1, "2026-11-10", 5).await;
        let body = json!({"through": "2026-11-21", "method": "cash"});
        let first = app.post_with_key("/api/payroll-runs", &treasurer, body.clone(), "k").await;
        app.mails().await;
        let replayed = app.post_with_key("/api/payroll-runs", &treasurer, body.clone(), "k").await;
        assert_eq!((replayed.status.as_u16(), &replayed.body["id"]), (202, &first.body["id"]));
        let second = run(&app, &treasurer, body).await;
        assert_eq!(lines(&app, &treasurer, &second).await, [json!([coach.id, "skipped", null, "nothing_due"])]);
        assert_eq!(owed(&app, &coach).await, (0, 1000));
        assert_eq!(findings(&app).await, [""; 0]);
    }

    async fn runs_and_payouts_at_once_pay_nobody_twice(app: TestApp) {
        let treasurer = in_november(&app).await;
        let coaches = crowd(&app, 60).await;
        for _ in 0..3 {
            let started = app.post_once("/api/payroll-runs", &treasurer, json!({"through": "2026-11-21"})).await;
            assert_eq!(started.status, 202, "{}", started.text);
        }
        let mut gateways = Vec::new();
        for _ in 0..3 {
            let runner = Runner::new((*app.db).clone(), &domains_at_work(&app.accounts));
            gateways.push(tokio::spawn(async move { runner.run_due().await }));
        }
        let by_hand = coaches.iter().step_by(7).map(|id| {
            let list = format!("/api/coaches/{id}/payouts");
            let (app, treasurer) = (&app, &treasurer);
            async move { app.post_once(&list, treasurer, json!({"method": "cash"})).await }
        });
        let by_hand = futures_util::future::join_all(by_hand).await.iter().filter(|paid| paid.status == 201).count();
        for gateway in gateways {
            gateway.await.expect("no panic").expect("jobs done");
        }
        let runs = app.get("/api/payroll-runs", &treasurer).await;
        let sum = |name: &str| runs.body["items"].as_array().expect("runs").iter().map(|run| run[name].as_i64().expect("a count")).sum::<i64>();
        assert_eq!(sum("paid") + by_hand as i64, 60, "{}", runs.text);
        assert_eq!(sum("paid") + sum("skipped"), 180);
        assert_eq!(sum("amount"), sum("paid") * 1000);
        assert_eq!(findings(&app).await, [""; 0]);
    }

    async fn lists_are_read_page_by_page(app: TestApp) {
        let treasurer = in_november(&app).await;
        let (coach, other) = (coach_paid(&app, &treasurer, json!({"per_class": 1000})).await, app.people.coach().await);
        for on in ["2026-11-20", "2026-11-21"] {
            let terms = json!({"starts_on": on, "per_class": 2000});
            assert_eq!(app.post(&path(&coach, "/terms"), &treasurer, terms).await.status, 201);
        }
        teach(&app, coach.id, 1, "2026-11-10", 5).await;
        assert_eq!(pay(&app, &treasurer, &coach, json!({"method": "bank", "amount": 300})).await.status, 201);
        for through in ["2026-11-10", "2026-11-21"] {
            run(&app, &treasurer, json!({"through": through})).await;
        }
        for (list, field, all) in [
            (path(&coach, "/terms"), "starts_on", vec![json!("2026-11-21"), json!("2026-11-20"), json!("2026-01-01")]),
            (path(&coach, "/payouts"), "amount", vec![json!(700), json!(300)]),
            ("/api/payroll-runs".to_owned(), "id", vec![json!(2), json!(1)]),
            ("/api/payroll-runs/1/lines".to_owned(), "coach_id", vec![json!(coach.id), json!(other.id)]),
        ] {
            assert_eq!(leafed(&app, &treasurer, &list, field).await, all, "{list}");
        }
    }

    async fn a_run_looks_back(app: TestApp) {
        let treasurer = in_november(&app).await;
        let tomorrow = app.post_once("/api/payroll-runs", &treasurer, json!({"through": "2026-11-22"})).await;
        assert_eq!(tomorrow.fields(), [("/through", "in_future")]);
        let without_key = app.post("/api/payroll-runs", &treasurer, json!({"through": "2026-11-21"})).await;
        assert_eq!(without_key.problem(), (400, "idempotency_key_required"));
        let empty = run(&app, &treasurer, json!({"through": "2026-11-21"})).await;
        assert_eq!((&empty["paid"], &empty["skipped"], &empty["amount"]), (&json!(0), &json!(0), &json!(0)));
    }

    async fn check_finds_runs_that_do_not_add_up(app: TestApp) {
        let treasurer = in_november(&app).await;
        let coach = coach_paid(&app, &treasurer, json!({"per_class": 1000})).await;
        teach(&app, coach.id, 1, "2026-11-10", 5).await;
        run(&app, &treasurer, json!({"through": "2026-11-21"})).await;
        assert_eq!(findings(&app).await, [""; 0]);
        sql(&app, "UPDATE payroll_runs SET paid = 2, skipped = 1, amount = 5").await;
        assert_eq!(findings(&app).await, [
            "payroll run 1 says 2 paid, its lines 1",
            "payroll run 1 says 1 skipped, its lines 0",
            "payroll run 1 paid something else than it says",
        ]);
    }
}

fn a_run_whose_gateway_died_is_finished_by_another(engine: Engine) {
    muster_testkit::run(async {
        let gate = Gate::default();
        let options =
            DbOptions { readers: 2, writers: 8, observer: Some(gate.observer()), ..DbOptions::default() };
        let app = TestApp::with(TestDb::with(engine, options), &["--rate-limits", "off"]);
        let treasurer = in_november(&app).await;
        crowd(&app, 55).await;
        let started = app.post_once("/api/payroll-runs", &treasurer, json!({"through": "2026-11-21"})).await;
        let dying = Runner::new((*app.db).clone(), &domains_at_work(&app.accounts));
        gate.close("payroll_lines");
        let task = tokio::spawn(async move { dying.run_due().await });
        gate.reached().await;
        task.abort();
        // What the database was about is still done. Whoever writes the job's row after it waits until it is.
        gate.let_through("claimed_until").await;
        sql(&app, "UPDATE jobs SET kind = kind").await;
        assert!(task.await.is_err(), "it died in the middle of its first step");
        app.wait(chrono::TimeDelta::minutes(3));
        app.mails().await;
        let run = app.get(started.header("location"), &treasurer).await.body;
        assert_eq!(
            (&run["state"], &run["paid"], &run["amount"]),
            (&json!("done"), &json!(55), &json!(55_000))
        );
        assert_eq!(findings(&app).await, [""; 0]);
    });
}

#[test]
fn a_run_whose_gateway_died_is_finished_by_another_on_sqlite() {
    a_run_whose_gateway_died_is_finished_by_another(Engine::Sqlite);
}

#[test]
fn a_run_whose_gateway_died_is_finished_by_another_on_postgres() {
    a_run_whose_gateway_died_is_finished_by_another(Engine::Postgres);
}
