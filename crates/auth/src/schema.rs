//! The tables of this crate.

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Date, Nullable, Text};
    use muster_kernel::sql::Moment;
    users (id) {
        id -> BigInt,
        email -> Nullable<Text>,
        first_name -> Text,
        last_name -> Text,
        date_of_birth -> Nullable<Date>,
        password_hash -> Nullable<Text>,
        is_active -> Bool,
        email_verified_at -> Nullable<Moment>,
        date_joined -> Moment,
        version -> BigInt,
    }
}

diesel::table! {
    user_roles (user_id, role) {
        user_id -> BigInt,
        role -> Text,
    }
}

diesel::joinable!(user_roles -> users (user_id));
diesel::allow_tables_to_appear_in_same_query!(users, user_roles);

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use muster_kernel::sql::Document;
    club (id) {
        id -> BigInt,
        name -> Text,
        currency -> Text,
        time_zone -> Text,
        policies -> Document,
        version -> BigInt,
    }
}
