//! What other crates may join with: read, never written.

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Date, Nullable, Text};
    use muster_kernel::sql::Moment;
    /// Everybody, as far as other domains need to know.
    users (id) {
        /// The id; a member record has the same.
        id -> BigInt,
        /// The first name.
        first_name -> Text,
        /// The last name.
        last_name -> Text,
        /// By what people are sorted: last name first, without regard to capitals.
        name_key -> Text,
        /// The address, if there is one.
        email -> Nullable<Text>,
        /// The birth date, if it is known.
        date_of_birth -> Nullable<Date>,
        /// Whether others may see that they are there.
        show_presence -> Bool,
        /// Whether they can sign in.
        is_active -> Bool,
        /// Since when there is an account.
        date_joined -> Moment,
        /// When they were erased, if they were.
        erased_at -> Nullable<Moment>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    /// By which words people are found: see [`Words`](crate::people::Words).
    user_words (word, user_id) {
        /// A word of a name, or the whole address.
        word -> Text,
        /// Whose it is.
        user_id -> BigInt,
    }
}

diesel::table! {
    /// Who is what in the club.
    user_roles (user_id, role) {
        /// Who.
        user_id -> BigInt,
        /// The word of a [`Role`](crate::Role).
        role -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(users, user_roles, user_words);
