//! Dues runs.

use muster_gateway::domains_at_work;
use muster_kernel::db::DbOptions;
use muster_kernel::job::Runner;
use muster_testkit::{Engine, Gate, TestDb, each_engine};
use serde_json::json;

use super::{charges, crowd_on, findings, in_november, lines, member_on, plan, put_on, run, sql, start};
use crate::support::TestApp;

each_engine! {
    async fn whoever_was_suspended_for_a_while_joined_when_they_joined(app: TestApp) {
        let treasurer = in_november(&app).await;
        let adults = plan(&app, &treasurer, json!({"prorate": true})).await;
        let member = member_on(&app, &treasurer, adults, "2025-03-01").await;
        for step in ["suspend", "reinstate"] {
            let path = format!("/api/members/{}/{step}", member.id);
            assert_eq!(app.post(&path, &treasurer, json!({"reason": "Away."})).await.status, 200);
        }
        let body = json!({"plan_id": adults, "period": "2026-11"});
        let run = run(&app, &treasurer, "k", body).await;
        assert_eq!(
            lines(&app, &treasurer, &run).await,
            [(member.id.0, "charged".into(), json!(3000), json!(null)),]
        );
    }

    async fn everybody_on_the_plan_is_charged_and_the_lines_say_who_was_not_and_why(app: TestApp) {
        let treasurer = in_november(&app).await;
        let adults = plan(&app, &treasurer, json!({})).await;
        let member = member_on(&app, &treasurer, adults, "2025-03-01").await;
        let suspended = member_on(&app, &treasurer, adults, "2025-03-01").await;
        let path = format!("/api/members/{}/suspend", suspended.id);
        assert_eq!(app.post(&path, &treasurer, json!({"reason": "Away."})).await.status, 200);
        let without_plan = app.people.member().await;
        let started = start(&app, &treasurer, "k", json!({"plan_id": adults, "period": "2026-11"})).await;
        assert_eq!(started.status, 202, "{}", started.text);
        assert_eq!(started.body["state"], "running");
        app.mails().await;
        let run = app.get(started.header("location"), &treasurer).await.body;
        assert_eq!(run["state"], "done");
        assert_eq!((&run["charged"], &run["skipped"]), (&json!(1), &json!(1)));
        assert_eq!(lines(&app, &treasurer, &run).await, [
            (member.id.0, "charged".into(), json!(3000), json!(null)),
            (suspended.id.0, "skipped".into(), json!(null), json!("not_active")),
        ]);
        let charged = charges(&app, &treasurer, &member).await;
        assert_eq!(charged.len(), 1);
        let charge = &charged[0];
        assert_eq!((&charge["amount"], &charge["account"]), (&json!(3000), &json!("dues")));
        assert_eq!((&charge["text"], &charge["date"], &charge["due_on"]), (&json!("Dues 2026-11"), &json!("2026-11-21"), &json!("2026-11-21")));
        assert!(charges(&app, &treasurer, &without_plan).await.is_empty());
        let path = format!("/api/dues-runs/{}/lines?outcome=skipped&count=true", run["id"]);
        let skipped = app.get(&path, &treasurer).await;
        assert_eq!(skipped.body["total"], 1, "{}", skipped.text);
        assert_eq!(skipped.body["items"][0]["member_id"], suspended.id.0);
        let listed = app.get("/api/dues-runs", &treasurer).await;
        assert_eq!(listed.body["items"], json!([run]));
        assert_eq!(findings(&app).await, [""; 0]);
    }

    async fn a_run_twice_charges_nobody_twice(app: TestApp) {
        let treasurer = in_november(&app).await;
        let adults = plan(&app, &treasurer, json!({})).await;
        let member = member_on(&app, &treasurer, adults, "2025-03-01").await;
        let body = json!({"plan_id": adults, "period": "2026-11"});
        let first = run(&app, &treasurer, "one", body.clone()).await;
        let replayed = start(&app, &treasurer, "one", body.clone()).await;
        assert_eq!((replayed.status.as_u16(), &replayed.body["id"]), (202, &first["id"]));
        let second = run(&app, &treasurer, "two", body).await;
        assert_eq!(lines(&app, &treasurer, &second).await, [
            (member.id.0, "skipped".into(), json!(null), json!("already_charged")),
        ]);
        let all = run(&app, &treasurer, "all", json!({"period": "2026-11"})).await;
        assert_eq!((&all["charged"], &all["skipped"]), (&json!(0), &json!(1)));
        assert_eq!(charges(&app, &treasurer, &member).await.len(), 1);
        let next = run(&app, &treasurer, "october", json!({"period": "2026-10"})).await;
        assert_eq!(next["charged"], 1, "another month is another charge");
    }

    async fn whoever_changes_the_plan_does_not_pay_a_month_twice(app: TestApp) {
        let treasurer = in_november(&app).await;
        let adults = plan(&app, &treasurer, json!({})).await;
        let seniors = plan(&app, &treasurer, json!({"name": "Seniors", "price": 2000})).await;
        let entry = plan(&app, &treasurer, json!({"name": "Entry", "every": "once"})).await;
        let locker = plan(&app, &treasurer, json!({"name": "Locker", "every": "once"})).await;
        let member = member_on(&app, &treasurer, adults, "2025-03-01").await;
        run(&app, &treasurer, "1", json!({"period": "2026-11"})).await;
        put_on(&app, &treasurer, &member, seniors).await;
        let again = run(&app, &treasurer, "2", json!({"period": "2026-11"})).await;
        assert_eq!(again["charged"], 0);
        // What is paid once is something else each time.
        for (key, plan) in [("3", entry), ("4", locker)] {
            put_on(&app, &treasurer, &member, plan).await;
            assert_eq!(run(&app, &treasurer, key, json!({"period": "once"})).await["charged"], 1);
        }
        put_on(&app, &treasurer, &member, entry).await;
        assert_eq!(run(&app, &treasurer, "5", json!({"period": "once"})).await["charged"], 0);
        let texts: Vec<_> = charges(&app, &treasurer, &member).await.iter().map(|c| c["text"].clone()).collect();
        assert_eq!(texts, ["Dues", "Dues", "Dues 2026-11"]);
    }

    async fn two_runs_at_once_charge_nobody_twice(app: TestApp) {
        let treasurer = in_november(&app).await;
        let adults = plan(&app, &treasurer, json!({})).await;
        crowd_on(&app, adults, 120).await;
        for key in ["one", "two", "three"] {
            assert_eq!(start(&app, &treasurer, key, json!({"period": "2026-11"})).await.status, 202);
        }
        let mut gateways = Vec::new();
        for _ in 0..3 {
            let runner = Runner::new((*app.db).clone(), &domains_at_work(&app.accounts));
            gateways.push(tokio::spawn(async move { runner.run_due().await }));
        }
        for gateway in gateways {
            gateway.await.expect("no panic").expect("jobs done");
        }
        let runs = app.get("/api/dues-runs", &treasurer).await;
        let counted = |name: &str| runs.body["items"].as_array().expect("runs").iter().map(|run| run[name].as_i64().expect("a count")).sum::<i64>();
        assert_eq!((counted("charged"), counted("skipped")), (120, 240), "{}", runs.text);
        assert_eq!(findings(&app).await, [""; 0]);
    }

    async fn a_plan_of_another_rhythm_is_left_alone(app: TestApp) {
        let treasurer = in_november(&app).await;
        let adults = plan(&app, &treasurer, json!({})).await;
        let juniors = plan(&app, &treasurer, json!({"name": "Juniors", "price": 1000})).await;
        let patrons = plan(&app, &treasurer, json!({"name": "Patrons", "price": 12000, "every": "year"})).await;
        let mut members = Vec::new();
        for plan in [juniors, patrons, adults] {
            members.push(member_on(&app, &treasurer, plan, "2025-03-01").await.id.0);
        }
        let monthly = run(&app, &treasurer, "1", json!({"period": "2026-11"})).await;
        let charged: Vec<_> = lines(&app, &treasurer, &monthly).await.into_iter().map(|line| (line.0, line.2)).collect();
        assert_eq!(charged, [(members[2], json!(3000)), (members[0], json!(1000))]);
        let yearly = run(&app, &treasurer, "2", json!({"period": "2026"})).await;
        let charged: Vec<_> = lines(&app, &treasurer, &yearly).await.into_iter().map(|line| (line.0, line.2)).collect();
        assert_eq!(charged, [(members[1], json!(12000))]);
    }

    async fn a_period_that_fits_no_plan_or_no_time_is_refused(app: TestApp) {
        let treasurer = in_november(&app).await;
        let adults = plan(&app, &treasurer, json!({})).await;
        for (body, pointer, code) in [
            (json!({"period": "2026-12"}), "/period", "in_future"),
            (json!({"period": "2025-10"}), "/period", "out_of_range"),
            (json!({"period": "2026"}), "/period", "does_not_fit"),
            (json!({"period": "once"}), "/period", "does_not_fit"),
            (json!({"plan_id": adults, "period": "2026"}), "/period", "does_not_fit"),
            (json!({"plan_id": 999, "period": "2026-11"}), "/plan_id", "unknown"),
            (json!({"period": "November"}), "/period", "invalid"),
        ] {
            let refused = start(&app, &treasurer, &body.to_string(), body.clone()).await;
            assert_eq!(refused.problem(), (422, "invalid_fields"), "{body}");
            assert_eq!(refused.fields(), [(pointer, code)], "{body}");
        }
        let without_key = app.post("/api/dues-runs", &treasurer, json!({"period": "2026-11"})).await;
        assert_eq!(without_key.problem(), (400, "idempotency_key_required"));
    }

    async fn a_closed_month_sends_dues_to_the_first_day_that_is_open(app: TestApp) {
        let treasurer = in_november(&app).await;
        let adults = plan(&app, &treasurer, json!({})).await;
        let member = member_on(&app, &treasurer, adults, "2025-03-01").await;
        // The month ends between the asking and the doing.
        assert_eq!(start(&app, &treasurer, "k", json!({"period": "2026-11"})).await.status, 202);
        app.wait(chrono::TimeDelta::days(11));
        let treasurer = app.people.again(&treasurer).await;
        let closed = app.post("/api/finance/periods/2026-11/close", &treasurer, json!({})).await;
        assert_eq!(closed.status, 200, "{}", closed.text);
        app.mails().await;
        let charged = charges(&app, &treasurer, &member).await;
        assert_eq!((&charged[0]["date"], &charged[0]["due_on"]), (&json!("2026-12-01"), &json!("2026-11-21")));
    }

    async fn the_month_in_which_a_membership_began_is_paid_by_the_day(app: TestApp) {
        let treasurer = in_november(&app).await;
        let adults = plan(&app, &treasurer, json!({"prorate": true})).await;
        let whole = member_on(&app, &treasurer, adults, "2026-11-01").await;
        let half = member_on(&app, &treasurer, adults, "2026-11-16").await;
        let later = member_on(&app, &treasurer, adults, "2026-11-16").await;
        sql(&app, &format!("UPDATE members SET active_since = '2026-12-01' WHERE id = {}", later.id)).await;
        let run = run(&app, &treasurer, "k", json!({"period": "2026-11"})).await;
        assert_eq!(lines(&app, &treasurer, &run).await, [
            (whole.id.0, "charged".into(), json!(3000), json!(null)),
            (half.id.0, "charged".into(), json!(1500), json!("prorated: 15 of 30 days")),
            (later.id.0, "skipped".into(), json!(null), json!("joined_later")),
        ]);
    }

    async fn dues_ask_what_members_owe_of_the_books(app: TestApp) {
        let treasurer = in_november(&app).await;
        let adults = plan(&app, &treasurer, json!({})).await;
        let member = member_on(&app, &treasurer, adults, "2025-03-01").await;
        let status = async || app.get(&format!("/api/members/{}", member.id), &treasurer).await.body["payment_status"].clone();
        assert_eq!(status().await, "paid");
        run(&app, &treasurer, "k", json!({"period": "2026-11"})).await;
        assert_eq!(status().await, "due");
        app.wait(chrono::TimeDelta::days(14));
        let treasurer = app.people.again(&treasurer).await;
        let status = async || app.get(&format!("/api/members/{}", member.id), &treasurer).await.body["payment_status"].clone();
        assert_eq!(status().await, "due", "the last day of grace");
        app.wait(chrono::TimeDelta::days(1));
        let treasurer = app.people.again(&treasurer).await;
        let status = app.get(&format!("/api/members/{}", member.id), &treasurer).await.body["payment_status"].clone();
        assert_eq!(status, "overdue");
    }

    async fn check_finds_dues_that_do_not_add_up(app: TestApp) {
        let treasurer = in_november(&app).await;
        let adults = plan(&app, &treasurer, json!({})).await;
        member_on(&app, &treasurer, adults, "2025-03-01").await;
        run(&app, &treasurer, "k", json!({"period": "2026-11"})).await;
        assert_eq!(findings(&app).await, [""; 0]);
        sql(&app, "UPDATE dues_runs SET charged = 2; UPDATE dues_lines SET amount = 1; DELETE FROM dues_charged").await;
        assert_eq!(findings(&app).await, [
            "dues run 1 says 2 charged, its lines 1",
            "dues line 1 names another charge than its own",
            "what dues line 1 charged could be charged again",
        ]);
    }
}

/// An application whose statements a gate can hold up.
fn gated(engine: Engine) -> (TestApp, Gate) {
    let gate = Gate::default();
    let options =
        DbOptions { readers: 2, writers: 8, observer: Some(gate.observer()), ..DbOptions::default() };
    (TestApp::with(TestDb::with(engine, options), &["--rate-limits", "off"]), gate)
}

fn a_run_whose_gateway_died_is_finished_by_another(engine: Engine) {
    muster_testkit::run(async {
        let (app, gate) = gated(engine);
        let treasurer = in_november(&app).await;
        let adults = plan(&app, &treasurer, json!({})).await;
        crowd_on(&app, adults, 130).await;
        let started = start(&app, &treasurer, "k", json!({"period": "2026-11"})).await;
        let dying = Runner::new((*app.db).clone(), &domains_at_work(&app.accounts));
        gate.close("dues_lines");
        let task = tokio::spawn(async move { dying.run_due().await });
        gate.reached().await;
        task.abort();
        // What the database was about is still done. Whoever writes the job's row after it waits until it is.
        gate.let_through("claimed_until").await;
        sql(&app, "UPDATE jobs SET kind = kind").await;
        assert!(task.await.is_err(), "it died in the middle of its first step");
        app.mails().await;
        let waiting = app.get(started.header("location"), &treasurer).await;
        assert_eq!(waiting.body["state"], "running", "nobody takes it over before the lease is out");
        app.wait(chrono::TimeDelta::minutes(3));
        app.mails().await;
        let run = app.get(started.header("location"), &treasurer).await.body;
        assert_eq!((&run["state"], &run["charged"]), (&json!("done"), &json!(130)));
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
