//! The SQL of the club's people.

use diesel::dsl::{exists, not};
use diesel::{BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_kernel::audit::{self, Event, Origin};
use muster_kernel::db::{Conn, DbResult, MultiBackend, Tx};
use muster_kernel::sql::Locked;
use muster_kernel::{Timestamp, UserId};

use super::{Order, Words};
use crate::models::User;
use crate::queries::{replace_roles, shown, sort_roles};
use crate::schema::{user_roles, user_words, users};
use crate::{Role, Roles, names};

/// When a condition leaves so many people or fewer, a search begins with those.
const FEW: usize = 500;

/// Nobody else changes this person until the transaction ends. Tells when they were erased, if they were.
pub(super) fn lock(tx: &mut Tx<'_>, id: UserId) -> DbResult<Option<Option<Timestamp>>> {
    let row = users::table.filter(users::id.eq(id)).select(users::erased_at);
    Ok(Locked(row).get_result(&mut **tx).optional()?)
}

pub(super) fn is_known(conn: &mut Conn, id: UserId) -> DbResult<bool> {
    let found: Option<UserId> =
        users::table.filter(users::id.eq(id)).select(users::id).get_result(conn).optional()?;
    Ok(found.is_some())
}

pub(super) fn update(tx: &mut Tx<'_>, user: &User) -> DbResult<()> {
    let name_key = names::key(&user.first_name, &user.last_name);
    diesel::update(users::table.filter(users::id.eq(user.id)))
        .set((
            users::first_name.eq(&user.first_name),
            users::last_name.eq(&user.last_name),
            users::name_key.eq(&name_key),
            users::date_of_birth.eq(user.date_of_birth),
            users::language.eq(&user.language),
            users::show_presence.eq(user.show_presence),
            users::version.eq(users::version + 1),
        ))
        .execute(&mut **tx)?;
    sort_roles(tx, user.id, &name_key)
}

pub(super) fn set_roles(tx: &mut Tx<'_>, id: UserId, roles: Roles) -> DbResult<()> {
    let name_key: String = diesel::update(users::table.filter(users::id.eq(id)))
        .set(users::version.eq(users::version + 1))
        .returning(users::name_key)
        .get_result(&mut **tx)?;
    replace_roles(tx, id, roles, &name_key)
}

pub(super) fn set_active(tx: &mut Tx<'_>, id: UserId, active: bool) -> DbResult<()> {
    diesel::update(users::table.filter(users::id.eq(id)))
        .set((users::is_active.eq(active), users::version.eq(users::version + 1)))
        .execute(&mut **tx)?;
    Ok(())
}

/// Records what happened to somebody, and why.
pub(crate) fn record_why(
    tx: &mut Tx<'_>,
    origin: &Origin,
    action: &str,
    id: UserId,
    reason: Option<&str>,
) -> DbResult<()> {
    audit::append(tx, origin, Event { action, object_type: "user", object_id: id.0, reason })
}

type Users<'a> = users::BoxedQuery<'a, MultiBackend>;

/// People in the order of names or of joining, with their name's key.
pub(super) fn list(
    conn: &mut Conn,
    role: Option<Role>,
    is_active: Option<bool>,
    order: &Order,
    after: Option<&(String, i64)>,
    limit: i64,
) -> DbResult<Vec<(String, User)>> {
    match role {
        Some(role) => list_with_role(conn, role, is_active, order, after, limit),
        None => list_all(conn, is_active, order, after, limit),
    }
}

/// Orders a query and has it begin after the last row of the page before. The same for the keys in two tables.
macro_rules! in_order {
    ($query:expr, $order:expr, $after:expr, $name:expr, $id:expr) => {{
        let mut query = $query;
        if let Some((name, id)) = $after {
            let (name, id) = (name.clone(), UserId(*id));
            query = match $order {
                Order::Name => query.filter($name.ge(name.clone()).and($name.gt(name).or($id.gt(id)))),
                Order::NameDescending => {
                    query.filter($name.le(name.clone()).and($name.lt(name).or($id.lt(id))))
                }
                Order::Joined => query.filter($id.gt(id)),
                Order::JoinedDescending => query.filter($id.lt(id)),
            };
        }
        match $order {
            Order::Name => query.order(($name.asc(), $id.asc())),
            Order::NameDescending => query.order(($name.desc(), $id.desc())),
            Order::Joined => query.order($id.asc()),
            Order::JoinedDescending => query.order($id.desc()),
        }
    }};
}

fn list_all(
    conn: &mut Conn,
    is_active: Option<bool>,
    order: &Order,
    after: Option<&(String, i64)>,
    limit: i64,
) -> DbResult<Vec<(String, User)>> {
    let mut query: Users<'_> = users::table.filter(users::erased_at.is_null()).into_boxed();
    if let Some(active) = is_active {
        query = query.filter(users::is_active.eq(active));
    }
    let query = in_order!(query, order, after, users::name_key, users::id);
    Ok(query.limit(limit).select((users::name_key, shown!())).load(conn)?)
}

fn list_with_role(
    conn: &mut Conn,
    role: Role,
    is_active: Option<bool>,
    order: &Order,
    after: Option<&(String, i64)>,
    limit: i64,
) -> DbResult<Vec<(String, User)>> {
    let mut query = user_roles::table.inner_join(users::table).into_boxed::<MultiBackend>();
    query = query.filter(user_roles::role.eq(role)).filter(users::erased_at.is_null());
    if let Some(active) = is_active {
        // So that no engine takes it for the way in: nearly everybody is active.
        query = query.filter(not(users::is_active.ne(active)));
    }
    let query = in_order!(query, order, after, user_roles::name_key, user_roles::user_id);
    Ok(query.limit(limit).select((user_roles::name_key, shown!())).load(conn)?)
}

/// Those among whom everybody is who meets these conditions, if one of them leaves few. Else a search for a frequent
/// name and a rare one would try everybody who bears the frequent one, which comes first.
fn few(conn: &mut Conn, others: &[String], role: Option<Role>) -> DbResult<Option<Vec<UserId>>> {
    let limit = i64::try_from(FEW + 1).unwrap_or(i64::MAX);
    let are_few = |ids: &Vec<UserId>| ids.len() <= FEW;
    if let Some(role) = role {
        let query = user_roles::table.filter(user_roles::role.eq(role)).select(user_roles::user_id);
        if let Some(ids) = Some(query.limit(limit).load(conn)?).filter(are_few) {
            return Ok(Some(ids));
        }
    }
    for word in others {
        let found =
            user_words::table.filter(user_words::word.ge(word)).filter(user_words::word.lt(Words::end(word)));
        let query = found.select(user_words::user_id);
        if let Some(ids) = Some(query.limit(limit).load(conn)?).filter(are_few) {
            return Ok(Some(ids));
        }
    }
    Ok(None)
}

/// Those found by a word and by all the others, in the order of the word; somebody with two such words once.
macro_rules! found {
    ($first:expr, $others:expr, $role:expr, $is_active:expr, $few:expr) => {{
        let (own, other) = diesel::alias!(user_words as own_word, user_words as other_word);
        let mut query = user_words::table
            .inner_join(users::table)
            .filter(user_words::word.ge($first.to_owned()))
            .filter(user_words::word.lt(Words::end($first)))
            .filter(not(exists(
                own.filter(own.field(user_words::user_id).eq(user_words::user_id))
                    .filter(own.field(user_words::word).ge($first.to_owned()))
                    .filter(own.field(user_words::word).lt(user_words::word)),
            )))
            .into_boxed::<MultiBackend>();
        for word in $others {
            query = query.filter(exists(
                other
                    .filter(other.field(user_words::user_id).eq(user_words::user_id))
                    .filter(other.field(user_words::word).ge(word.clone()))
                    .filter(other.field(user_words::word).lt(Words::end(word))),
            ));
        }
        if let Some(role) = $role {
            query = query.filter(exists(
                user_roles::table
                    .filter(user_roles::user_id.eq(user_words::user_id))
                    .filter(user_roles::role.eq(role)),
            ));
        }
        if let Some(active) = $is_active {
            // So that no engine takes it for the way in: nearly everybody is active.
            query = query.filter(not(users::is_active.ne(active)));
        }
        if let Some(few) = $few {
            query = query.filter(user_words::user_id.eq_any(few));
        }
        query
    }};
}

pub(super) fn search(
    conn: &mut Conn,
    first: &str,
    others: &[String],
    role: Option<Role>,
    is_active: Option<bool>,
    after: Option<&(String, i64)>,
    limit: i64,
) -> DbResult<Vec<(String, User)>> {
    let few = few(conn, others, role)?;
    if few.as_ref().is_some_and(Vec::is_empty) {
        return Ok(Vec::new());
    }
    let mut query = found!(first, others, role, is_active, few);
    if let Some((word, id)) = after {
        let (word, id) = (word.clone(), UserId(*id));
        query = query.filter(
            user_words::word.ge(word.clone()).and(user_words::word.gt(word).or(user_words::user_id.gt(id))),
        );
    }
    Ok(query
        .order((user_words::word, user_words::user_id))
        .limit(limit)
        .select((user_words::word, shown!()))
        .load(conn)?)
}

pub(super) fn count_found(
    conn: &mut Conn,
    first: &str,
    others: &[String],
    role: Option<Role>,
    is_active: Option<bool>,
) -> DbResult<i64> {
    let few = few(conn, others, role)?;
    if few.as_ref().is_some_and(Vec::is_empty) {
        return Ok(0);
    }
    Ok(found!(first, others, role, is_active, few).count().get_result(conn)?)
}

pub(super) fn count(conn: &mut Conn, role: Option<Role>, is_active: Option<bool>) -> DbResult<i64> {
    let mut query: Users<'_> = users::table.filter(users::erased_at.is_null()).into_boxed();
    if let Some(active) = is_active {
        query = query.filter(users::is_active.eq(active));
    }
    if let Some(role) = role {
        let with_role = user_roles::table.filter(user_roles::role.eq(role)).select(user_roles::user_id);
        query = query.filter(users::id.eq_any(with_role));
    }
    Ok(query.count().get_result(conn)?)
}

/// The roles of several people, in one statement.
pub(super) fn roles_of(conn: &mut Conn, ids: &[UserId]) -> DbResult<Vec<(UserId, Role)>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(user_roles::table
        .filter(user_roles::user_id.eq_any(ids.to_vec()))
        .select((user_roles::user_id, user_roles::role))
        .load(conn)?)
}
