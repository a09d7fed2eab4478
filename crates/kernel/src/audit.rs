//! The audit log: who did what to which thing, when and why, appended in the transaction that did it. It holds
//! ids, never names, and the database refuses to change or delete an event. A reason may name a person all the same,
//! so it alone can be taken out.

use std::sync::Arc;

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};

use crate::db::{Conn, DbResult, MultiBackend, Tx};
use crate::page::PageRequest;
use crate::schema::audit_events;
use crate::{Timestamp, UserId};

/// Who is behind a change: a signed-in person, a request, or the program itself (neither).
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The person.
    pub actor: Option<UserId>,
    /// The request, as it stands in the log.
    pub request_id: Option<Arc<str>>,
}

/// What happened.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    /// In the past tense, after the thing: `club.changed`.
    pub action: &'a str,
    /// What kind of thing it happened to.
    pub object_type: &'a str,
    /// Which of them.
    pub object_id: i64,
    /// Why, if somebody said.
    pub reason: Option<&'a str>,
}

/// An event as it is kept.
#[derive(Debug, Clone, diesel::Queryable)]
pub struct Recorded {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor_id: Option<UserId>,
    /// What.
    pub action: String,
    /// To what kind of thing.
    pub object_type: String,
    /// To which of them.
    pub object_id: i64,
    /// Why.
    pub reason: Option<String>,
    /// In which request.
    pub request_id: Option<String>,
}

/// Appends an event to this transaction.
///
/// # Errors
/// When the database fails.
pub fn append(tx: &mut Tx<'_>, origin: &Origin, event: Event<'_>) -> DbResult<()> {
    let now = tx.now();
    diesel::insert_into(audit_events::table)
        .values((
            audit_events::at.eq(now),
            audit_events::actor_id.eq(origin.actor),
            audit_events::action.eq(event.action),
            audit_events::object_type.eq(event.object_type),
            audit_events::object_id.eq(event.object_id),
            audit_events::reason.eq(event.reason),
            audit_events::request_id.eq(origin.request_id.as_deref()),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// Takes the reasons out of what is kept about this thing: they alone may name a person.
///
/// # Errors
/// When the database fails.
pub fn redact(tx: &mut Tx<'_>, object_type: &str, object_id: i64) -> DbResult<()> {
    let reasons = audit_events::table
        .filter(audit_events::object_type.eq(object_type))
        .filter(audit_events::object_id.eq(object_id))
        .filter(audit_events::reason.is_not_null());
    diesel::update(reasons).set(audit_events::reason.eq(None::<String>)).execute(&mut **tx)?;
    Ok(())
}

/// Which events are wanted.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this person.
    pub actor_id: Option<UserId>,
    /// To this kind of thing.
    pub object_type: Option<String>,
    /// To this one; only together with its kind.
    pub object_id: Option<i64>,
}

/// Events, newest first.
///
/// # Errors
/// When the database fails.
pub fn list(conn: &mut Conn, filter: &Filter, page: &PageRequest<i64>) -> DbResult<Vec<Recorded>> {
    let mut query = matching(filter, audit_events::table.into_boxed());
    if let Some(after) = page.after() {
        query = query.filter(audit_events::id.lt(*after));
    }
    Ok(query.order(audit_events::id.desc()).limit(page.fetch()).load(conn)?)
}

/// How many there are in all.
///
/// # Errors
/// When the database fails.
pub fn count(conn: &mut Conn, filter: &Filter) -> DbResult<i64> {
    Ok(matching(filter, audit_events::table.into_boxed()).count().get_result(conn)?)
}

fn matching<'a>(
    filter: &Filter,
    mut query: audit_events::BoxedQuery<'a, MultiBackend>,
) -> audit_events::BoxedQuery<'a, MultiBackend> {
    if let Some(actor) = filter.actor_id {
        query = query.filter(audit_events::actor_id.eq(actor));
    }
    if let Some(object_type) = &filter.object_type {
        query = query.filter(audit_events::object_type.eq(object_type.clone()));
    }
    if let Some(object_id) = filter.object_id {
        query = query.filter(audit_events::object_id.eq(object_id));
    }
    query
}

/// Events after this one, oldest first, for an export.
pub(crate) fn after(conn: &mut Conn, id: i64, limit: i64) -> DbResult<Vec<Recorded>> {
    Ok(audit_events::table.filter(audit_events::id.gt(id)).order(audit_events::id).limit(limit).load(conn)?)
}
