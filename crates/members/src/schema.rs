//! The tables of this crate.

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use muster_kernel::sql::Moment;
    members (id) {
        id -> BigInt,
        status -> Text,
        status_since -> Moment,
        version -> BigInt,
    }
}
