//! The row that is kept for each coach: whether they have the role, and what the club owes them.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_auth::people;
use muster_auth::read::users;
use muster_kernel::db::{DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::sql::Locked;
use muster_kernel::{Minor, UserId};

use crate::schema::coaches;

/// What the club owes a coach, while nobody else changes it.
#[derive(Debug, Clone, diesel::Queryable)]
pub(crate) struct Purse {
    pub coach: UserId,
    pub is_coach: bool,
    pub balance: Minor,
    pub last_payment: Minor,
    pub classes_taught: i32,
}

/// The row of a coach; nobody else changes it until the transaction ends. What is to be written of the person is written
/// after [`hold`].
pub(crate) fn lock(tx: &mut Tx<'_>, coach: UserId) -> DbResult<Option<Purse>> {
    let row = coaches::table.filter(coaches::id.eq(coach)).select((
        coaches::id,
        coaches::is_coach,
        coaches::payment_balance,
        coaches::last_payment_balance,
        coaches::classes_taught_total,
    ));
    Ok(Locked(row).get_result(&mut **tx).optional()?)
}

/// Keeps a coach from being erased; false when they were.
pub(crate) fn hold(tx: &mut Tx<'_>, coach: UserId) -> Result<bool, Fault> {
    match people::hold(tx, coach) {
        Ok(()) => Ok(true),
        Err(fault) if fault.code == Code::InvalidState => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// Makes the row of somebody who has none, or says in it whether they have the role. The person is locked.
pub(crate) fn enter(tx: &mut Tx<'_>, coach: UserId, is_coach: bool) -> DbResult<Purse> {
    if let Some(purse) = lock(tx, coach)? {
        let purse = Purse { is_coach, ..purse };
        keep(tx, &purse)?;
        return Ok(purse);
    }
    let name_key: String =
        users::table.filter(users::id.eq(coach)).select(users::name_key).get_result(&mut **tx)?;
    diesel::insert_into(coaches::table)
        .values((
            coaches::id.eq(coach),
            coaches::is_coach.eq(is_coach),
            coaches::is_listed.eq(is_coach),
            coaches::name_key.eq(name_key),
        ))
        .execute(&mut **tx)?;
    Ok(Purse { coach, is_coach, balance: Minor::ZERO, last_payment: Minor::ZERO, classes_taught: 0 })
}

/// Writes a row back.
pub(crate) fn keep(tx: &mut Tx<'_>, purse: &Purse) -> DbResult<()> {
    let is_listed = purse.is_coach || purse.balance != Minor::ZERO;
    diesel::update(coaches::table.filter(coaches::id.eq(purse.coach)))
        .set((
            coaches::is_coach.eq(purse.is_coach),
            coaches::is_listed.eq(is_listed),
            coaches::payment_balance.eq(purse.balance),
            coaches::last_payment_balance.eq(purse.last_payment),
            coaches::classes_taught_total.eq(purse.classes_taught),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

impl Purse {
    /// The same with so much more owed; less, below zero.
    pub(crate) fn with(self, amount: Minor) -> Result<Purse, Fault> {
        let balance = self.balance.plus(amount).ok_or_else(too_much)?;
        Ok(Purse { balance, ..self })
    }
}

fn too_much() -> Fault {
    Fault::new(Code::InvalidState, "This is more than the books can hold for one coach.")
}
