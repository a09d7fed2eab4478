//! Entries by hand: other income, expenses, and transfers between the club's own accounts.

use chrono::NaiveDate;
use muster_auth::Can;
use muster_auth::permissions::{KeepBooks, ReadBooks};
use muster_kernel::audit::{self, Event};
use muster_kernel::db::{Conn, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::page::PageRequest;
use muster_kernel::{Fields, Minor};

use crate::accounts::{self, Account, AccountType, Method, fixed};
use crate::amounts::check_amount;
use crate::ledger::{self, EntryId, EntryKind, EntryRow, NewEntry, Note, Posting, PostingRow};
use crate::{bills, charges, credits, periods, prepaid, settling, standing};

/// What an entry by hand says.
#[derive(Debug, Clone)]
pub struct Words {
    /// How much.
    pub amount: Minor,
    /// What for.
    pub text: String,
    /// Its day; today unless it is given.
    pub date: Option<NaiveDate>,
    /// Where it comes from.
    pub reference: Option<String>,
}

/// An entry to be made by hand.
#[derive(Debug, Clone)]
pub enum NewManual {
    /// Money that came in, but not from a member's debt.
    Income {
        /// The income account.
        account: String,
        /// How it was paid.
        method: Method,
    },
    /// Money that was spent.
    Expense {
        /// The expense account.
        account: String,
        /// How it was paid.
        method: Method,
    },
    /// Money that moved between the club's own accounts.
    Transfer {
        /// Out of this one.
        from: String,
        /// Into this one.
        to: String,
    },
}

/// Makes an entry by hand.
///
/// # Errors
/// When a field is wrong, or the day is closed.
pub fn enter(
    tx: &mut Tx<'_>,
    can: &Can<KeepBooks>,
    what: &NewManual,
    words: &Words,
) -> Result<(EntryRow, Vec<PostingRow>), Fault> {
    let mut fields = Fields::new();
    check_amount("/amount", words.amount, &mut fields);
    fields.text("/text", &words.text, 1..=200);
    if let Some(reference) = &words.reference {
        fields.text("/reference", reference, 1..=200);
    }
    let (kind, from, to) = match what {
        NewManual::Income { account, method } => {
            let income = accounts::named(tx, "/account", account, &[AccountType::Income], &mut fields)?;
            (EntryKind::Income, income.map(|account| account.id), Some(method.account()))
        }
        NewManual::Expense { account, method } => {
            let spent = accounts::named(tx, "/account", account, &[AccountType::Expense], &mut fields)?;
            (EntryKind::Expense, Some(method.account()), spent.map(|account| account.id))
        }
        NewManual::Transfer { from, to } => {
            let own = [AccountType::Asset, AccountType::Equity];
            fields.must(from != to, "/to", "invalid", "Another account than `from`.");
            let from = accounts::named(tx, "/from", from, &own, &mut fields)?;
            let to = accounts::named(tx, "/to", to, &own, &mut fields)?;
            not_of_members("/from", from.as_ref(), &mut fields);
            not_of_members("/to", to.as_ref(), &mut fields);
            (EntryKind::Transfer, from.map(|account| account.id), to.map(|account| account.id))
        }
    };
    let date = periods::day(tx, words.date, fields)?;
    let (Some(from), Some(to)) = (from, to) else { return Err(Fault::not_found()) };
    let note = Note { text: Some(&words.text), reference: words.reference.as_deref(), ..Note::default() };
    let entry = NewEntry { note, ..NewEntry::of(kind, date) };
    let sides = [Posting::debit(to, words.amount), Posting::credit(from, words.amount)];
    let id = ledger::post(tx, can.origin(), entry, &sides)?;
    let event = Event { action: "entry.made", object_type: "entry", object_id: id.0, reason: None };
    audit::append(tx, can.origin(), event)?;
    with_postings(tx, id)
}

/// What members owe is moved by charges and payments only.
fn not_of_members(pointer: &str, account: Option<&Account>, fields: &mut Fields) {
    let fine = account.is_none_or(|account| account.id != fixed::RECEIVABLES);
    fields.must(fine, pointer, "invalid", "What members owe is changed by charges and payments.");
}

/// An entry with its postings.
///
/// # Errors
/// When there is none of this number.
pub fn find(conn: &mut Conn, _: &Can<ReadBooks>, id: EntryId) -> Result<(EntryRow, Vec<PostingRow>), Fault> {
    with_postings(conn, id)
}

/// The same of one that was just made or taken back.
fn with_postings(conn: &mut Conn, id: EntryId) -> Result<(EntryRow, Vec<PostingRow>), Fault> {
    let entry = ledger::find(conn, id)?.ok_or_else(Fault::not_found)?;
    Ok((entry, ledger::postings_of(conn, &[id])?))
}

/// The entries, the latest first, with their postings.
///
/// # Errors
/// When the database fails.
pub fn list(
    conn: &mut Conn,
    _: &Can<ReadBooks>,
    kind: Option<EntryKind>,
    page: &PageRequest<i64>,
) -> Result<(Vec<EntryRow>, Vec<PostingRow>), Fault> {
    let rows = ledger::list(conn, kind, page)?;
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let postings = ledger::postings_of(conn, &ids)?;
    Ok((rows, postings))
}

/// How many there are in all.
///
/// # Errors
/// When the database fails.
pub fn count(conn: &mut Conn, _: &Can<ReadBooks>, kind: Option<EntryKind>) -> Result<i64, Fault> {
    Ok(ledger::count(conn, kind)?)
}

/// Takes an entry back by another. Its own day is today unless it is given; a closed one becomes the first open day.
///
/// # Errors
/// When it is not there, was taken back before, or belongs to another operation.
pub fn reverse(
    tx: &mut Tx<'_>,
    can: &Can<KeepBooks>,
    id: EntryId,
    reason: &str,
    date: Option<NaiveDate>,
) -> Result<(EntryRow, Vec<PostingRow>), Fault> {
    let mut fields = Fields::new();
    fields.text("/reason", reason, 1..=500);
    let entry = ledger::find(tx, id)?.ok_or_else(Fault::not_found)?;
    let now = tx.now();
    let today = periods::today(tx, now)?;
    // Where the club's zone was changed, an entry can be of tomorrow.
    let (today, date) = (today.max(entry.date), date.unwrap_or(today.max(entry.date)));
    fields.must(date <= today, "/date", "in_future", "Entries are never dated in the future.");
    fields.must(date >= entry.date, "/date", "out_of_range", "Not before the day of what is reversed.");
    fields.done()?;
    let date = periods::open_day(tx, date)?;
    if entry.reversed_by.is_some() {
        return Err(ledger::already_reversed());
    }
    match entry.kind {
        EntryKind::Charge | EntryKind::Refund => {
            let (charge, member) = charges::of_entry(tx, id)?.ok_or_else(Fault::not_found)?;
            let standing = standing::lock(tx, member)?;
            charges::void(tx, can.origin(), (id, charge), member, date, Some(reason))?;
            standing::refresh(tx, member, standing.grace_days)?;
        }
        EntryKind::ClassFee => {
            return Err(not_here(
                "The fee of a class comes back by correcting the attendance; or write it off.",
            ));
        }
        EntryKind::Payment | EntryKind::WriteOff => {
            let (credit, member) = credits::of_entry(tx, id)?.ok_or_else(Fault::not_found)?;
            let standing = standing::lock(tx, member)?;
            ledger::post_reversal(tx, can.origin(), id, date, Some(reason))?;
            settling::void_credit(tx, credit)?;
            settling::settle(tx, member)?;
            standing::refresh(tx, member, standing.grace_days)?;
        }
        EntryKind::Prepaid => {
            let lot = prepaid::of_entry(tx, id)?.ok_or_else(Fault::not_found)?;
            prepaid::undo_sale(tx, can.origin(), &lot, date, reason)?;
        }
        EntryKind::Income | EntryKind::Expense | EntryKind::Transfer => {
            ledger::post_reversal(tx, can.origin(), id, date, Some(reason))?;
        }
        EntryKind::Bill => bills::undo(tx, can.origin(), id, date, reason)?,
        EntryKind::BillPayment => bills::undo_payment(tx, can.origin(), id, date, reason)?,
        EntryKind::PrepaidRefund => prepaid::undo_refund(tx, can.origin(), id, date, reason)?,
        EntryKind::PrepaidUsed => {
            return Err(not_here("A class fee that was used comes back by correcting the attendance."));
        }
        EntryKind::PrepaidExpired => return Err(not_here("What expired cannot be taken back.")),
        EntryKind::CoachPay => {
            return Err(not_here("A coach's pay is changed by correcting the attendance of the class."));
        }
        EntryKind::Payout => {
            return Err(not_here(
                "Take a payout back at `/api/coaches/{id}/payouts/{payout_id}/reverse`, the latest first.",
            ));
        }
        EntryKind::Reversal => return Err(not_here("A reversal stays; make the reversed entry again.")),
    }
    let event = Event { action: "entry.reversed", object_type: "entry", object_id: id.0, reason: None };
    audit::append(tx, can.origin(), event)?;
    with_postings(tx, id)
}

fn not_here(detail: &'static str) -> Fault {
    Fault::new(Code::InvalidState, detail)
}
