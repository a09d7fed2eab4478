//! Writing on PostgreSQL: a transaction a piece of work, run again when the server resolved a race against it.

use std::time::Duration;

use super::pool::{Handle, Task};
use super::writer::{Ran, Work, WriteContext, run, run_effects};
use super::{DbError, DbResult};

/// How often a transaction is tried before its caller hears of the conflict.
const TRIES: u32 = 5;

pub(crate) struct WriteTask {
    pub(crate) work: Box<dyn Work>,
    pub(crate) context: WriteContext,
}

impl Task for WriteTask {
    fn abandoned(&self) -> bool {
        self.work.abandoned()
    }

    fn run(mut self: Box<Self>, handle: DbResult<&mut Handle>) {
        let outcome = handle.and_then(|handle| self.transact(handle));
        if let Err(e) = outcome {
            self.work.overrule(e);
        }
        self.work.answer();
    }
}

impl WriteTask {
    fn transact(&mut self, handle: &mut Handle) -> DbResult<()> {
        let mut tries = 0;
        loop {
            begin(handle, "BEGIN")?;
            tries += 1;
            match run(&mut *self.work, handle, &self.context) {
                Ran::Keep(effects) => match handle.command("COMMIT") {
                    Ok(()) => {
                        run_effects(effects);
                        return Ok(());
                    }
                    Err(e) => {
                        handle.broken = true;
                        return Err(DbError::CommitFailed(e.to_string()));
                    }
                },
                Ran::Undo => return rollback(handle),
                Ran::Again(e) => {
                    rollback(handle)?;
                    if tries >= TRIES {
                        return Err(e);
                    }
                    std::thread::sleep(pause(tries));
                }
                // Its own outcome says what went wrong, and nobody else was in this transaction.
                Ran::Broken(_) => {
                    handle.broken = true;
                    return Ok(());
                }
            }
        }
    }
}

/// Opens a transaction; a pooled connection that died while idle is made anew, since nothing was begun on it.
pub(crate) fn begin(handle: &mut Handle, sql: &str) -> DbResult<()> {
    handle.command(sql).map_err(|e| {
        handle.broken = true;
        DbError::Unavailable(e.to_string())
    })
}

pub(crate) fn rollback(handle: &mut Handle) -> DbResult<()> {
    handle.command("ROLLBACK").map_err(|e| {
        handle.broken = true;
        DbError::from(e)
    })
}

/// Waits longer each time, and not the same for everybody, so that those who collided do not collide again.
fn pause(tries: u32) -> Duration {
    let mut byte = [0u8; 1];
    // Without randomness the pause is merely less varied.
    let _ = getrandom::fill(&mut byte);
    Duration::from_micros(u64::from(byte[0]) * 20 + 1_000 * u64::from(tries) * u64::from(tries))
}
