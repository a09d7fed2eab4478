//! What must be true of coaches' pay for ever, as `muster check` proves it.

use std::collections::{BTreeMap, HashMap};

use diesel::dsl::count_star;
use diesel::{ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl, RunQueryDsl};
use muster_auth::Role;
use muster_auth::read::user_roles;
use muster_finance::pay;
use muster_kernel::db::{Conn, DbResult};
use muster_kernel::domain::Check;
use muster_kernel::sql::total;
use muster_kernel::{Minor, UserId};

use crate::arithmetic::pay_of;
use crate::payouts::{self, Payout};
use crate::payroll::{PayrollOutcome, PayrollRunId};
use crate::schema::{coach_accruals, coaches, payroll_lines, payroll_runs};
use crate::{pay_lines, profile, terms};

/// So many findings are told of each; there may be more.
const TOLD: usize = 20;
/// So many rows are looked at in one go.
const PAGE: i64 = 500;

/// All of them.
pub(crate) const ALL: [Check; 6] =
    [WHOEVER_HAS_THE_ROLE, BALANCES, CLASSES_ARE_PAID_FOR, CLASSES_ARE_COUNTED, PAYOUTS_ADD_UP, RUNS];

/// Whoever has the role has a row that says so, and nobody else's does.
const WHOEVER_HAS_THE_ROLE: Check = Check {
    name: "coaches.whoever_has_the_role_has_a_row",
    look: |conn| {
        let is_coach = user_roles::table.filter(user_roles::role.eq(Role::Coach)).select(user_roles::user_id);
        let mut with_role: Vec<UserId> = is_coach.order(user_roles::user_id).load(conn)?;
        let rows: Vec<UserId> = coaches::table
            .filter(coaches::is_coach.eq(true))
            .order(coaches::id)
            .select(coaches::id)
            .load(conn)?;
        let mut wrong: Vec<String> = Vec::new();
        for id in rows {
            match with_role.binary_search(&id) {
                Ok(place) => drop(with_role.remove(place)),
                Err(_) => wrong.push(format!("coach {id} has not the role")),
            }
        }
        wrong.extend(with_role.iter().map(|id| format!("user {id} is a coach without a row")));
        wrong.truncate(TOLD);
        Ok(wrong)
    },
};

/// What the club owes a coach is what was accrued less what was paid out, and what the books say.
const BALANCES: Check = Check {
    name: "coaches.payment_balance_is_what_the_books_say",
    look: |conn| {
        let mut owed: HashMap<UserId, Minor> = pay::owed(conn)?.into_iter().collect();
        let accrued: Vec<(UserId, Minor)> = coach_accruals::table
            .group_by(coach_accruals::coach_id)
            .select((coach_accruals::coach_id, total(coach_accruals::amount)))
            .load(conn)?;
        let mut earned: HashMap<UserId, i64> =
            accrued.into_iter().map(|(coach, sum)| (coach, sum.0)).collect();
        each(
            conn,
            payouts::queries::after,
            |payout: &Payout| payout.id.0,
            |_, payout| {
                if !payout.is_reversed {
                    *earned.entry(payout.coach_id).or_default() -= payout.amount.0;
                }
                Ok(())
            },
        )?;
        let mut wrong = Vec::new();
        each(
            conn,
            profile::after,
            |coach| coach.id.0,
            |_, coach| {
                let (id, kept) = (coach.id, coach.payment_balance);
                let (lines, books) =
                    (earned.get(&id).copied().unwrap_or_default(), owed.remove(&id).unwrap_or_default());
                if kept.0 != lines {
                    wrong.push(format!(
                        "coach {id} is owed {}, by what was accrued and paid out {lines}",
                        kept.0
                    ));
                }
                if kept != books {
                    wrong.push(format!("coach {id} is owed {}, by the books {}", kept.0, books.0));
                }
                Ok(())
            },
        )?;
        let strays = owed.into_iter().filter(|(_, sum)| *sum != Minor::ZERO);
        wrong.extend(strays.map(|(id, _)| format!("the books owe pay to {id}, who is no coach")));
        wrong.truncate(TOLD);
        Ok(wrong)
    },
};

/// Each class is paid for once, by its terms, and what its lines add is what it comes to.
const CLASSES_ARE_PAID_FOR: Check = Check {
    name: "coaches.classes_are_paid_for_once",
    look: |conn| {
        let mut wrong = Vec::new();
        // Of each class: its own line, whose it is, by which terms; what it comes to, and what its lines add up to.
        let mut classes = BTreeMap::new();
        each(
            conn,
            pay_lines::after,
            |(_, line)| line.id.0,
            |conn, (coach, line)| {
                let (id, class) = (line.id, line.class_id);
                let terms = match line.terms_id {
                    Some(terms) => terms::find(conn, coach, terms)?,
                    None => None,
                };
                let pay = terms.as_ref().map_or(Ok(Minor::ZERO), |terms| pay_of(terms, line.heads));
                if terms.is_some() != line.terms_id.is_some() || !pay.is_ok_and(|pay| pay == line.pay) {
                    wrong.push(format!("line {id} is not what its terms say"));
                }
                let of = (coach, line.terms_id, line.date);
                match (line.adjusts, classes.get_mut(&class)) {
                    (None, None) => drop(classes.insert(class, (id, of, line.pay, line.amount.0))),
                    (Some(adjusts), Some((own, own_of, pay, sum))) if adjusts == *own && of == *own_of => {
                        (*pay, *sum) = (line.pay, *sum + line.amount.0);
                    }
                    _ => {
                        wrong.push(format!("line {id} is one too many of class {class}, or corrects another"))
                    }
                }
                Ok(())
            },
        )?;
        let odd = classes.iter().filter(|(_, (.., pay, sum))| pay.0 != *sum);
        wrong.extend(odd.map(|(class, _)| format!("the lines of class {class} are not what it comes to")));
        wrong.truncate(TOLD);
        Ok(wrong)
    },
};

const CLASSES_ARE_COUNTED: Check = Check {
    name: "coaches.classes_taught_add_up",
    look: |conn| {
        let counted: Vec<(UserId, i64)> = coach_accruals::table
            .filter(coach_accruals::adjusts.is_null())
            .group_by(coach_accruals::coach_id)
            .select((coach_accruals::coach_id, count_star()))
            .load(conn)?;
        let taught: HashMap<UserId, i64> = counted.into_iter().collect();
        let mut wrong = Vec::new();
        each(
            conn,
            profile::after,
            |coach| coach.id.0,
            |_, coach| {
                let (id, said) = (coach.id, coach.classes_taught_total);
                let found = taught.get(&id).copied().unwrap_or_default();
                if i64::from(said) != found {
                    wrong.push(format!("coach {id} taught {found} classes, and the row says {said}"));
                }
                Ok(())
            },
        )?;
        wrong.truncate(TOLD);
        Ok(wrong)
    },
};

/// A payout begins with what the one before it left, and pays the lines that name it; what was taken back pays none.
const PAYOUTS_ADD_UP: Check = Check {
    name: "coaches.payouts_add_up",
    look: |conn| {
        let paid: Vec<(Option<i64>, Minor)> = coach_accruals::table
            .filter(coach_accruals::payout_id.is_not_null())
            .group_by(coach_accruals::payout_id)
            .select((coach_accruals::payout_id, total(coach_accruals::amount)))
            .load(conn)?;
        let mut items: HashMap<i64, Minor> =
            paid.into_iter().filter_map(|(payout, sum)| Some((payout?, sum))).collect();
        // What the latest payout of each coach left, and how much it was.
        let mut latest: HashMap<UserId, (Minor, Minor)> = HashMap::new();
        let mut wrong = Vec::new();
        each(
            conn,
            payouts::queries::after,
            |payout: &Payout| payout.id.0,
            |_, payout| {
                let (id, coach) = (payout.id, payout.coach_id);
                let lines = items.remove(&id.0);
                if payout.is_reversed {
                    if lines.is_some() {
                        wrong.push(format!("payout {id} was taken back, and pays lines"));
                    }
                    return Ok(());
                }
                if lines.unwrap_or_default() != payout.items_total {
                    wrong.push(format!("the lines of payout {id} are not what it says"));
                }
                let left = latest.get(&coach).map_or(Minor::ZERO, |(left, _)| *left);
                if left != payout.brought_forward {
                    wrong.push(format!("payout {id} does not begin with what the one before it left"));
                }
                latest.insert(coach, (payout.carried_forward, payout.amount));
                Ok(())
            },
        )?;
        let unpaid: Vec<(UserId, Minor)> = coach_accruals::table
            .filter(coach_accruals::payout_id.is_null())
            .group_by(coach_accruals::coach_id)
            .select((coach_accruals::coach_id, total(coach_accruals::amount)))
            .load(conn)?;
        let unpaid: HashMap<UserId, Minor> = unpaid.into_iter().collect();
        each(
            conn,
            profile::after,
            |coach| coach.id.0,
            |_, coach| {
                let id = coach.id;
                let (left, last) = latest.get(&id).copied().unwrap_or_default();
                let open = unpaid.get(&id).copied().unwrap_or_default();
                if coach.payment_balance.0 != left.0 + open.0 {
                    wrong.push(format!("coach {id} is owed something else than is left and unpaid"));
                }
                if coach.last_payment_balance != last {
                    wrong.push(format!("the last payout of coach {id} was another"));
                }
                Ok(())
            },
        )?;
        wrong.truncate(TOLD);
        Ok(wrong)
    },
};

const RUNS: Check = Check {
    name: "coaches.payroll_runs_count_their_lines",
    look: |conn| {
        use crate::schema::coach_payouts;
        let counted: Vec<(PayrollRunId, PayrollOutcome, i64)> = payroll_lines::table
            .group_by((payroll_lines::run_id, payroll_lines::outcome))
            .select((payroll_lines::run_id, payroll_lines::outcome, count_star()))
            .load(conn)?;
        let lines: HashMap<(PayrollRunId, PayrollOutcome), i64> =
            counted.into_iter().map(|(run, outcome, count)| ((run, outcome), count)).collect();
        let paid: Vec<(PayrollRunId, Minor)> = payroll_lines::table
            .inner_join(coach_payouts::table.on(payroll_lines::payout_id.eq(coach_payouts::id.nullable())))
            .group_by(payroll_lines::run_id)
            .select((payroll_lines::run_id, total(coach_payouts::amount)))
            .load(conn)?;
        let paid: HashMap<PayrollRunId, Minor> = paid.into_iter().collect();
        let runs: Vec<(PayrollRunId, i64, i64, Minor)> = payroll_runs::table
            .order(payroll_runs::id)
            .select((payroll_runs::id, payroll_runs::paid, payroll_runs::skipped, payroll_runs::amount))
            .load(conn)?;
        let mut wrong = Vec::new();
        for (run, paid_to, skipped, amount) in runs {
            for (outcome, said) in [(PayrollOutcome::Paid, paid_to), (PayrollOutcome::Skipped, skipped)] {
                let found = lines.get(&(run, outcome)).copied().unwrap_or_default();
                if found != said {
                    wrong.push(format!("payroll run {run} says {said} {outcome}, its lines {found}"));
                }
            }
            if paid.get(&run).copied().unwrap_or_default() != amount {
                wrong.push(format!("payroll run {run} paid something else than it says"));
            }
        }
        wrong.truncate(TOLD);
        Ok(wrong)
    },
};

/// Looks at every row of a table, some at a time.
fn each<T>(
    conn: &mut Conn,
    after: impl Fn(&mut Conn, i64, i64) -> DbResult<Vec<T>>,
    key: impl Fn(&T) -> i64,
    mut look: impl FnMut(&mut Conn, T) -> DbResult<()>,
) -> DbResult<()> {
    let mut place = 0;
    loop {
        let rows = after(conn, place, PAGE)?;
        let Some(last) = rows.last() else { return Ok(()) };
        place = key(last);
        for row in rows {
            look(conn, row)?;
        }
    }
}
