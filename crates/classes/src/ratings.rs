//! What members thought of a class they attended: one to five stars. Nobody but they sees their stars; a coach sees what
//! they come to together, from three on.

use diesel::{ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_auth::permissions::RateClasses;
use muster_auth::{Can, people};
use muster_kernel::audit::{self, Event};
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::{Fields, Timestamp, UserId};
use serde::Serialize;

use crate::booking::BookingStatus;
use crate::class::ClassId;
use crate::planning::OBJECT;
use crate::queries;
use crate::schema::{class_ratings, classes};

/// Somebody's rating of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, diesel::Queryable)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct Rating {
    /// The class.
    pub class_id: ClassId,
    /// Goes up with every change.
    pub version: i64,
    /// One to five.
    pub stars: i32,
}

type Columns = (class_ratings::class_id, class_ratings::version, class_ratings::stars);

const COLUMNS: Columns = (class_ratings::class_id, class_ratings::version, class_ratings::stars);

/// Rates a class that one attended; another time instead of what one said before.
///
/// # Errors
/// When there is no such class, it has not begun, one did not attend it or taught it, or the stars are none.
pub fn rate(tx: &mut Tx<'_>, can: &Can<RateClasses>, id: ClassId, stars: i32) -> Result<Rating, Fault> {
    let (member, now) = (can.user_id(), tx.now());
    let class = queries::find(tx, id)?.ok_or_else(Fault::not_found)?;
    let mut fields = Fields::new();
    fields.number("/stars", stars, 1..=5);
    fields.done()?;
    // Held, they rate once at a time, and are not erased meanwhile.
    people::hold(tx, member)?;
    let booking = queries::live_booking(tx, id, member)?;
    let attended = booking.is_some_and(|booking| booking.status == BookingStatus::Attended);
    if !attended || !class.has_begun(now) {
        return Err(Fault::new(Code::InvalidState, "Only who attended a class rates it, after it began."));
    }
    if class.coach_id == member {
        return Err(Fault::new(Code::InvalidState, "Nobody rates a class of their own."));
    }
    let rating = match find(tx, id, member)? {
        Some(before) if before.stars == stars => return Ok(before),
        Some(_) => diesel::update(
            class_ratings::table
                .filter(class_ratings::class_id.eq(id))
                .filter(class_ratings::member_id.eq(member)),
        )
        .set((class_ratings::stars.eq(stars), class_ratings::version.eq(class_ratings::version + 1)))
        .returning(COLUMNS)
        .get_result(&mut **tx),
        None => diesel::insert_into(class_ratings::table)
            .values((
                class_ratings::class_id.eq(id),
                class_ratings::member_id.eq(member),
                class_ratings::stars.eq(stars),
            ))
            .returning(COLUMNS)
            .get_result(&mut **tx),
    }
    .map_err(muster_kernel::db::DbError::from)?;
    // That it was rated, and never with how many stars.
    let event = Event { action: "class.rated", object_type: OBJECT, object_id: id.0, reason: None };
    audit::append(tx, can.origin(), event)?;
    Ok(rating)
}

/// One's own rating of a class.
///
/// # Errors
/// When there is no such class, or one has not rated it.
pub fn mine(conn: &mut Conn, can: &Can<RateClasses>, id: ClassId) -> Result<Rating, Fault> {
    find(conn, id, can.user_id())?.ok_or_else(Fault::not_found)
}

fn find(conn: &mut Conn, class: ClassId, member: UserId) -> DbResult<Option<Rating>> {
    Ok(class_ratings::table
        .filter(class_ratings::class_id.eq(class))
        .filter(class_ratings::member_id.eq(member))
        .select(COLUMNS)
        .get_result(conn)
        .optional()?)
}

/// A rating as whoever gave it takes it along.
#[derive(Debug, Serialize, diesel::Queryable)]
pub(crate) struct Given {
    class_title: String,
    class_datetime: Timestamp,
    stars: i32,
}

/// All that somebody gave.
pub(crate) fn of(conn: &mut Conn, member: UserId) -> DbResult<Vec<Given>> {
    Ok(class_ratings::table
        .inner_join(classes::table.on(classes::id.eq(class_ratings::class_id)))
        .filter(class_ratings::member_id.eq(member))
        .order(class_ratings::id)
        .select((classes::class_title, classes::starts_at, class_ratings::stars))
        .load(conn)?)
}

/// Has nobody know any more whose ratings these were.
pub(crate) fn disown(tx: &mut Tx<'_>, member: UserId) -> DbResult<()> {
    diesel::update(class_ratings::table.filter(class_ratings::member_id.eq(member)))
        .set(class_ratings::member_id.eq(None::<UserId>))
        .execute(&mut **tx)?;
    Ok(())
}

/// All after this one, for an export.
pub(crate) fn after(conn: &mut Conn, id: i64, limit: i64) -> DbResult<Vec<(i64, ClassId, i32)>> {
    Ok(class_ratings::table
        .filter(class_ratings::id.gt(id))
        .order(class_ratings::id)
        .limit(limit)
        .select((class_ratings::id, class_ratings::class_id, class_ratings::stars))
        .load(conn)?)
}
