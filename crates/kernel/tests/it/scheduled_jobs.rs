//! What comes round by itself.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::TimeDelta;
use muster_kernel::Domain;
use muster_kernel::db::{DbOptions, StatementObserver};
use muster_kernel::job::{JobError, JobKind, JobRun, Progress, Runner, Schedule};
use muster_testkit::{Engine, TestDb, run};

struct Round(Arc<AtomicUsize>);

impl JobKind for Round {
    fn kind(&self) -> &'static str {
        "test.round"
    }

    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move { run.finish().await })
    }
}

#[test]
fn each_comes_round_once_for_all_gateways_and_who_has_nothing_to_do_writes_nothing() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        run(async {
            let changes = Arc::new(AtomicUsize::new(0));
            let count = changes.clone();
            let observer: StatementObserver = Arc::new(move |sql| {
                if !sql.starts_with("SELECT") {
                    count.fetch_add(1, Ordering::SeqCst);
                }
            });
            let options =
                DbOptions { readers: 2, writers: 4, observer: Some(observer), ..DbOptions::default() };
            let db = TestDb::with(engine, options);
            let rounds = Arc::new(AtomicUsize::new(0));
            let gateway = || {
                let schedules = vec![Schedule { kind: "test.round", every: TimeDelta::minutes(5) }];
                let jobs: Vec<Arc<dyn JobKind>> = vec![Arc::new(Round(rounds.clone()))];
                Runner::new((*db).clone(), &[Domain { name: "test", jobs, schedules, ..Domain::default() }])
            };
            let (one, other) = (gateway(), gateway());
            for expected in 1..=3 {
                one.run_due().await.expect("done");
                other.run_due().await.expect("done");
                assert_eq!(rounds.load(Ordering::SeqCst), expected);
                let before = changes.load(Ordering::SeqCst);
                for _ in 0..3 {
                    one.run_due().await.expect("nothing to do");
                    other.run_due().await.expect("nothing to do");
                }
                assert_eq!(changes.load(Ordering::SeqCst), before);
                db.clock.set(db.clock.now().plus(TimeDelta::minutes(5)));
            }
        });
    }
}
