//! The SQL of payroll runs.

use std::collections::HashSet;

use chrono::NaiveDate;
use diesel::{
    ExpressionMethods, Insertable, JoinOnDsl, NullableExpressionMethods, OptionalExtension, QueryDsl,
    RunQueryDsl,
};
use muster_finance::accounts::Method;
use muster_kernel::db::{Conn, DbResult, MultiBackend, Tx};
use muster_kernel::page::PageRequest;
use muster_kernel::{Minor, UserId, on};

use super::{PayrollLine, PayrollOutcome, PayrollRun, PayrollRunId, PayrollState};
use crate::payouts::PayoutId;
use crate::schema::{coach_payouts, coaches, payroll_lines, payroll_runs};

type Run = (
    payroll_runs::id,
    payroll_runs::version,
    payroll_runs::state,
    payroll_runs::through,
    payroll_runs::method,
    payroll_runs::paid,
    payroll_runs::skipped,
    payroll_runs::amount,
    payroll_runs::started_by,
    payroll_runs::started_at,
    payroll_runs::finished_at,
);

const RUN: Run = (
    payroll_runs::id,
    payroll_runs::version,
    payroll_runs::state,
    payroll_runs::through,
    payroll_runs::method,
    payroll_runs::paid,
    payroll_runs::skipped,
    payroll_runs::amount,
    payroll_runs::started_by,
    payroll_runs::started_at,
    payroll_runs::finished_at,
);

pub(super) fn insert(
    tx: &mut Tx<'_>,
    through: NaiveDate,
    method: Method,
    by: UserId,
) -> DbResult<PayrollRun> {
    let now = tx.now();
    Ok(diesel::insert_into(payroll_runs::table)
        .values((
            payroll_runs::through.eq(through),
            payroll_runs::method.eq(method),
            payroll_runs::state.eq(PayrollState::Running),
            payroll_runs::started_by.eq(by),
            payroll_runs::started_at.eq(now),
        ))
        .returning(RUN)
        .get_result(&mut **tx)?)
}

pub(super) fn find(conn: &mut Conn, id: PayrollRunId) -> DbResult<Option<PayrollRun>> {
    Ok(payroll_runs::table.filter(payroll_runs::id.eq(id)).select(RUN).get_result(conn).optional()?)
}

pub(super) fn list(conn: &mut Conn, page: &PageRequest<i64>) -> DbResult<Vec<PayrollRun>> {
    let mut query = payroll_runs::table.select(RUN).into_boxed::<MultiBackend>();
    if let Some(after) = page.after() {
        query = query.filter(payroll_runs::id.lt(PayrollRunId(*after)));
    }
    Ok(query.order(payroll_runs::id.desc()).limit(page.fetch()).load(conn)?)
}

pub(super) fn count(conn: &mut Conn) -> DbResult<i64> {
    Ok(payroll_runs::table.count().get_result(conn)?)
}

pub(crate) fn runs_after(conn: &mut Conn, id: i64, limit: i64) -> DbResult<Vec<PayrollRun>> {
    let after = payroll_runs::table.filter(payroll_runs::id.gt(PayrollRunId(id)));
    Ok(after.order(payroll_runs::id).select(RUN).limit(limit).load(conn)?)
}

/// Counts a step's lines (paid, skipped) and what was paid, and that it was the last one if it was.
pub(super) fn record(
    tx: &mut Tx<'_>,
    id: PayrollRunId,
    (paid, skipped, amount): (i64, i64, Minor),
    is_done: bool,
) -> DbResult<()> {
    let now = tx.now();
    diesel::update(payroll_runs::table.filter(payroll_runs::id.eq(id)))
        .set((
            payroll_runs::paid.eq(payroll_runs::paid + paid),
            payroll_runs::skipped.eq(payroll_runs::skipped + skipped),
            payroll_runs::amount.eq(payroll_runs::amount + amount.0),
            payroll_runs::version.eq(payroll_runs::version + 1),
            is_done.then(|| (payroll_runs::state.eq(PayrollState::Done), payroll_runs::finished_at.eq(now))),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

macro_rules! shown_lines {
    () => {
        payroll_lines::table
            .left_join(coach_payouts::table.on(payroll_lines::payout_id.eq(coach_payouts::id.nullable())))
            .select((
                payroll_lines::id,
                payroll_lines::coach_id,
                payroll_lines::outcome,
                payroll_lines::payout_id,
                coach_payouts::entry_id.nullable(),
                coach_payouts::amount.nullable(),
                coach_payouts::date.nullable(),
                coach_payouts::is_reversed.nullable(),
                payroll_lines::reason,
            ))
    };
}

pub(super) fn lines(
    conn: &mut Conn,
    run: PayrollRunId,
    outcome: Option<PayrollOutcome>,
    page: &PageRequest<i64>,
) -> DbResult<Vec<PayrollLine>> {
    let mut query = shown_lines!().into_boxed::<MultiBackend>().filter(payroll_lines::run_id.eq(run));
    if let Some(outcome) = outcome {
        query = query.filter(payroll_lines::outcome.eq(outcome));
    }
    if let Some(after) = page.after() {
        query = query.filter(payroll_lines::id.gt(*after));
    }
    Ok(query.order(payroll_lines::id).limit(page.fetch()).load(conn)?)
}

/// A line for an export: its number, run and coach, what became of them, the payout and the reason.
pub(crate) type ExportedLine = (i64, PayrollRunId, UserId, PayrollOutcome, Option<PayoutId>, Option<String>);

pub(crate) fn lines_after(conn: &mut Conn, id: i64, limit: i64) -> DbResult<Vec<ExportedLine>> {
    let after = payroll_lines::table.filter(payroll_lines::id.gt(id));
    Ok(after.order(payroll_lines::id).limit(limit).load(conn)?)
}

/// Coaches of the list after this one, in the order of their ids.
pub(super) fn listed(conn: &mut Conn, after: UserId, limit: i64) -> DbResult<Vec<UserId>> {
    Ok(coaches::table
        .filter(coaches::is_listed.eq(true))
        .filter(coaches::id.gt(after))
        .order(coaches::id)
        .limit(limit)
        .select(coaches::id)
        .load(conn)?)
}

/// Those of these coaches who have a line in a run.
pub(super) fn in_run(conn: &mut Conn, run: PayrollRunId, ids: &[UserId]) -> DbResult<HashSet<UserId>> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let found: Vec<UserId> = payroll_lines::table
        .filter(payroll_lines::run_id.eq(run))
        .filter(payroll_lines::coach_id.eq_any(ids.to_vec()))
        .select(payroll_lines::coach_id)
        .load(conn)?;
    Ok(found.into_iter().collect())
}

/// What a run makes of a coach.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = payroll_lines, treat_none_as_default_value = false)]
pub(super) struct NewLine {
    pub run_id: PayrollRunId,
    pub coach_id: UserId,
    pub outcome: PayrollOutcome,
    pub payout_id: Option<PayoutId>,
    pub reason: Option<&'static str>,
}

pub(super) fn write(tx: &mut Tx<'_>, lines: &[NewLine]) -> DbResult<()> {
    if !lines.is_empty() {
        on!(*tx, c => diesel::insert_into(payroll_lines::table).values(lines).execute(c))?;
    }
    Ok(())
}
