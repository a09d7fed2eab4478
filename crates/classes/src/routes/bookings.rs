//! Bookings.

use actix_web::{get, post, web};
use muster_auth::permissions::{Book, ReadBookings, ReadMembers};
use muster_auth::{Can, Whom};
use muster_kernel::db::{Db, Tx};
use muster_kernel::fault::Fault;
use muster_kernel::http::{OnceBody, Params, PathOf, Reply};
use muster_kernel::page::{Page, PageRequest};
use muster_kernel::{Minor, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::PageQuery;
use crate::bookings::{self, Made};
use crate::class::{Class, ClassId};
use crate::timetable::{self, Shown, Which};
use crate::{Booking, BookingId, BookingStatus};

/// For whom.
#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = NewBooking)]
pub(super) struct ForWhom {
    /// The member; you, unless it is given.
    member_id: Option<UserId>,
}

fn reply(tx: &mut Tx<'_>, booking: Booking, class: &Class, is_new: bool) -> Result<Reply, Fault> {
    let (id, version, member) = (booking.id, booking.version, booking.member_id);
    let shown = timetable::show(tx, booking, class)?;
    let reply = match is_new {
        true => Reply::created(format!("/api/bookings/{id}"), version, &shown)?,
        false => Reply::of(version, &shown)?,
    };
    Ok(reply.about(member))
}

/// Book a place in a class; a place in line when it is full. Staff book for others: a coach in their own classes. Somebody
/// in line who asks again takes a place that is free (200).
#[utoipa::path(
    tag = "bookings",
    params(
        ("id" = ClassId, Path, description = "The class"),
        ("Idempotency-Key" = String, Header, description = "A key of your own making")
    ),
    request_body = ForWhom,
    responses(
        (status = 201, description = "The booking", body = Shown),
        (status = 200, description = "The place in line became a place", body = Shown),
        (status = 409, description = "Booked already, another class at this time, no active membership, or the class has begun")
    ),
    extensions(("x-permission" = json!("bookings.make")))
)]
#[post("/classes/{id}/bookings")]
pub(super) async fn book(
    can: Can<Book>,
    PathOf(id): PathOf<ClassId>,
    body: OnceBody<ForWhom>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    body.perform(&db, move |tx, body| {
        let Made { booking, class, is_new } = bookings::book(tx, &can, id, body.member_id)?;
        reply(tx, booking, &class, is_new)
    })
    .await
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct BookingQuery {
    /// Of this member, or `me`.
    #[param(value_type = Option<String>)]
    member_id: Option<Whom>,
    /// Of this class.
    class_id: Option<ClassId>,
    /// Those of this status.
    status: Option<BookingStatus>,
    /// So many rows, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// Where the page begins, as `next_cursor` said.
    cursor: Option<String>,
    /// Also tell how many there are in all.
    count: Option<bool>,
}

async fn page_of(
    db: &Db,
    can: Can<ReadBookings>,
    which: Which,
    (limit, cursor, count): (Option<i64>, Option<String>, Option<bool>),
) -> Result<Reply, Fault> {
    let page = PageRequest::read("bookings", limit, cursor.as_deref())?;
    let now = db.clock().now();
    let page = db
        .read::<_, Fault, _>(move |conn| {
            let total = match count {
                Some(true) => Some(timetable::count_bookings(conn, &can, &which, now)?),
                _ => None,
            };
            let rows = timetable::bookings(conn, &can, &which, now, &page)?;
            Ok(page.page(rows, |row| row.id.0, |row| row).with_total(total))
        })
        .await?;
    Reply::page(&page)
}

/// The bookings of a class, the latest first: for staff all of them, for others their own and those of their wards.
#[utoipa::path(
    tag = "bookings",
    params(("id" = ClassId, Path, description = "The class"), PageQuery),
    responses((status = 200, description = "A page of bookings", body = Page<Shown>)),
    extensions(("x-permission" = json!("bookings.read")))
)]
#[get("/classes/{id}/bookings")]
pub(super) async fn list_of_class(
    can: Can<ReadBookings>,
    PathOf(id): PathOf<ClassId>,
    Params(query): Params<PageQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let which = Which { class_id: Some(id), ..Which::default() };
    page_of(&db, can, which, (query.limit, query.cursor, query.count)).await
}

/// Bookings, the latest first: for staff all of them, for others their own and those of their wards.
#[utoipa::path(
    tag = "bookings",
    params(BookingQuery),
    responses((status = 200, description = "A page of bookings", body = Page<Shown>)),
    extensions(("x-permission" = json!("bookings.read")))
)]
#[get("/bookings")]
pub(super) async fn list_bookings(
    can: Can<ReadBookings>,
    Params(query): Params<BookingQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let BookingQuery { member_id, class_id, status, limit, cursor, count } = query;
    let member_id = member_id.map(|whom| whom.of(&can));
    let which = Which { class_id, member_id, status, ..Which::default() };
    page_of(&db, can, which, (limit, cursor, count)).await
}

/// A booking: one's own, one's ward's, or for staff anybody's.
#[utoipa::path(
    tag = "bookings",
    params(("id" = BookingId, Path, description = "The booking")),
    responses(
        (status = 200, description = "The booking", body = Shown),
        (status = 304, description = "As you know it: `If-None-Match` has its ETag")
    ),
    extensions(("x-permission" = json!("bookings.read")))
)]
#[get("/bookings/{id}")]
pub(super) async fn get_booking(
    can: Can<ReadBookings>,
    PathOf(id): PathOf<BookingId>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let now = db.clock().now();
    let shown = db
        .read::<_, Fault, _>(move |conn| {
            let (booking, class) = bookings::find(conn, &can, id, now)?;
            Ok(timetable::show(conn, booking, &class)?)
        })
        .await?;
    Reply::of(shown.version, &shown)
}

/// What cancelling would come to.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CancellationQuote)]
pub(super) struct QuoteShown {
    /// What would become of the booking.
    outcome: BookingStatus,
    /// What it would cost; 0 when a class fee paid in advance is used.
    fee: Minor,
    /// Whether a class fee paid in advance would be used.
    uses_prepaid: bool,
    /// Until when it is free of charge.
    free_until: Timestamp,
}

/// What cancelling a booking now would come to, before it is done.
#[utoipa::path(
    tag = "bookings",
    params(("id" = BookingId, Path, description = "The booking")),
    responses(
        (status = 200, description = "What it would come to", body = QuoteShown),
        (status = 409, description = "It cannot be cancelled any more")
    ),
    extensions(("x-permission" = json!("bookings.make")))
)]
#[get("/bookings/{id}/cancellation-quote")]
pub(super) async fn get_quote(
    can: Can<Book>,
    PathOf(id): PathOf<BookingId>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let now = db.clock().now();
    let quote = db.read::<_, Fault, _>(move |conn| bookings::quote(conn, &can, id, now)).await?;
    let bookings::Quote { outcome, fee, uses_prepaid, free_until } = quote;
    Reply::plain(&QuoteShown { outcome, fee, uses_prepaid, free_until })
}

/// Why, if there is something to say.
#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = BookingCancelling)]
pub(super) struct Cancelling {
    #[schema(min_length = 1, max_length = 500)]
    reason: Option<String>,
}

/// Cancel a booking: free of charge until its `free_until`, then it costs its fee. Leaving the line is always free, and so
/// is what the club cancels.
#[utoipa::path(
    tag = "bookings",
    params(
        ("id" = BookingId, Path, description = "The booking"),
        ("Idempotency-Key" = String, Header, description = "A key of your own making")
    ),
    request_body = Cancelling,
    responses(
        (status = 200, description = "The booking as it is now", body = Shown),
        (status = 409, description = "It cannot be cancelled any more")
    ),
    extensions(("x-permission" = json!("bookings.make")))
)]
#[post("/bookings/{id}/cancel")]
pub(super) async fn cancel_booking(
    can: Can<Book>,
    PathOf(id): PathOf<BookingId>,
    body: OnceBody<Cancelling>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    body.perform(&db, move |tx, body| {
        let (booking, class) = bookings::cancel(tx, &can, id, body.reason.as_deref())?;
        reply(tx, booking, &class, false)
    })
    .await
}

/// Where to.
#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = BookingMove)]
pub(super) struct WhereTo {
    /// The other class.
    class_id: ClassId,
}

/// Move a booking to another class with a free place. The place here is given back by the rules of cancelling.
#[utoipa::path(
    tag = "bookings",
    params(
        ("id" = BookingId, Path, description = "The booking"),
        ("Idempotency-Key" = String, Header, description = "A key of your own making")
    ),
    request_body = WhereTo,
    responses(
        (status = 201, description = "The booking in the other class", body = Shown),
        (status = 409, description = "The other class is full or has begun, or this cannot be cancelled any more")
    ),
    extensions(("x-permission" = json!("bookings.make")))
)]
#[post("/bookings/{id}/move")]
pub(super) async fn move_booking(
    can: Can<Book>,
    PathOf(id): PathOf<BookingId>,
    body: OnceBody<WhereTo>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    body.perform(&db, move |tx, body| {
        let Made { booking, class, is_new } = bookings::move_to(tx, &can, id, body.class_id)?;
        reply(tx, booking, &class, is_new)
    })
    .await
}

/// A class that somebody had booked.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = MemberAttendance)]
pub(super) struct AttendanceShown {
    booking_id: BookingId,
    class_id: ClassId,
    class_title: String,
    class_datetime: Timestamp,
    status: BookingStatus,
}

/// The classes that a member booked and what became of it, the latest booking first: one's own (`me`), one's ward's, or for
/// staff anybody's.
#[utoipa::path(
    tag = "members",
    params(("id" = String, Path, description = "The member, or `me`"), PageQuery),
    responses((status = 200, description = "A page of classes", body = Page<AttendanceShown>)),
    extensions(("x-permission" = json!("members.read")))
)]
#[get("/members/{id}/attendance")]
pub(super) async fn list_attendance_of(
    can: Can<ReadMembers>,
    PathOf(whom): PathOf<Whom>,
    Params(query): Params<PageQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let page = PageRequest::read("attendance", query.limit, query.cursor.as_deref())?;
    let (member, now) = (whom.of(&can), db.clock().now());
    let page = db
        .read::<_, Fault, _>(move |conn| {
            if !muster_auth::people::is_within(conn, &can, member, now)?
                || muster_finance::standing_of(conn, member)?.is_none()
            {
                return Err(Fault::not_found());
            }
            let can = can.actor().can::<ReadBookings>()?;
            let which = Which { member_id: Some(member), ..Which::default() };
            let total = match query.count {
                Some(true) => Some(timetable::count_bookings(conn, &can, &which, now)?),
                _ => None,
            };
            let rows = timetable::bookings(conn, &can, &which, now, &page)?;
            let show = |row: Shown| AttendanceShown {
                booking_id: row.id,
                class_id: row.class_id,
                class_title: row.class_title,
                class_datetime: row.class_datetime,
                status: row.status,
            };
            Ok(page.page(rows, |row| row.id.0, show).with_total(total))
        })
        .await?;
    Reply::page(&page)
}
