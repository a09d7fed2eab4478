//! What other crates may join with: read, never written.

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Nullable, Text};
    /// Everybody, as far as other domains need to know.
    users (id) {
        /// The id; a member record has the same.
        id -> BigInt,
        /// The first name.
        first_name -> Text,
        /// The last name.
        last_name -> Text,
        /// The address, if there is one.
        email -> Nullable<Text>,
        /// Whether they can sign in.
        is_active -> Bool,
    }
}
