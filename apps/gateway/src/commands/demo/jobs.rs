//! The program's jobs, done as the demo's time goes on. No letter is written: it would come months late, and to nobody.

use muster_auth::Accounts;
use muster_classes::{BookingLetters, ClassLetters, Reminders};
use muster_finance::Letters;
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::job::{self, JobKind, Runner};
use muster_kernel::{Domain, mail};
use muster_members::ReminderJob;
use std::sync::Arc;

use crate::domains;

/// What does the jobs.
pub(super) struct Jobs {
    db: Db,
    /// All there is, what comes round by itself among it.
    all: Runner,
    /// What somebody has begun.
    begun: Runner,
    letters: Vec<&'static str>,
}

impl Jobs {
    pub(super) fn of(db: &Db, accounts: &Accounts) -> Jobs {
        let reminders: Vec<Arc<dyn JobKind>> =
            vec![Arc::new(ReminderJob::new(accounts)), Arc::new(Reminders::new(accounts))];
        let schedules = vec![ReminderJob::SCHEDULE, Reminders::SCHEDULE];
        let mut all = domains();
        all.push(Domain { name: "reminders", jobs: reminders, schedules, ..Domain::default() });
        let begun: Vec<Domain> =
            domains().into_iter().map(|domain| Domain { schedules: Vec::new(), ..domain }).collect();
        let letters = vec![
            mail::JOB,
            Letters::new(accounts.clone()).kind(),
            BookingLetters::new(accounts).kind(),
            ClassLetters::new(accounts).kind(),
        ];
        Jobs {
            all: Runner::new(db.clone(), &all),
            begun: Runner::new(db.clone(), &begun),
            db: db.clone(),
            letters,
        }
    }

    /// Does what is due, what comes round by itself among it.
    pub(super) async fn night(&self) -> Result<(), Fault> {
        self.all.run_due().await?;
        let letters = self.letters.clone();
        self.db.write(move |tx| job::discard(tx, &letters)).await?;
        Ok(())
    }

    /// Does what was begun just now.
    pub(super) async fn go_on(&self) -> Result<(), Fault> {
        self.begun.run_due().await?;
        Ok(())
    }
}
