//! What whoever plans a class has to know of a coach.

use diesel::{ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_auth::Role;
use muster_auth::read::{user_roles, users};
use muster_kernel::db::{Conn, DbResult};
use muster_kernel::{Fields, UserId};

use crate::read::coaches;

/// Makes sure that somebody can be the coach of a class: they have the role, and their account is not closed. Otherwise
/// it is a fault of the field.
///
/// # Errors
/// When the database fails.
pub fn check_coach(conn: &mut Conn, pointer: &str, coach: UserId, fields: &mut Fields) -> DbResult<()> {
    match is_active(conn, coach)? {
        Some(true) => {}
        Some(false) => fields.wrong(pointer, "inactive", "The account of this coach is closed."),
        None => fields.wrong(pointer, "not_a_coach", "This person has not the role of a coach."),
    }
    Ok(())
}

/// Whether somebody with the role can sign in; none without the role.
pub(crate) fn is_active(conn: &mut Conn, coach: UserId) -> DbResult<Option<bool>> {
    Ok(user_roles::table
        .inner_join(users::table.on(users::id.eq(user_roles::user_id)))
        .filter(user_roles::user_id.eq(coach))
        .filter(user_roles::role.eq(Role::Coach))
        .select(users::is_active)
        .get_result(conn)
        .optional()?)
}

/// The name that members see: the public one, else the first and the last.
pub fn shown_name(public_name: Option<&str>, first_name: &str, last_name: &str) -> String {
    match public_name {
        Some(name) => name.to_owned(),
        None => format!("{first_name} {last_name}").trim().to_owned(),
    }
}

/// Whether somebody is or was a coach.
///
/// # Errors
/// When the database fails.
pub fn exists(conn: &mut Conn, coach: UserId) -> DbResult<bool> {
    let id: Option<UserId> =
        coaches::table.filter(coaches::id.eq(coach)).select(coaches::id).get_result(conn).optional()?;
    Ok(id.is_some())
}
