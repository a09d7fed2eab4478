//! Coaches: who they are and when they are there, by what terms they are paid, what they earned by the classes they
//! taught, and what they were paid out.
//!
//! A row is made for whoever gets the role, through [`person_hooks`]. The classes themselves are not known here: whoever
//! keeps them says what was taught ([`accrue`]) and when its attendance was corrected ([`adjust`]), in its own
//! transaction, and asks who can teach ([`check_coach`], [`is_available`]).
//!
//! ```
//! assert_eq!(muster_coaches::shown_name(Some("Coach Kim"), "Kim", "Example"), "Coach Kim");
//! assert_eq!(muster_coaches::shown_name(None, "Kim", "Example"), "Kim Example");
//! ```
//!
//! It calls finance for what stands in the books, and auth for who people are.

mod accruals;
mod arithmetic;
pub mod availability;
mod checks;
mod domain;
mod hooks;
pub mod pay_lines;
pub mod payouts;
pub mod payroll;
mod planning;
pub mod profile;
mod purse;
pub mod read;
#[cfg(feature = "http")]
mod routes;
mod schema;
mod sight;
mod statement;
pub mod terms;

pub use accruals::{AccrualId, Taught, accrue, adjust};
pub use availability::is_available;
pub use domain::domain;
pub use hooks::person_hooks;
pub use planning::{check_coach, exists, shown_name};
#[cfg(feature = "http")]
pub use routes::mount;
pub use sight::sees_pay;
pub use statement::statement;
