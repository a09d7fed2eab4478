//! What other crates may join with: read, never written.

use muster_auth::read::{user_words, users};

muster_kernel::join_across!(users, standing);
muster_kernel::join_across!(user_words, standing);

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Date, Text};
    /// What members owe, item by item, kept by this crate alone.
    charges (id) {
        /// Its number.
        id -> BigInt,
        /// Who owes it.
        member_id -> BigInt,
        /// `charge`, or `refund` for what was paid back.
        kind -> Text,
        /// How much it was.
        amount -> BigInt,
        /// When it is due, or was.
        due_on -> Date,
        /// How much of it is open.
        open -> BigInt,
        /// Whether anything of it is.
        is_open -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Date, Integer, Nullable, Text};
    /// Where every member stands with the club: one row each, kept by this crate alone.
    standing (member_id) {
        /// The member.
        member_id -> BigInt,
        /// What they owe; below zero is credit.
        balance -> BigInt,
        /// When the oldest of what they owe was due.
        oldest_due_on -> Nullable<Date>,
        /// The first day on which something is overdue; from this day on they are.
        overdue_from -> Nullable<Date>,
        /// Class fees paid in advance and not used yet, those reserved for bookings among them.
        prepaid_fees -> Integer,
        /// Those of them that are reserved.
        prepaid_reserved -> Integer,
        /// Where the membership stands, as members says it; none for who is on no list. It and the next three are here so
        /// that members are listed from one table.
        status -> Nullable<Text>,
        /// The plan they pay by, as members says it.
        plan_id -> Nullable<BigInt>,
        /// What they are sorted by, as members says it.
        name_key -> Text,
        /// How often they attended, as members says it.
        attendance_count -> Integer,
        /// Whether `overdue_from` has come, as far as the change of the day has been seen.
        is_late -> Bool,
        /// `exempt`, `paid`, `due` or `overdue`, made by the database of what they owe, the plan and `is_late`.
        payment_status -> Text,
    }
}
