//! What waits and is not wanted any more.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use muster_kernel::Domain;
use muster_kernel::db::DbResult;
use muster_kernel::job::{self, JobError, JobKind, JobRun, JobState, NewJob, Progress, Runner};
use muster_kernel::page::PageRequest;
use muster_testkit::{TestDb, each_engine};

struct Work;

impl JobKind for Work {
    fn kind(&self) -> &'static str {
        "test.work"
    }

    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        Box::pin(async move { run.finish().await })
    }
}

async fn all(db: &TestDb) -> Vec<(String, JobState)> {
    let page = PageRequest::read("jobs", None, None).expect("a page");
    let jobs = db.read(move |conn| job::list(conn, None, &page)).await.expect("the jobs");
    jobs.into_iter().map(|job| (job.kind, job.state)).collect()
}

each_engine! {
    async fn what_waits_of_a_kind_is_thrown_away_and_what_is_done_stays(db: TestDb) {
        let write = |kinds: &'static [&'static str]| {
            db.write(move |tx| {
                for kind in kinds {
                    job::enqueue(tx, NewJob::new(kind, ()))?;
                }
                DbResult::Ok(())
            })
        };
        write(&["test.work"]).await.expect("written");
        let domain = Domain { name: "test", jobs: vec![Arc::new(Work)], ..Domain::default() };
        Runner::new((*db).clone(), &[domain]).run_due().await.expect("done");
        write(&["test.work", "test.letter", "test.letter", "test.other"]).await.expect("written");
        let gone = db.write(|tx| job::discard(tx, &["test.letter", "test.work"])).await.expect("thrown away");
        assert_eq!(gone, 3);
        let left = [("test.other", JobState::Queued), ("test.work", JobState::Done)];
        assert_eq!(all(&db).await, left.map(|(kind, state)| (kind.to_owned(), state)));
    }
}
