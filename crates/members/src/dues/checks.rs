//! What must be true of dues for ever, as `muster check` proves it.

use std::collections::HashMap;

use diesel::dsl::count_star;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl, RunQueryDsl,
};
use muster_finance::ChargeId;
use muster_finance::read::charges;
use muster_kernel::UserId;
use muster_kernel::domain::Check;

use super::{DuesRunId, Outcome};
use crate::schema::{dues_charged, dues_lines, dues_runs};

muster_kernel::join_across!(charges, dues_charged);
muster_kernel::join_across!(charges, dues_lines);

/// So many findings are told of each; there may be more.
const TOLD: i64 = 20;

/// All of them.
pub(crate) const ALL: [Check; 3] = [RUNS_COUNT_THEIR_LINES, LINES_NAME_THEIR_CHARGES, CHARGED_ONCE];

const RUNS_COUNT_THEIR_LINES: Check = Check {
    name: "members.dues_runs_count_their_lines",
    look: |conn| {
        let mut lines: HashMap<(DuesRunId, Outcome), i64> = HashMap::new();
        let counted: Vec<(DuesRunId, Outcome, i64)> = dues_lines::table
            .group_by((dues_lines::run_id, dues_lines::outcome))
            .select((dues_lines::run_id, dues_lines::outcome, count_star()))
            .load(conn)?;
        lines.extend(counted.into_iter().map(|(run, outcome, count)| ((run, outcome), count)));
        let runs: Vec<(DuesRunId, i64, i64)> = dues_runs::table
            .order(dues_runs::id)
            .select((dues_runs::id, dues_runs::charged, dues_runs::skipped))
            .load(conn)?;
        let mut wrong = Vec::new();
        for (run, charged, skipped) in runs {
            for (outcome, said) in [(Outcome::Charged, charged), (Outcome::Skipped, skipped)] {
                let found = lines.get(&(run, outcome)).copied().unwrap_or_default();
                if found != said {
                    wrong.push(format!("dues run {run} says {said} {outcome}, its lines {found}"));
                }
            }
        }
        wrong.truncate(TOLD as usize);
        Ok(wrong)
    },
};

const LINES_NAME_THEIR_CHARGES: Check = Check {
    name: "members.dues_lines_name_their_charges",
    look: |conn| {
        let strays: Vec<i64> = dues_lines::table
            .inner_join(charges::table.on(dues_lines::charge_id.eq(charges::id.nullable())))
            .filter(
                charges::member_id
                    .ne(dues_lines::member_id)
                    .or(dues_lines::amount.ne(charges::amount.nullable())),
            )
            .order(dues_lines::id)
            .select(dues_lines::id)
            .limit(TOLD)
            .load(conn)?;
        Ok(strays.iter().map(|id| format!("dues line {id} names another charge than its own")).collect())
    },
};

const CHARGED_ONCE: Check = Check {
    name: "members.dues_charged_have_their_charges",
    look: |conn| {
        let without: Vec<(UserId, String)> = dues_charged::table
            .filter(dues_charged::charge_id.is_null())
            .order((dues_charged::member_id, dues_charged::period))
            .select((dues_charged::member_id, dues_charged::period))
            .limit(TOLD)
            .load(conn)?;
        let strays: Vec<(UserId, String, Option<ChargeId>)> = dues_charged::table
            .inner_join(charges::table.on(dues_charged::charge_id.eq(charges::id.nullable())))
            .filter(charges::member_id.ne(dues_charged::member_id))
            .order((dues_charged::member_id, dues_charged::period))
            .select((dues_charged::member_id, dues_charged::period, dues_charged::charge_id))
            .limit(TOLD)
            .load(conn)?;
        let mut wrong: Vec<_> = without
            .iter()
            .map(|(member, period)| format!("member {member} has no charge for the dues of {period}"))
            .collect();
        wrong.extend(
            strays
                .iter()
                .map(|(member, period, _)| format!("the dues of {period} of member {member} are another's")),
        );
        let unclaimed: Vec<i64> = dues_lines::table
            .left_join(dues_charged::table.on(dues_charged::charge_id.eq(dues_lines::charge_id)))
            .filter(dues_lines::charge_id.is_not_null())
            .filter(dues_charged::member_id.nullable().is_null())
            .order(dues_lines::id)
            .select(dues_lines::id)
            .limit(TOLD)
            .load(conn)?;
        wrong
            .extend(unclaimed.iter().map(|id| format!("what dues line {id} charged could be charged again")));
        Ok(wrong)
    },
};
