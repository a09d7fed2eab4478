//! Classes and the timetable.

use actix_web::{get, patch, post, web};
use muster_auth::permissions::{PlanClasses, ReadClasses};
use muster_auth::{Actor, Can, Whom};
use muster_kernel::UserId;
use muster_kernel::db::{Conn, Db};
use muster_kernel::fault::Fault;
use muster_kernel::http::{Body, IfMatch, Params, PathOf, Reply};
use muster_kernel::page::{Page, PageRequest};
use serde::Deserialize;

use super::shown::{ClassShown, PlannedClass};
use crate::class::{Class, ClassId, SeriesId};
use crate::planning::{self, ClassPatch, NewClass};
use crate::timetable::{self, Bound, Filter, Place, Seen};
use crate::warnings;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TimetableQuery {
    /// From when on: a day `YYYY-MM-DD` in the club's zone, or an instant. From the beginning of today, unless it or `to`
    /// is given.
    #[param(value_type = Option<String>, example = "2026-11-23")]
    from: Option<Bound>,
    /// Up to when: a day with all of it, or an instant without it.
    #[param(value_type = Option<String>, example = "2026-11-29")]
    to: Option<Bound>,
    /// Of this coach.
    coach_id: Option<UserId>,
    /// Of this series.
    series_id: Option<SeriesId>,
    /// Those with a free place, or those without.
    available: Option<bool>,
    /// Those in which you have a place, or wait for one.
    mine: Option<bool>,
    /// Beginnings of words of title and place, up to five.
    #[param(max_length = 320)]
    q: Option<String>,
    /// So many rows, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// Where the page begins, as `next_cursor` said.
    cursor: Option<String>,
    /// Also tell how many there are in all.
    count: Option<bool>,
}

impl TimetableQuery {
    fn filter(&self) -> Result<Filter, Fault> {
        Filter {
            from: self.from,
            to: self.to,
            coach_id: self.coach_id,
            series_id: self.series_id,
            available: self.available,
            mine: self.mine == Some(true),
            ..Filter::default()
        }
        .with_words(self.q.as_deref())
    }
}

async fn page_of(
    db: &Db,
    can: Can<ReadClasses>,
    filter: Filter,
    query: TimetableQuery,
) -> Result<Reply, Fault> {
    let page = PageRequest::<Place>::read("classes", query.limit, query.cursor.as_deref())?;
    let now = db.clock().now();
    let page = db
        .read::<_, Fault, _>(move |conn| {
            let total = match query.count {
                Some(true) => Some(timetable::count(conn, &can, &filter, now)?),
                _ => None,
            };
            let rows = timetable::list(conn, &can, &filter, now, &page)?;
            let place = |seen: &Seen| (seen.class.starts_at.micros(), seen.class.id.0);
            Ok(page.page(rows, place, ClassShown::of).with_total(total))
        })
        .await?;
    Reply::page(&page)
}

/// The timetable, in the order of time.
#[utoipa::path(
    tag = "classes",
    params(TimetableQuery),
    responses((status = 200, description = "A page of classes", body = Page<ClassShown>)),
    extensions(("x-permission" = json!("classes.read")))
)]
#[get("/classes")]
pub(super) async fn list_classes(
    can: Can<ReadClasses>,
    Params(query): Params<TimetableQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let filter = query.filter()?;
    page_of(&db, can, filter, query).await
}

/// The classes of a coach, in the order of time.
#[utoipa::path(
    tag = "coaches",
    params(("id" = String, Path, description = "The coach, or `me`"), TimetableQuery),
    responses((status = 200, description = "A page of classes", body = Page<ClassShown>)),
    extensions(("x-permission" = json!("classes.read")))
)]
#[get("/coaches/{id}/classes")]
pub(super) async fn list_of_coach(
    can: Can<ReadClasses>,
    PathOf(whom): PathOf<Whom>,
    Params(query): Params<TimetableQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let coach = whom.of(&can);
    let there = db.read_one(move |conn| muster_coaches::exists(conn, coach)).await?;
    if !there {
        return Err(Fault::not_found());
    }
    let filter = Filter { coach_id: Some(coach), ..query.filter()? };
    page_of(&db, can, filter, query).await
}

/// A class as this person sees it.
pub(super) fn shown(conn: &mut Conn, actor: &Actor, id: ClassId) -> Result<ClassShown, Fault> {
    Ok(ClassShown::of(timetable::find(conn, &actor.can::<ReadClasses>()?, id)?))
}

/// The same for whoever planned it.
fn planned(conn: &mut Conn, actor: &Actor, class: &Class) -> Result<PlannedClass, Fault> {
    let warnings = warnings::of_class(conn, class)?;
    Ok(PlannedClass { class: shown(conn, actor, class.id)?, warnings })
}

/// Plan a class. A time at which the coach is not there, as they said, is a warning in the answer.
#[utoipa::path(
    tag = "classes",
    request_body = NewClass,
    responses(
        (status = 201, description = "The class", body = PlannedClass),
        (status = 409, description = "The coach teaches another class at this time")
    ),
    extensions(("x-permission" = json!("classes.plan")))
)]
#[post("/classes")]
pub(super) async fn plan_class(
    can: Can<PlanClasses>,
    Body(new): Body<NewClass>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let planned = db
        .write(move |tx| {
            let class = planning::plan(tx, &can, &new)?;
            planned(tx, can.actor(), &class)
        })
        .await?;
    let class = &planned.class;
    Reply::created(format!("/api/classes/{}", class.id), class.version, &planned)
}

/// A class.
#[utoipa::path(
    tag = "classes",
    params(("id" = ClassId, Path, description = "The class")),
    responses(
        (status = 200, description = "The class", body = ClassShown),
        (status = 304, description = "As you know it: `If-None-Match` has its ETag")
    ),
    extensions(("x-permission" = json!("classes.read")))
)]
#[get("/classes/{id}")]
pub(super) async fn get_class(
    can: Can<ReadClasses>,
    PathOf(id): PathOf<ClassId>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let class =
        db.read::<_, Fault, _>(move |conn| timetable::find(conn, &can, id).map(ClassShown::of)).await?;
    Reply::of(class.version, &class)
}

/// Change a class: as a coach one's own. A substitute is another `coach_id`. Of a session of a series, what is changed here
/// stays when the series is edited.
#[utoipa::path(
    tag = "classes",
    params(
        ("id" = ClassId, Path, description = "The class"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what you saw")
    ),
    request_body = ClassPatch,
    responses(
        (status = 200, description = "The class as it is now", body = PlannedClass),
        (status = 409, description = "It is over or off, more places are taken, or the coach teaches another class"),
        (status = 412, description = "Changed meanwhile")
    ),
    extensions(("x-permission" = json!("classes.plan")))
)]
#[patch("/classes/{id}")]
pub(super) async fn patch_class(
    can: Can<PlanClasses>,
    PathOf(id): PathOf<ClassId>,
    IfMatch(expected): IfMatch,
    Body(patch): Body<ClassPatch>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let planned = db
        .write(move |tx| {
            let class = planning::edit(tx, &can, id, &expected, &patch)?;
            planned(tx, can.actor(), &class)
        })
        .await?;
    Reply::of(planned.class.version, &planned)
}

/// Why something is called off.
#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = ClassCancelling)]
pub(super) struct Why {
    #[schema(min_length = 1, max_length = 500, example = "The hall is closed.")]
    reason: String,
}

/// Call a class off, and say why. Whoever had a place or waited is told, and owes nothing.
#[utoipa::path(
    tag = "classes",
    params(
        ("id" = ClassId, Path, description = "The class"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what you saw")
    ),
    request_body = Why,
    responses(
        (status = 200, description = "The class as it is now", body = ClassShown),
        (status = 409, description = "It is over or off already, or attendance was taken"),
        (status = 412, description = "Changed meanwhile")
    ),
    extensions(("x-permission" = json!("classes.plan")))
)]
#[post("/classes/{id}/cancel")]
pub(super) async fn cancel_class(
    can: Can<PlanClasses>,
    PathOf(id): PathOf<ClassId>,
    IfMatch(expected): IfMatch,
    Body(why): Body<Why>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let class = db
        .write(move |tx| {
            planning::call_off(tx, &can, id, &expected, &why.reason)?;
            shown(tx, can.actor(), id)
        })
        .await?;
    Reply::of(class.version, &class)
}
