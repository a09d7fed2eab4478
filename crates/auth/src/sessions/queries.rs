//! The SQL of sessions.

use std::collections::HashMap;

use chrono::TimeDelta;
use diesel::{
    ExpressionMethods, JoinOnDsl, NullableExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl,
};
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::sql::{Locked, among};
use muster_kernel::{Timestamp, UserId};

use super::standing::Standing;
use super::{Session, SessionId};
use crate::schema::{second_factors, sessions, user_roles, users};
use crate::{Role, Roles, club};

type Shown = (
    sessions::id,
    sessions::user_id,
    sessions::generation,
    sessions::user_agent,
    sessions::created_at,
    sessions::last_seen_at,
    sessions::expires_at,
);

const SHOWN: Shown = (
    sessions::id,
    sessions::user_id,
    sessions::generation,
    sessions::user_agent,
    sessions::created_at,
    sessions::last_seen_at,
    sessions::expires_at,
);

pub(super) fn insert(
    tx: &mut Tx<'_>,
    user: UserId,
    family: &[u8],
    user_agent: Option<&str>,
    expires_at: Timestamp,
) -> DbResult<SessionId> {
    let now = tx.now();
    Ok(diesel::insert_into(sessions::table)
        .values((
            sessions::user_id.eq(user),
            sessions::family.eq(family),
            sessions::user_agent.eq(user_agent),
            sessions::created_at.eq(now),
            sessions::last_seen_at.eq(now),
            sessions::expires_at.eq(expires_at),
        ))
        .returning(sessions::id)
        .get_result(&mut **tx)?)
}

/// Ends the sessions of somebody who has more than `most`, the oldest of them.
pub(super) fn end_all_but_newest(tx: &mut Tx<'_>, user: UserId, most: i64) -> DbResult<()> {
    let newest_too_many: Option<SessionId> = sessions::table
        .filter(sessions::user_id.eq(user))
        .order(sessions::id.desc())
        .offset(most)
        .limit(1)
        .select(sessions::id)
        .get_result(&mut **tx)
        .optional()?;
    if let Some(id) = newest_too_many {
        diesel::delete(sessions::table.filter(sessions::user_id.eq(user)).filter(sessions::id.le(id)))
            .execute(&mut **tx)?;
    }
    Ok(())
}

pub(super) fn lock_family(tx: &mut Tx<'_>, family: &[u8]) -> DbResult<Option<Session>> {
    let query = sessions::table.filter(sessions::family.eq(family)).select(SHOWN);
    Ok(Locked(query).get_result(&mut **tx).optional()?)
}

pub(super) fn refreshed(
    tx: &mut Tx<'_>,
    id: SessionId,
    generation: i64,
    expires_at: Timestamp,
) -> DbResult<()> {
    let now = tx.now();
    diesel::update(sessions::table.filter(sessions::id.eq(id)))
        .set((
            sessions::generation.eq(generation),
            sessions::last_seen_at.eq(now),
            sessions::expires_at.eq(expires_at),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

pub(super) fn belongs_to(conn: &mut Conn, id: SessionId, user: UserId) -> DbResult<bool> {
    let found: Option<SessionId> = sessions::table
        .filter(sessions::id.eq(id))
        .filter(sessions::user_id.eq(user))
        .select(sessions::id)
        .get_result(conn)
        .optional()?;
    Ok(found.is_some())
}

/// True when there was such a session.
pub(super) fn end(tx: &mut Tx<'_>, id: SessionId) -> DbResult<bool> {
    Ok(diesel::delete(sessions::table.filter(sessions::id.eq(id))).execute(&mut **tx)? > 0)
}

pub(super) fn end_all(tx: &mut Tx<'_>, user: UserId, except: Option<SessionId>) -> DbResult<Vec<SessionId>> {
    // No session has the id 0.
    let except = except.unwrap_or(SessionId(0));
    Ok(diesel::delete(sessions::table.filter(sessions::user_id.eq(user)).filter(sessions::id.ne(except)))
        .returning(sessions::id)
        .get_results(&mut **tx)?)
}

pub(super) fn count(conn: &mut Conn, user: UserId, now: Timestamp) -> DbResult<i64> {
    Ok(sessions::table
        .filter(sessions::user_id.eq(user))
        .filter(sessions::expires_at.gt(now))
        .count()
        .get_result(conn)?)
}

pub(super) fn newest(
    conn: &mut Conn,
    user: UserId,
    now: Timestamp,
    before: i64,
    limit: i64,
) -> DbResult<Vec<Session>> {
    Ok(sessions::table
        .filter(sessions::user_id.eq(user))
        .filter(sessions::id.lt(SessionId(before)))
        .filter(sessions::expires_at.gt(now))
        .order(sessions::id.desc())
        .limit(limit)
        .select(SHOWN)
        .load(conn)?)
}

/// Takes away so many sessions that have run out, and says how many there were. For a day it can still be told that they
/// have, rather than that they were ended.
pub(crate) fn purge(tx: &mut Tx<'_>, limit: i64) -> DbResult<usize> {
    let now = tx.now().plus(-TimeDelta::days(1));
    let over: Vec<SessionId> = sessions::table
        .filter(sessions::expires_at.lt(now))
        .order(sessions::expires_at)
        .limit(limit)
        .select(sessions::id)
        .load(&mut **tx)?;
    if over.is_empty() {
        return Ok(0);
    }
    Ok(diesel::delete(sessions::table.filter(sessions::id.eq_any(over))).execute(&mut **tx)?)
}

type Row = (SessionId, UserId, Timestamp, bool, Option<Timestamp>, Option<Role>);

/// The rows of which [`folded`] makes standings: one for each role of whoever is behind a session.
macro_rules! rows {
    ($which:expr) => {
        sessions::table
            .inner_join(users::table)
            .left_join(second_factors::table.on(second_factors::user_id.eq(users::id)))
            .left_join(user_roles::table.on(user_roles::user_id.eq(users::id)))
            .filter($which)
            .select((
                sessions::id,
                users::id,
                sessions::expires_at,
                users::is_active,
                second_factors::confirmed_at.nullable(),
                user_roles::role.nullable(),
            ))
    };
}

/// Who is behind a session: one statement for most people, and a second for those who may need a second factor.
pub(super) fn standing(conn: &mut Conn, session: SessionId) -> DbResult<Option<Standing>> {
    let rows: Vec<Row> = rows!(sessions::id.eq(session)).load(conn)?;
    Ok(folded(conn, rows)?.remove(&session))
}

/// The same for many sessions at once.
pub(super) fn standings(conn: &mut Conn, ids: &[SessionId]) -> DbResult<HashMap<SessionId, Standing>> {
    let rows: Vec<Row> = rows!(among(sessions::id, ids)).load(conn)?;
    folded(conn, rows)
}

fn folded(conn: &mut Conn, rows: Vec<Row>) -> DbResult<HashMap<SessionId, Standing>> {
    let mut found: HashMap<SessionId, (Standing, bool)> = HashMap::new();
    for (id, user_id, expires_at, is_active, second_factor, role) in rows {
        let new = Standing { user_id, expires_at, is_active, roles: Roles::of([]), withheld: Roles::MEMBER };
        let (standing, _) = found.entry(id).or_insert((new, second_factor.is_some()));
        standing.roles = standing.roles.and(Roles::of(role));
    }
    let lacks_one = |(standing, has): &(Standing, bool)| !has && standing.roles != Roles::MEMBER;
    if found.values().any(lacks_one) {
        let withheld = Roles::of(club::settings(conn)?.policies.require_totp_for);
        for known in found.values_mut().filter(|it| lacks_one(it)) {
            known.0.withheld = withheld;
        }
    }
    Ok(found.into_iter().map(|(id, (standing, _))| (id, standing)).collect())
}
