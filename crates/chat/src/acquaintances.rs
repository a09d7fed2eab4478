//! Whom somebody knows well enough to be told whether they are there: those they share a direct room with.

use diesel::{ExpressionMethods, JoinOnDsl, QueryDsl, RunQueryDsl};
use muster_auth::read::users;
use muster_kernel::UserId;
use muster_kernel::db::{Conn, DbResult};
use muster_kernel::sql::among;

use crate::room::{RoomId, RoomKind};
use crate::schema::{room_members, rooms};

/// Somebody, and whom they know.
pub(crate) struct Acquaintances {
    /// Others may see that they are there.
    pub(crate) shows_presence: bool,
    /// Each of the others, and whether that one may be seen.
    pub(crate) others: Vec<(UserId, bool)>,
}

impl Acquaintances {
    /// Who they are.
    pub(crate) fn user_ids(&self) -> Vec<UserId> {
        self.others.iter().map(|(user, _)| *user).collect()
    }
}

/// Whom somebody knows.
pub(crate) fn of(conn: &mut Conn, user: UserId) -> DbResult<Acquaintances> {
    let shows_presence = users::table.find(user).select(users::show_presence).get_result(conn)?;
    let direct: Vec<RoomId> = room_members::table
        .inner_join(rooms::table.on(rooms::id.eq(room_members::room_id)))
        .filter(room_members::user_id.eq(user))
        .filter(rooms::kind.eq(RoomKind::Direct))
        .select(room_members::room_id)
        .load(conn)?;
    if direct.is_empty() {
        return Ok(Acquaintances { shows_presence, others: Vec::new() });
    }
    let others = room_members::table
        .inner_join(users::table.on(users::id.eq(room_members::user_id)))
        .filter(among(room_members::room_id, direct))
        .filter(users::id.ne(user))
        .distinct()
        .select((users::id, users::show_presence))
        .load(conn)?;
    Ok(Acquaintances { shows_presence, others })
}
