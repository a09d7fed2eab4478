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
        name_key -> Text,
        language -> Nullable<Text>,
        show_presence -> Bool,
        self_registered -> Bool,
        last_sign_in_at -> Nullable<Moment>,
        erased_at -> Nullable<Moment>,
    }
}

diesel::table! {
    user_roles (user_id, role) {
        user_id -> BigInt,
        role -> Text,
        name_key -> Text,
    }
}

diesel::table! {
    user_words (word, user_id) {
        word -> Text,
        user_id -> BigInt,
    }
}

diesel::table! {
    guardianships (ward_id, guardian_id) {
        ward_id -> BigInt,
        guardian_id -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Nullable, Text};
    use muster_kernel::sql::Moment;
    sessions (id) {
        id -> BigInt,
        user_id -> BigInt,
        family -> Binary,
        generation -> BigInt,
        user_agent -> Nullable<Text>,
        created_at -> Moment,
        last_seen_at -> Moment,
        expires_at -> Moment,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Nullable, Text};
    use muster_kernel::sql::Moment;
    links (hash) {
        hash -> Binary,
        purpose -> Text,
        user_id -> Nullable<BigInt>,
        email -> Nullable<Text>,
        expires_at -> Moment,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use muster_kernel::sql::Moment;
    second_factors (user_id) {
        user_id -> BigInt,
        secret -> Text,
        confirmed_at -> Nullable<Moment>,
        last_step -> BigInt,
    }
}

diesel::table! {
    recovery_codes (user_id, hash) {
        user_id -> BigInt,
        hash -> Binary,
    }
}

diesel::joinable!(user_roles -> users (user_id));
diesel::joinable!(user_words -> users (user_id));
diesel::table! {
    use diesel::sql_types::{BigInt, Binary};
    use muster_kernel::sql::Moment;
    tickets (hash) {
        hash -> Binary,
        session_id -> BigInt,
        expires_at -> Moment,
    }
}

diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(second_factors -> users (user_id));
diesel::allow_tables_to_appear_in_same_query!(
    users,
    user_roles,
    user_words,
    guardianships,
    sessions,
    second_factors
);

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
