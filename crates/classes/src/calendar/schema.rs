//! The tables of the calendars.

use muster_auth::read::users;

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    calendar_identity (id) {
        id -> BigInt,
        name -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary};
    use muster_kernel::sql::Moment;
    calendar_secrets (user_id) {
        user_id -> BigInt,
        hash -> Binary,
        made_at -> Moment,
    }
}

muster_kernel::join_across!(users, calendar_secrets);
