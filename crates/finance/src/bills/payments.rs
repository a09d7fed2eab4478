//! Paying bills.

use chrono::NaiveDate;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_auth::Can;
use muster_auth::permissions::KeepBooks;
use muster_kernel::audit::Origin;
use muster_kernel::db::{DbError, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::{Fields, Minor, id_type};

use super::{Bill, BillId, queries, record_event};
use crate::accounts::{AccountId, Method, fixed};
use crate::amounts::check_amount;
use crate::ledger::{self, EntryId, EntryKind, NewEntry, Posting};
use crate::periods;
use crate::schema::bill_payments;

id_type! {
    /// A payment of a bill.
    pub struct BillPaymentId;
}

/// A payment to be made.
#[derive(Debug, Clone)]
pub struct NewBillPayment {
    /// How much.
    pub amount: Minor,
    /// How.
    pub method: Method,
    /// When; today unless it is given.
    pub date: Option<NaiveDate>,
}

/// A payment of a bill, or of a part of it.
#[derive(Debug, Clone, diesel::Queryable)]
pub struct BillPayment {
    /// Its number.
    pub id: BillPaymentId,
    /// What was paid.
    pub bill_id: BillId,
    /// Its entry in the ledger.
    pub entry_id: EntryId,
    /// The account it was paid out of.
    pub account: AccountId,
    /// How much.
    pub amount: Minor,
    /// Its day.
    pub date: NaiveDate,
    /// Taken back.
    pub is_reversed: bool,
}

/// Pays a bill, or a part of it.
///
/// # Errors
/// When a field is wrong, the day is closed, there is no such bill, or it is more than is open of it.
pub fn pay(tx: &mut Tx<'_>, can: &Can<KeepBooks>, id: BillId, new: &NewBillPayment) -> Result<Bill, Fault> {
    let mut fields = Fields::new();
    check_amount("/amount", new.amount, &mut fields);
    let bill = queries::lock(tx, id)?.ok_or_else(Fault::not_found)?;
    let early = new.date.is_some_and(|date| date < bill.date);
    fields.must(!early, "/date", "out_of_range", "Not before the day of the bill.");
    let date = periods::day(tx, new.date, fields)?;
    if new.amount > bill.open {
        let detail = "This is more than is open of the bill; pay what is open, or less.";
        return Err(Fault::new(Code::ExceedsBalance, detail));
    }
    let account = new.method.account();
    let entry = NewEntry::of(EntryKind::BillPayment, date).saying(Some(&bill.text));
    let sides = [Posting::debit(fixed::PAYABLES, new.amount), Posting::credit(account, new.amount)];
    let entry = ledger::post(tx, can.origin(), entry, &sides)?;
    diesel::insert_into(bill_payments::table)
        .values((
            bill_payments::bill_id.eq(id),
            bill_payments::entry_id.eq(entry),
            bill_payments::account_id.eq(account),
            bill_payments::amount.eq(new.amount),
            bill_payments::date.eq(date),
        ))
        .execute(&mut **tx)
        .map_err(DbError::from)?;
    queries::set_open(tx, id, Minor(bill.open.0 - new.amount.0))?;
    record_event(tx, can.origin(), "bill.paid", id)?;
    queries::find(tx, id)?.ok_or_else(Fault::not_found)
}

/// Takes a payment back: what it paid is open again.
pub(crate) fn undo_payment(
    tx: &mut Tx<'_>,
    origin: &Origin,
    entry: EntryId,
    date: NaiveDate,
    reason: &str,
) -> Result<(), Fault> {
    let (id, bill, amount): (BillPaymentId, BillId, Minor) = bill_payments::table
        .filter(bill_payments::entry_id.eq(entry))
        .select((bill_payments::id, bill_payments::bill_id, bill_payments::amount))
        .get_result(&mut **tx)
        .optional()
        .map_err(DbError::from)?
        .ok_or_else(Fault::not_found)?;
    let bill = queries::lock(tx, bill)?.ok_or_else(Fault::not_found)?;
    ledger::post_reversal(tx, origin, entry, date, Some(reason))?;
    diesel::update(bill_payments::table.find(id))
        .set(bill_payments::is_reversed.eq(true))
        .execute(&mut **tx)
        .map_err(DbError::from)?;
    Ok(queries::set_open(tx, bill.id, Minor(bill.open.0 + amount.0))?)
}
