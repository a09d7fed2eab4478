//! The database layer against real databases, on both engines.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod attempts;
mod discarded_jobs;
mod effects;
mod forgetting;
mod forgotten_jobs;
mod group_commits;
mod ledger;
mod migrations;
mod portable_changes;
mod portable_questions;
mod portable_values;
mod queues;
mod races;
mod reads;
mod refusals;
mod scheduled_jobs;
mod things;
mod writes;
