//! What must be true of the books for ever.

use diesel::dsl::sql;
use diesel::sql_types::{BigInt, Integer};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl, RunQueryDsl,
};
use muster_auth::read::users;
use muster_kernel::db::{Conn, DbResult};
use muster_kernel::domain::Check;
use muster_kernel::sql::total;
use muster_kernel::{Minor, UserId};

use crate::accounts::{AccountId, fixed};
use crate::bills::BillId;
use crate::charges::ChargeId;
use crate::credits::CreditId;
use crate::daily_sums;
use crate::ledger::EntryId;
use crate::periods::{self, Month};
use crate::prepaid::LotId;
use crate::schema::{
    allocations, bill_payments, bills, charges, closed_periods, credits, entries, period_balances, postings,
    prepaid_lots, prepaid_moves, standing,
};
use crate::standing as standings;

/// Faults that one check names at most.
const MOST: i64 = 20;
/// Members that are looked at together.
const AT_ONCE: i64 = 500;

pub(crate) fn all() -> Vec<Check> {
    vec![
        Check { name: "finance.entries_sum_to_zero", look: entries_sum_to_zero },
        Check { name: "finance.entries_are_sealed", look: entries_are_sealed },
        Check { name: "finance.closed_months_are_as_they_were", look: closed_months },
        Check { name: "finance.daily_sums_are_those_of_the_postings", look: daily_sums_tie },
        Check { name: "finance.allocations_fit", look: allocations_fit },
        Check { name: "finance.what_was_reversed_says_so", look: reversals_tie },
        Check { name: "finance.class_fees_went_as_the_books_say", look: lots_tie },
        Check { name: "finance.everybody_has_a_standing", look: everybody_has_a_standing },
        Check { name: "finance.standing_is_what_the_books_say", look: standing_ties },
        Check { name: "finance.only_debts_are_late", look: only_debts_are_late },
        Check { name: "finance.bills_are_what_the_books_say", look: bills_tie },
        Check { name: "finance.coach_pay_is_somebodys", look: coach_pay_is_somebodys },
    ]
}

fn entries_sum_to_zero(conn: &mut Conn) -> DbResult<Vec<String>> {
    let wrong: Vec<EntryId> = postings::table
        .group_by(postings::entry_id)
        .having(total(postings::amount).ne(0))
        .order(postings::entry_id)
        .select(postings::entry_id)
        .limit(MOST)
        .load(conn)?;
    let strays: Vec<EntryId> = postings::table
        .inner_join(entries::table.on(entries::id.eq(postings::entry_id)))
        .filter(entries::date.ne(postings::date))
        .select(entries::id)
        .limit(MOST)
        .load(conn)?;
    let mut found: Vec<_> =
        wrong.iter().map(|id| format!("the postings of entry {id} do not sum to zero")).collect();
    found.extend(strays.iter().map(|id| format!("entry {id} has a posting of another day")));
    Ok(found)
}

fn entries_are_sealed(conn: &mut Conn) -> DbResult<Vec<String>> {
    let open: Vec<EntryId> = entries::table
        .filter(entries::sealed.eq(false))
        .order(entries::id)
        .select(entries::id)
        .limit(MOST)
        .load(conn)?;
    Ok(open.iter().map(|id| format!("entry {id} was never sealed")).collect())
}

/// A closed month has no entry made after it was closed, and what was kept of it is what its postings say.
fn closed_months(conn: &mut Conn) -> DbResult<Vec<String>> {
    let mut found = Vec::new();
    let closed: Vec<(String, muster_kernel::Timestamp)> = closed_periods::table
        .order(closed_periods::period)
        .select((closed_periods::period, closed_periods::closed_at))
        .load(conn)?;
    for (period, closed_at) in closed {
        let Ok(month) = period.parse::<Month>() else {
            found.push(format!("{period} is no month"));
            continue;
        };
        let late: Vec<EntryId> = entries::table
            .filter(entries::date.between(month.first_day(), month.last_day()))
            .filter(entries::made_at.gt(closed_at))
            .order(entries::id)
            .select(entries::id)
            .limit(MOST)
            .load(conn)?;
        found.extend(late.iter().map(|id| format!("entry {id} came into {period} after it was closed")));
        let mut kept: Vec<(AccountId, Minor)> = period_balances::table
            .filter(period_balances::period.eq(&period))
            .filter(period_balances::balance.ne(Minor::ZERO))
            .select((period_balances::account_id, period_balances::balance))
            .load(conn)?;
        let mut summed: Vec<(AccountId, Minor)> = postings::table
            .filter(postings::date.le(month.last_day()))
            .group_by(postings::account_id)
            .having(total(postings::amount).ne(0))
            .select((postings::account_id, total(postings::amount)))
            .load(conn)?;
        kept.sort_unstable();
        summed.sort_unstable();
        if kept != summed {
            found.push(format!("the balances kept for {period} are not those of its postings"));
        }
    }
    let through = periods::closed_through(conn)?;
    let last: Option<String> =
        closed_periods::table.select(diesel::dsl::max(closed_periods::period)).get_result(conn)?;
    let last_day = last.and_then(|period| period.parse::<Month>().ok()).map(Month::last_day);
    if through != last_day {
        found.push("the books are closed through another day than the last closed month's".to_owned());
    }
    Ok(found)
}

fn daily_sums_tie(conn: &mut Conn) -> DbResult<Vec<String>> {
    let wrong = daily_sums::wrong(conn, MOST)?;
    Ok(wrong
        .iter()
        .map(|(day, account)| format!("what is kept of {day} for account {account} is not what was posted"))
        .collect())
}

/// What is open of a charge, and left of a credit, is what was not allocated.
fn allocations_fit(conn: &mut Conn) -> DbResult<Vec<String>> {
    let charges_wrong: Vec<ChargeId> = charges::table
        .left_join(allocations::table.on(allocations::charge_id.eq(charges::id)))
        .filter(charges::is_reversed.eq(false))
        .group_by((charges::id, charges::amount, charges::open))
        .having(
            (charges::amount - charges::open)
                .ne(sql::<BigInt>("CAST(COALESCE(SUM(allocations.amount), 0) AS BIGINT)")),
        )
        .order(charges::id)
        .select(charges::id)
        .limit(MOST)
        .load(conn)?;
    let credits_wrong: Vec<CreditId> = credits::table
        .left_join(allocations::table.on(allocations::credit_id.eq(credits::id)))
        .filter(credits::is_reversed.eq(false))
        .group_by((credits::id, credits::amount, credits::rest))
        .having(
            (credits::amount - credits::rest)
                .ne(sql::<BigInt>("CAST(COALESCE(SUM(allocations.amount), 0) AS BIGINT)")),
        )
        .order(credits::id)
        .select(credits::id)
        .limit(MOST)
        .load(conn)?;
    let mut found: Vec<_> = charges_wrong
        .iter()
        .map(|id| format!("what is open of charge {id} is not what was not settled"))
        .collect();
    found.extend(
        credits_wrong.iter().map(|id| format!("what is left of credit {id} is not what it did not settle")),
    );
    Ok(found)
}

/// A charge or a credit is taken back when its entry was reversed, and only then.
fn reversals_tie(conn: &mut Conn) -> DbResult<Vec<String>> {
    let charges_wrong: Vec<ChargeId> = charges::table
        .left_join(entries::table.on(entries::reverses.eq(charges::entry_id.nullable())))
        .filter(
            (charges::is_reversed.eq(true).and(entries::id.is_null()))
                .or(charges::is_reversed.eq(false).and(entries::id.is_not_null())),
        )
        .order(charges::id)
        .select(charges::id)
        .limit(MOST)
        .load(conn)?;
    let credits_wrong: Vec<CreditId> = credits::table
        .left_join(entries::table.on(entries::reverses.eq(credits::entry_id.nullable())))
        .filter(
            (credits::is_reversed.eq(true).and(entries::id.is_null()))
                .or(credits::is_reversed.eq(false).and(entries::id.is_not_null())),
        )
        .order(credits::id)
        .select(credits::id)
        .limit(MOST)
        .load(conn)?;
    let mut found: Vec<_> = charges_wrong
        .iter()
        .map(|id| format!("charge {id} does not say whether it was reversed as its entry does"))
        .collect();
    let wrong = |id: &CreditId| format!("credit {id} does not say whether it was reversed as its entry does");
    found.extend(credits_wrong.iter().map(wrong));
    Ok(found)
}

/// What has gone of class fees is what was written down when it went.
fn lots_tie(conn: &mut Conn) -> DbResult<Vec<String>> {
    let moved =
        |column: &str| sql::<BigInt>(&format!("CAST(COALESCE(SUM(prepaid_moves.{column}), 0) AS BIGINT)"));
    let wrong: Vec<LotId> = prepaid_lots::table
        .left_join(prepaid_moves::table.on(prepaid_moves::lot_id.eq(prepaid_lots::id)))
        .group_by((prepaid_lots::id, prepaid_lots::used, prepaid_lots::lapsed, prepaid_lots::released))
        .having(
            prepaid_lots::released.ne(moved("amount")).or((prepaid_lots::used + prepaid_lots::lapsed)
                .ne(sql::<Integer>("CAST(COALESCE(SUM(prepaid_moves.fees), 0) AS INTEGER)"))),
        )
        .order(prepaid_lots::id)
        .select(prepaid_lots::id)
        .limit(MOST)
        .load(conn)?;
    Ok(wrong.iter().map(|id| format!("what has gone of lot {id} is not what was written down")).collect())
}

fn everybody_has_a_standing(conn: &mut Conn) -> DbResult<Vec<String>> {
    use crate::read::standing;
    let without: Vec<UserId> = users::table
        .left_join(standing::table.on(standing::member_id.eq(users::id)))
        .filter(standing::member_id.is_null())
        .order(users::id)
        .select(users::id)
        .limit(MOST)
        .load(conn)?;
    Ok(without.iter().map(|id| format!("member {id} has no standing in the books")).collect())
}

/// The row that is kept for each member says what their items and the ledger's postings say.
fn standing_ties(conn: &mut Conn) -> DbResult<Vec<String>> {
    let mut found = Vec::new();
    let mut after = UserId(0);
    loop {
        let members: Vec<UserId> = standing::table
            .filter(standing::member_id.gt(after))
            .order(standing::member_id)
            .select(standing::member_id)
            .limit(AT_ONCE)
            .load(conn)?;
        let Some(last) = members.last() else { return Ok(found) };
        after = *last;
        for member in members {
            if found.len() as i64 >= MOST {
                return Ok(found);
            }
            let Some(kept) = standings::standing_of(conn, member)? else { continue };
            if kept != standings::derived(conn, member, kept.grace_days)? {
                found.push(format!("the standing of member {member} is not that of their items"));
            }
            let posted: Minor = postings::table
                .filter(postings::member_id.eq(member))
                .filter(postings::account_id.eq(fixed::RECEIVABLES))
                .select(total(postings::amount))
                .get_result(conn)?;
            if posted != kept.balance {
                found.push(format!("the balance of member {member} is not the sum of their postings"));
            }
            let owed: Minor = postings::table
                .filter(postings::member_id.eq(member))
                .filter(postings::account_id.eq(fixed::PREPAID))
                .select(total(postings::amount))
                .get_result(conn)?;
            let lots: Minor = prepaid_lots::table
                .filter(prepaid_lots::member_id.eq(member))
                .select(total(prepaid_lots::amount - prepaid_lots::released))
                .get_result(conn)?;
            if owed.0 != -lots.0 {
                found.push(format!("the class fees of member {member} are not worth what the books say"));
            }
        }
    }
}

/// Nobody is marked as late for whom there is no day from which they are.
fn only_debts_are_late(conn: &mut Conn) -> DbResult<Vec<String>> {
    let wrong: Vec<UserId> = standing::table
        .filter(standing::is_late.eq(true))
        .filter(standing::overdue_from.is_null())
        .order(standing::member_id)
        .select(standing::member_id)
        .limit(MOST)
        .load(conn)?;
    Ok(wrong.iter().map(|id| format!("member {id} is late, but nothing is overdue")).collect())
}

/// What is open of a bill is what was not paid, and all of it is what the books say is owed.
fn bills_tie(conn: &mut Conn) -> DbResult<Vec<String>> {
    let paid = bill_payments::bill_id.eq(bills::id).and(bill_payments::is_reversed.eq(false));
    let wrong: Vec<BillId> = bills::table
        .left_join(bill_payments::table.on(paid))
        .filter(bills::is_reversed.eq(false))
        .group_by((bills::id, bills::amount, bills::open))
        .having(
            (bills::amount - bills::open)
                .ne(sql::<BigInt>("CAST(COALESCE(SUM(bill_payments.amount), 0) AS BIGINT)")),
        )
        .order(bills::id)
        .select(bills::id)
        .limit(MOST)
        .load(conn)?;
    let mut found: Vec<_> =
        wrong.iter().map(|id| format!("what is open of bill {id} is not what was not paid")).collect();
    let owing: Vec<BillId> = bills::table
        .filter(bills::is_reversed.eq(true))
        .filter(bills::open.ne(Minor::ZERO))
        .order(bills::id)
        .select(bills::id)
        .limit(MOST)
        .load(conn)?;
    found.extend(owing.iter().map(|id| format!("bill {id} was taken back and is open")));
    let open: Minor = bills::table.select(total(bills::open)).get_result(conn)?;
    let posted: Minor = postings::table
        .filter(postings::account_id.eq(fixed::PAYABLES))
        .select(total(postings::amount))
        .get_result(conn)?;
    if posted.0 != -open.0 {
        found.push("the open bills do not come to what the books say is owed".to_owned());
    }
    Ok(found)
}

/// What is owed to coaches says to whom, and nothing else does.
fn coach_pay_is_somebodys(conn: &mut Conn) -> DbResult<Vec<String>> {
    let strays: Vec<EntryId> = postings::table
        .filter(
            (postings::account_id.eq(fixed::COACH_PAY).and(postings::coach_id.is_null()))
                .or(postings::account_id.ne(fixed::COACH_PAY).and(postings::coach_id.is_not_null())),
        )
        .order(postings::id)
        .select(postings::entry_id)
        .limit(MOST)
        .load(conn)?;
    Ok(strays
        .iter()
        .map(|id| format!("entry {id} does not say whose pay it is, or says it of something else"))
        .collect())
}
