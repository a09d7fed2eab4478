//! Going on with what somebody began, when they are no longer there to ask.

use muster_kernel::UserId;
use muster_kernel::audit::Origin;
use muster_kernel::db::{Conn, DbResult};

use crate::{Actor, Can, Permission, Roles, club, queries, second_factors};

/// The permission of whoever began a piece of work, for the job that goes on with it: none when they could not do it
/// themselves any more.
///
/// # Errors
/// When the database fails.
pub fn still_can<P: Permission>(conn: &mut Conn, user: UserId, origin: Origin) -> DbResult<Option<Can<P>>> {
    let Some((_, roles)) = queries::profile(conn, user)?.filter(|(user, _)| user.is_active) else {
        return Ok(None);
    };
    let withheld = if second_factors::is_on(conn, user)? {
        Roles::MEMBER
    } else {
        Roles::of(club::settings(conn)?.policies.require_totp_for)
    };
    Ok(Actor::new(user, roles, origin).withholding(withheld).can().ok())
}
