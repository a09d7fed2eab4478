//! The SQL of series.

use chrono::NaiveDate;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_kernel::db::{Conn, DbResult, MultiBackend, Tx};
use muster_kernel::sql::Locked;
use muster_kernel::{Minor, UserId};

use super::Series;
use crate::class::SeriesId;
use crate::schema::class_series;

muster_kernel::columns!(class_series {
    id,
    version,
    class_title,
    coach_id,
    duration_minutes,
    location,
    capacity,
    fee,
    description,
    time_zone,
    rrule,
    local_start,
    made_through,
    last_date,
    continues,
    room_id,
});

/// A series to be written.
pub(super) struct NewRow<'a> {
    pub class_title: &'a str,
    pub coach_id: UserId,
    pub duration_minutes: i32,
    pub location: &'a str,
    pub capacity: i32,
    pub fee: Minor,
    pub description: Option<&'a str>,
    pub time_zone: &'a str,
    pub rrule: &'a str,
    pub local_start: &'a str,
    pub made_through: NaiveDate,
    pub continues: Option<SeriesId>,
    pub made_by: UserId,
}

pub(super) fn insert(tx: &mut Tx<'_>, new: &NewRow<'_>) -> DbResult<Series> {
    let now = tx.now();
    Ok(diesel::insert_into(class_series::table)
        .values((
            class_series::class_title.eq(new.class_title),
            class_series::coach_id.eq(new.coach_id),
            class_series::duration_minutes.eq(new.duration_minutes),
            class_series::location.eq(new.location),
            class_series::capacity.eq(new.capacity),
            class_series::fee.eq(new.fee),
            class_series::description.eq(new.description),
            class_series::time_zone.eq(new.time_zone),
            class_series::rrule.eq(new.rrule),
            class_series::local_start.eq(new.local_start),
            class_series::made_through.eq(new.made_through),
            class_series::continues.eq(new.continues),
            class_series::is_active.eq(true),
            class_series::made_by.eq(new.made_by),
            class_series::made_at.eq(now),
        ))
        .returning(COLUMNS)
        .get_result(&mut **tx)?)
}

pub(crate) fn find(conn: &mut Conn, id: SeriesId) -> DbResult<Option<Series>> {
    Ok(class_series::table.filter(class_series::id.eq(id)).select(COLUMNS).get_result(conn).optional()?)
}

/// A series that nobody else edits or goes on with until the transaction ends. It is locked before any of its sessions.
pub(super) fn lock(tx: &mut Tx<'_>, id: SeriesId) -> DbResult<Option<Series>> {
    let row = class_series::table.filter(class_series::id.eq(id)).select(COLUMNS);
    Ok(Locked(row).get_result(&mut **tx).optional()?)
}

/// Notes up to which day there are sessions, and whether there are more to come.
pub(super) fn set_made_through(tx: &mut Tx<'_>, series: &Series, day: NaiveDate) -> DbResult<()> {
    diesel::update(class_series::table.filter(class_series::id.eq(series.id)))
        .set((class_series::made_through.eq(day), class_series::is_active.eq(series.goes_on_after(day))))
        .execute(&mut **tx)?;
    Ok(())
}

/// After this day there are no sessions.
pub(super) fn cut(tx: &mut Tx<'_>, id: SeriesId, last: NaiveDate) -> DbResult<()> {
    diesel::update(class_series::table.filter(class_series::id.eq(id)))
        .set((
            class_series::version.eq(class_series::version + 1),
            class_series::last_date.eq(last),
            class_series::is_active.eq(false),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// What sessions made from now on are like.
pub(super) fn keep(tx: &mut Tx<'_>, series: &Series) -> DbResult<()> {
    diesel::update(class_series::table.filter(class_series::id.eq(series.id)))
        .set((
            class_series::version.eq(class_series::version + 1),
            class_series::class_title.eq(&series.class_title),
            class_series::coach_id.eq(series.coach_id),
            class_series::duration_minutes.eq(series.duration_minutes),
            class_series::location.eq(&series.location),
            class_series::capacity.eq(series.capacity),
            class_series::fee.eq(series.fee),
            class_series::description.eq(&series.description),
            class_series::local_start.eq(&series.local_start),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// A series with sessions to be made before this day: the one that is furthest behind.
pub(super) fn behind(conn: &mut Conn, day: NaiveDate) -> DbResult<Option<SeriesId>> {
    Ok(class_series::table
        .filter(class_series::is_active.eq(true))
        .filter(class_series::made_through.lt(day))
        .order((class_series::made_through, class_series::id))
        .select(class_series::id)
        .limit(1)
        .get_result(conn)
        .optional()?)
}

pub(super) fn list(
    conn: &mut Conn,
    coach: Option<UserId>,
    after: Option<i64>,
    limit: i64,
) -> DbResult<Vec<Series>> {
    let mut query = class_series::table.select(COLUMNS).into_boxed::<MultiBackend>();
    if let Some(coach) = coach {
        query = query.filter(class_series::coach_id.eq(coach));
    }
    if let Some(after) = after {
        query = query.filter(class_series::id.lt(SeriesId(after)));
    }
    Ok(query.order(class_series::id.desc()).limit(limit).load(conn)?)
}

pub(super) fn count(conn: &mut Conn, coach: Option<UserId>) -> DbResult<i64> {
    let mut query = class_series::table.into_boxed::<MultiBackend>();
    if let Some(coach) = coach {
        query = query.filter(class_series::coach_id.eq(coach));
    }
    Ok(query.count().get_result(conn)?)
}

/// Series after this one, for an export.
pub(crate) fn after(conn: &mut Conn, id: i64, limit: i64) -> DbResult<Vec<Series>> {
    Ok(class_series::table
        .filter(class_series::id.gt(SeriesId(id)))
        .order(class_series::id)
        .select(COLUMNS)
        .limit(limit)
        .load(conn)?)
}
