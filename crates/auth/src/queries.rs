//! The SQL of people.

use diesel::{
    ExpressionMethods, JoinOnDsl, NullableExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl,
};
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::{UserId, on};

use crate::models::{Credentials, User};
use crate::schema::{user_roles, users};
use crate::{Email, Role, Roles};

/// The columns of a [`User`], in its order.
macro_rules! shown {
    () => {
        (
            users::id,
            users::email,
            users::first_name,
            users::last_name,
            users::date_of_birth,
            users::is_active,
            users::email_verified_at,
            users::date_joined,
            users::version,
        )
    };
}

pub(crate) fn find(conn: &mut Conn, id: UserId) -> DbResult<Option<User>> {
    Ok(users::table.filter(users::id.eq(id)).select(shown!()).get_result(conn).optional()?)
}

pub(crate) fn roles(conn: &mut Conn, id: UserId) -> DbResult<Roles> {
    let roles: Vec<Role> =
        user_roles::table.filter(user_roles::user_id.eq(id)).select(user_roles::role).load(conn)?;
    Ok(Roles::of(roles))
}

/// Whether somebody may act, and as what: one statement, since every request asks it.
pub(crate) fn standing(conn: &mut Conn, id: UserId) -> DbResult<Option<(bool, Roles)>> {
    let rows: Vec<(bool, Option<Role>)> = users::table
        .left_join(user_roles::table.on(user_roles::user_id.eq(users::id)))
        .filter(users::id.eq(id))
        .select((users::is_active, user_roles::role.nullable()))
        .load(conn)?;
    let active = rows.first().map(|(active, _)| *active);
    Ok(active.map(|active| (active, Roles::of(rows.into_iter().filter_map(|(_, role)| role)))))
}

pub(crate) fn credentials(conn: &mut Conn, email: &Email) -> DbResult<Option<Credentials>> {
    Ok(users::table
        .filter(users::email.eq(email.as_str()))
        .select((users::id, users::password_hash, users::is_active))
        .get_result(conn)
        .optional()?)
}

pub(crate) struct NewUser<'a> {
    pub(crate) email: &'a Email,
    pub(crate) first_name: &'a str,
    pub(crate) last_name: &'a str,
    pub(crate) password_hash: &'a str,
    pub(crate) roles: Roles,
}

pub(crate) fn insert(tx: &mut Tx<'_>, user: &NewUser<'_>) -> DbResult<UserId> {
    let now = tx.now();
    let id: UserId = diesel::insert_into(users::table)
        .values((
            users::email.eq(user.email.as_str()),
            users::first_name.eq(user.first_name),
            users::last_name.eq(user.last_name),
            users::password_hash.eq(user.password_hash),
            users::is_active.eq(true),
            users::email_verified_at.eq(now),
            users::date_joined.eq(now),
            users::version.eq(1),
        ))
        .returning(users::id)
        .get_result(&mut **tx)?;
    let roles: Vec<_> =
        user.roles.iter().map(|role| (user_roles::user_id.eq(id), user_roles::role.eq(role))).collect();
    on!(*tx, c => diesel::insert_into(user_roles::table).values(&roles).execute(c))?;
    Ok(id)
}

/// People after this one, for an export.
pub(crate) fn after(conn: &mut Conn, id: i64, limit: i64) -> DbResult<Vec<User>> {
    Ok(users::table
        .filter(users::id.gt(UserId(id)))
        .order(users::id)
        .select(shown!())
        .limit(limit)
        .load(conn)?)
}

/// Roles of people after this one, for an export: whole people, so that the next call can go on after them.
pub(crate) fn roles_between(conn: &mut Conn, after: i64, limit: i64) -> DbResult<Vec<(UserId, Role)>> {
    let people = after_ids(conn, after, limit)?;
    Ok(user_roles::table
        .filter(user_roles::user_id.eq_any(people))
        .order((user_roles::user_id, user_roles::role))
        .select((user_roles::user_id, user_roles::role))
        .load(conn)?)
}

fn after_ids(conn: &mut Conn, id: i64, limit: i64) -> DbResult<Vec<UserId>> {
    Ok(users::table
        .filter(users::id.gt(UserId(id)))
        .order(users::id)
        .select(users::id)
        .limit(limit)
        .load(conn)?)
}

/// How many people who can sign in are admins.
pub(crate) fn active_admins(conn: &mut Conn) -> DbResult<i64> {
    Ok(user_roles::table
        .inner_join(users::table)
        .filter(user_roles::role.eq(Role::Admin))
        .filter(users::is_active.eq(true))
        .count()
        .get_result(conn)?)
}
