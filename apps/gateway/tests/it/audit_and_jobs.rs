//! What an admin sees of the machinery.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use muster_kernel::Domain;
use muster_kernel::job::{self, JobError, JobKind, JobRun, NewJob, Next, Progress, Runner};
use muster_testkit::each_engine;
use serde_json::{Value, json};

use crate::support::TestApp;

/// Fails until its payload has been put right by nobody: always.
struct Hopeless;

impl JobKind for Hopeless {
    fn kind(&self) -> &'static str {
        "test.hopeless"
    }
    fn attempts(&self) -> i32 {
        2
    }
    fn run<'a>(
        &'a self,
        _: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        Box::pin(async { Err(JobError::Failed("there is no hope".into())) })
    }
}

/// Counts down from its payload, a step at a time.
struct Countdown;

impl JobKind for Countdown {
    fn kind(&self) -> &'static str {
        "test.countdown"
    }
    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        Box::pin(async move {
            run.commit(|_, payload| match payload.as_i64() {
                Some(left) if left > 1 => Ok(Next::Continue(json!(left - 1))),
                _ => Ok(Next::Done),
            })
            .await
        })
    }
}

/// Counts down as well, and tells of each step whose it was.
struct Noted(Arc<Mutex<Vec<i64>>>);

impl JobKind for Noted {
    fn kind(&self) -> &'static str {
        "test.noted"
    }
    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        self.0.lock().expect("a list").push(run.id().0);
        Countdown.run(run)
    }
}

fn runner(app: &TestApp) -> Runner {
    let jobs: Vec<Arc<dyn JobKind>> = vec![Arc::new(Hopeless), Arc::new(Countdown)];
    Runner::new((*app.db).clone(), &[Domain { name: "test", jobs, ..Domain::default() }])
}

async fn enqueue(app: &TestApp, new: NewJob) -> Option<i64> {
    let id = app.db.write(move |tx| job::enqueue(tx, new.clone())).await.expect("written");
    id.map(|id| id.0)
}

each_engine! {
    async fn a_job_goes_on_step_by_step_until_it_is_done(app: TestApp) {
        enqueue(&app, NewJob::new("test.countdown", 5)).await;
        assert_eq!(runner(&app).run_due().await.expect("it ran"), 5);
        let admin = app.people.admin().await;
        let jobs = app.get("/api/jobs", &admin).await;
        assert_eq!(jobs.body["items"][0]["state"], "done", "{}", jobs.text);
        assert_eq!(runner(&app).run_due().await.expect("it ran"), 0, "done is done");
    }

    async fn a_long_job_holds_up_no_other(app: TestApp) {
        let done = Arc::new(Mutex::new(Vec::new()));
        let jobs: Vec<Arc<dyn JobKind>> = vec![Arc::new(Noted(done.clone()))];
        let runner = Runner::new((*app.db).clone(), &[Domain { name: "test", jobs, ..Domain::default() }]);
        for steps in [5, 1, 2, 1] {
            enqueue(&app, NewJob::new("test.noted", steps)).await;
        }
        assert_eq!(runner.run_due().await.expect("it ran"), 9);
        let done = done.lock().expect("a list").clone();
        let last = |job: i64| done.iter().rposition(|it| *it == job);
        assert!(last(2) < last(1) && last(3) < last(1) && last(4) < last(1), "{done:?}");
    }

    async fn a_job_is_not_begun_before_its_time(app: TestApp) {
        let tomorrow = app.db.clock().now().plus(chrono::TimeDelta::days(1));
        enqueue(&app, NewJob::new("test.countdown", 1).at(tomorrow)).await;
        assert_eq!(runner(&app).run_due().await.expect("it ran"), 0);
        app.db.clock.set(tomorrow);
        assert_eq!(runner(&app).run_due().await.expect("it ran"), 1);
    }

    async fn a_job_with_a_key_is_written_once(app: TestApp) {
        assert!(enqueue(&app, NewJob::new("test.countdown", 1).once("the key")).await.is_some());
        assert!(enqueue(&app, NewJob::new("test.countdown", 1).once("the key")).await.is_none());
        assert_eq!(runner(&app).run_due().await.expect("it ran"), 1);
    }

    async fn of_several_runners_one_does_a_job(app: TestApp) {
        for _ in 0..20 {
            enqueue(&app, NewJob::new("test.countdown", 2)).await;
        }
        let runners = [runner(&app), runner(&app), runner(&app)];
        let (a, b, c) = tokio::join!(runners[0].run_due(), runners[1].run_due(), runners[2].run_due());
        assert_eq!(a.expect("ran") + b.expect("ran") + c.expect("ran"), 40);
    }

    async fn a_failed_job_is_tried_again_later_then_left_for_an_admin(app: TestApp) {
        let admin = app.people.admin().await;
        let id = enqueue(&app, NewJob::new("test.hopeless", json!({"secret": "payload"}))).await.expect("a job");
        let runner = runner(&app);
        runner.run_due().await.expect("it ran");
        let waiting = app.get("/api/jobs?state=queued", &admin).await;
        assert_eq!(waiting.body["items"][0]["last_error"], "there is no hope", "{}", waiting.text);
        assert_eq!(runner.run_due().await.expect("it ran"), 0, "not before its pause is over");
        assert_eq!(app.post(&format!("/api/jobs/{id}/retry"), &admin, json!({})).await.problem(), (409, "invalid_state"));
        app.db.clock.set(app.db.clock().now().plus(chrono::TimeDelta::seconds(6)));
        runner.run_due().await.expect("it ran");
        let failed = app.get("/api/jobs?state=failed", &admin).await;
        assert_eq!(failed.body["items"][0]["attempts"], 2, "{}", failed.text);
        assert!(!failed.text.contains("payload"), "what a job was given may be personal");

        let retried = app.post(&format!("/api/jobs/{id}/retry"), &admin, json!({})).await;
        assert_eq!((retried.status.as_u16(), &retried.body["state"]), (200, &json!("queued")), "{}", retried.text);
        assert_eq!(runner.run_due().await.expect("it ran"), 1);
        let log = app.get(&format!("/api/audit?object_type=job&object_id={id}"), &admin).await;
        assert_eq!(log.body["items"][0]["action"], "job.retried");
    }

    async fn whoever_dies_over_a_job_is_taken_over_from(app: TestApp) {
        // Claimed by a runner that is never heard of again.
        struct Dies;
        impl JobKind for Dies {
            fn kind(&self) -> &'static str {
                "test.countdown"
            }
            fn run<'a>(&'a self, _: JobRun<'a>) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
                Box::pin(std::future::pending())
            }
        }
        let jobs: Vec<Arc<dyn JobKind>> = vec![Arc::new(Dies)];
        let dying = Runner::new((*app.db).clone(), &[Domain { name: "test", jobs, ..Domain::default() }]);
        enqueue(&app, NewJob::new("test.countdown", 1)).await;
        let claimed = tokio::spawn(async move { dying.run_due().await });
        let admin = app.people.admin().await;
        loop {
            let running = app.get("/api/jobs?state=running", &admin).await;
            if running.body["items"] != json!([]) {
                break;
            }
            tokio::task::yield_now().await;
        }
        claimed.abort();
        assert_eq!(runner(&app).run_due().await.expect("it ran"), 0, "the lease still holds");
        app.db.clock.set(app.db.clock().now().plus(chrono::TimeDelta::minutes(5)));
        assert_eq!(runner(&app).run_due().await.expect("it ran"), 1);
    }

    async fn the_audit_log_is_paged_without_gaps_or_doubles(app: TestApp) {
        let admin = app.people.admin().await;
        for n in 0..7 {
            app.patch("/api/club", &admin, json!({"name": format!("Name {n}")})).await;
        }
        let mut seen: Vec<Value> = Vec::new();
        let mut path = "/api/audit?object_type=club&limit=3".to_owned();
        loop {
            let page = app.get(&path, &admin).await;
            seen.extend(page.body["items"].as_array().expect("items").iter().map(|e| e["id"].clone()));
            assert_eq!(page.body["has_more"], json!(page.body["next_cursor"].is_string()));
            // Something new in the middle of paging is not in the way.
            app.patch("/api/club", &admin, json!({"name": format!("New after {}", seen.len())})).await;
            let link = page.header("link").to_owned();
            match link.strip_prefix('<').and_then(|l| l.split('>').next()) {
                Some(next) => path = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(seen.len(), 7);
        let counted = app.get("/api/audit?object_type=club&limit=1&count=true", &admin).await;
        assert_eq!(counted.body["total"], 10, "7 and one after each of the 3 pages");
        assert!(app.get("/api/audit?limit=1", &admin).await.body.get("total").is_none());
        let ids: Vec<_> = seen.iter().map(|id| id.as_i64().expect("a number")).collect();
        assert!(ids.windows(2).all(|pair| pair[0] > pair[1]), "{ids:?}");
    }

    async fn the_machinery_is_for_admins(app: TestApp) {
        for person in [app.people.member().await, app.people.coach().await, app.people.treasurer().await] {
            for path in ["/api/audit", "/api/jobs"] {
                assert_eq!(app.get(path, &person).await.problem(), (403, "forbidden"), "{path}");
            }
            assert_eq!(app.post("/api/jobs/1/retry", &person, json!({})).await.problem(), (403, "forbidden"));
        }
    }
}
