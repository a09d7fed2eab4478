//! How a membership came to stand where it stands: who moved it, when and why. What they said is taken out when the
//! person is erased.

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use muster_auth::permissions::ReadMembers;
use muster_auth::{Can, people};
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::fault::Fault;
use muster_kernel::page::PageRequest;
use muster_kernel::{Timestamp, UserId};

use crate::Standing;
use crate::schema::member_changes;

muster_kernel::id_type! {
    /// A change of a membership.
    pub struct ChangeId;
}

/// A change of a membership.
#[derive(Debug, Clone, diesel::Queryable)]
pub struct Change {
    /// Its number.
    pub id: ChangeId,
    /// Whose membership it is.
    pub member_id: UserId,
    /// Where it stood before; nowhere when it began.
    pub from: Option<Standing>,
    /// Where it stood from then on.
    pub to: Standing,
    /// When.
    pub at: Timestamp,
    /// Who did it; nobody when they registered.
    pub by: Option<UserId>,
    /// Why, if somebody said.
    pub reason: Option<String>,
}

/// A change to be written.
pub(crate) struct NewChange<'a> {
    pub(crate) member: UserId,
    pub(crate) from: Option<Standing>,
    pub(crate) to: Standing,
    pub(crate) by: Option<UserId>,
    pub(crate) reason: Option<&'a str>,
}

pub(crate) fn write(tx: &mut Tx<'_>, change: &NewChange<'_>) -> DbResult<()> {
    let now = tx.now();
    diesel::insert_into(member_changes::table)
        .values((
            member_changes::member_id.eq(change.member),
            member_changes::from_status.eq(change.from),
            member_changes::to_status.eq(change.to),
            member_changes::at.eq(now),
            member_changes::by.eq(change.by),
            member_changes::reason.eq(change.reason),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// The changes of a membership, newest first, if the caller may see the member.
///
/// # Errors
/// When there is nobody with this id whom the caller may see, or the database fails.
pub fn history(
    conn: &mut Conn,
    can: &Can<ReadMembers>,
    member: UserId,
    now: Timestamp,
    page: &PageRequest<i64>,
) -> Result<Vec<Change>, Fault> {
    if !(people::is_within(conn, can, member, now)? && crate::queries::is_member(conn, member)?) {
        return Err(Fault::not_found());
    }
    let before = page.after().copied().map_or(ChangeId(i64::MAX), ChangeId);
    Ok(before_change(conn, member, before, page.fetch())?)
}

fn before_change(conn: &mut Conn, member: UserId, before: ChangeId, limit: i64) -> DbResult<Vec<Change>> {
    Ok(member_changes::table
        .filter(member_changes::member_id.eq(member))
        .filter(member_changes::id.lt(before))
        .order(member_changes::id.desc())
        .limit(limit)
        .load(conn)?)
}

/// So many are shown in somebody's export; a membership that moves a few times a year has no more.
const IN_AN_EXPORT: i64 = 1_000;

/// All of them, for the person themselves.
pub(crate) fn of(conn: &mut Conn, member: UserId) -> DbResult<Vec<Change>> {
    before_change(conn, member, ChangeId(i64::MAX), IN_AN_EXPORT)
}

/// Takes the reasons out: they alone may name a person.
pub(crate) fn redact(tx: &mut Tx<'_>, member: UserId) -> DbResult<()> {
    diesel::update(member_changes::table.filter(member_changes::member_id.eq(member)))
        .set(member_changes::reason.eq(None::<String>))
        .execute(&mut **tx)?;
    Ok(())
}

/// Changes after this one, for an export.
pub(crate) fn after(conn: &mut Conn, id: i64, limit: i64) -> DbResult<Vec<Change>> {
    Ok(member_changes::table
        .filter(member_changes::id.gt(ChangeId(id)))
        .order(member_changes::id)
        .limit(limit)
        .load(conn)?)
}
