//! Tests of the whole application, over real sockets, on both engines.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a test ends where its expectation does"
)]

mod audit_and_jobs;
mod bills;
mod books;
mod books_at_random;
mod calendar;
mod chat;
mod classes;
mod club;
mod coaches;
mod commands;
mod conventions;
mod crash;
mod damaged_accounts;
mod demo;
mod documents;
mod dues;
mod example_term;
mod good_clients;
mod idempotency;
mod imports;
mod mail;
mod members;
mod members_money;
mod own_account;
mod pages;
mod people;
mod permissions;
mod plans;
mod privacy;
mod program;
mod raw_http;
mod registering;
mod reports;
mod running;
mod second_factors;
mod sessions;
mod slow_clients;
mod slow_readers;
mod structure;
mod support;
mod traces;
