//! What becomes of jobs when the person they are about is erased.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use diesel::prelude::*;
use muster_kernel::db::{DbError, DbOptions, DbResult, Engine, StatementObserver};
use muster_kernel::job::{self, JobError, JobKind, JobRun, NewJob, Next, Progress, Runner};
use muster_kernel::sql::Json;
use muster_kernel::{Domain, Timestamp, UserId};
use muster_testkit::{TestDb, each_engine, run};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::things::{Gate, hold};

diesel::table! {
    use diesel::sql_types::*;
    use muster_kernel::sql::{Document, Moment};

    jobs (id) {
        id -> BigInt,
        kind -> Text,
        payload -> Document,
        state -> Text,
        finished_at -> Nullable<Moment>,
        subject_id -> Nullable<BigInt>,
    }
}

const ANNA: UserId = UserId(7);
const BEN: UserId = UserId(8);

/// The moment at which a job is when the person it is about is erased.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Moment {
    BeforeItsStep,
    BetweenItsSteps,
    BeforeItFails,
}

/// A job that stops at its moment until it is told to go on.
struct Interrupted {
    moment: Moment,
    begun: AtomicU32,
    reached: mpsc::UnboundedSender<()>,
    go_on: watch::Receiver<bool>,
}

impl Interrupted {
    async fn stop(&self) {
        let _ = self.reached.send(());
        let _ = self.go_on.clone().wait_for(|go_on| *go_on).await;
    }
}

impl JobKind for Interrupted {
    fn kind(&self) -> &'static str {
        "test.interrupted"
    }
    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        Box::pin(async move {
            if self.begun.fetch_add(1, Ordering::Relaxed) > 0 {
                return run.finish().await;
            }
            if self.moment != Moment::BetweenItsSteps {
                self.stop().await;
            }
            if self.moment == Moment::BeforeItFails {
                return Err(JobError::Failed("there is nobody".into()));
            }
            let progress = run
                .commit(|tx, payload| {
                    job::enqueue(tx, NewJob::new("test.trace", ()))?;
                    Ok(Next::Continue(payload.clone()))
                })
                .await?;
            self.stop().await;
            Ok(progress)
        })
    }
}

/// A job about Anna that stands at its moment.
struct UnderWay {
    kind: Arc<Interrupted>,
    run: JoinHandle<(Runner, DbResult<usize>)>,
    tell: watch::Sender<bool>,
}

impl UnderWay {
    async fn at(moment: Moment, db: &TestDb) -> UnderWay {
        let (reached, mut at_moment) = mpsc::unbounded_channel();
        let (tell, go_on) = watch::channel(false);
        let kind = Arc::new(Interrupted { moment, begun: AtomicU32::new(0), reached, go_on });
        let runner = runner(db, vec![kind.clone()]);
        db.write(|tx| {
            let job = NewJob::new("test.interrupted", json!({"name": "Anna"})).about(ANNA);
            job::enqueue(tx, job).map(drop)
        })
        .await
        .expect("written");
        let run = tokio::spawn(async move {
            let steps = runner.run_due().await;
            (runner, steps)
        });
        at_moment.recv().await.expect("it runs");
        UnderWay { kind, run, tell }
    }

    /// Lets it go on to its end, and tells how often it was begun, then and later.
    async fn go_on(self, db: &TestDb) -> u32 {
        self.tell.send(true).expect("it waits");
        let (runner, steps) = self.run.await.expect("no panic");
        steps.expect("no failure of the runner");
        later(db, TimeDelta::hours(2));
        runner.run_due().await.expect("no failure of the runner");
        self.kind.begun.load(Ordering::Relaxed)
    }
}

/// Fails the first time, for good.
struct Hopeless;

impl JobKind for Hopeless {
    fn kind(&self) -> &'static str {
        "test.hopeless"
    }
    fn attempts(&self) -> i32 {
        1
    }
    fn run<'a>(
        &'a self,
        _: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        Box::pin(async { Err(JobError::Failed("there is no hope".into())) })
    }
}

/// Is done at once.
struct Easy;

impl JobKind for Easy {
    fn kind(&self) -> &'static str {
        "test.easy"
    }
    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        Box::pin(async move { run.finish().await })
    }
}

fn runner(db: &TestDb, kinds: Vec<Arc<dyn JobKind>>) -> Runner {
    Runner::new((**db).clone(), &[Domain { name: "test", jobs: kinds, ..Domain::default() }])
}

/// A job as it stands in its table.
#[derive(Debug, Clone, PartialEq, diesel::Queryable)]
struct Row {
    kind: String,
    state: String,
    payload: Json<Value>,
    finished_at: Option<Timestamp>,
    subject: Option<i64>,
}

async fn all(db: &TestDb) -> Vec<Row> {
    db.read(|conn| {
        let row = (jobs::kind, jobs::state, jobs::payload, jobs::finished_at, jobs::subject_id);
        Ok::<_, DbError>(jobs::table.select(row).order(jobs::id).load(conn)?)
    })
    .await
    .expect("the jobs")
}

fn later(db: &TestDb, by: TimeDelta) {
    db.clock.set(db.clock().now().plus(by));
}

async fn forget(db: &TestDb, person: UserId) {
    db.write(move |tx| job::forget(tx, person)).await.expect("forgotten");
}

each_engine! {
    async fn jobs_about_an_erased_person_go_and_those_that_are_done_keep_an_empty_row(db: TestDb) {
        let tomorrow = db.clock().now().plus(TimeDelta::days(1));
        db.write(move |tx| {
            for person in [ANNA, BEN] {
                let new = |kind| NewJob::new(kind, json!({"for": person})).about(person);
                job::enqueue(tx, new("test.easy"))?;
                job::enqueue(tx, new("test.hopeless"))?;
                job::enqueue(tx, new("test.later").at(tomorrow))?;
            }
            job::enqueue(tx, NewJob::new("test.later", json!("about nobody"))).map(drop)
        }).await.expect("written");
        runner(&db, vec![Arc::new(Easy), Arc::new(Hopeless)]).run_due().await.expect("it ran");
        let then = db.clock().now();
        later(&db, TimeDelta::hours(1));
        forget(&db, ANNA).await;
        let row = |kind: &str, state: &str, payload: Value, finished_at, subject| Row {
            kind: kind.into(), state: state.into(), payload: Json(payload), finished_at, subject,
        };
        assert_eq!(all(&db).await, [
            row("test.easy", "done", Value::Null, Some(then), None),
            row("test.easy", "done", Value::Null, Some(then), Some(8)),
            row("test.hopeless", "failed", json!({"for": 8}), Some(then), Some(8)),
            row("test.later", "queued", json!({"for": 8}), None, Some(8)),
            row("test.later", "queued", json!("about nobody"), None, None),
        ]);
    }

    async fn a_running_job_ends_with_the_person_it_is_about(db: TestDb) {
        for (moment, traces) in [(Moment::BeforeItsStep, 0), (Moment::BetweenItsSteps, 1), (Moment::BeforeItFails, 1)] {
            let job = UnderWay::at(moment, &db).await;
            let then = db.clock().now();
            forget(&db, ANNA).await;
            assert_eq!(job.go_on(&db).await, 1, "{moment:?}: nobody takes it up again");
            let jobs = all(&db).await;
            let ended = jobs.iter().rfind(|job| job.kind == "test.interrupted").expect("it keeps its row");
            assert_eq!((ended.state.as_str(), &ended.payload.0), ("done", &Value::Null), "{moment:?}");
            assert_eq!(ended.finished_at, Some(then), "{moment:?}: it is cleared away in time");
            assert_eq!(jobs.iter().filter(|job| job.kind == "test.trace").count(), traces, "{moment:?}");
        }
    }
}

#[test]
fn on_postgres_a_job_that_fails_while_it_is_forgotten_does_not_escape() {
    run(async {
        let between = Arc::new(Mutex::new(None::<Gate>));
        let gate = between.clone();
        let observer: StatementObserver = Arc::new(move |sql| {
            let about_somebody = sql.starts_with("DELETE") && sql.contains("subject_id");
            let gate = gate.lock().expect("no panic").take_if(|_| about_somebody);
            if let Some(gate) = gate {
                gate.pass();
            }
        });
        let options = DbOptions { readers: 2, writers: 4, observer: Some(observer), ..DbOptions::default() };
        let db = TestDb::with(Engine::Postgres, options);
        let job = UnderWay::at(Moment::BeforeItFails, &db).await;
        let forgetting = {
            let db = (*db).clone();
            hold(|gate| async move {
                *between.lock().expect("no panic") = Some(gate);
                let forgotten = db.write(|tx| job::forget(tx, ANNA)).await;
                // If nobody came to the gate, nobody will.
                between.lock().expect("no panic").take();
                forgotten
            })
            .await
        };
        job.tell.send(true).expect("it waits");
        job.run.await.expect("no panic").1.expect("no failure of the runner");
        forgetting.release().await.expect("forgotten");
        let [job] = all(&db).await.try_into().expect("one job");
        assert_eq!((job.state.as_str(), job.payload.0), ("done", Value::Null));
    });
}
