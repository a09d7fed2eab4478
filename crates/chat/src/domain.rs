//! This crate's part in the commands of the program.

use std::sync::Arc;

use muster_kernel::domain::Domain;

use crate::class_rooms::LetGoJob;
use crate::departing::DepartJob;
use crate::{checks, exports};

/// Checks, exports and jobs of chat.
pub fn domain() -> Domain {
    Domain {
        name: "chat",
        checks: checks::ALL.to_vec(),
        exports: exports::ALL.to_vec(),
        jobs: vec![Arc::new(DepartJob), Arc::new(LetGoJob)],
        schedules: vec![LetGoJob::SCHEDULE],
    }
}
