//! This crate's part in the commands of the program.

use std::sync::Arc;

use muster_kernel::domain::Domain;

use crate::chat_rooms::LookJob;
use crate::clock::ClockJob;
use crate::completion::FinishJob;
use crate::line::PromoteJob;
use crate::series::{GoOnJob, HorizonJob};
use crate::{checks, exports};

/// Checks, exports and jobs of classes.
pub fn domain() -> Domain {
    Domain {
        name: "classes",
        checks: checks::ALL.to_vec(),
        exports: exports::ALL.to_vec(),
        jobs: vec![
            Arc::new(FinishJob),
            Arc::new(ClockJob),
            Arc::new(HorizonJob),
            Arc::new(GoOnJob),
            Arc::new(PromoteJob),
            Arc::new(LookJob),
        ],
        schedules: vec![ClockJob::SCHEDULE, HorizonJob::SCHEDULE],
    }
}
