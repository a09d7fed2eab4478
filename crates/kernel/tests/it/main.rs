//! The database layer against real databases, on both engines.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod migrations;
mod portable_sql;
mod things;
mod write_contract;
