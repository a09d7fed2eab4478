//! The tables of this crate.

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Date, Integer, Nullable, Text};
    use muster_kernel::sql::Moment;
    class_series (id) {
        id -> BigInt,
        version -> BigInt,
        class_title -> Text,
        coach_id -> BigInt,
        duration_minutes -> Integer,
        location -> Text,
        capacity -> Integer,
        fee -> BigInt,
        description -> Nullable<Text>,
        time_zone -> Text,
        rrule -> Text,
        local_start -> Text,
        made_through -> Date,
        last_date -> Nullable<Date>,
        continues -> Nullable<BigInt>,
        room_id -> Nullable<BigInt>,
        is_active -> Bool,
        made_by -> Nullable<BigInt>,
        made_at -> Moment,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Date, Integer, Nullable, Text};
    use muster_kernel::sql::Moment;
    classes (id) {
        id -> BigInt,
        version -> BigInt,
        series_id -> Nullable<BigInt>,
        room_id -> Nullable<BigInt>,
        occurrence -> Nullable<Text>,
        class_title -> Text,
        coach_id -> BigInt,
        planned_coach_id -> BigInt,
        starts_at -> Moment,
        ends_at -> Moment,
        local_date -> Date,
        time_zone -> Text,
        duration_minutes -> Integer,
        location -> Text,
        capacity -> Integer,
        fee -> BigInt,
        description -> Nullable<Text>,
        status -> Text,
        cancelled_reason -> Nullable<Text>,
        changed_by_hand -> Text,
        booked_count -> Integer,
        waitlist_count -> Integer,
        attended_count -> Integer,
        next_place -> Integer,
        has_room -> Bool,
        has_line -> Bool,
        sequence -> Integer,
        changed_at -> Moment,
        made_at -> Moment,
        completed_at -> Nullable<Moment>,
    }
}

diesel::table! {
    class_words (word, class_id) {
        word -> Text,
        class_id -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use muster_kernel::sql::Moment;
    bookings (id) {
        id -> BigInt,
        version -> BigInt,
        class_id -> BigInt,
        member_id -> BigInt,
        status -> Text,
        is_live -> Bool,
        is_seated -> Bool,
        is_waiting -> Bool,
        place -> Nullable<Integer>,
        fee -> BigInt,
        free_until -> Moment,
        lot_id -> Nullable<BigInt>,
        charge_id -> Nullable<BigInt>,
        use_entry_id -> Nullable<BigInt>,
        walk_in -> Bool,
        booked_at -> Moment,
        promoted_at -> Nullable<Moment>,
        decided_at -> Nullable<Moment>,
        made_by -> Nullable<BigInt>,
        starts_at -> Moment,
        ends_at -> Moment,
        is_reminded -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Integer, Nullable};
    class_ratings (id) {
        id -> BigInt,
        version -> BigInt,
        class_id -> BigInt,
        member_id -> Nullable<BigInt>,
        stars -> Integer,
    }
}

diesel::allow_tables_to_appear_in_same_query!(class_series, classes, class_words, bookings, class_ratings);
