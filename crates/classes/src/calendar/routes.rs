//! Feeds, for programs that know nothing but their address.

use actix_web::http::header::{CACHE_CONTROL, ETAG, EntityTag, Header, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use muster_auth::Can;
use muster_auth::permissions::OwnCalendar;
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{Body, PathOf, Reply};
use serde::{Deserialize, Serialize};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Calendar, Feed};

/// Mounts them, below `/api`. What is said first is asked first: `classes.ics` is no secret.
pub fn mount(config: &mut ServiceConfig<'_>) {
    config
        .service(get_timetable)
        .service(renew_calendar)
        .service(revoke_calendar)
        .service(get_personal_calendar);
}

/// Nothing to say.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
struct NewCalendar {}

/// Where a personal calendar is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct CalendarAddress {
    /// For a calendar to subscribe to. Whoever knows it can read the calendar.
    #[schema(example = "https://club.example/api/calendar/3J7…Q.ics")]
    url: String,
}

/// The timetable, for calendars to subscribe to.
#[utoipa::path(
    tag = "calendar",
    responses((status = 200, description = "The classes from four weeks back to the horizon of the series, cancelled ones too", body = String, content_type = "text/calendar")),
    extensions(("x-public" = json!(true)))
)]
#[get("/calendar/classes.ics")]
async fn get_timetable(
    req: HttpRequest,
    db: web::Data<Db>,
    calendar: web::Data<Calendar>,
) -> Result<HttpResponse, Fault> {
    let now = db.clock().now();
    let feed = db.read(move |conn| calendar.timetable(conn, now)).await?;
    Ok(answer(&req, feed, Some("public, max-age=300")))
}

/// Make the address of one's own calendar. One that was made before is worthless from now on.
#[utoipa::path(
    tag = "calendar",
    request_body = NewCalendar,
    responses((status = 200, description = "The new address, told this once", body = CalendarAddress)),
    extensions(("x-permission" = json!("calendar.own")))
)]
#[post("/calendar/me")]
async fn renew_calendar(
    can: Can<OwnCalendar>,
    _: Body<NewCalendar>,
    db: web::Data<Db>,
    calendar: web::Data<Calendar>,
) -> Result<Reply, Fault> {
    let url = db.write(move |tx| calendar.renew(tx, &can)).await?;
    Ok(Reply::plain(&CalendarAddress { url })?.secret())
}

/// Take the address of one's own calendar away.
#[utoipa::path(
    tag = "calendar",
    responses((status = 204, description = "There is none")),
    extensions(("x-permission" = json!("calendar.own")))
)]
#[delete("/calendar/me")]
async fn revoke_calendar(can: Can<OwnCalendar>, db: web::Data<Db>) -> Result<Reply, Fault> {
    db.write(move |tx| super::revoke(tx, &can)).await?;
    Ok(Reply::nothing())
}

/// Somebody's own calendar: what they and those they act for have booked or wait for, and what they teach.
#[utoipa::path(
    tag = "calendar",
    params(("secret" = String, Path, description = "What only they know")),
    responses((status = 200, description = "Their calendar", body = String, content_type = "text/calendar")),
    extensions(("x-public" = json!(true)))
)]
#[get("/calendar/{secret}.ics")]
async fn get_personal_calendar(
    req: HttpRequest,
    PathOf(secret): PathOf<String>,
    db: web::Data<Db>,
    calendar: web::Data<Calendar>,
) -> Result<HttpResponse, Fault> {
    let now = db.clock().now();
    let feed = db.read(move |conn| calendar.personal(conn, &secret, now)).await?;
    // Without being told otherwise nobody on the way keeps it.
    Ok(answer(&req, feed, None))
}

fn answer(req: &HttpRequest, feed: Feed, kept: Option<&'static str>) -> HttpResponse {
    let seen = IfNoneMatch::parse(req).is_ok_and(|seen| match seen {
        IfNoneMatch::Any => true,
        // A proxy that compresses may have made the tag a weak one.
        IfNoneMatch::Items(tags) => {
            feed.etag.parse().is_ok_and(|tag: EntityTag| tags.iter().any(|t| t.weak_eq(&tag)))
        }
    });
    let mut response = if seen { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((ETAG, feed.etag));
    if let Some(kept) = kept {
        response.insert_header((CACHE_CONTROL, kept));
    }
    if seen {
        return response.finish();
    }
    response.content_type("text/calendar; charset=utf-8").body(feed.text.to_string())
}
