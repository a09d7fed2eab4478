//! The SQL of profiles.

use diesel::dsl::count_star;
use diesel::{BoolExpressionMethods, ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_auth::read::users;
use muster_finance::Month;
use muster_kernel::UserId;
use muster_kernel::db::{Conn, DbResult, MultiBackend, Tx};
use muster_kernel::page::PageRequest;
use muster_kernel::sql::Json;

use super::{Coach, Place};
use crate::schema::{coach_accruals, coaches};

muster_kernel::join_across!(users, coaches);

macro_rules! shown {
    () => {
        coaches::table.inner_join(users::table.on(users::id.eq(coaches::id))).select((
            coaches::id,
            coaches::version,
            coaches::has_profile,
            users::first_name,
            users::last_name,
            coaches::public_name,
            coaches::bio,
            coaches::specialities,
            coaches::payment_balance,
            coaches::last_payment_balance,
            coaches::classes_taught_total,
            coaches::name_key,
        ))
    };
}

pub(crate) fn find(conn: &mut Conn, id: UserId) -> DbResult<Option<Coach>> {
    Ok(shown!().filter(coaches::id.eq(id)).get_result(conn).optional()?)
}

pub(super) fn list(conn: &mut Conn, page: &PageRequest<Place>) -> DbResult<Vec<Coach>> {
    let mut query = shown!().into_boxed::<MultiBackend>().filter(coaches::is_listed.eq(true));
    if let Some((name, id)) = page.after().cloned() {
        let further = coaches::name_key.gt(name.clone()).or(coaches::id.gt(UserId(id)));
        query = query.filter(coaches::name_key.ge(name).and(further));
    }
    Ok(query.order((coaches::name_key, coaches::id)).limit(page.fetch()).load(conn)?)
}

pub(super) fn count(conn: &mut Conn) -> DbResult<i64> {
    Ok(coaches::table.filter(coaches::is_listed.eq(true)).count().get_result(conn)?)
}

/// Everybody after this coach, for an export.
pub(crate) fn after(conn: &mut Conn, id: i64, limit: i64) -> DbResult<Vec<Coach>> {
    Ok(shown!().filter(coaches::id.gt(UserId(id))).order(coaches::id).limit(limit).load(conn)?)
}

/// How many classes each of these taught in a month.
pub(super) fn taught(conn: &mut Conn, ids: &[UserId], month: Month) -> DbResult<Vec<(UserId, i64)>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(coach_accruals::table
        .filter(coach_accruals::coach_id.eq_any(ids.to_vec()))
        .filter(coach_accruals::adjusts.is_null())
        .filter(coach_accruals::date.between(month.first_day(), month.last_day()))
        .group_by(coach_accruals::coach_id)
        .select((coach_accruals::coach_id, count_star()))
        .load(conn)?)
}

pub(super) fn update(tx: &mut Tx<'_>, coach: &Coach) -> DbResult<()> {
    diesel::update(coaches::table.filter(coaches::id.eq(coach.id)))
        .set((
            coaches::has_profile.eq(coach.has_profile),
            coaches::public_name.eq(&coach.public_name),
            coaches::bio.eq(&coach.bio),
            coaches::specialities.eq(coach.specialities.clone()),
            coaches::version.eq(coaches::version + 1),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// Has a coach be sorted by what they are called now, if there is such a coach.
pub(crate) fn take_name(tx: &mut Tx<'_>, id: UserId) -> DbResult<()> {
    let called: Option<(Option<String>, String)> = coaches::table
        .inner_join(users::table.on(users::id.eq(coaches::id)))
        .filter(coaches::id.eq(id))
        .select((coaches::public_name, users::name_key))
        .get_result(&mut **tx)
        .optional()?;
    if let Some((public_name, name_key)) = called {
        let key = public_name.map_or(name_key, |name| name.to_lowercase());
        diesel::update(coaches::table.filter(coaches::id.eq(id)))
            .set(coaches::name_key.eq(key))
            .execute(&mut **tx)?;
    }
    Ok(())
}

/// Takes away what a coach said of themselves, who has not the role any more.
pub(crate) fn forget(tx: &mut Tx<'_>, id: UserId) -> DbResult<()> {
    diesel::update(coaches::table.filter(coaches::id.eq(id)))
        .set((
            coaches::has_profile.eq(false),
            coaches::public_name.eq(None::<String>),
            coaches::bio.eq(None::<String>),
            coaches::specialities.eq(Json(Vec::<String>::new())),
            coaches::version.eq(coaches::version + 1),
        ))
        .execute(&mut **tx)?;
    Ok(())
}
