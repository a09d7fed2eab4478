//! The SQL of dues runs.

use std::collections::{HashMap, HashSet};

use diesel::{ExpressionMethods, Insertable, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_finance::ChargeId;
use muster_kernel::db::{Conn, DbResult, MultiBackend, Tx};
use muster_kernel::page::PageRequest;
use muster_kernel::{Minor, UserId, on};

use super::terms::Candidate;
use super::{DuesLine, DuesRun, DuesRunId, Outcome, RunState};
use crate::plans::PlanId;
use crate::schema::{attendance_months, dues_charged, dues_lines, dues_runs, members};

type Run = (
    dues_runs::id,
    dues_runs::version,
    dues_runs::plan_id,
    dues_runs::period,
    dues_runs::state,
    dues_runs::charged,
    dues_runs::skipped,
    dues_runs::started_by,
    dues_runs::started_at,
    dues_runs::finished_at,
);

const RUN: Run = (
    dues_runs::id,
    dues_runs::version,
    dues_runs::plan_id,
    dues_runs::period,
    dues_runs::state,
    dues_runs::charged,
    dues_runs::skipped,
    dues_runs::started_by,
    dues_runs::started_at,
    dues_runs::finished_at,
);

type Line = (
    dues_lines::id,
    dues_lines::member_id,
    dues_lines::plan_id,
    dues_lines::outcome,
    dues_lines::charge_id,
    dues_lines::amount,
    dues_lines::reason,
);

const LINE: Line = (
    dues_lines::id,
    dues_lines::member_id,
    dues_lines::plan_id,
    dues_lines::outcome,
    dues_lines::charge_id,
    dues_lines::amount,
    dues_lines::reason,
);

pub(super) fn insert(tx: &mut Tx<'_>, plan: Option<PlanId>, period: &str, by: UserId) -> DbResult<DuesRun> {
    let now = tx.now();
    Ok(diesel::insert_into(dues_runs::table)
        .values((
            dues_runs::plan_id.eq(plan),
            dues_runs::period.eq(period),
            dues_runs::state.eq(RunState::Running),
            dues_runs::started_by.eq(by),
            dues_runs::started_at.eq(now),
        ))
        .returning(RUN)
        .get_result(&mut **tx)?)
}

pub(super) fn find(conn: &mut Conn, id: DuesRunId) -> DbResult<Option<DuesRun>> {
    Ok(dues_runs::table.filter(dues_runs::id.eq(id)).select(RUN).get_result(conn).optional()?)
}

pub(super) fn list(conn: &mut Conn, page: &PageRequest<i64>) -> DbResult<Vec<DuesRun>> {
    let mut query = dues_runs::table.select(RUN).into_boxed::<MultiBackend>();
    if let Some(after) = page.after() {
        query = query.filter(dues_runs::id.lt(DuesRunId(*after)));
    }
    Ok(query.order(dues_runs::id.desc()).limit(page.fetch()).load(conn)?)
}

pub(super) fn count(conn: &mut Conn) -> DbResult<i64> {
    Ok(dues_runs::table.count().get_result(conn)?)
}

pub(crate) fn runs_after(conn: &mut Conn, id: i64, limit: i64) -> DbResult<Vec<DuesRun>> {
    let after = dues_runs::table.filter(dues_runs::id.gt(DuesRunId(id)));
    Ok(after.order(dues_runs::id).select(RUN).limit(limit).load(conn)?)
}

/// Counts a step's lines, and that it was the last one if it was.
pub(super) fn record(
    tx: &mut Tx<'_>,
    id: DuesRunId,
    charged: i64,
    skipped: i64,
    is_done: bool,
) -> DbResult<()> {
    let now = tx.now();
    diesel::update(dues_runs::table.filter(dues_runs::id.eq(id)))
        .set((
            dues_runs::charged.eq(dues_runs::charged + charged),
            dues_runs::skipped.eq(dues_runs::skipped + skipped),
            dues_runs::version.eq(dues_runs::version + 1),
            is_done.then(|| (dues_runs::state.eq(RunState::Done), dues_runs::finished_at.eq(now))),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

pub(super) fn lines(
    conn: &mut Conn,
    run: DuesRunId,
    outcome: Option<Outcome>,
    page: &PageRequest<i64>,
) -> DbResult<Vec<DuesLine>> {
    let mut query = dues_lines::table.select(LINE).into_boxed::<MultiBackend>();
    query = query.filter(dues_lines::run_id.eq(run));
    if let Some(outcome) = outcome {
        query = query.filter(dues_lines::outcome.eq(outcome));
    }
    if let Some(after) = page.after() {
        query = query.filter(dues_lines::id.gt(*after));
    }
    Ok(query.order(dues_lines::id).limit(page.fetch()).load(conn)?)
}

pub(crate) fn lines_after(conn: &mut Conn, id: i64, limit: i64) -> DbResult<Vec<(DuesRunId, DuesLine)>> {
    let after = dues_lines::table.filter(dues_lines::id.gt(id));
    Ok(after.order(dues_lines::id).select((dues_lines::run_id, LINE)).limit(limit).load(conn)?)
}

/// Those of these members who have a line in a run: they changed the plan while it was under way.
pub(super) fn in_run(conn: &mut Conn, run: DuesRunId, ids: &[UserId]) -> DbResult<HashSet<UserId>> {
    let found: Vec<UserId> = dues_lines::table
        .filter(dues_lines::run_id.eq(run))
        .filter(dues_lines::member_id.eq_any(ids.to_vec()))
        .select(dues_lines::member_id)
        .load(conn)?;
    Ok(found.into_iter().collect())
}

/// What a run makes of a member.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = dues_lines, treat_none_as_default_value = false)]
pub(super) struct NewLine {
    pub run_id: DuesRunId,
    pub member_id: UserId,
    pub plan_id: PlanId,
    pub outcome: Outcome,
    pub charge_id: Option<ChargeId>,
    pub amount: Option<Minor>,
    pub reason: Option<String>,
}

pub(super) fn write(tx: &mut Tx<'_>, lines: &[NewLine]) -> DbResult<()> {
    if !lines.is_empty() {
        on!(*tx, c => diesel::insert_into(dues_lines::table).values(lines).execute(c))?;
    }
    Ok(())
}

/// Claims a period of these members for a plan: from now on, until this transaction is undone, nobody else charges them
/// for it. Gives those whom nobody had claimed before. On PostgreSQL it also keeps them from being erased or moved.
pub(super) fn claim(
    tx: &mut Tx<'_>,
    plan: PlanId,
    period: &str,
    ids: &[UserId],
) -> DbResult<HashSet<UserId>> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let rows: Vec<_> = ids
        .iter()
        .map(|id| {
            (
                dues_charged::member_id.eq(*id),
                dues_charged::plan_id.eq(plan),
                dues_charged::period.eq(period),
                dues_charged::charge_id.eq(None::<ChargeId>),
            )
        })
        .collect();
    on!(*tx, c => diesel::insert_into(dues_charged::table).values(&rows).on_conflict_do_nothing().execute(c))?;
    let claimed: Vec<UserId> = dues_charged::table
        .filter(dues_charged::member_id.eq_any(ids.to_vec()))
        .filter(dues_charged::plan_id.eq(plan))
        .filter(dues_charged::period.eq(period))
        .filter(dues_charged::charge_id.is_null())
        .select(dues_charged::member_id)
        .load(&mut **tx)?;
    Ok(claimed.into_iter().collect())
}

/// Says by which charge a claim was used.
pub(super) fn use_claim(
    tx: &mut Tx<'_>,
    member: UserId,
    plan: PlanId,
    period: &str,
    charge: ChargeId,
) -> DbResult<()> {
    let claim = dues_charged::table
        .filter(dues_charged::member_id.eq(member))
        .filter(dues_charged::plan_id.eq(plan))
        .filter(dues_charged::period.eq(period));
    diesel::update(claim).set(dues_charged::charge_id.eq(charge)).execute(&mut **tx)?;
    Ok(())
}

/// Gives back the claims that were not used.
pub(super) fn release(tx: &mut Tx<'_>, plan: PlanId, period: &str, ids: &[UserId]) -> DbResult<()> {
    let unused = dues_charged::table
        .filter(dues_charged::member_id.eq_any(ids.to_vec()))
        .filter(dues_charged::plan_id.eq(plan))
        .filter(dues_charged::period.eq(period))
        .filter(dues_charged::charge_id.is_null());
    diesel::delete(unused).execute(&mut **tx)?;
    Ok(())
}

/// Who was charged by which plan, for which period and by which charge.
pub(crate) type Charged = (UserId, PlanId, String, Option<ChargeId>);

/// Who was charged what, for an export: whole members, so that the next call can go on after them.
pub(crate) fn charged_after(conn: &mut Conn, id: i64, limit: i64) -> DbResult<Vec<Charged>> {
    let some: Vec<UserId> = dues_charged::table
        .filter(dues_charged::member_id.gt(UserId(id)))
        .order(dues_charged::member_id)
        .select(dues_charged::member_id)
        .distinct()
        .limit(limit)
        .load(conn)?;
    let columns =
        (dues_charged::member_id, dues_charged::plan_id, dues_charged::period, dues_charged::charge_id);
    let of_them = dues_charged::table.filter(dues_charged::member_id.eq_any(some));
    Ok(of_them
        .order((dues_charged::member_id, dues_charged::plan_id, dues_charged::period))
        .select(columns)
        .load(conn)?)
}

/// Those of these members who are on a plan, in the order of their ids.
pub(super) fn candidates(conn: &mut Conn, plan: PlanId, ids: &[UserId]) -> DbResult<Vec<Candidate>> {
    Ok(members::table
        .filter(members::id.eq_any(ids.to_vec()))
        .filter(members::plan_id.eq(plan.0))
        .order(members::id)
        .select((members::id, members::status, members::active_since))
        .load(conn)?)
}

/// How often these members attended in a month.
pub(super) fn attended(conn: &mut Conn, month: &str, ids: &[UserId]) -> DbResult<HashMap<UserId, i32>> {
    let rows: Vec<(UserId, i32)> = attendance_months::table
        .filter(attendance_months::member_id.eq_any(ids.to_vec()))
        .filter(attendance_months::month.eq(month))
        .select((attendance_months::member_id, attendance_months::attended))
        .load(conn)?;
    Ok(rows.into_iter().collect())
}

/// How often the nth of those attended who attended most in a month.
pub(super) fn nth_most(conn: &mut Conn, month: &str, n: i32) -> DbResult<Option<i32>> {
    Ok(attendance_months::table
        .filter(attendance_months::month.eq(month))
        .filter(attendance_months::attended.gt(0))
        .order(attendance_months::attended.desc())
        .offset(i64::from(n) - 1)
        .limit(1)
        .select(attendance_months::attended)
        .get_result(conn)
        .optional()?)
}
