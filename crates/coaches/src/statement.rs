//! A coach's statement, from the books.

use chrono::NaiveDate;
use muster_auth::Can;
use muster_auth::permissions::ReadCoachPay;
use muster_finance::{CoachStatement, pay};
use muster_kernel::UserId;
use muster_kernel::db::Conn;
use muster_kernel::fault::Fault;

use crate::sight;

/// What a coach earned and was paid between two days, as the books have it.
///
/// # Errors
/// When there is no such coach, or the caller may not see their pay.
pub fn statement(
    conn: &mut Conn,
    can: &Can<ReadCoachPay>,
    coach: UserId,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
) -> Result<CoachStatement, Fault> {
    sight::must_see_pay(conn, can, coach)?;
    Ok(pay::statement(conn, coach, from, to)?)
}
