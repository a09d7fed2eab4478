//! A coach as clients see them.

use muster_auth::Actor;
use muster_kernel::{Minor, UserId};
use serde::Serialize;

use crate::profile::Seen;
use crate::{sees_pay, shown_name};

/// A coach. Fields that you may not see are absent.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Coach)]
pub(super) struct CoachShown {
    pub(super) id: UserId,
    pub(super) version: i64,
    /// The person; the same number.
    user_id: UserId,
    /// What they are called: the public name, else the first and the last.
    name: String,
    /// Null where they are shown by their name.
    public_name: Option<String>,
    bio: Option<String>,
    specialities: Vec<String>,
    /// Classes that they completed this month.
    numbers_classes_taught: i64,
    /// Classes that they ever completed.
    classes_taught_total: i32,
    /// What the club owes them; below zero they were paid too much. This and what follows only for themselves,
    /// treasurers and admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i64, required = false)]
    payment_balance: Option<Minor>,
    /// The last payout; 0 when there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i64, required = false)]
    last_payment_balance: Option<Minor>,
}

impl CoachShown {
    /// A coach as this person sees them.
    pub(super) fn to(actor: &Actor, (coach, this_month): Seen) -> CoachShown {
        let money = sees_pay(actor, coach.id);
        CoachShown {
            id: coach.id,
            version: coach.version,
            user_id: coach.id,
            name: shown_name(coach.public_name.as_deref(), &coach.first_name, &coach.last_name),
            public_name: coach.public_name,
            bio: coach.bio,
            specialities: coach.specialities.0,
            numbers_classes_taught: this_month,
            classes_taught_total: coach.classes_taught_total,
            payment_balance: money.then_some(coach.payment_balance),
            last_payment_balance: money.then_some(coach.last_payment_balance),
        }
    }
}
