//! What other crates may join with: read, never written.

use muster_auth::read::users;
use muster_finance::read::standing;

muster_kernel::join_across!(users, members);
muster_kernel::join_across!(standing, members);

diesel::table! {
    /// Every member's record, as far as other domains need to know.
    members (id) {
        /// The member: the same id as the user's.
        id -> BigInt,
        /// Where the membership stands.
        status -> Text,
    }
}
