//! How much money can be moved at once.

use muster_kernel::{Fields, Minor};

/// More than any club moves, and so little that sums of a million of them fit.
const MOST: i64 = 1_000_000_000_000;

/// An amount is above zero and below a bound.
pub(crate) fn check_amount(pointer: &str, amount: Minor, fields: &mut Fields) {
    fields.number(pointer, amount.0, 1..=MOST);
}
