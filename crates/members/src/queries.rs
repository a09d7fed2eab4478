//! The SQL of members.

use diesel::{ExpressionMethods, JoinOnDsl, QueryDsl, RunQueryDsl};
use muster_auth::read::users;
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::{Timestamp, UserId};

use crate::Standing;
use crate::schema::members;

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
