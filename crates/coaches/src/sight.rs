//! Who sees what a coach is paid. Everybody sees the coaches, so whose pay one may not see is told so.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_auth::permissions::ReadCoachPay;
use muster_auth::{Actor, Can, Scope};
use muster_kernel::UserId;
use muster_kernel::db::{Conn, DbResult};
use muster_kernel::fault::{Code, Fault};

use crate::schema::coaches;

/// Whether there is such a coach.
pub(crate) fn is_there(conn: &mut Conn, coach: UserId) -> DbResult<bool> {
    let row: Option<UserId> =
        coaches::table.filter(coaches::id.eq(coach)).select(coaches::id).get_result(conn).optional()?;
    Ok(row.is_some())
}

/// Refuses those who may not see what this coach is paid.
pub(crate) fn must_see_pay(conn: &mut Conn, can: &Can<ReadCoachPay>, coach: UserId) -> Result<(), Fault> {
    if !is_there(conn, coach)? {
        return Err(Fault::not_found());
    }
    if reaches(can, coach) {
        return Ok(());
    }
    Err(Fault::new(Code::Forbidden, "Only they, treasurers and admins see what a coach is paid."))
}

/// Whether somebody sees what this coach earns and is paid.
pub fn sees_pay(actor: &Actor, coach: UserId) -> bool {
    actor.can::<ReadCoachPay>().is_ok_and(|can| reaches(&can, coach))
}

fn reaches(can: &Can<ReadCoachPay>, coach: UserId) -> bool {
    can.scope() == Scope::All || can.user_id() == coach
}
