//! Plans: what members pay regularly, and who pays by which.

mod grace;
mod queries;

use muster_auth::permissions::{EditPlans, ReadPlans};
use muster_auth::{Can, people};
use muster_kernel::audit::{self, Event, Origin};
use muster_kernel::db::{Conn, DbError, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::page::PageRequest;
use muster_kernel::{Expected, Fields, Minor, UserId, id_type, text_enum};
use serde::{Deserialize, Serialize};

pub(crate) use grace::GraceJob;
pub(crate) use queries::{after, find, first_paid, lock, lock_named, members_on, names, next_paid};

use crate::{Member, list as lists, queries as members, record};

id_type! {
    /// A plan.
    pub struct PlanId;
}

text_enum! {
    /// How often a plan is paid.
    pub enum Every {
        /// Every month.
        Month = "month",
        /// Every year.
        Year = "year",
        /// Once and for all.
        Once = "once",
    }
}

/// What members pay regularly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, diesel::Queryable)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct Plan {
    /// Its number.
    pub id: PlanId,
    /// Goes up with every change.
    pub version: i64,
    /// What it is called.
    #[cfg_attr(feature = "http", schema(example = "Adults"))]
    pub name: String,
    /// What is paid each time.
    #[cfg_attr(feature = "http", schema(example = 2500))]
    pub price: Minor,
    /// How often it is paid.
    pub every: Every,
    /// So many days after the due date a debt of a member on it is overdue.
    pub grace_days: i32,
    /// Whether the month or year in which a membership became active is paid by the day.
    pub prorate: bool,
}

/// A plan to be made.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct NewPlan {
    /// What it is called; no two are called the same.
    #[cfg_attr(feature = "http", schema(min_length = 1, max_length = 80, example = "Adults"))]
    pub name: String,
    /// What is paid each time; 0 for those who pay nothing.
    #[cfg_attr(feature = "http", schema(minimum = 0, maximum = 1_000_000_000, example = 2500))]
    pub price: Minor,
    /// How often it is paid.
    pub every: Every,
    /// So many days after the due date a debt is overdue.
    #[cfg_attr(feature = "http", schema(minimum = 0, maximum = 365))]
    pub grace_days: i32,
    /// Whether the month or year in which a membership became active is paid by the day; not unless it is said.
    #[serde(default)]
    pub prorate: bool,
}

/// What is to change; what is absent stays.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct PlanPatch {
    /// What it is called.
    #[cfg_attr(feature = "http", schema(min_length = 1, max_length = 80))]
    pub name: Option<String>,
    /// What is paid each time from the next run on.
    #[cfg_attr(feature = "http", schema(minimum = 0, maximum = 1_000_000_000))]
    pub price: Option<Minor>,
    /// How often it is paid.
    pub every: Option<Every>,
    /// So many days after the due date a debt is overdue; also of what is open now.
    #[cfg_attr(feature = "http", schema(minimum = 0, maximum = 365))]
    pub grace_days: Option<i32>,
    /// Whether the first month or year is paid by the day.
    pub prorate: Option<bool>,
}

const OBJECT: &str = "plan";

fn check(plan: &NewPlan) -> Result<(), Fault> {
    let mut fields = Fields::new();
    fields.text("/name", &plan.name, 1..=80);
    fields.number("/price", plan.price.0, 0..=1_000_000_000);
    fields.number("/grace_days", plan.grace_days, 0..=365);
    fields.done()
}

fn name_is_taken(error: DbError) -> Fault {
    if error.is_unique_violation() {
        return Fault::new(Code::AlreadyExists, "Another plan has this name.");
    }
    error.into()
}

/// Makes a plan.
///
/// # Errors
/// When a field is wrong, or another plan has this name.
pub fn create(tx: &mut Tx<'_>, can: &Can<EditPlans>, new: &NewPlan) -> Result<Plan, Fault> {
    check(new)?;
    let plan = tx.attempt(|tx| queries::insert(tx, new)).map_err(name_is_taken)?;
    let event = Event { action: "plan.made", object_type: OBJECT, object_id: plan.id.0, reason: None };
    audit::append(tx, can.origin(), event)?;
    Ok(plan)
}

/// Changes a plan; a change that changes nothing leaves no trace. What was charged stays as it is. When the days of
/// grace change, the standing of everybody on the plan follows: at once, or if they are many soon.
///
/// # Errors
/// When there is none with this number, it is not as the caller saw it, a field is wrong, or another has this name.
pub fn edit(
    tx: &mut Tx<'_>,
    can: &Can<EditPlans>,
    id: PlanId,
    expected: &Expected,
    patch: &PlanPatch,
) -> Result<Plan, Fault> {
    let before = lock(tx, id)?.ok_or_else(Fault::not_found)?;
    expected.allows(before.version)?;
    let after = NewPlan {
        name: patch.name.clone().unwrap_or_else(|| before.name.clone()),
        price: patch.price.unwrap_or(before.price),
        every: patch.every.unwrap_or(before.every),
        grace_days: patch.grace_days.unwrap_or(before.grace_days),
        prorate: patch.prorate.unwrap_or(before.prorate),
    };
    check(&after)?;
    if before.says(&after) {
        return Ok(before);
    }
    let plan = tx.attempt(|tx| queries::update(tx, id, &after)).map_err(name_is_taken)?;
    if plan.grace_days != before.grace_days {
        grace::follow(tx, &plan)?;
    }
    let event = Event { action: "plan.changed", object_type: OBJECT, object_id: id.0, reason: None };
    audit::append(tx, can.origin(), event)?;
    Ok(plan)
}

impl Plan {
    fn says(&self, new: &NewPlan) -> bool {
        let NewPlan { name, price, every, grace_days, prorate } = new;
        (&self.name, self.price, self.every, self.grace_days, self.prorate)
            == (name, *price, *every, *grace_days, *prorate)
    }
}

/// A plan.
///
/// # Errors
/// When there is none with this number.
pub fn read(conn: &mut Conn, _: &Can<ReadPlans>, id: PlanId) -> Result<Plan, Fault> {
    find(conn, id)?.ok_or_else(Fault::not_found)
}

/// Plans, in the order in which they were made.
///
/// # Errors
/// When the database fails.
pub fn list(conn: &mut Conn, _: &Can<ReadPlans>, page: &PageRequest<i64>) -> DbResult<Vec<Plan>> {
    after(conn, page.after().copied().unwrap_or_default(), page.fetch())
}

/// How many there are in all.
///
/// # Errors
/// When the database fails.
pub fn count(conn: &mut Conn, _: &Can<ReadPlans>) -> DbResult<i64> {
    queries::count(conn)
}

/// Puts a member on a plan, or on none: dues runs charge them by it from now on, and its days of grace hold for what
/// they owe.
///
/// # Errors
/// When there is no such member or plan, or the member is not as the caller saw them.
pub fn put_on(
    tx: &mut Tx<'_>,
    can: &Can<EditPlans>,
    member: UserId,
    expected: &Expected,
    plan: Option<PlanId>,
) -> Result<Member, Fault> {
    // The plan first, as everywhere. Locked: whoever changes its days of grace at the same time comes before or after.
    let plan = match plan {
        None => None,
        Some(id) => match lock(tx, id)? {
            Some(plan) => Some(plan),
            None => return Err(Fault::field("/plan_id", "unknown", "There is no such plan.")),
        },
    };
    people::hold(tx, member)?;
    let (_, version) = members::lock(tx, member)?.ok_or_else(Fault::not_found)?;
    expected.allows(version)?;
    move_to(tx, can.origin(), member, plan.as_ref())?;
    record::one(tx, member)?.ok_or_else(Fault::not_found)
}

/// The same of a member, and to a plan, who are locked.
pub(crate) fn move_to(
    tx: &mut Tx<'_>,
    origin: &Origin,
    member: UserId,
    plan: Option<&Plan>,
) -> Result<(), Fault> {
    if queries::put_on(tx, member, plan.map(|plan| plan.id))? {
        muster_finance::set_grace(tx, member, plan.map_or(0, |plan| plan.grace_days))?;
        lists::keep(tx, member)?;
        let event = Event {
            action: "member.plan_changed",
            object_type: record::OBJECT,
            object_id: member.0,
            reason: None,
        };
        audit::append(tx, origin, event)?;
    }
    Ok(())
}
