//! Which payment settles which charge: the oldest charge first, by what was paid first.

use diesel::upsert::excluded;
use diesel::{ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::sql::Portable;
use muster_kernel::{Minor, UserId};

use crate::charges::ChargeId;
use crate::credits::{CreditId, CreditKind};
use crate::schema::{allocations, charges, credits};

/// A part of a credit that settles a charge, or a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, diesel::Queryable)]
pub struct Allocation {
    /// What is settled.
    pub charge_id: ChargeId,
    /// By what.
    pub credit_id: CreditId,
    /// How much of it.
    pub amount: Minor,
}

/// Items that are looked at together.
const AT_ONCE: i64 = 200;

/// Settles what can be settled of a member whose standing is locked. Afterwards either nothing is open, or no credit
/// is left.
pub(crate) fn settle(tx: &mut Tx<'_>, member: UserId) -> DbResult<()> {
    loop {
        let mut rests: Vec<(CreditId, Minor)> = credits::table
            .filter(credits::member_id.eq(member))
            .filter(credits::has_rest.eq(true))
            .order((credits::date, credits::id))
            .limit(AT_ONCE)
            .select((credits::id, credits::rest))
            .load(&mut **tx)?;
        if rests.is_empty() {
            return Ok(());
        }
        let mut open: Vec<(ChargeId, Minor)> = charges::table
            .filter(charges::member_id.eq(member))
            .filter(charges::is_open.eq(true))
            .order((charges::due_on, charges::date, charges::id))
            .limit(AT_ONCE)
            .select((charges::id, charges::open))
            .load(&mut **tx)?;
        if open.is_empty() {
            return Ok(());
        }
        let made = matched(&mut open, &mut rests);
        for allocation in &made {
            allocate(tx, allocation)?;
        }
        for (id, open) in touched(open, made.iter().map(|m| m.charge_id)) {
            set_open(tx, id, open)?;
        }
        for (id, rest) in touched(rests, made.iter().map(|m| m.credit_id)) {
            set_rest(tx, id, rest)?;
        }
    }
}

/// Those of the items that were matched.
fn touched<K: PartialEq + Copy>(items: Vec<(K, Minor)>, matched: impl Iterator<Item = K>) -> Vec<(K, Minor)> {
    let matched: Vec<_> = matched.collect();
    items.into_iter().filter(|(id, _)| matched.contains(id)).collect()
}

/// Matches credits with charges, both in their order, and takes from both what is matched.
fn matched(open: &mut [(ChargeId, Minor)], rests: &mut [(CreditId, Minor)]) -> Vec<Allocation> {
    let mut made = Vec::new();
    let mut credits = rests.iter_mut();
    let Some(mut credit) = credits.next() else { return made };
    for charge in open {
        while charge.1 > Minor::ZERO {
            if credit.1 == Minor::ZERO {
                match credits.next() {
                    Some(next) => credit = next,
                    None => return made,
                }
                continue;
            }
            let amount = charge.1.min(credit.1);
            charge.1 = Minor(charge.1.0 - amount.0);
            credit.1 = Minor(credit.1.0 - amount.0);
            made.push(Allocation { charge_id: charge.0, credit_id: credit.0, amount });
        }
    }
    made
}

/// Settles so much of one charge by one credit, whatever else is open.
pub(crate) fn settle_one(
    tx: &mut Tx<'_>,
    charge: (ChargeId, Minor),
    credit: (CreditId, Minor),
    amount: Minor,
) -> DbResult<()> {
    allocate(tx, &Allocation { charge_id: charge.0, credit_id: credit.0, amount })?;
    set_open(tx, charge.0, Minor(charge.1.0 - amount.0))?;
    set_rest(tx, credit.0, Minor(credit.1.0 - amount.0))
}

fn allocate(tx: &mut Tx<'_>, made: &Allocation) -> DbResult<()> {
    Portable(
        diesel::insert_into(allocations::table)
            .values((
                allocations::charge_id.eq(made.charge_id),
                allocations::credit_id.eq(made.credit_id),
                allocations::amount.eq(made.amount),
            ))
            .on_conflict((allocations::charge_id, allocations::credit_id))
            .do_update()
            .set(allocations::amount.eq(allocations::amount + excluded(allocations::amount))),
    )
    .execute(&mut **tx)?;
    Ok(())
}

fn set_open(tx: &mut Tx<'_>, id: ChargeId, open: Minor) -> DbResult<()> {
    diesel::update(charges::table.find(id))
        .set((charges::open.eq(open), charges::is_open.eq(open > Minor::ZERO)))
        .execute(&mut **tx)?;
    Ok(())
}

fn set_rest(tx: &mut Tx<'_>, id: CreditId, rest: Minor) -> DbResult<()> {
    diesel::update(credits::table.find(id))
        .set((credits::rest.eq(rest), credits::has_rest.eq(rest > Minor::ZERO)))
        .execute(&mut **tx)?;
    Ok(())
}

/// Whether a charge, or a part of it, was written off.
pub(crate) fn is_written_off(conn: &mut Conn, id: ChargeId) -> DbResult<bool> {
    let any: Option<CreditId> = allocations::table
        .inner_join(credits::table.on(credits::id.eq(allocations::credit_id)))
        .filter(allocations::charge_id.eq(id))
        .filter(credits::kind.eq(CreditKind::WriteOff))
        .select(credits::id)
        .first(conn)
        .optional()?;
    Ok(any.is_some())
}

/// Takes a charge out: what settled it is credit again.
pub(crate) fn void_charge(tx: &mut Tx<'_>, id: ChargeId) -> DbResult<()> {
    let freed: Vec<(CreditId, Minor, Minor)> = allocations::table
        .inner_join(credits::table.on(credits::id.eq(allocations::credit_id)))
        .filter(allocations::charge_id.eq(id))
        .select((credits::id, credits::rest, allocations::amount))
        .load(&mut **tx)?;
    for (credit, rest, amount) in freed {
        set_rest(tx, credit, Minor(rest.0 + amount.0))?;
    }
    diesel::delete(allocations::table.filter(allocations::charge_id.eq(id))).execute(&mut **tx)?;
    set_open(tx, id, Minor::ZERO)?;
    diesel::update(charges::table.find(id)).set(charges::is_reversed.eq(true)).execute(&mut **tx)?;
    Ok(())
}

/// Takes a credit out: what it settled is open again.
pub(crate) fn void_credit(tx: &mut Tx<'_>, id: CreditId) -> DbResult<()> {
    let freed: Vec<(ChargeId, Minor, Minor)> = allocations::table
        .inner_join(charges::table.on(charges::id.eq(allocations::charge_id)))
        .filter(allocations::credit_id.eq(id))
        .select((charges::id, charges::open, allocations::amount))
        .load(&mut **tx)?;
    for (charge, open, amount) in freed {
        set_open(tx, charge, Minor(open.0 + amount.0))?;
    }
    diesel::delete(allocations::table.filter(allocations::credit_id.eq(id))).execute(&mut **tx)?;
    set_rest(tx, id, Minor::ZERO)?;
    diesel::update(credits::table.find(id)).set(credits::is_reversed.eq(true)).execute(&mut **tx)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn matching_leaves_either_nothing_open_or_no_credit_and_keeps_the_order(
            open in prop::collection::vec(1i64..1000, 0..12),
            rests in prop::collection::vec(1i64..1000, 0..12),
        ) {
            let mut charges: Vec<_> = open.iter().zip(1..).map(|(a, id)| (ChargeId(id), Minor(*a))).collect();
            let mut credits: Vec<_> = rests.iter().zip(1..).map(|(a, id)| (CreditId(id), Minor(*a))).collect();
            let made = matched(&mut charges, &mut credits);
            let still_open: i64 = charges.iter().map(|c| c.1.0).sum();
            let left: i64 = credits.iter().map(|c| c.1.0).sum();
            prop_assert!(still_open == 0 || left == 0);
            let settled: i64 = made.iter().map(|m| m.amount.0).sum();
            prop_assert_eq!(open.iter().sum::<i64>() - still_open, settled);
            prop_assert_eq!(rests.iter().sum::<i64>() - left, settled);
            prop_assert!(made.windows(2).all(|w| w[0].charge_id <= w[1].charge_id && w[0].credit_id <= w[1].credit_id));
            prop_assert!(charges.windows(2).all(|w| w[0].1 == Minor::ZERO || w[1].1.0 == open[w[1].0.0 as usize - 1]));
        }
    }
}
