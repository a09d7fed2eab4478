//! Where members stand with the club: derived from what they owe and paid, in the transaction that changes it.

use diesel::{ExpressionMethods, RunQueryDsl};
use muster_kernel::UserId;
use muster_kernel::db::{DbResult, Tx};

use crate::schema::standing;

/// Gives a new member a place in the books.
///
/// # Errors
/// When the database fails.
pub fn open_account(tx: &mut Tx<'_>, member: UserId) -> DbResult<()> {
    diesel::insert_into(standing::table).values(standing::member_id.eq(member)).execute(&mut **tx)?;
    Ok(())
}
