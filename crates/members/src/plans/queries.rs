//! The SQL of plans.

use std::collections::{BTreeSet, HashMap};

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_kernel::UserId;
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::sql::Locked;

use super::{Every, NewPlan, Plan, PlanId};
use crate::schema::{members, plans};

type Columns =
    (plans::id, plans::version, plans::name, plans::price, plans::every, plans::grace_days, plans::prorate);

const COLUMNS: Columns =
    (plans::id, plans::version, plans::name, plans::price, plans::every, plans::grace_days, plans::prorate);

pub(super) fn insert(tx: &mut Tx<'_>, new: &NewPlan) -> DbResult<Plan> {
    Ok(diesel::insert_into(plans::table)
        .values((
            plans::name.eq(&new.name),
            plans::price.eq(new.price),
            plans::every.eq(new.every),
            plans::grace_days.eq(new.grace_days),
            plans::prorate.eq(new.prorate),
        ))
        .returning(COLUMNS)
        .get_result(&mut **tx)?)
}

pub(super) fn update(tx: &mut Tx<'_>, id: PlanId, new: &NewPlan) -> DbResult<Plan> {
    Ok(diesel::update(plans::table.filter(plans::id.eq(id)))
        .set((
            plans::name.eq(&new.name),
            plans::price.eq(new.price),
            plans::every.eq(new.every),
            plans::grace_days.eq(new.grace_days),
            plans::prorate.eq(new.prorate),
            plans::version.eq(plans::version + 1),
        ))
        .returning(COLUMNS)
        .get_result(&mut **tx)?)
}

/// A plan that nobody else changes, puts members on or charges by until the transaction ends. It is locked before any
/// member is.
pub(crate) fn lock(tx: &mut Tx<'_>, id: PlanId) -> DbResult<Option<Plan>> {
    Ok(Locked(plans::table.filter(plans::id.eq(id)).select(COLUMNS)).get_result(&mut **tx).optional()?)
}

/// Those of these names, locked in the order of their ids.
pub(crate) fn lock_named<'a>(tx: &mut Tx<'_>, names: impl Iterator<Item = &'a str>) -> DbResult<Vec<Plan>> {
    let names: BTreeSet<&str> = names.collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let mut ids: Vec<PlanId> =
        plans::table.filter(plans::name.eq_any(names)).select(plans::id).load(&mut **tx)?;
    ids.sort_unstable();
    let mut locked = Vec::new();
    for id in ids {
        locked.extend(lock(tx, id)?);
    }
    Ok(locked)
}

/// What these plans are called.
pub(crate) fn names(conn: &mut Conn, ids: BTreeSet<i64>) -> DbResult<HashMap<i64, String>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(PlanId, String)> = plans::table
        .filter(plans::id.eq_any(ids.into_iter().map(PlanId)))
        .select((plans::id, plans::name))
        .load(conn)?;
    Ok(rows.into_iter().map(|(id, name)| (id.0, name)).collect())
}

pub(crate) fn find(conn: &mut Conn, id: PlanId) -> DbResult<Option<Plan>> {
    Ok(plans::table.filter(plans::id.eq(id)).select(COLUMNS).get_result(conn).optional()?)
}

/// Plans after this one.
pub(crate) fn after(conn: &mut Conn, id: i64, limit: i64) -> DbResult<Vec<Plan>> {
    Ok(plans::table
        .filter(plans::id.gt(PlanId(id)))
        .order(plans::id)
        .select(COLUMNS)
        .limit(limit)
        .load(conn)?)
}

pub(super) fn count(conn: &mut Conn) -> DbResult<i64> {
    Ok(plans::table.count().get_result(conn)?)
}

/// The first plan that is paid so often.
pub(crate) fn first_paid(conn: &mut Conn, every: Every) -> DbResult<Option<PlanId>> {
    next_paid(conn, every, PlanId(0))
}

/// The plan after this one that is paid so often.
pub(crate) fn next_paid(conn: &mut Conn, every: Every, after: PlanId) -> DbResult<Option<PlanId>> {
    Ok(plans::table
        .filter(plans::every.eq(every))
        .filter(plans::id.gt(after))
        .order(plans::id)
        .select(plans::id)
        .first(conn)
        .optional()?)
}

/// Says who pays by which plan; false when it is so already.
pub(super) fn put_on(tx: &mut Tx<'_>, member: UserId, plan: Option<PlanId>) -> DbResult<bool> {
    let plan = plan.map(|id| id.0);
    let now: Option<i64> =
        members::table.filter(members::id.eq(member)).select(members::plan_id).get_result(&mut **tx)?;
    if now == plan {
        return Ok(false);
    }
    diesel::update(members::table.filter(members::id.eq(member)))
        .set((members::plan_id.eq(plan), members::version.eq(members::version + 1)))
        .execute(&mut **tx)?;
    Ok(true)
}

/// Members on a plan after this one, in the order of their ids.
pub(crate) fn members_on(conn: &mut Conn, plan: PlanId, after: UserId, limit: i64) -> DbResult<Vec<UserId>> {
    Ok(members::table
        .filter(members::plan_id.eq(plan.0))
        .filter(members::id.gt(after))
        .order(members::id)
        .select(members::id)
        .limit(limit)
        .load(conn)?)
}
