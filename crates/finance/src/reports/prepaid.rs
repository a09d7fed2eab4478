//! Class fees that were paid in advance and not used: what the club owes as classes.

use chrono::NaiveDate;
use diesel::{BoolExpressionMethods, ExpressionMethods, JoinOnDsl, QueryDsl, RunQueryDsl};
use diesel::{NullableExpressionMethods, dsl::sql, sql_types::Bool};
use muster_auth::Can;
use muster_auth::permissions::ReadBooks;
use muster_kernel::db::{Conn, DbResult};
use muster_kernel::sql::total;
use muster_kernel::{Minor, UserId};

use crate::accounts::fixed;
use crate::balances;
use crate::prepaid::{Lot, LotId};
use crate::schema::{prepaid_lots, prepaid_moves};

/// What is left of a lot.
#[derive(Debug, Clone)]
pub struct LotLeft {
    /// Which.
    pub lot_id: LotId,
    /// Whose.
    pub member_id: UserId,
    /// How many fees are left.
    pub left: i64,
    /// What they are worth.
    pub value: Minor,
    /// The last day on which they can be used.
    pub expires_on: Option<NaiveDate>,
}

/// What the club owed as classes when a day ended.
///
/// # Errors
/// When the database fails.
pub fn prepaid_total(conn: &mut Conn, _: &Can<ReadBooks>, as_of: NaiveDate) -> DbResult<Minor> {
    Ok(Minor(-balances::of_account(conn, fixed::PREPAID, as_of)?.0))
}

/// The lots of which something was left when a day ended, in the order of their numbers, after this one.
///
/// # Errors
/// When the database fails.
pub fn prepaid(
    conn: &mut Conn,
    _: &Can<ReadBooks>,
    (as_of, today): (NaiveDate, NaiveDate),
    after: Option<LotId>,
    limit: i64,
) -> DbResult<Vec<LotLeft>> {
    let after = after.unwrap_or(LotId(0));
    if as_of == today { left_now(conn, after, limit) } else { left_then(conn, as_of, after, limit) }
}

fn left_now(conn: &mut Conn, after: LotId, limit: i64) -> DbResult<Vec<LotLeft>> {
    let lots: Vec<Lot> = prepaid_lots::table
        .filter(prepaid_lots::is_live.eq(true))
        .filter(prepaid_lots::id.gt(after))
        .order(prepaid_lots::id)
        .limit(limit)
        .load(conn)?;
    let left = |lot: Lot| LotLeft {
        lot_id: lot.id,
        member_id: lot.member_id,
        left: lot.left().into(),
        value: lot.value(),
        expires_on: lot.expires_on,
    };
    Ok(lots.into_iter().map(left).collect())
}

type OfLot = (
    prepaid_lots::id,
    prepaid_lots::member_id,
    prepaid_lots::count,
    prepaid_lots::amount,
    prepaid_lots::expires_on,
);

const LOT: OfLot = (
    prepaid_lots::id,
    prepaid_lots::member_id,
    prepaid_lots::count,
    prepaid_lots::amount,
    prepaid_lots::expires_on,
);

type Then = (LotId, UserId, i32, Minor, Option<NaiveDate>, i64, Minor);

fn left_then(conn: &mut Conn, as_of: NaiveDate, after: LotId, limit: i64) -> DbResult<Vec<LotLeft>> {
    let until = prepaid_moves::lot_id.eq(prepaid_lots::id).and(prepaid_moves::date.le(as_of));
    let rows: Vec<Then> = prepaid_lots::table
        .left_join(prepaid_moves::table.on(until))
        .filter(prepaid_lots::date.le(as_of))
        .filter(prepaid_lots::id.gt(after))
        .group_by(LOT)
        .having(sql::<Bool>("prepaid_lots.count > COALESCE(SUM(prepaid_moves.fees), 0)"))
        // The number alone would do; an engine that is told the same twice sorts nothing.
        .order(LOT)
        .limit(limit)
        .select((
            prepaid_lots::id,
            prepaid_lots::member_id,
            prepaid_lots::count,
            prepaid_lots::amount,
            prepaid_lots::expires_on,
            total(prepaid_moves::fees.nullable()),
            total(prepaid_moves::amount.nullable()),
        ))
        .load(conn)?;
    let left = |(lot_id, member_id, count, amount, expires_on, gone, released): Then| LotLeft {
        lot_id,
        member_id,
        left: i64::from(count) - gone,
        value: Minor(amount.0 - released.0),
        expires_on,
    };
    Ok(rows.into_iter().map(left).collect())
}
