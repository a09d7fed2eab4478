//! What a coach did.

use actix_web::{get, web};
use chrono::NaiveDate;
use muster_auth::permissions::OverseeCoaches;
use muster_auth::{Can, Whom};
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{Params, PathOf, Reply};
use serde::Deserialize;

use crate::overview::{self, Days, Overview};

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct OverviewQuery {
    /// From this day on, where the club is; from the beginning of the year unless it is given.
    from: Option<NaiveDate>,
    /// Until this day; until today unless it is given.
    to: Option<NaiveDate>,
}

/// What a coach did between two days: classes, substitutions, attendance, ratings. For treasurers, admins and the coach
/// themselves (`me`), who sees ratings by whole months and of three or more.
#[utoipa::path(
    tag = "coaches",
    params(("id" = String, Path, description = "The coach, or `me`"), OverviewQuery),
    responses((status = 200, description = "The overview", body = Overview)),
    extensions(("x-permission" = json!("coaches.oversee")))
)]
#[get("/coaches/{id}/overview")]
pub(super) async fn get_overview(
    can: Can<OverseeCoaches>,
    PathOf(whom): PathOf<Whom>,
    Params(query): Params<OverviewQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let (coach, now) = (whom.of(&can), db.clock().now());
    let days = Days::read(query.from, query.to)?;
    let seen = db.read(move |conn| overview::overview(conn, &can, coach, days, now)).await?;
    Reply::plain(&seen)
}
