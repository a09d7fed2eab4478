//! Series.

use actix_web::{HttpRequest, delete, get, patch, post, web};
use chrono::NaiveDate;
use muster_auth::Can;
use muster_auth::permissions::{PlanClasses, ReadClasses};
use muster_kernel::UserId;
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{Body, IfMatch, Params, PathOf, Reply};
use muster_kernel::page::{Page, PageRequest};
use serde::{Deserialize, Serialize};

use crate::class::SeriesId;
use crate::series::{self, Edited, NewSeries, Reach, Scope, Series, SeriesPatch};
use crate::warnings::Warning;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SeriesQuery {
    /// Of this coach.
    coach_id: Option<UserId>,
    /// So many rows, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// Where the page begins, as `next_cursor` said.
    cursor: Option<String>,
    /// Also tell how many there are in all.
    count: Option<bool>,
}

/// Series, the latest first.
#[utoipa::path(
    tag = "classes",
    params(SeriesQuery),
    responses((status = 200, description = "A page of series", body = Page<Series>)),
    extensions(("x-permission" = json!("classes.read")))
)]
#[get("/class-series")]
pub(super) async fn list_series(
    can: Can<ReadClasses>,
    Params(query): Params<SeriesQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let page = PageRequest::read("class-series", query.limit, query.cursor.as_deref())?;
    let page = db
        .read::<_, Fault, _>(move |conn| {
            let total = match query.count {
                Some(true) => Some(series::count(conn, &can, query.coach_id)?),
                _ => None,
            };
            let rows = series::list(conn, &can, query.coach_id, &page)?;
            Ok(page.page(rows, |row| row.id.0, |row| row).with_total(total))
        })
        .await?;
    Reply::page(&page)
}

/// A series as whoever planned or changed it sees it.
#[derive(Serialize, utoipa::ToSchema)]
struct PlannedSeries {
    #[serde(flatten)]
    series: Series,
    /// What may be worth knowing of its sessions; absent when there is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

impl PlannedSeries {
    fn of(edited: Edited) -> PlannedSeries {
        PlannedSeries { series: edited.series, warnings: edited.warnings }
    }
}

/// Plan a series: its sessions up to the club's horizon are there at once, later ones as the horizon moves on.
#[utoipa::path(
    tag = "classes",
    request_body = NewSeries,
    responses(
        (status = 201, description = "The series", body = PlannedSeries),
        (status = 409, description = "The coach teaches another class at the time of a session")
    ),
    extensions(("x-permission" = json!("classes.plan")))
)]
#[post("/class-series")]
pub(super) async fn plan_series(
    can: Can<PlanClasses>,
    Body(new): Body<NewSeries>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let planned = PlannedSeries::of(db.write(move |tx| series::plan(tx, &can, &new)).await?);
    let series = &planned.series;
    Reply::created(format!("/api/class-series/{}", series.id), series.version, &planned)
}

/// A series; its sessions are in the timetable, by `series_id`.
#[utoipa::path(
    tag = "classes",
    params(("id" = SeriesId, Path, description = "The series")),
    responses(
        (status = 200, description = "The series", body = Series),
        (status = 304, description = "As you know it: `If-None-Match` has its ETag")
    ),
    extensions(("x-permission" = json!("classes.read")))
)]
#[get("/class-series/{id}")]
pub(super) async fn get_series(
    can: Can<ReadClasses>,
    PathOf(id): PathOf<SeriesId>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let series = db.read_one(move |conn| series::read(conn, &can, id)).await?;
    Reply::of(series.version, &series)
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ReachQuery {
    /// `this` session, it and the `following`, or `all` to come, unless it is given.
    #[param(inline)]
    scope: Option<Scope>,
    /// The day of the session, or of the first one, in the zone of the series; for `this` and `following`.
    from: Option<NaiveDate>,
}

impl ReachQuery {
    fn reach(&self) -> Reach {
        Reach { scope: self.scope.unwrap_or(Scope::All), from: self.from }
    }
}

/// Edit a series: one session, it and the following, or all to come. Sessions keep their numbers, and what was changed of
/// one by hand stays. A new rule ends the series and begins another on that day, which is the answer: sessions that it
/// meets move over, the others are called off. Of very many sessions the rest is changed soon after (202).
#[utoipa::path(
    tag = "classes",
    params(
        ("id" = SeriesId, Path, description = "The series"),
        ("If-Match" = String, Header, description = "The ETag of what you saw"),
        ReachQuery
    ),
    request_body = SeriesPatch,
    responses(
        (status = 200, description = "The series as it is now, or the new one", body = PlannedSeries),
        (status = 202, description = "The same; some sessions are changed soon after", body = PlannedSeries),
        (status = 409, description = "A session cannot be changed so"),
        (status = 412, description = "Changed meanwhile"),
        (status = 428, description = "`If-Match` is missing")
    ),
    extensions(("x-permission" = json!("classes.plan")))
)]
#[patch("/class-series/{id}")]
pub(super) async fn patch_series(
    req: HttpRequest,
    can: Can<PlanClasses>,
    PathOf(id): PathOf<SeriesId>,
    Params(query): Params<ReachQuery>,
    Body(patch): Body<SeriesPatch>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let expected = IfMatch::required(&req)?;
    let edited = db.write(move |tx| series::edit(tx, &can, id, &expected, query.reach(), &patch)).await?;
    let status = if edited.goes_on { 202 } else { 200 };
    let planned = PlannedSeries::of(edited);
    Ok(Reply::of(planned.series.version, &planned)?.status(status))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CallingOffQuery {
    /// `this` session, it and the `following`, or `all` to come, unless it is given.
    #[param(inline)]
    scope: Option<Scope>,
    /// The day of the session, or of the first one, in the zone of the series; for `this` and `following`.
    from: Option<NaiveDate>,
    /// Why, for those who have booked.
    #[param(min_length = 1, max_length = 500)]
    reason: Option<String>,
}

/// Call off sessions of a series: one, it and the following, or all to come; with the last two there are none after them.
/// Whoever had a place is told, and owes nothing. Of very many sessions the rest is called off soon after (202).
#[utoipa::path(
    tag = "classes",
    params(
        ("id" = SeriesId, Path, description = "The series"),
        ("If-Match" = String, Header, description = "The ETag of what you saw"),
        CallingOffQuery
    ),
    responses(
        (status = 204, description = "Called off"),
        (status = 202, description = "Some are called off soon after", body = Series),
        (status = 409, description = "There is no such session to come"),
        (status = 412, description = "Changed meanwhile"),
        (status = 428, description = "`If-Match` is missing")
    ),
    extensions(("x-permission" = json!("classes.plan")))
)]
#[delete("/class-series/{id}")]
pub(super) async fn delete_series(
    req: HttpRequest,
    can: Can<PlanClasses>,
    PathOf(id): PathOf<SeriesId>,
    Params(query): Params<CallingOffQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let expected = IfMatch::required(&req)?;
    let CallingOffQuery { scope, from, reason } = query;
    let reach = Reach { scope: scope.unwrap_or(Scope::All), from };
    let reason = reason.unwrap_or_else(|| "The series was cancelled.".to_owned());
    let series = db
        .write(move |tx| {
            let goes_on = series::call_off(tx, &can, id, &expected, reach, &reason)?;
            if goes_on {
                series::read(tx, &can.actor().can::<ReadClasses>()?, id).map(Some)
            } else {
                Ok(None)
            }
        })
        .await?;
    match series {
        None => Ok(Reply::nothing()),
        Some(series) => Ok(Reply::of(series.version, &series)?.status(202)),
    }
}
