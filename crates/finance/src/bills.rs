//! What the club owes for things: hall rent, equipment. A bill is an expense on its day, and is paid later, at once or in
//! parts. One that comes again is written down by itself ([`repeating`]).
//!
//! Payee and text are written by staff and may hold names, so they stand here and not in the ledger.

mod payments;
mod queries;
pub mod repeating;

use chrono::NaiveDate;
use muster_auth::Can;
use muster_auth::permissions::{KeepBooks, ReadBooks};
use muster_kernel::audit::{self, Event, Origin};
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::page::PageRequest;
use muster_kernel::{Fields, Minor, id_type, text_enum};

use crate::accounts::{self, AccountId, AccountType, fixed};
use crate::amounts::check_amount;
use crate::ledger::{self, EntryId, EntryKind, NewEntry, Posting};
use crate::periods;

pub(crate) use payments::undo_payment;
pub use payments::{BillPayment, NewBillPayment, pay};
pub(crate) use queries::open_after;
#[cfg(feature = "http")]
pub(crate) use queries::{count, payments_of};

id_type! {
    /// A bill.
    pub struct BillId;
}

text_enum! {
    /// How often a bill comes again.
    pub enum Repeat {
        /// Every month.
        Month = "month",
        /// Every three months.
        Quarter = "quarter",
        /// Every year.
        Year = "year",
    }
}

/// A bill to be written down.
#[derive(Debug, Clone)]
pub struct NewBill {
    /// Whom it is owed to.
    pub payee: String,
    /// How much.
    pub amount: Minor,
    /// Which expense account: `hall`.
    pub category: String,
    /// What for.
    pub text: String,
    /// When it is due.
    pub due_on: NaiveDate,
    /// Its day; today unless it is given.
    pub date: Option<NaiveDate>,
    /// How often it comes again, if it does.
    pub repeat: Option<Repeat>,
}

/// A bill.
#[derive(Debug, Clone, diesel::Queryable)]
pub struct Bill {
    /// Its number.
    pub id: BillId,
    /// Its entry in the ledger.
    pub entry_id: EntryId,
    /// Whom it is owed to.
    pub payee: String,
    /// What for.
    pub text: String,
    /// How much it was.
    pub amount: Minor,
    /// How much of it is open.
    pub open: Minor,
    /// The number of the expense account.
    pub account_id: AccountId,
    /// Which expense it is.
    pub category: String,
    /// Its day.
    pub date: NaiveDate,
    /// When it is due, or was.
    pub due_on: NaiveDate,
    /// How often it comes again.
    pub repeat: Option<Repeat>,
    /// When it comes again.
    pub next_on: Option<NaiveDate>,
    /// The first bill of its series, if this is a later one.
    pub repeats: Option<BillId>,
    /// Taken back.
    pub is_reversed: bool,
    /// Goes up with every change.
    pub version: i64,
}

/// Which bills are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All, the latest first.
    All,
    /// Those that are open, the one due first at the top.
    Open,
}

/// Writes a bill down.
///
/// # Errors
/// When a field is wrong, or the day is closed.
pub fn record(tx: &mut Tx<'_>, can: &Can<KeepBooks>, new: &NewBill) -> Result<Bill, Fault> {
    let mut fields = Fields::new();
    check_amount("/amount", new.amount, &mut fields);
    fields.text("/payee", &new.payee, 1..=120);
    fields.text("/text", &new.text, 1..=200);
    fields.number("/due_on", new.due_on, periods::FIRST_DAY..=periods::LAST_DAY);
    let category = accounts::named(tx, "/category", &new.category, &[AccountType::Expense], &mut fields)?;
    let date = periods::day(tx, new.date, fields)?;
    let category = category.ok_or_else(Fault::not_found)?;
    let made = Made {
        payee: &new.payee,
        text: &new.text,
        amount: new.amount,
        account: category.id,
        date,
        due_on: new.due_on,
        repeat: new.repeat.map(|repeat| (repeat, repeating::next_after(date, repeat, date))),
        stands_for: None,
    };
    make(tx, can.origin(), &made)
}

/// A bill as it is to be kept.
struct Made<'a> {
    payee: &'a str,
    text: &'a str,
    amount: Minor,
    account: AccountId,
    date: NaiveDate,
    due_on: NaiveDate,
    /// How often it comes again, and when next.
    repeat: Option<(Repeat, NaiveDate)>,
    /// The series that it belongs to, and its day there.
    stands_for: Option<(BillId, NaiveDate)>,
}

fn make(tx: &mut Tx<'_>, origin: &Origin, made: &Made<'_>) -> Result<Bill, Fault> {
    let entry = NewEntry::of(EntryKind::Bill, made.date).saying(Some(made.text));
    let sides = [Posting::debit(made.account, made.amount), Posting::credit(fixed::PAYABLES, made.amount)];
    let entry = ledger::post(tx, origin, entry, &sides)?;
    let id = queries::insert(tx, entry, made)?;
    record_event(tx, origin, "bill.recorded", id)?;
    queries::find(tx, id)?.ok_or_else(Fault::not_found)
}

fn record_event(tx: &mut Tx<'_>, origin: &Origin, action: &str, id: BillId) -> DbResult<()> {
    audit::append(tx, origin, Event { action, object_type: "bill", object_id: id.0, reason: None })
}

/// A bill.
///
/// # Errors
/// When there is none with this number, or the database fails.
pub fn read(conn: &mut Conn, _: &Can<ReadBooks>, id: BillId) -> Result<Bill, Fault> {
    queries::find(conn, id)?.ok_or_else(Fault::not_found)
}

/// Bills.
///
/// # Errors
/// When the database fails.
pub fn list(
    conn: &mut Conn,
    _: &Can<ReadBooks>,
    which: Which,
    page: &PageRequest<(String, i64)>,
) -> DbResult<Vec<Bill>> {
    match which {
        Which::All => queries::newest(conn, page.after().map(|(_, id)| BillId(*id)), page.fetch()),
        Which::Open => {
            let after = page.after().and_then(|(day, id)| Some((day.parse().ok()?, BillId(*id))));
            open_after(conn, after, page.fetch())
        }
    }
}

/// Takes a bill back of which nothing is paid. It does not come again either.
pub(crate) fn undo(
    tx: &mut Tx<'_>,
    origin: &Origin,
    entry: EntryId,
    date: NaiveDate,
    reason: &str,
) -> Result<(), Fault> {
    let id = queries::of_entry(tx, entry)?.ok_or_else(Fault::not_found)?;
    let bill = queries::lock(tx, id)?.ok_or_else(Fault::not_found)?;
    if bill.open != bill.amount {
        let detail = "Something of this bill is paid; take its payments back first.";
        return Err(Fault::new(Code::InvalidState, detail));
    }
    ledger::post_reversal(tx, origin, entry, date, Some(reason))?;
    Ok(queries::void(tx, id)?)
}
