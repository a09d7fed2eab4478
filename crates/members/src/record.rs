//! A member's record: what is kept of the membership, with what auth says of the person and finance of the money.

use chrono::NaiveDate;
use diesel::{ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_auth::permissions::ReadMembers;
use muster_auth::read::users;
use muster_auth::{Can, people};
use muster_finance::read::standing;
use muster_kernel::db::{Conn, DbResult};
use muster_kernel::fault::Fault;
use muster_kernel::{Timestamp, UserId};

use crate::schema::members;
use crate::{Money, Standing};

/// What the audit log calls a record.
pub(crate) const OBJECT: &str = "member";

/// A member's record.
#[derive(Debug, Clone, PartialEq, Eq, diesel::Queryable)]
pub struct Member {
    /// The id; the person has the same.
    pub id: UserId,
    /// Goes up with every change.
    pub version: i64,
    /// The person's first name.
    pub first_name: String,
    /// The person's last name.
    pub last_name: String,
    /// The person's address, if there is one.
    pub email: Option<String>,
    /// Where the membership stands.
    pub status: Standing,
    /// Since when.
    pub status_since: Timestamp,
    /// The day, in the club's zone, on which the membership last became active.
    pub active_since: Option<NaiveDate>,
    /// How often they attended a class.
    pub attendance_count: i32,
    /// How they can be reached.
    pub contact: Contact,
    /// What the club's staff noted.
    pub notes: Option<String>,
    /// What another program knows them by.
    pub external_id: Option<String>,
    /// Where they stand with the club's money.
    pub money: Money,
}

/// How somebody can be reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, diesel::Queryable)]
pub struct Contact {
    /// The telephone.
    pub phone: Option<String>,
    /// Where they live.
    pub address: Option<String>,
    /// Whom to call when something happened.
    pub emergency_contact: Option<String>,
}

/// A member's record, if the caller may see it.
///
/// # Errors
/// When there is none with this id that the caller may see.
pub fn find(conn: &mut Conn, can: &Can<ReadMembers>, id: UserId, now: Timestamp) -> Result<Member, Fault> {
    if !people::is_within(conn, can, id, now)? {
        return Err(Fault::not_found());
    }
    one(conn, id)?.ok_or_else(Fault::not_found)
}

/// The columns of a [`Member`], in its order, of everybody.
macro_rules! records {
    () => {
        members::table
            .inner_join(users::table.on(users::id.eq(members::id)))
            .inner_join(standing::table.on(standing::member_id.eq(members::id)))
            .select((
                members::id,
                members::version,
                users::first_name,
                users::last_name,
                users::email,
                members::status,
                members::status_since,
                members::active_since,
                members::attendance_count,
                (members::phone, members::address, members::emergency_contact),
                members::notes,
                members::external_id,
                (
                    members::plan_id,
                    standing::balance,
                    standing::overdue_from,
                    standing::prepaid_fees,
                    standing::prepaid_reserved,
                ),
            ))
    };
}

/// A member's record, for the rules of a domain.
pub(crate) fn one(conn: &mut Conn, id: UserId) -> DbResult<Option<Member>> {
    Ok(records!().filter(members::id.eq(id)).get_result(conn).optional()?)
}

/// The records of several members, in this order.
pub(crate) fn find_several(conn: &mut Conn, ids: &[UserId]) -> DbResult<Vec<Member>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut found: Vec<Member> = records!().filter(members::id.eq_any(ids.to_vec())).load(conn)?;
    found.sort_by_key(|member| ids.iter().position(|id| *id == member.id));
    Ok(found)
}

/// Records after this one, for an export.
pub(crate) fn after(conn: &mut Conn, id: i64, limit: i64) -> DbResult<Vec<Member>> {
    Ok(records!().filter(members::id.gt(UserId(id))).order(members::id).limit(limit).load(conn)?)
}
