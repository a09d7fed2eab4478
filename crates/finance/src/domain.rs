//! This crate's part in the commands of the program.

use std::sync::Arc;

use chrono::TimeDelta;
use muster_kernel::domain::Domain;
use muster_kernel::job::Schedule;

use crate::bills::repeating::RepeatJob;
use crate::daily_sums::AddUpJob;
use crate::listing::LateJob;
use crate::prepaid::ExpiryJob;
use crate::{checks, exports};

/// Checks, exports and jobs of the books.
pub fn domain() -> Domain {
    Domain {
        name: "finance",
        checks: checks::all(),
        exports: exports::all(),
        jobs: vec![Arc::new(ExpiryJob), Arc::new(RepeatJob), Arc::new(LateJob), Arc::new(AddUpJob)],
        schedules: vec![
            Schedule { kind: ExpiryJob::KIND, every: TimeDelta::hours(1) },
            Schedule { kind: RepeatJob::KIND, every: TimeDelta::hours(1) },
            Schedule { kind: LateJob::KIND, every: TimeDelta::minutes(10) },
            Schedule { kind: AddUpJob::KIND, every: TimeDelta::minutes(5) },
        ],
    }
}
