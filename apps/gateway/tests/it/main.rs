//! Tests of the whole application, over real sockets, on both engines.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a test ends where its expectation does"
)]

mod audit_and_jobs;
mod club;
mod commands;
mod conventions;
mod crash;
mod documents;
mod good_clients;
mod idempotency;
mod mail;
mod pages;
mod plans;
mod program;
mod raw_http;
mod slow_clients;
mod slow_readers;
mod structure;
mod support;
