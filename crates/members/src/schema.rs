//! The tables of this crate.

diesel::table! {
    use diesel::sql_types::{BigInt, Date, Integer, Nullable, Text};
    use muster_kernel::sql::Moment;
    members (id) {
        id -> BigInt,
        status -> Text,
        status_since -> Moment,
        version -> BigInt,
        plan_id -> Nullable<BigInt>,
        active_since -> Nullable<Date>,
        attendance_count -> Integer,
        phone -> Nullable<Text>,
        address -> Nullable<Text>,
        emergency_contact -> Nullable<Text>,
        notes -> Nullable<Text>,
        external_id -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use muster_kernel::sql::Moment;
    member_changes (id) {
        id -> BigInt,
        member_id -> BigInt,
        from_status -> Nullable<Text>,
        to_status -> Text,
        at -> Moment,
        by -> Nullable<BigInt>,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Integer, Text};
    attendance_months (member_id, month) {
        member_id -> BigInt,
        month -> Text,
        attended -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Nullable, Text};
    use muster_kernel::sql::Moment;
    member_imports (id) {
        id -> BigInt,
        state -> Text,
        dry_run -> Bool,
        made_by -> BigInt,
        created_at -> Moment,
        finished_at -> Nullable<Moment>,
        lines_total -> BigInt,
        created -> BigInt,
        skipped -> BigInt,
        failed -> BigInt,
        version -> BigInt,
    }
}

diesel::table! {
    member_import_parts (import_id, part) {
        import_id -> BigInt,
        part -> BigInt,
        content -> Text,
    }
}

diesel::table! {
    member_import_keys (import_id, known_by) {
        import_id -> BigInt,
        known_by -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    member_import_lines (import_id, line) {
        import_id -> BigInt,
        line -> BigInt,
        outcome -> Text,
        pointer -> Nullable<Text>,
        code -> Nullable<Text>,
        message -> Nullable<Text>,
        member_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    plans (id) {
        id -> BigInt,
        name -> Text,
        price -> BigInt,
        every -> Text,
        grace_days -> Integer,
        prorate -> Bool,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use muster_kernel::sql::Moment;
    dues_runs (id) {
        id -> BigInt,
        plan_id -> Nullable<BigInt>,
        period -> Text,
        state -> Text,
        charged -> BigInt,
        skipped -> BigInt,
        started_by -> BigInt,
        started_at -> Moment,
        finished_at -> Nullable<Moment>,
        version -> BigInt,
    }
}

diesel::table! {
    dues_lines (id) {
        id -> BigInt,
        run_id -> BigInt,
        member_id -> BigInt,
        plan_id -> BigInt,
        outcome -> Text,
        charge_id -> Nullable<BigInt>,
        amount -> Nullable<BigInt>,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    dues_charged (member_id, plan_id, period) {
        member_id -> BigInt,
        plan_id -> BigInt,
        period -> Text,
        charge_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Integer};
    use muster_kernel::sql::Moment;
    dues_reminders (charge_id, step) {
        charge_id -> BigInt,
        step -> Integer,
        sent_at -> Moment,
    }
}

diesel::allow_tables_to_appear_in_same_query!(dues_charged, dues_lines);
