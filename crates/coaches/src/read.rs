//! What other crates may join with: read, never written.

use muster_auth::read::users;

muster_kernel::join_across!(users, coaches);

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Nullable, Text};
    /// Whoever is or was a coach, with the id of the user; see [`shown_name`](crate::shown_name).
    coaches (id) {
        /// The id of the user.
        id -> BigInt,
        /// Whether they have the role now.
        is_coach -> Bool,
        /// What they are called where coaches are shown, if not by their name.
        public_name -> Nullable<Text>,
    }
}
