//! Tests of the whole application, over real sockets, on both engines.

mod audit_and_jobs;
mod club;
mod commands;
mod conventions;
mod crash;
mod documents;
mod idempotency;
mod structure;
mod support;
