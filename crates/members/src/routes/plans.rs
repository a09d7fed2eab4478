//! Plans, and who is on which.

use actix_web::{HttpRequest, get, patch, post, put, web};
use muster_auth::permissions::{EditPlans, ReadPlans};
use muster_auth::{Can, Whom};
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{Body, IfMatch, Params, PathOf, Reply};
use muster_kernel::page::{Page, PageRequest};
use serde::{Deserialize, Deserializer};

use super::PageQuery;
use super::shown::{MemberShown, show};
use crate::plans::{self, NewPlan, Plan, PlanId, PlanPatch};

/// The plans of the club, in the order in which they were made.
#[utoipa::path(
    tag = "dues",
    params(PageQuery),
    responses((status = 200, description = "A page of plans", body = Page<Plan>)),
    extensions(("x-permission" = json!("plans.read")))
)]
#[get("/plans")]
pub(super) async fn list_plans(
    can: Can<ReadPlans>,
    Params(query): Params<PageQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let page = PageRequest::read("plans", query.limit, query.cursor.as_deref())?;
    let page = db
        .read::<_, Fault, _>(move |conn| {
            let total = match query.count {
                Some(true) => Some(plans::count(conn, &can)?),
                _ => None,
            };
            let rows = plans::list(conn, &can, &page)?;
            Ok(page.page(rows, |plan| plan.id.0, |plan| plan).with_total(total))
        })
        .await?;
    Reply::page(&page)
}

/// Make a plan.
#[utoipa::path(
    tag = "dues",
    request_body = NewPlan,
    responses(
        (status = 201, description = "The plan", body = Plan),
        (status = 409, description = "Another plan has this name")
    ),
    extensions(("x-permission" = json!("plans.edit")))
)]
#[post("/plans")]
pub(super) async fn make_plan(
    can: Can<EditPlans>,
    Body(new): Body<NewPlan>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let plan = db.write(move |tx| plans::create(tx, &can, &new)).await?;
    Reply::created(format!("/api/plans/{}", plan.id), plan.version, &plan)
}

/// A plan.
#[utoipa::path(
    tag = "dues",
    params(("id" = PlanId, Path, description = "The plan")),
    responses(
        (status = 200, description = "The plan", body = Plan),
        (status = 304, description = "As you know it: `If-None-Match` has its ETag")
    ),
    extensions(("x-permission" = json!("plans.read")))
)]
#[get("/plans/{id}")]
pub(super) async fn get_plan(
    can: Can<ReadPlans>,
    PathOf(id): PathOf<PlanId>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let plan = db.read_one(move |conn| plans::read(conn, &can, id)).await?;
    Reply::of(plan.version, &plan)
}

/// Change a plan. What was charged stays as it is; changed days of grace also hold for what is open now.
#[utoipa::path(
    tag = "dues",
    params(
        ("id" = PlanId, Path, description = "The plan"),
        ("If-Match" = String, Header, description = "The ETag of what you saw")
    ),
    request_body = PlanPatch,
    responses(
        (status = 200, description = "The plan as it is now", body = Plan),
        (status = 409, description = "Another plan has this name"),
        (status = 412, description = "Changed meanwhile"),
        (status = 428, description = "Without `If-Match`")
    ),
    extensions(("x-permission" = json!("plans.edit")))
)]
#[patch("/plans/{id}")]
pub(super) async fn patch_plan(
    can: Can<EditPlans>,
    PathOf(id): PathOf<PlanId>,
    request: HttpRequest,
    Body(patch): Body<PlanPatch>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let expected = IfMatch::required(&request)?;
    let plan = db.write(move |tx| plans::edit(tx, &can, id, &expected, &patch)).await?;
    Reply::of(plan.version, &plan)
}

/// Which plan somebody is on.
#[derive(Deserialize, utoipa::ToSchema)]
struct OnPlan {
    /// Null takes them off the plan they are on.
    #[serde(deserialize_with = "said")]
    #[schema(required = true)]
    plan_id: Option<PlanId>,
}

/// Has a field that may be null be there all the same.
fn said<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PlanId>, D::Error> {
    Option::deserialize(deserializer)
}

/// Put a member on a plan, or on none. From now on dues runs charge them by it, and its days of grace hold for what they
/// owe.
#[utoipa::path(
    tag = "dues",
    params(
        ("id" = String, Path, description = "The member, or `me`"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what you saw")
    ),
    request_body = OnPlan,
    responses(
        (status = 200, description = "The member's record", body = MemberShown),
        (status = 409, description = "They were erased"),
        (status = 412, description = "Changed meanwhile")
    ),
    extensions(("x-permission" = json!("plans.edit")))
)]
#[put("/members/{id}/plan")]
pub(super) async fn put_on_plan(
    can: Can<EditPlans>,
    PathOf(whom): PathOf<Whom>,
    IfMatch(expected): IfMatch,
    Body(body): Body<OnPlan>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let id = whom.of(&can);
    let shown = db
        .write::<_, Fault, _>(move |tx| {
            let member = plans::put_on(tx, &can, id, &expected, body.plan_id)?;
            let now = tx.now();
            show(tx, can.actor(), member, now)
        })
        .await?;
    Reply::of(shown.version, &shown)
}
