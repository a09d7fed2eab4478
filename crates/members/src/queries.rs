//! The SQL of members.

use diesel::{ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_auth::read::users;
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::{Timestamp, UserId};

use crate::schema::members;
use crate::{Member, Standing};

muster_kernel::join_across!(users, members);

pub(crate) fn insert(tx: &mut Tx<'_>, user: UserId, standing: Standing) -> DbResult<()> {
    let now = tx.now();
    diesel::insert_into(members::table)
        .values((
            members::id.eq(user),
            members::status.eq(standing),
            members::status_since.eq(now),
            members::version.eq(1),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// A member's record, with what auth says of the person.
pub(crate) fn find(conn: &mut Conn, id: UserId) -> DbResult<Option<Member>> {
    Ok(members::table
        .inner_join(users::table.on(members::id.eq(users::id)))
        .filter(members::id.eq(id))
        .select((
            members::id,
            members::version,
            users::first_name,
            users::last_name,
            users::email,
            members::status,
            members::status_since,
        ))
        .get_result(conn)
        .optional()?)
}

pub(crate) fn standing(conn: &mut Conn, user: UserId) -> DbResult<Option<Standing>> {
    Ok(members::table.filter(members::id.eq(user)).select(members::status).get_result(conn).optional()?)
}

pub(crate) fn set_standing(tx: &mut Tx<'_>, user: UserId, standing: Standing) -> DbResult<()> {
    let now = tx.now();
    diesel::update(members::table.filter(members::id.eq(user)))
        .set((
            members::status.eq(standing),
            members::status_since.eq(now),
            members::version.eq(members::version + 1),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

pub(crate) fn after(conn: &mut Conn, id: i64, limit: i64) -> DbResult<Vec<(UserId, Standing, Timestamp)>> {
    Ok(members::table
        .filter(members::id.gt(UserId(id)))
        .order(members::id)
        .select((members::id, members::status, members::status_since))
        .limit(limit)
        .load(conn)?)
}

/// Users without a member record. The foreign key rules out the opposite.
pub(crate) fn users_without_record(conn: &mut Conn) -> DbResult<Vec<i64>> {
    Ok(users::table
        .left_join(members::table.on(members::id.eq(users::id)))
        .filter(members::id.is_null())
        .order(users::id)
        .select(users::id)
        .limit(20)
        .load(conn)?)
}
