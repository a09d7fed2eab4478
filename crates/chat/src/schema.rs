//! The tables of this crate.

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use muster_kernel::sql::Moment;
    rooms (id) {
        id -> BigInt,
        version -> BigInt,
        kind -> Text,
        room_name -> Nullable<Text>,
        is_club -> Bool,
        class_id -> Nullable<BigInt>,
        series_id -> Nullable<BigInt>,
        people -> Nullable<Text>,
        replies_allowed -> Bool,
        needs_guardian -> Bool,
        archived_at -> Nullable<Moment>,
        is_joinable -> Bool,
        head_seq -> BigInt,
        member_count -> Integer,
        made_by -> Nullable<BigInt>,
        made_at -> Moment,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use muster_kernel::sql::Moment;
    room_members (room_id, user_id) {
        room_id -> BigInt,
        user_id -> BigInt,
        role -> Text,
        from_seq -> BigInt,
        joined_at -> Moment,
        stays_until -> Nullable<Moment>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable};
    use muster_kernel::sql::Moment;
    room_marks (user_id, room_id) {
        user_id -> BigInt,
        room_id -> BigInt,
        last_read_seq -> BigInt,
        muted_until -> Nullable<Moment>,
        silenced_until -> Nullable<Moment>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Nullable, Text};
    use muster_kernel::sql::{Document, Moment};
    messages (id) {
        id -> BigInt,
        version -> BigInt,
        room_id -> BigInt,
        seq -> BigInt,
        updated_seq -> BigInt,
        user_id -> BigInt,
        client_id -> Nullable<Text>,
        fingerprint -> Nullable<Text>,
        title -> Nullable<Text>,
        content -> Nullable<Text>,
        reply_to -> Nullable<BigInt>,
        mentions -> Document,
        reactions -> Document,
        pinned -> Bool,
        made_at -> Moment,
        edited_at -> Nullable<Moment>,
        deleted_at -> Nullable<Moment>,
        deleted_by -> Nullable<BigInt>,
    }
}

diesel::table! {
    message_mentions (user_id, room_id, seq) {
        user_id -> BigInt,
        room_id -> BigInt,
        seq -> BigInt,
        message_id -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use muster_kernel::sql::Moment;
    message_reactions (message_id, emoji, user_id) {
        message_id -> BigInt,
        emoji -> Text,
        user_id -> BigInt,
        made_at -> Moment,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use muster_kernel::sql::{Document, Moment};
    room_events (room_id, seq) {
        room_id -> BigInt,
        seq -> BigInt,
        event -> Text,
        message_id -> Nullable<BigInt>,
        user_id -> Nullable<BigInt>,
        emoji -> Nullable<Text>,
        state -> Nullable<Document>,
        actor_id -> Nullable<BigInt>,
        at -> Moment,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    rooms,
    room_members,
    room_marks,
    messages,
    message_mentions,
    message_reactions,
    room_events,
);

mod across {
    use muster_auth::read::{user_roles, users};
    use muster_members::read::members;

    use super::{messages, room_marks, room_members, rooms};

    muster_kernel::join_across!(users, messages);
    muster_kernel::join_across!(users, room_members);
    muster_kernel::join_across!(members, room_members);
    muster_kernel::join_across!(members, rooms);
    muster_kernel::join_across!(user_roles, room_members);
    muster_kernel::join_across!(members, room_marks);
    muster_kernel::join_across!(users, room_marks);
}
