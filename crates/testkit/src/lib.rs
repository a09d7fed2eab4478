//! What Muster's tests stand on: a fresh database on the engine under test in one line.
//!
//! ```
//! use muster_testkit::{TestDb, each_engine};
//!
//! each_engine! {
//!     /// What the name says, on SQLite and on PostgreSQL.
//!     async fn a_fresh_database_answers(db: TestDb) {
//!         db.ping().await.expect("an answer");
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! PostgreSQL is found through `MUSTER_TEST_POSTGRES`, which `scripts/test` sets to a server of its own. Without
//! it those tests fail and say so: an engine is never skipped.

mod database;
mod engines;
mod gate;
mod people;

pub use database::{TestDb, TestDbOptions};
pub use engines::{OnEngine, run};
pub use gate::Gate;
pub use muster_kernel::db::Engine;
pub use people::{PASSWORD, People, Person};
