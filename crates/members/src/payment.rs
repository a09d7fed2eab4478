//! Where members stand with the club's money, as the books have it.

use chrono::NaiveDate;
use muster_kernel::text_enum;

text_enum! {
    /// Whether somebody has paid what they owe.
    pub enum PaymentStatus {
        /// No plan and no debt: there is nothing to pay.
        Exempt = "exempt",
        /// Owes nothing.
        Paid = "paid",
        /// Owes something, and is not late with it.
        Due = "due",
        /// Is late with something.
        Overdue = "overdue",
    }
}

/// What somebody owes and has paid in advance: derived by finance, never kept here.
#[derive(Debug, Clone, PartialEq, Eq, diesel::Queryable)]
pub struct Money {
    /// The plan they pay dues by.
    pub plan_id: Option<i64>,
    /// What they owe; below zero is credit.
    pub balance: i64,
    /// The first day on which something is overdue.
    pub overdue_from: Option<NaiveDate>,
    /// Class fees paid in advance and not used yet, the reserved ones among them.
    pub prepaid_fees: i32,
    /// Those of them that are reserved for bookings.
    pub prepaid_fees_reserved: i32,
}

impl Money {
    /// Whether they have paid, as of this day in the club's zone.
    pub fn status(&self, today: NaiveDate) -> PaymentStatus {
        match (self.balance > 0, self.plan_id) {
            (true, _) if self.overdue_from.is_some_and(|day| day <= today) => PaymentStatus::Overdue,
            (true, _) => PaymentStatus::Due,
            (false, Some(_)) => PaymentStatus::Paid,
            (false, None) => PaymentStatus::Exempt,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_owes_is_late_from_the_day_that_finance_says() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 3, day).expect("a day");
        let money = |plan_id, balance, overdue_from| Money {
            plan_id,
            balance,
            overdue_from,
            prepaid_fees: 0,
            prepaid_fees_reserved: 0,
        };
        for (plan, balance, overdue_from, expected) in [
            (None, 0, None, PaymentStatus::Exempt),
            (None, -5, None, PaymentStatus::Exempt),
            (Some(1), 0, None, PaymentStatus::Paid),
            (Some(1), -5, Some(day(1)), PaymentStatus::Paid),
            (Some(1), 5, None, PaymentStatus::Due),
            (None, 5, Some(day(11)), PaymentStatus::Due),
            (None, 5, Some(day(10)), PaymentStatus::Overdue),
            (Some(1), 5, Some(day(9)), PaymentStatus::Overdue),
        ] {
            assert_eq!(money(plan, balance, overdue_from).status(day(10)), expected, "{plan:?} {balance}");
        }
    }
}
