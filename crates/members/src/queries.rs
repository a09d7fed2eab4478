//! The SQL of a member's row.

use chrono::NaiveDate;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_auth::read::{user_words, users};
use muster_finance::read::standing as money;
use muster_kernel::UserId;
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::sql::Locked;

use crate::Standing;
use crate::schema::members;

muster_kernel::join_across!(users, members);
muster_kernel::join_across!(user_words, members);
muster_kernel::join_across!(money, members);

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

/// Where a membership stands, and the version of its record; nobody else moves it until the transaction ends.
pub(crate) fn lock(tx: &mut Tx<'_>, id: UserId) -> DbResult<Option<(Standing, i64)>> {
    let row = members::table.filter(members::id.eq(id)).select((members::status, members::version));
    Ok(Locked(row).get_result(&mut **tx).optional()?)
}

pub(crate) fn is_member(conn: &mut Conn, id: UserId) -> DbResult<bool> {
    Ok(standing(conn, id)?.is_some())
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

pub(crate) fn set_active_since(tx: &mut Tx<'_>, user: UserId, day: NaiveDate) -> DbResult<()> {
    diesel::update(members::table.filter(members::id.eq(user)))
        .set(members::active_since.eq(day))
        .execute(&mut **tx)?;
    Ok(())
}
