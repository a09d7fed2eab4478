//! What the calendars read.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{
    ExpressionMethods, JoinOnDsl, NullableExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl,
};
use muster_auth::read::users;
use muster_coaches::read::coaches;
use muster_coaches::shown_name;
use muster_kernel::db::{Conn, DbResult};
use muster_kernel::{Timestamp, UserId};

use super::MOST_EVENTS;
use super::schema::calendar_identity;
use crate::schema::{bookings, classes};

/// What a calendar tells of a class.
#[derive(Debug, Clone, diesel::Queryable)]
pub(super) struct ClassRow {
    pub(super) id: i64,
    pub(super) class_title: String,
    pub(super) coach_id: UserId,
    pub(super) starts_at: Timestamp,
    pub(super) ends_at: Timestamp,
    pub(super) time_zone: String,
    pub(super) location: String,
    pub(super) description: Option<String>,
    pub(super) status: String,
    pub(super) sequence: i32,
    pub(super) changed_at: Timestamp,
}

/// What it tells of a booking.
#[derive(Debug, Clone, diesel::Queryable)]
pub(super) struct BookingRow {
    pub(super) id: i64,
    pub(super) version: i64,
    pub(super) member_id: UserId,
    pub(super) status: String,
    pub(super) is_live: bool,
    pub(super) booked_at: Timestamp,
    pub(super) promoted_at: Option<Timestamp>,
    pub(super) decided_at: Option<Timestamp>,
}

type ClassColumns = (
    classes::id,
    classes::class_title,
    classes::coach_id,
    classes::starts_at,
    classes::ends_at,
    classes::time_zone,
    classes::location,
    classes::description,
    classes::status,
    classes::sequence,
    classes::changed_at,
);
const CLASS: ClassColumns = (
    classes::id,
    classes::class_title,
    classes::coach_id,
    classes::starts_at,
    classes::ends_at,
    classes::time_zone,
    classes::location,
    classes::description,
    classes::status,
    classes::sequence,
    classes::changed_at,
);

/// By what calendars elsewhere know this club.
pub(super) fn identity(conn: &mut Conn) -> DbResult<String> {
    Ok(calendar_identity::table.find(1).select(calendar_identity::name).get_result(conn)?)
}

/// When a class was changed last.
pub(super) fn last_change(conn: &mut Conn) -> DbResult<Option<Timestamp>> {
    Ok(classes::table
        .select(classes::changed_at)
        .order(classes::changed_at.desc())
        .limit(1)
        .get_result(conn)
        .optional()?)
}

/// The classes that start in this time, the earliest first.
pub(super) fn timetable(
    conn: &mut Conn,
    from: Timestamp,
    to: Timestamp,
    most: usize,
) -> DbResult<Vec<ClassRow>> {
    Ok(classes::table
        .filter(classes::starts_at.ge(from))
        .filter(classes::starts_at.lt(to))
        .order((classes::starts_at, classes::id))
        .limit(i64::try_from(most).unwrap_or(i64::MAX))
        .select(CLASS)
        .load(conn)?)
}

/// The classes that somebody teaches in this time.
pub(super) fn taught(
    conn: &mut Conn,
    coach: UserId,
    from: Timestamp,
    to: Timestamp,
) -> DbResult<Vec<ClassRow>> {
    Ok(classes::table
        .filter(classes::coach_id.eq(coach))
        .filter(classes::starts_at.ge(from))
        .filter(classes::starts_at.lt(to))
        .order((classes::starts_at, classes::id))
        .limit(most())
        .select(CLASS)
        .load(conn)?)
}

/// What these members booked, waited for or cancelled in this time, in no order.
pub(super) fn bookings(
    conn: &mut Conn,
    members: &[UserId],
    from: Timestamp,
    to: Timestamp,
) -> DbResult<Vec<(ClassRow, BookingRow)>> {
    const BOOKING: (
        bookings::id,
        bookings::version,
        bookings::member_id,
        bookings::status,
        bookings::is_live,
        bookings::booked_at,
        bookings::promoted_at,
        bookings::decided_at,
    ) = (
        bookings::id,
        bookings::version,
        bookings::member_id,
        bookings::status,
        bookings::is_live,
        bookings::booked_at,
        bookings::promoted_at,
        bookings::decided_at,
    );
    let mut all = Vec::new();
    // One standing at a time is what the index has together.
    for is_live in [true, false] {
        let some: Vec<(ClassRow, BookingRow)> = bookings::table
            .inner_join(classes::table.on(classes::id.eq(bookings::class_id)))
            .filter(bookings::member_id.eq_any(members.to_vec()))
            .filter(bookings::is_live.eq(is_live))
            .filter(bookings::starts_at.ge(from))
            .filter(bookings::starts_at.lt(to))
            .limit(most())
            .select((CLASS, BOOKING))
            .load(conn)?;
        all.extend(some);
    }
    Ok(all)
}

/// What coaches are called where everybody can read it.
pub(super) fn coach_names(
    conn: &mut Conn,
    people: impl IntoIterator<Item = UserId>,
) -> DbResult<BTreeMap<UserId, String>> {
    let people: BTreeSet<UserId> = people.into_iter().collect();
    if people.is_empty() {
        return Ok(BTreeMap::new());
    }
    let names: Vec<(UserId, String, String, Option<String>)> = users::table
        .left_join(coaches::table.on(coaches::id.eq(users::id)))
        .filter(users::id.eq_any(people))
        .select((users::id, users::first_name, users::last_name, coaches::public_name.nullable()))
        .load(conn)?;
    let shown =
        names.into_iter().map(|(id, first, last, public)| (id, shown_name(public.as_deref(), &first, &last)));
    Ok(shown.collect())
}

/// What these people are called by those who know them.
pub(super) fn first_names(
    conn: &mut Conn,
    people: impl IntoIterator<Item = UserId>,
) -> DbResult<BTreeMap<UserId, String>> {
    let people: BTreeSet<UserId> = people.into_iter().collect();
    if people.is_empty() {
        return Ok(BTreeMap::new());
    }
    let names = users::table
        .filter(users::id.eq_any(people))
        .select((users::id, users::first_name))
        .load::<(UserId, String)>(conn)?;
    Ok(names.into_iter().collect())
}

fn most() -> i64 {
    i64::try_from(MOST_EVENTS).unwrap_or(i64::MAX)
}
