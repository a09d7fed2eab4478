//! The SQL of people.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use diesel::{
    ExpressionMethods, JoinOnDsl, NullableExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl,
};
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::sql::Locked;
use muster_kernel::{UserId, on};

use crate::models::{Credentials, User};
use crate::schema::{user_roles, user_words, users};
use crate::{Email, Role, Roles, names};

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
            users::language,
            users::show_presence,
        )
    };
}
pub(crate) use shown;

pub(crate) fn find(conn: &mut Conn, id: UserId) -> DbResult<Option<User>> {
    Ok(users::table.filter(users::id.eq(id)).select(shown!()).get_result(conn).optional()?)
}

/// Somebody with their roles.
pub(crate) fn profile(conn: &mut Conn, id: UserId) -> DbResult<Option<(User, Roles)>> {
    let rows: Vec<(User, Option<Role>)> = users::table
        .left_join(user_roles::table.on(user_roles::user_id.eq(users::id)))
        .filter(users::id.eq(id))
        .select((shown!(), user_roles::role.nullable()))
        .load(conn)?;
    let mut roles = Roles::MEMBER;
    let mut user = None;
    for (row, role) in rows {
        roles = roles.and(Roles::of(role));
        user = Some(row);
    }
    Ok(user.map(|user| (user, roles)))
}

/// The columns of [`Credentials`], in its order.
macro_rules! credentials {
    () => {
        (
            users::id,
            users::email,
            users::password_hash,
            users::is_active,
            users::email_verified_at,
            users::self_registered,
            users::last_sign_in_at,
        )
    };
}

pub(crate) fn credentials(conn: &mut Conn, email: &Email) -> DbResult<Option<Credentials>> {
    let query = users::table.filter(users::email.eq(email.as_str())).select(credentials!());
    Ok(query.get_result(conn).optional()?)
}

pub(crate) fn credentials_of(conn: &mut Conn, id: UserId) -> DbResult<Option<Credentials>> {
    Ok(users::table.filter(users::id.eq(id)).select(credentials!()).get_result(conn).optional()?)
}

pub(crate) fn lock_by_email(tx: &mut Tx<'_>, email: &Email) -> DbResult<Option<Credentials>> {
    let query = users::table.filter(users::email.eq(email.as_str())).select(credentials!());
    Ok(Locked(query).get_result(&mut **tx).optional()?)
}

pub(crate) fn lock_credentials(tx: &mut Tx<'_>, id: UserId) -> DbResult<Option<Credentials>> {
    let query = users::table.filter(users::id.eq(id)).select(credentials!());
    Ok(Locked(query).get_result(&mut **tx).optional()?)
}

/// A person to be written.
pub(crate) struct NewUser<'a> {
    pub(crate) email: Option<&'a Email>,
    pub(crate) first_name: &'a str,
    pub(crate) last_name: &'a str,
    pub(crate) date_of_birth: Option<NaiveDate>,
    pub(crate) password_hash: Option<&'a str>,
    pub(crate) email_verified: bool,
    pub(crate) self_registered: bool,
    pub(crate) roles: Roles,
}

pub(crate) fn insert(tx: &mut Tx<'_>, user: &NewUser<'_>) -> DbResult<UserId> {
    let now = tx.now();
    let id: UserId = diesel::insert_into(users::table)
        .values((
            users::email.eq(user.email.map(Email::as_str)),
            users::first_name.eq(user.first_name),
            users::last_name.eq(user.last_name),
            users::name_key.eq(names::key(user.first_name, user.last_name)),
            users::date_of_birth.eq(user.date_of_birth),
            users::password_hash.eq(user.password_hash),
            users::is_active.eq(true),
            users::email_verified_at.eq(user.email_verified.then_some(now)),
            users::self_registered.eq(user.self_registered),
            users::date_joined.eq(now),
            users::version.eq(1),
        ))
        .returning(users::id)
        .get_result(&mut **tx)?;
    insert_roles(tx, id, user.roles, &names::key(user.first_name, user.last_name))?;
    index_words(tx, id, names::words(user.first_name, user.last_name, user.email.map(Email::as_str)))?;
    Ok(id)
}

/// Puts a registration in the place of one that was never used.
pub(crate) fn replace(tx: &mut Tx<'_>, id: UserId, user: &NewUser<'_>) -> DbResult<()> {
    let now = tx.now();
    diesel::update(users::table.filter(users::id.eq(id)))
        .set((
            users::first_name.eq(user.first_name),
            users::last_name.eq(user.last_name),
            users::name_key.eq(names::key(user.first_name, user.last_name)),
            users::date_of_birth.eq(user.date_of_birth),
            users::password_hash.eq(user.password_hash),
            users::date_joined.eq(now),
            users::version.eq(users::version + 1),
        ))
        .execute(&mut **tx)?;
    sort_roles(tx, id, &names::key(user.first_name, user.last_name))?;
    index_words(tx, id, names::words(user.first_name, user.last_name, user.email.map(Email::as_str)))
}

/// Gives somebody these roles and no others.
pub(crate) fn replace_roles(tx: &mut Tx<'_>, id: UserId, roles: Roles, name_key: &str) -> DbResult<()> {
    diesel::delete(user_roles::table.filter(user_roles::user_id.eq(id))).execute(&mut **tx)?;
    insert_roles(tx, id, roles, name_key)
}

/// Writes somebody's roles, beside the name they are sorted by.
fn insert_roles(tx: &mut Tx<'_>, id: UserId, roles: Roles, name_key: &str) -> DbResult<()> {
    let row =
        |role| (user_roles::user_id.eq(id), user_roles::role.eq(role), user_roles::name_key.eq(name_key));
    let rows: Vec<_> = roles.iter().map(row).collect();
    on!(*tx, c => diesel::insert_into(user_roles::table).values(&rows).execute(c))?;
    Ok(())
}

/// Has somebody's roles be sorted by this name.
pub(crate) fn sort_roles(tx: &mut Tx<'_>, id: UserId, name_key: &str) -> DbResult<()> {
    diesel::update(user_roles::table.filter(user_roles::user_id.eq(id)))
        .set(user_roles::name_key.eq(name_key))
        .execute(&mut **tx)?;
    Ok(())
}

/// Has somebody be found by these words and no others.
pub(crate) fn index_words(tx: &mut Tx<'_>, id: UserId, words: BTreeSet<String>) -> DbResult<()> {
    diesel::delete(user_words::table.filter(user_words::user_id.eq(id))).execute(&mut **tx)?;
    let rows: Vec<_> =
        words.into_iter().map(|word| (user_words::word.eq(word), user_words::user_id.eq(id))).collect();
    on!(*tx, c => diesel::insert_into(user_words::table).values(&rows).execute(c))?;
    Ok(())
}

/// Keeps the hash of a password. It is nothing that a client sees, so the version stays.
pub(crate) fn set_password(tx: &mut Tx<'_>, id: UserId, hash: &str) -> DbResult<()> {
    diesel::update(users::table.filter(users::id.eq(id)))
        .set(users::password_hash.eq(hash))
        .execute(&mut **tx)?;
    Ok(())
}

/// Notes that somebody signed in.
pub(crate) fn signed_in(tx: &mut Tx<'_>, id: UserId) -> DbResult<()> {
    let now = tx.now();
    diesel::update(users::table.filter(users::id.eq(id)))
        .set(users::last_sign_in_at.eq(now))
        .execute(&mut **tx)?;
    Ok(())
}

/// Notes that an address is theirs.
pub(crate) fn verified(tx: &mut Tx<'_>, id: UserId) -> DbResult<()> {
    let now = tx.now();
    diesel::update(users::table.filter(users::id.eq(id)))
        .set((users::email_verified_at.eq(now), users::version.eq(users::version + 1)))
        .execute(&mut **tx)?;
    Ok(())
}

/// Gives somebody an address.
pub(crate) fn set_email(tx: &mut Tx<'_>, id: UserId, email: &Email, verified: bool) -> DbResult<()> {
    let now = tx.now();
    let (first_name, last_name): (String, String) = diesel::update(users::table.filter(users::id.eq(id)))
        .set((
            users::email.eq(email.as_str()),
            users::email_verified_at.eq(verified.then_some(now)),
            users::version.eq(users::version + 1),
        ))
        .returning((users::first_name, users::last_name))
        .get_result(&mut **tx)?;
    index_words(tx, id, names::words(&first_name, &last_name, Some(email.as_str())))
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

/// True while there is nobody.
pub(crate) fn nobody(conn: &mut Conn) -> DbResult<bool> {
    let first: Option<UserId> = users::table.select(users::id).first(conn).optional()?;
    Ok(first.is_none())
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
