//! The kernel's tables.

diesel::table! {
    installation (id) {
        id -> BigInt,
        epoch -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::sql::Moment;
    audit_events (id) {
        id -> BigInt,
        at -> Moment,
        actor_id -> Nullable<BigInt>,
        action -> Text,
        object_type -> Text,
        object_id -> BigInt,
        reason -> Nullable<Text>,
        request_id -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Integer, Nullable, Text};
    use crate::sql::{Document, Moment};
    jobs (id) {
        id -> BigInt,
        kind -> Text,
        payload -> Document,
        state -> Text,
        run_at -> Moment,
        attempts -> Integer,
        last_error -> Nullable<Text>,
        claimed_by -> Nullable<Text>,
        claimed_until -> Nullable<Moment>,
        unique_key -> Nullable<Text>,
        created_at -> Moment,
        finished_at -> Nullable<Moment>,
        version -> BigInt,
        subject_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Integer, Nullable, Text};
    use crate::sql::Moment;
    idempotency_keys (user_id, key) {
        user_id -> BigInt,
        key -> Text,
        fingerprint -> Binary,
        status -> Integer,
        location -> Nullable<Text>,
        etag -> Nullable<Text>,
        body -> Text,
        created_at -> Moment,
        subject_id -> Nullable<BigInt>,
    }
}
