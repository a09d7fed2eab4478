//! What is left of deleted rows in the files of the embedded engine: its log holds pages as they were before, until
//! it is written over. (In the database's own file what is deleted is overwritten at once.)

use std::future::Future;
use std::pin::Pin;

use crate::db::{DbResult, Engine, Tx, empty_log};
use crate::job::{self, JobError, JobKind, JobRun, NewJob, Progress};

const KIND: &str = "kernel.leftovers";

/// Has the log emptied once this transaction is durable. A server looks after its own files.
///
/// # Errors
/// When the database fails.
pub fn clear(tx: &mut Tx<'_>) -> DbResult<()> {
    match tx.engine() {
        Engine::Sqlite => job::enqueue(tx, NewJob::new(KIND, ())).map(drop),
        Engine::Postgres => Ok(()),
    }
}

pub(crate) struct Leftovers;

impl JobKind for Leftovers {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        Box::pin(async move {
            if let Some(file) = run.db().target().file().map(ToOwned::to_owned) {
                let emptied = tokio::task::spawn_blocking(move || empty_log(&file)).await;
                emptied.map_err(|e| JobError::Failed(e.to_string()))??;
            }
            run.finish().await
        })
    }
}
