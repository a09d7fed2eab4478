//! What somebody pays for a period, and why: the price, by the day in the first period, less or more by attendance.

use chrono::{Days, NaiveDate};
use muster_auth::club::AttendanceDiscount;
use muster_finance::Month;
use muster_kernel::{Minor, UserId};
use serde::{Deserialize, Serialize};

use super::period::Period;
use crate::Standing;
use crate::plans::Plan;

/// Somebody who may have to pay.
#[derive(Debug, Clone, Copy, diesel::Queryable)]
pub(crate) struct Candidate {
    pub id: UserId,
    pub status: Standing,
    /// The day on which the membership last became active.
    pub active_since: Option<NaiveDate>,
}

/// What becomes of somebody in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// They are charged so much, and why it is not the price.
    Charge(Minor, Option<String>),
    /// They are not charged, and why.
    Skip(String),
}

/// What a month's attendance does to the dues of the one after it, fixed when a run begins.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Attendance {
    /// The month that is looked at.
    pub month: String,
    /// So many classes and more are regular; nobody is if there is none.
    pub regular_from: Option<i32>,
    /// What the regular pay less.
    pub discount: Minor,
    /// What the others pay more.
    pub surcharge: Minor,
}

impl Attendance {
    /// By this rule of the club; `nth` tells how often the nth of the most regular attended.
    pub(crate) fn by<E>(
        rule: &AttendanceDiscount,
        month: Month,
        nth: impl FnOnce(i32) -> Result<Option<i32>, E>,
    ) -> Result<Attendance, E> {
        let regular_from = match rule.top {
            // Whoever attended as often as the nth is as regular. With fewer than n all of them are.
            Some(top) => Some(nth(top)?.unwrap_or(1)),
            None => rule.from,
        };
        let AttendanceDiscount { discount, surcharge, .. } = *rule;
        Ok(Attendance { month: month.to_string(), regular_from, discount, surcharge })
    }

    /// What it makes of an amount, and why. Who was no member yet in that month pays nothing more.
    fn change(&self, amount: Minor, attended: i32, was_member: bool) -> (Minor, Option<String>) {
        let classes = if attended == 1 { "class" } else { "classes" };
        let why = |word: &str| Some(format!("{word}: {attended} {classes} in {}", self.month));
        if attended > 0 && self.regular_from.is_some_and(|from| attended >= from) {
            if self.discount == Minor::ZERO {
                return (amount, None);
            }
            return (Minor(amount.0.saturating_sub(self.discount.0).max(0)), why("discount"));
        }
        if self.surcharge == Minor::ZERO || !was_member {
            return (amount, None);
        }
        (Minor(amount.0.saturating_add(self.surcharge.0)), why("surcharge"))
    }

    fn last_day(&self) -> Option<NaiveDate> {
        self.month.parse::<Month>().ok().map(Month::last_day)
    }
}

/// Says what becomes of somebody who has not been charged for this period.
pub(crate) fn judge(
    plan: &Plan,
    period: Period,
    member: &Candidate,
    attendance: Option<(&Attendance, i32)>,
) -> Verdict {
    if member.status != Standing::Active {
        return Verdict::Skip("not_active".into());
    }
    let mut why = Vec::new();
    let mut amount = plan.price;
    if let (Some((first, last)), Some(since)) = (period.days(), member.active_since) {
        if since > last {
            return Verdict::Skip("joined_later".into());
        }
        if plan.prorate && since > first {
            let (left, all) = (days(since, last), days(first, last));
            amount = amount.share(left, all).unwrap_or(amount);
            why.push(format!("prorated: {left} of {all} days"));
        }
    }
    if amount == Minor::ZERO {
        return Verdict::Skip("free".into());
    }
    if let Some((attendance, attended)) = attendance {
        let since = member.active_since;
        let was_member = since.is_none_or(|since| attendance.last_day().is_none_or(|last| since <= last));
        let (changed, because) = attendance.change(amount, attended, was_member);
        amount = changed;
        why.extend(because);
    }
    if amount == Minor::ZERO {
        return Verdict::Skip(why.join("; "));
    }
    Verdict::Charge(amount, (!why.is_empty()).then(|| why.join("; ")))
}

/// How many days it is from one to the other, both counted.
fn days(first: NaiveDate, last: NaiveDate) -> i64 {
    (last + Days::new(1) - first).num_days()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plans::{Every, PlanId};
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn plan(price: i64, prorate: bool) -> Plan {
        Plan {
            id: PlanId(1),
            version: 1,
            name: "Adults".into(),
            price: Minor(price),
            every: Every::Month,
            grace_days: 0,
            prorate,
        }
    }

    fn active(since: &str) -> Candidate {
        Candidate { id: UserId(1), status: Standing::Active, active_since: Some(day(since)) }
    }

    fn of(period: &str) -> Period {
        Period::read(period).expect("a period")
    }

    #[test]
    fn the_first_period_is_paid_by_the_day_when_the_plan_says_so() {
        for (price, period, since, expected) in [
            (3000, "2026-11", "2026-11-01", 3000),
            (3000, "2026-11", "2026-11-02", 2900),
            (3000, "2026-11", "2026-11-16", 1500),
            (3000, "2026-11", "2026-11-30", 100),
            (3000, "2026-11", "2026-10-31", 3000),
            // 5 × 15 ÷ 30 is two and a half.
            (5, "2026-11", "2026-11-16", 3),
            (1000, "2026-02", "2026-02-28", 36),
            (1000, "2028-02", "2028-02-29", 34),
            (36500, "2026", "2026-12-31", 100),
            (36600, "2028", "2028-07-01", 18400),
            (36500, "2026", "2025-07-01", 36500),
            (36500, "once", "2026-07-01", 36500),
        ] {
            let verdict = judge(&plan(price, true), of(period), &active(since), None);
            let Verdict::Charge(amount, _) = verdict else { panic!("{period} {since}: {verdict:?}") };
            assert_eq!(amount, Minor(expected), "{period} {since}");
        }
        let whole = judge(&plan(3000, false), of("2026-11"), &active("2026-11-16"), None);
        assert_eq!(whole, Verdict::Charge(Minor(3000), None));
    }

    #[test]
    fn whoever_need_not_pay_is_told_why() {
        let suspended = Candidate { status: Standing::Suspended, ..active("2026-01-01") };
        for (price, member, reason) in [
            (3000, suspended, "not_active"),
            (3000, active("2026-12-01"), "joined_later"),
            (0, active("2026-01-01"), "free"),
        ] {
            assert_eq!(judge(&plan(price, true), of("2026-11"), &member, None), Verdict::Skip(reason.into()));
        }
    }

    fn rule(top: Option<i32>, from: Option<i32>) -> AttendanceDiscount {
        AttendanceDiscount { top, from, discount: Minor(500), surcharge: Minor(200) }
    }

    fn attendance(rule: &AttendanceDiscount, nth: Option<i32>) -> Attendance {
        let month = "2026-10".parse().expect("a month");
        Attendance::by(rule, month, |_| Ok::<_, ()>(nth)).expect("it cannot fail")
    }

    #[test]
    fn the_most_regular_pay_less_and_the_others_more() {
        let (from, top, few) = (rule(None, Some(8)), rule(Some(3), None), rule(Some(3), None));
        let (from, top, few) = (attendance(&from, None), attendance(&top, Some(5)), attendance(&few, None));
        let member = active("2026-01-01");
        for (rule, price, attended, amount, reason) in [
            (&from, 2000, 8, 1500, "discount: 8 classes in 2026-10"),
            (&from, 2000, 7, 2200, "surcharge: 7 classes in 2026-10"),
            (&top, 2000, 5, 1500, "discount: 5 classes in 2026-10"),
            (&top, 2000, 4, 2200, "surcharge: 4 classes in 2026-10"),
            (&few, 2000, 1, 1500, "discount: 1 class in 2026-10"),
            (&few, 2000, 0, 2200, "surcharge: 0 classes in 2026-10"),
        ] {
            let verdict = judge(&plan(price, false), of("2026-11"), &member, Some((rule, attended)));
            assert_eq!(verdict, Verdict::Charge(Minor(amount), Some(reason.into())));
        }
        let nothing = judge(&plan(400, false), of("2026-11"), &member, Some((&from, 9)));
        assert_eq!(nothing, Verdict::Skip("discount: 9 classes in 2026-10".into()), "never below nothing");
    }

    #[test]
    fn who_was_no_member_yet_pays_no_surcharge() {
        let rule = attendance(&rule(None, Some(8)), None);
        let new = judge(&plan(3000, true), of("2026-11"), &active("2026-11-16"), Some((&rule, 0)));
        assert_eq!(new, Verdict::Charge(Minor(1500), Some("prorated: 15 of 30 days".into())));
        let last_day = judge(&plan(3000, true), of("2026-11"), &active("2026-10-31"), Some((&rule, 0)));
        assert_eq!(last_day, Verdict::Charge(Minor(3200), Some("surcharge: 0 classes in 2026-10".into())));
    }

    proptest! {
        #[test]
        fn a_part_of_a_period_costs_its_part_and_later_is_never_dearer(
            price in 1i64..1_000_000, first in 0u64..365, later in 0u64..365,
        ) {
            let year = day("2026-01-01");
            let pay = |since: u64| {
                let member = Candidate { active_since: Some(year + Days::new(since)), ..active("2026-01-01") };
                match judge(&plan(price, true), of("2026"), &member, None) {
                    Verdict::Charge(amount, _) => amount.0,
                    Verdict::Skip(_) => 0,
                }
            };
            let (early, late) = (first.min(later), first.max(later));
            prop_assert!(pay(late) <= pay(early));
            prop_assert!(pay(early) <= price);
            let exact = price * (365 - early as i64);
            prop_assert!((pay(early) * 365 - exact).abs() * 2 <= 365);
        }
    }
}
