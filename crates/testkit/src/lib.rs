//! What Muster's tests stand on: a fresh database on the engine under test in one line.
//!
//! ```ignore
//! muster_testkit::each_engine! {
//!     /// The sentence that the test proves.
//!     async fn the_last_place_goes_to_one_member(db: TestDb) {
//!         db.write(|tx| …).await;
//!     }
//! }
//! ```
//!
//! PostgreSQL is found through `MUSTER_TEST_POSTGRES`, which `scripts/test` sets to a server of its own. Without
//! it those tests fail and say so: an engine is never skipped.

mod database;
mod engines;
mod people;

pub use database::{TestDb, TestDbOptions};
pub use engines::{OnEngine, run};
pub use muster_kernel::db::Engine;
pub use people::{PASSWORD, People, Person};
