//! What was unpaid when a day ended, what was due first at the top: bills, coaches' pay and members' debts alike.

mod then;

use chrono::{Months, NaiveDate};
use diesel::{BoolExpressionMethods, ExpressionMethods, JoinOnDsl, QueryDsl, RunQueryDsl};
use muster_auth::Can;
use muster_auth::permissions::ReadBooks;
use muster_kernel::db::{Conn, DbResult, MultiBackend};
use muster_kernel::sql::total;
use muster_kernel::{Minor, UserId, text_enum};

use super::{name_in, names};
use crate::accounts::fixed;
use crate::bills::{self, BillId};
use crate::charges::ChargeId;
use crate::schema::{charges, entries, postings, standing};
use crate::{EntryKind, Month, balances};

/// Months after which it does not matter any more in which one a coach earned what is unpaid.
const MONTHS_OF_PAY: u32 = 24;

text_enum! {
    /// What kind of thing is unpaid.
    pub enum PayableKind {
        /// The club owes it for a thing.
        Bill = "bill",
        /// The club owes it to a coach.
        CoachPay = "coach_pay",
        /// A member owes it to the club.
        Member = "member",
    }
}

/// Something that is unpaid.
#[derive(Debug, Clone)]
pub struct Payable {
    /// What kind of thing.
    pub kind: PayableKind,
    /// The month in which it was due, or earned.
    pub month: Month,
    /// How much is open of it.
    pub amount: Minor,
    /// When it is due; a coach's pay has no such day.
    pub due_on: Option<NaiveDate>,
    /// The bill.
    pub bill_id: Option<BillId>,
    /// Whom the bill is owed to.
    pub payee: Option<String>,
    /// Whose pay it is.
    pub coach_id: Option<UserId>,
    /// Who owes it.
    pub member_id: Option<UserId>,
    /// What they owe.
    pub charge_id: Option<ChargeId>,
    /// What the coach or the member is called.
    pub name: Option<String>,
}

/// The place of something in this list: its day, its kind, its number.
pub type PayableKey = (NaiveDate, u8, i64);

impl Payable {
    /// Its place in the list.
    pub fn key(&self) -> PayableKey {
        let day = self.due_on.unwrap_or_else(|| self.month.last_day());
        let (kind, id) = match self.kind {
            PayableKind::Bill => (BILLS, self.bill_id.map(|id| id.0)),
            PayableKind::CoachPay => (PAY, self.coach_id.map(|id| id.0)),
            PayableKind::Member => (DEBTS, self.charge_id.map(|id| id.0)),
        };
        (day, kind, id.unwrap_or_default())
    }
}

const BILLS: u8 = 0;
const PAY: u8 = 1;
const DEBTS: u8 = 2;

/// What is unpaid in all.
#[derive(Debug, Clone, Copy)]
pub struct PayableTotals {
    /// On bills.
    pub bills: Minor,
    /// To coaches.
    pub coach_pay: Minor,
    /// By members, the credit of others not counted.
    pub members: Minor,
}

/// What was unpaid in all when a day ended.
///
/// # Errors
/// When the database fails.
pub fn payable_totals(
    conn: &mut Conn,
    _: &Can<ReadBooks>,
    (as_of, today): (NaiveDate, NaiveDate),
) -> DbResult<PayableTotals> {
    let now = as_of == today;
    let stood = balances::as_of_day(conn, if now { None } else { Some(as_of) })?;
    let owed = |account| stood.iter().find(|(id, _)| *id == account).map_or(0, |(_, balance)| -balance.0);
    let members = match now {
        true => standing::table
            .filter(standing::balance.gt(Minor::ZERO))
            .select(total(standing::balance))
            .get_result(conn)?,
        false => then::owed_by_members(conn, as_of)?,
    };
    Ok(PayableTotals {
        bills: Minor(owed(fixed::PAYABLES)),
        coach_pay: Minor(owed(fixed::COACH_PAY)),
        members,
    })
}

/// What was unpaid when a day ended, after this place in the list.
///
/// As of today it is what is open now. Of a day before, what members had paid until then is taken to have settled what was
/// due first.
///
/// # Errors
/// When the database fails.
pub fn payables(
    conn: &mut Conn,
    _: &Can<ReadBooks>,
    (as_of, today): (NaiveDate, NaiveDate),
    after: Option<PayableKey>,
    limit: i64,
) -> DbResult<Vec<Payable>> {
    let mut items = match as_of == today {
        true => [open_bills(conn, after, limit)?, open_charges(conn, after, limit)?].concat(),
        false => open_then(conn, as_of, after, limit)?,
    };
    items.extend(unpaid_coaches(conn, as_of, after)?);
    items.sort_by_key(Payable::key);
    items.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let people: Vec<_> = items.iter().filter_map(|item| item.member_id.or(item.coach_id)).collect();
    let names = names(conn, &people)?;
    for item in &mut items {
        item.name = item.member_id.or(item.coach_id).map(|id| name_in(&names, id));
    }
    Ok(items)
}

/// After which day and number to go on among things of one kind.
fn after_of(kind: u8, after: Option<PayableKey>) -> Option<(NaiveDate, i64)> {
    let (day, of, id) = after?;
    let id = match of.cmp(&kind) {
        std::cmp::Ordering::Less => 0,
        std::cmp::Ordering::Equal => id,
        std::cmp::Ordering::Greater => i64::MAX,
    };
    Some((day, id))
}

fn nothing(kind: PayableKind, month: Month, amount: Minor) -> Payable {
    Payable {
        kind,
        month,
        amount,
        due_on: None,
        bill_id: None,
        payee: None,
        coach_id: None,
        member_id: None,
        charge_id: None,
        name: None,
    }
}

fn open_bills(conn: &mut Conn, after: Option<PayableKey>, limit: i64) -> DbResult<Vec<Payable>> {
    let after = after_of(BILLS, after).map(|(day, id)| (day, BillId(id)));
    let unpaid = |bill: bills::Bill| Payable {
        due_on: Some(bill.due_on),
        bill_id: Some(bill.id),
        payee: Some(bill.payee),
        ..nothing(PayableKind::Bill, Month::of(bill.due_on), bill.open)
    };
    Ok(bills::open_after(conn, after, limit)?.into_iter().map(unpaid).collect())
}

fn open_charges(conn: &mut Conn, after: Option<PayableKey>, limit: i64) -> DbResult<Vec<Payable>> {
    let mut query = charges::table.into_boxed::<MultiBackend>().filter(charges::is_open.eq(true));
    if let Some((day, id)) = after_of(DEBTS, after) {
        query = query
            .filter(charges::due_on.ge(day))
            .filter(charges::due_on.gt(day).or(charges::id.gt(ChargeId(id))));
    }
    let rows: Vec<(ChargeId, UserId, NaiveDate, Minor)> = query
        .order((charges::due_on, charges::id))
        .limit(limit)
        .select((charges::id, charges::member_id, charges::due_on, charges::open))
        .load(conn)?;
    let unpaid = |(charge, member, due_on, open)| Payable {
        due_on: Some(due_on),
        member_id: Some(member),
        charge_id: Some(charge),
        ..nothing(PayableKind::Member, Month::of(due_on), open)
    };
    Ok(rows.into_iter().map(unpaid).collect())
}

/// Bills and charges that were open when a day ended that is over.
fn open_then(
    conn: &mut Conn,
    as_of: NaiveDate,
    after: Option<PayableKey>,
    limit: i64,
) -> DbResult<Vec<Payable>> {
    let bill = |bill: then::OpenBill| Payable {
        due_on: Some(bill.due_on),
        bill_id: Some(bill.id),
        payee: Some(bill.payee),
        ..nothing(PayableKind::Bill, Month::of(bill.due_on), bill.open)
    };
    let charge = |charge: then::OpenCharge| Payable {
        due_on: Some(charge.due_on),
        member_id: Some(charge.member_id),
        charge_id: Some(charge.id),
        ..nothing(PayableKind::Member, Month::of(charge.due_on), charge.open())
    };
    let bills = then::open_bills(conn, as_of, after_of(BILLS, after), limit)?;
    let charges = then::open_charges(conn, as_of, after_of(DEBTS, after), limit)?;
    Ok(bills.into_iter().map(bill).chain(charges.into_iter().map(charge)).collect())
}

/// What coaches earned in which month and were not paid. What they were paid is taken to have been for what they earned
/// first.
fn unpaid_coaches(conn: &mut Conn, as_of: NaiveDate, after: Option<PayableKey>) -> DbResult<Vec<Payable>> {
    let owed: Vec<(Option<UserId>, Minor)> = postings::table
        .filter(postings::account_id.eq(fixed::COACH_PAY))
        .filter(postings::coach_id.is_not_null())
        .filter(postings::date.le(as_of))
        .group_by(postings::coach_id)
        .having(total(postings::amount).ne(0))
        .order(postings::coach_id)
        .select((postings::coach_id, total(postings::amount)))
        .load(conn)?;
    let owed: Vec<(UserId, i64)> =
        owed.into_iter().filter_map(|(coach, sum)| Some((coach?, -sum.0))).collect();
    if owed.is_empty() {
        return Ok(Vec::new());
    }
    let coaches: Vec<_> = owed.iter().map(|(coach, _)| *coach).collect();
    let oldest = Month::of(as_of.checked_sub_months(Months::new(MONTHS_OF_PAY)).unwrap_or(as_of));
    // A payout that was taken back is not earned anew, and what was corrected is earned less.
    let earned: Vec<(Option<UserId>, NaiveDate, Minor)> = postings::table
        .inner_join(entries::table.on(entries::id.eq(postings::entry_id)))
        .filter(entries::kind.eq(EntryKind::CoachPay))
        .filter(postings::account_id.eq(fixed::COACH_PAY))
        .filter(postings::coach_id.is_not_null())
        .filter(postings::coach_id.eq_any(coaches))
        .filter(postings::date.between(oldest.first_day(), as_of))
        .group_by((postings::coach_id, postings::date))
        .select((postings::coach_id, postings::date, total(postings::amount)))
        .load(conn)?;
    let mut items = Vec::new();
    for (coach, balance) in owed {
        let mut by_month: std::collections::BTreeMap<Month, i64> = std::collections::BTreeMap::new();
        for (_, day, sum) in earned.iter().filter(|(of, _, _)| *of == Some(coach)) {
            *by_month.entry(Month::of(*day)).or_default() -= sum.0;
        }
        items.extend(unpaid_of(coach, balance, by_month, oldest, Month::of(as_of)));
    }
    items.retain(|item| after.is_none_or(|after| item.key() > after));
    Ok(items)
}

/// The months of which a coach is owed something: the latest that come to the balance. One who is owed less than nothing
/// stands in the present month.
fn unpaid_of(
    coach: UserId,
    balance: i64,
    earned: std::collections::BTreeMap<Month, i64>,
    oldest: Month,
    present: Month,
) -> Vec<Payable> {
    let unpaid = |month, amount| Payable {
        coach_id: Some(coach),
        ..nothing(PayableKind::CoachPay, month, Minor(amount))
    };
    if balance < 0 {
        return vec![unpaid(present, balance)];
    }
    let mut items: Vec<Payable> = Vec::new();
    let (mut rest, mut less) = (balance, 0);
    for (month, sum) in earned.into_iter().rev() {
        // What a month was corrected by beyond what was earned in it, was earned less before.
        let sum = sum - less;
        less = (-sum).max(0);
        let part = if month == oldest { rest } else { sum.clamp(0, rest) };
        if part > 0 {
            items.push(unpaid(month, part));
        }
        rest -= part;
    }
    if rest > 0 {
        items.push(unpaid(oldest, rest));
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    fn months(earned: &[(&str, i64)], balance: i64) -> Vec<(String, i64)> {
        let month = |text: &str| text.parse::<Month>().expect("a month");
        let earned = earned.iter().map(|(text, sum)| (month(text), *sum)).collect();
        let items = unpaid_of(UserId(1), balance, earned, month("2024-11"), month("2026-11"));
        items.into_iter().map(|item| (item.month.to_string(), item.amount.0)).collect()
    }

    fn all(of: &[(&str, i64)]) -> Vec<(String, i64)> {
        of.iter().map(|(month, amount)| ((*month).to_owned(), *amount)).collect()
    }

    #[test]
    fn what_a_coach_is_owed_is_what_was_earned_last() {
        let earned = [("2026-08", 100), ("2026-09", 200), ("2026-10", 300)];
        assert_eq!(months(&earned, 300), all(&[("2026-10", 300)]));
        assert_eq!(months(&earned, 450), all(&[("2026-10", 300), ("2026-09", 150)]));
        assert_eq!(
            months(&earned, 700),
            all(&[("2026-10", 300), ("2026-09", 200), ("2026-08", 100), ("2024-11", 100)])
        );
        assert_eq!(months(&earned, -50), all(&[("2026-11", -50)]));
        let corrected = [("2026-08", 100), ("2026-09", 200), ("2026-10", -50)];
        assert_eq!(months(&corrected, 200), all(&[("2026-09", 150), ("2026-08", 50)]));
    }
}
