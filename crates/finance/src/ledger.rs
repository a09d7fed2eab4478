//! The ledger: entries whose postings sum to zero. It is append-only: what was wrong is reversed by another entry.
//!
//! An entry is made open, gets its postings and is sealed, in one transaction; the database refuses an unbalanced
//! one, one in a closed month, and every later change.

mod queries;

use chrono::NaiveDate;
use muster_kernel::audit::Origin;
use muster_kernel::db::{DbError, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::{Minor, UserId, id_type, text_enum};

pub use queries::{EntryRow, PostingRow};
pub(crate) use queries::{between, count, find, list, postings_of, redact};

use crate::accounts::AccountId;

id_type! {
    /// An entry of the ledger.
    pub struct EntryId;
}

text_enum! {
    /// What an entry stands for.
    pub enum EntryKind {
        /// A member owes something.
        Charge = "charge",
        /// A member owes the fee of a class.
        ClassFee = "class_fee",
        /// A member paid.
        Payment = "payment",
        /// A member was paid back.
        Refund = "refund",
        /// A member was let off.
        WriteOff = "write_off",
        /// Other income.
        Income = "income",
        /// An expense that was paid at once.
        Expense = "expense",
        /// From one of the club's own accounts to another.
        Transfer = "transfer",
        /// The club owes somebody.
        Bill = "bill",
        /// The club paid a bill, or a part of it.
        BillPayment = "bill_payment",
        /// A member paid class fees in advance.
        Prepaid = "prepaid",
        /// A class fee paid in advance was used.
        PrepaidUsed = "prepaid_used",
        /// Class fees paid in advance expired.
        PrepaidExpired = "prepaid_expired",
        /// Class fees paid in advance were paid back.
        PrepaidRefund = "prepaid_refund",
        /// A coach earned something by a class, or less than was thought.
        CoachPay = "coach_pay",
        /// A coach was paid.
        Payout = "payout",
        /// Another entry was wrong.
        Reversal = "reversal",
    }
}

impl EntryKind {
    /// What an entry of this kind says when nobody wrote anything.
    pub(crate) fn title(self) -> &'static str {
        match self {
            EntryKind::Charge => "Charge",
            EntryKind::ClassFee => "Class fee",
            EntryKind::Payment => "Payment",
            EntryKind::Refund => "Refund",
            EntryKind::WriteOff => "Written off",
            EntryKind::Income => "Income",
            EntryKind::Expense => "Expense",
            EntryKind::Transfer => "Transfer",
            EntryKind::Bill => "Bill",
            EntryKind::BillPayment => "Payment of a bill",
            EntryKind::Prepaid => "Class fees paid in advance",
            EntryKind::PrepaidUsed => "Class fee, paid in advance",
            EntryKind::PrepaidExpired => "Class fees that expired",
            EntryKind::PrepaidRefund => "Refund of class fees paid in advance",
            EntryKind::CoachPay => "Coach's pay",
            EntryKind::Payout => "Payout to a coach",
            EntryKind::Reversal => "Reversal",
        }
    }
}

/// One side of an entry: a debit above zero, a credit below.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Posting {
    pub account: AccountId,
    pub amount: Minor,
    pub member: Option<UserId>,
    pub coach: Option<UserId>,
}

impl Posting {
    pub(crate) fn debit(account: AccountId, amount: Minor) -> Posting {
        Posting { account, amount, member: None, coach: None }
    }

    pub(crate) fn credit(account: AccountId, amount: Minor) -> Posting {
        Posting::debit(account, Minor(-amount.0))
    }

    pub(crate) fn of(self, member: UserId) -> Posting {
        Posting { member: Some(member), ..self }
    }

    /// The same as what this coach earned or was paid.
    pub(crate) fn to(self, coach: UserId) -> Posting {
        Posting { coach: Some(coach), ..self }
    }

    /// The same on the other side.
    fn back(self) -> Posting {
        Posting { amount: Minor(-self.amount.0), ..self }
    }
}

/// What staff write beside an entry. It may hold names, so it is kept where it can be redacted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Note<'a> {
    pub text: Option<&'a str>,
    pub reference: Option<&'a str>,
    pub reason: Option<&'a str>,
}

impl Note<'_> {
    fn says_something(&self) -> bool {
        self.text.is_some() || self.reference.is_some() || self.reason.is_some()
    }
}

/// An entry to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewEntry<'a> {
    pub kind: EntryKind,
    pub date: NaiveDate,
    pub reverses: Option<EntryId>,
    pub note: Note<'a>,
}

impl<'a> NewEntry<'a> {
    pub(crate) fn of(kind: EntryKind, date: NaiveDate) -> NewEntry<'a> {
        NewEntry { kind, date, reverses: None, note: Note::default() }
    }

    pub(crate) fn saying(self, text: Option<&'a str>) -> NewEntry<'a> {
        NewEntry { note: Note { text, ..self.note }, ..self }
    }
}

impl EntryRow {
    /// What it says: what staff wrote, else why it was made, else what it is.
    pub fn said(&self) -> String {
        let words = self.text.as_ref().or(self.reason.as_ref());
        words.cloned().unwrap_or_else(|| self.kind.title().to_owned())
    }
}

/// Makes an entry: opened, posted to and sealed.
pub(crate) fn post(
    tx: &mut Tx<'_>,
    origin: &Origin,
    new: NewEntry<'_>,
    postings: &[Posting],
) -> Result<EntryId, Fault> {
    let id = queries::open(tx, &new, origin.actor).map_err(period_closed)?;
    queries::add(tx, id, new.date, postings)?;
    queries::seal(tx, id)?;
    if new.note.says_something() {
        queries::note(tx, id, &new.note)?;
    }
    Ok(id)
}

/// Makes the entry that takes back another, on this day.
pub(crate) fn post_reversal(
    tx: &mut Tx<'_>,
    origin: &Origin,
    of: EntryId,
    date: NaiveDate,
    reason: Option<&str>,
) -> Result<EntryId, Fault> {
    let back: Vec<_> = queries::postings(tx, of)?.into_iter().map(Posting::back).collect();
    let entry = NewEntry {
        kind: EntryKind::Reversal,
        date,
        reverses: Some(of),
        note: Note { reason, ..Note::default() },
    };
    post(tx, origin, entry, &back).map_err(|fault| match &fault.cause {
        Some(cause) if is_second(cause.as_ref()) => already_reversed(),
        _ => fault,
    })
}

/// The fault of what has been reversed before.
pub(crate) fn already_reversed() -> Fault {
    Fault::new(Code::InvalidState, "This was reversed already.")
}

fn is_second(cause: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    cause.downcast_ref::<DbError>().is_some_and(DbError::is_unique_violation)
}

/// The only thing that the database refuses an entry for before it has postings is its day.
fn period_closed(error: DbError) -> Fault {
    if error.is_refused() {
        return crate::periods::closed_fault();
    }
    error.into()
}
