//! This crate's part in the commands of the program.

use std::sync::Arc;

use chrono::TimeDelta;
use muster_kernel::domain::Domain;
use muster_kernel::job::Schedule;

use crate::checks;
use crate::prepaid::ExpiryJob;

/// Checks, exports and jobs of the books.
pub fn domain() -> Domain {
    Domain {
        name: "finance",
        checks: checks::all(),
        exports: Vec::new(),
        jobs: vec![Arc::new(ExpiryJob)],
        schedules: vec![Schedule { kind: ExpiryJob::KIND, every: TimeDelta::hours(1) }],
    }
}
