//! What the books keep for the list of members of what this crate knows of them.

use std::collections::BTreeSet;

use diesel::{ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_auth::read::users;
use muster_finance::read::standing;
use muster_finance::{Listing, set_listing};
use muster_kernel::UserId;
use muster_kernel::db::{Conn, DbResult, Tx};

use crate::Standing;
use crate::schema::members;

/// Everybody who is on a list.
macro_rules! rows {
    () => {
        members::table
            .inner_join(users::table.on(users::id.eq(members::id)))
            .filter(users::erased_at.is_null())
            .select((
                members::id,
                (members::status, members::plan_id, members::attendance_count),
                users::name_key,
            ))
    };
}

/// Has somebody be listed as they are now, in the transaction that changed it. Whoever was erased is on no list.
pub(crate) fn keep(tx: &mut Tx<'_>, member: UserId) -> DbResult<()> {
    let listed: Option<Row> = rows!().filter(members::id.eq(member)).get_result(&mut **tx).optional()?;
    set_listing(tx, member, listed.map(listing).as_ref())
}

type Row = (UserId, (Standing, Option<i64>, i32), String);

fn listing((_, (status, plan_id, attendance_count), name_key): Row) -> Listing {
    Listing { status: status.as_str(), plan_id, name_key, attendance_count }
}

/// What is kept of somebody, as it stands there.
type Kept = (UserId, (Option<String>, Option<i64>, i32), String);

/// Those with these ids, from the first to the last, who are not listed as they are.
pub(crate) fn lost(conn: &mut Conn, first: UserId, last: UserId) -> DbResult<Vec<UserId>> {
    let rows: Vec<Row> = rows!().filter(members::id.between(first, last)).load(conn)?;
    let listed: Vec<Kept> = standing::table
        .filter(standing::member_id.between(first, last))
        .filter(standing::status.is_not_null())
        .select((
            standing::member_id,
            (standing::status, standing::plan_id, standing::attendance_count),
            standing::name_key,
        ))
        .load(conn)?;
    let listed: BTreeSet<_> = listed.into_iter().collect();
    let as_they_are: BTreeSet<_> = rows
        .into_iter()
        .map(|(id, (status, plan, count), name)| (id, (Some(status.as_str().to_owned()), plan, count), name))
        .collect();
    let lost: BTreeSet<UserId> = listed.symmetric_difference(&as_they_are).map(|row| row.0).collect();
    Ok(lost.into_iter().collect())
}
