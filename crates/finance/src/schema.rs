//! The tables of this crate.

diesel::table! {
    use diesel::sql_types::{BigInt, Date};
    account_days (day, account_id) {
        day -> Date,
        account_id -> BigInt,
        amount -> BigInt,
    }
}

diesel::table! {
    accounts (id) {
        id -> BigInt,
        account -> Text,
        name -> Text,
        #[sql_name = "type"]
        kind -> Text,
        is_category -> Bool,
    }
}

diesel::table! {
    books (id) {
        id -> BigInt,
        closed_through -> Nullable<Date>,
        summed_through -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Date, Nullable, Text};
    use muster_kernel::sql::Moment;
    entries (id) {
        id -> BigInt,
        kind -> Text,
        date -> Date,
        made_by -> Nullable<BigInt>,
        made_at -> Moment,
        reverses -> Nullable<BigInt>,
        sealed -> Bool,
    }
}

diesel::table! {
    postings (id) {
        id -> BigInt,
        entry_id -> BigInt,
        account_id -> BigInt,
        amount -> BigInt,
        date -> Date,
        member_id -> Nullable<BigInt>,
        coach_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    entry_notes (entry_id) {
        entry_id -> BigInt,
        text -> Nullable<Text>,
        reference -> Nullable<Text>,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    charges (id) {
        id -> BigInt,
        entry_id -> BigInt,
        member_id -> BigInt,
        kind -> Text,
        account_id -> BigInt,
        amount -> BigInt,
        date -> Date,
        due_on -> Date,
        open -> BigInt,
        is_open -> Bool,
        is_reversed -> Bool,
    }
}

diesel::table! {
    credits (id) {
        id -> BigInt,
        entry_id -> BigInt,
        member_id -> BigInt,
        kind -> Text,
        account_id -> BigInt,
        amount -> BigInt,
        date -> Date,
        rest -> BigInt,
        has_rest -> Bool,
        is_reversed -> Bool,
    }
}

diesel::table! {
    allocations (charge_id, credit_id) {
        charge_id -> BigInt,
        credit_id -> BigInt,
        amount -> BigInt,
    }
}

diesel::table! {
    standing (member_id) {
        member_id -> BigInt,
        balance -> BigInt,
        oldest_due_on -> Nullable<Date>,
        grace_days -> Integer,
        overdue_from -> Nullable<Date>,
        prepaid_fees -> Integer,
        prepaid_reserved -> Integer,
        status -> Nullable<Text>,
        plan_id -> Nullable<BigInt>,
        name_key -> Text,
        attendance_count -> Integer,
        is_late -> Bool,
    }
}

diesel::table! {
    prepaid_lots (id) {
        id -> BigInt,
        entry_id -> BigInt,
        member_id -> BigInt,
        account_id -> BigInt,
        count -> Integer,
        amount -> BigInt,
        date -> Date,
        expires_on -> Nullable<Date>,
        used -> Integer,
        reserved -> Integer,
        lapsed -> Integer,
        released -> BigInt,
        is_live -> Bool,
    }
}

diesel::table! {
    prepaid_moves (id) {
        id -> BigInt,
        lot_id -> BigInt,
        entry_id -> BigInt,
        date -> Date,
        fees -> Integer,
        amount -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use muster_kernel::sql::Moment;
    closed_periods (period) {
        period -> Text,
        closed_at -> Moment,
        closed_by -> BigInt,
    }
}

diesel::table! {
    period_balances (period, account_id) {
        period -> Text,
        account_id -> BigInt,
        balance -> BigInt,
    }
}

diesel::table! {
    bills (id) {
        id -> BigInt,
        entry_id -> BigInt,
        payee -> Text,
        text -> Text,
        amount -> BigInt,
        open -> BigInt,
        is_open -> Bool,
        account_id -> BigInt,
        date -> Date,
        due_on -> Date,
        repeat -> Nullable<Text>,
        next_on -> Nullable<Date>,
        repeats -> Nullable<BigInt>,
        stands_for -> Nullable<Date>,
        is_reversed -> Bool,
        version -> BigInt,
    }
}

diesel::table! {
    bill_payments (id) {
        id -> BigInt,
        bill_id -> BigInt,
        entry_id -> BigInt,
        account_id -> BigInt,
        amount -> BigInt,
        date -> Date,
        is_reversed -> Bool,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    accounts,
    allocations,
    bill_payments,
    bills,
    charges,
    credits,
    entries,
    entry_notes,
    postings,
    prepaid_lots,
    prepaid_moves,
);

diesel::allow_columns_to_appear_in_same_group_by_clause!(accounts::id, postings::date);
