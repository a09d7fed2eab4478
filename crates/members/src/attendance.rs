//! How often members attended, by month of the club's zone and in all. Classes say when somebody did, and when that is
//! corrected.

use chrono::NaiveDate;
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use muster_kernel::UserId;
use muster_kernel::db::{Conn, DbResult, Tx};

use crate::schema::{attendance_months, members};

/// Counts `by` classes more that somebody attended on this day of the club's zone, or fewer if it is below zero.
///
/// # Errors
/// When there would be fewer than none, which the database refuses, or it fails.
pub fn count_attendance(tx: &mut Tx<'_>, member: UserId, date: NaiveDate, by: i32) -> DbResult<()> {
    if by == 0 {
        return Ok(());
    }
    let month = date.format("%Y-%m").to_string();
    let count: i32 = diesel::update(members::table.filter(members::id.eq(member)))
        .set(members::attendance_count.eq(members::attendance_count + by))
        .returning(members::attendance_count)
        .get_result(&mut **tx)?;
    muster_finance::set_listed_attendance(tx, member, count)?;
    let this_month = attendance_months::table
        .filter(attendance_months::member_id.eq(member))
        .filter(attendance_months::month.eq(&month));
    let counted = diesel::update(this_month)
        .set(attendance_months::attended.eq(attendance_months::attended + by))
        .execute(&mut **tx)?;
    if counted == 0 {
        // Nobody else counts for this member until then: the row above is locked.
        diesel::insert_into(attendance_months::table)
            .values((
                attendance_months::member_id.eq(member),
                attendance_months::month.eq(&month),
                attendance_months::attended.eq(by),
            ))
            .execute(&mut **tx)?;
    }
    Ok(())
}

/// Months of members after this one, for an export: whole members, so that the next call can go on after them.
pub(crate) fn after(conn: &mut Conn, id: i64, limit: i64) -> DbResult<Vec<(UserId, String, i32)>> {
    let some: Vec<UserId> = attendance_months::table
        .filter(attendance_months::member_id.gt(UserId(id)))
        .order(attendance_months::member_id)
        .select(attendance_months::member_id)
        .distinct()
        .limit(limit)
        .load(conn)?;
    Ok(attendance_months::table
        .filter(attendance_months::member_id.eq_any(some))
        .order((attendance_months::member_id, attendance_months::month))
        .select((attendance_months::member_id, attendance_months::month, attendance_months::attended))
        .load(conn)?)
}
