//! The tables of this crate.

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use muster_kernel::sql::Document;
    coaches (id) {
        id -> BigInt,
        version -> BigInt,
        is_coach -> Bool,
        is_listed -> Bool,
        has_profile -> Bool,
        name_key -> Text,
        public_name -> Nullable<Text>,
        bio -> Nullable<Text>,
        specialities -> Document,
        payment_balance -> BigInt,
        last_payment_balance -> BigInt,
        classes_taught_total -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::BigInt;
    use muster_kernel::sql::Document;
    coach_availability (coach_id) {
        coach_id -> BigInt,
        says -> Document,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Date, Integer, Nullable};
    use muster_kernel::sql::Moment;
    coach_terms (id) {
        id -> BigInt,
        coach_id -> BigInt,
        starts_on -> Date,
        per_class -> BigInt,
        per_head -> BigInt,
        heads_above -> Integer,
        minimum -> Nullable<BigInt>,
        maximum -> Nullable<BigInt>,
        made_by -> BigInt,
        made_at -> Moment,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Date, Integer, Nullable};
    use muster_kernel::sql::Moment;
    coach_accruals (id) {
        id -> BigInt,
        coach_id -> BigInt,
        class_id -> BigInt,
        class_at -> Moment,
        date -> Date,
        terms_id -> Nullable<BigInt>,
        heads -> Integer,
        pay -> BigInt,
        amount -> BigInt,
        adjusts -> Nullable<BigInt>,
        entry_id -> Nullable<BigInt>,
        payout_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    coach_payouts (id) {
        id -> BigInt,
        coach_id -> BigInt,
        entry_id -> BigInt,
        run_id -> Nullable<BigInt>,
        amount -> BigInt,
        method -> Text,
        date -> Date,
        brought_forward -> BigInt,
        items_total -> BigInt,
        carried_forward -> BigInt,
        is_reversed -> Bool,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Date, Nullable, Text};
    use muster_kernel::sql::Moment;
    payroll_runs (id) {
        id -> BigInt,
        through -> Date,
        method -> Text,
        state -> Text,
        paid -> BigInt,
        skipped -> BigInt,
        amount -> BigInt,
        started_by -> BigInt,
        started_at -> Moment,
        finished_at -> Nullable<Moment>,
        version -> BigInt,
    }
}

diesel::table! {
    payroll_lines (id) {
        id -> BigInt,
        run_id -> BigInt,
        coach_id -> BigInt,
        outcome -> Text,
        payout_id -> Nullable<BigInt>,
        reason -> Nullable<Text>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    coach_accruals,
    coach_payouts,
    coach_terms,
    coaches,
    payroll_lines,
    payroll_runs,
);
