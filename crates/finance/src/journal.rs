//! The journal: every entry in the order of its day, as a bookkeeper takes it over.

use chrono::NaiveDate;
use muster_auth::Can;
use muster_auth::permissions::ReadBooks;
use muster_kernel::csv::{Cell, Decimals};
use muster_kernel::db::{Conn, DbResult};
use muster_kernel::{Minor, UserId};

use crate::ledger::{self, PostingRow};
use crate::{EntryId, EntryKind, EntryRow, accounts};

/// The columns of the journal as a table; a row is one posting.
pub const COLUMNS: [&str; 11] = [
    "entry_id",
    "date",
    "kind",
    "account",
    "account_name",
    "member_id",
    "coach_id",
    "text",
    "reference",
    "debit",
    "credit",
];

/// The place of an entry in the journal.
pub type JournalKey = (NaiveDate, EntryId);

/// One side of an entry, as the journal shows it.
#[derive(Debug, Clone)]
pub struct JournalLine {
    /// The entry.
    pub entry_id: EntryId,
    /// Its day.
    pub date: NaiveDate,
    /// What it stands for.
    pub kind: EntryKind,
    /// The account.
    pub account: String,
    /// The account's name for people.
    pub account_name: String,
    /// Whose debt or class fees they are.
    pub member_id: Option<UserId>,
    /// Whose pay it is.
    pub coach_id: Option<UserId>,
    /// What for.
    pub text: String,
    /// Where it comes from.
    pub reference: Option<String>,
    /// A debit above zero, a credit below.
    pub amount: Minor,
}

impl JournalLine {
    /// The line as a row of the table, in the order of [`COLUMNS`].
    pub fn cells(self, decimals: Decimals) -> Vec<Cell> {
        let side = |amount: i64| if amount > 0 { Cell::Amount(Minor(amount), decimals) } else { Cell::Empty };
        vec![
            self.entry_id.into(),
            self.date.into(),
            self.kind.into(),
            self.account.into(),
            self.account_name.into(),
            self.member_id.into(),
            self.coach_id.into(),
            self.text.into(),
            self.reference.into(),
            side(self.amount.0),
            side(-self.amount.0),
        ]
    }
}

/// The entries from one day to another after this one, with all of their postings.
///
/// # Errors
/// When the database fails.
pub fn entries(
    conn: &mut Conn,
    _: &Can<ReadBooks>,
    (from, to): (NaiveDate, NaiveDate),
    after: Option<JournalKey>,
    limit: i64,
) -> DbResult<(Vec<EntryRow>, Vec<PostingRow>)> {
    let rows = ledger::between(conn, from, to, after, limit)?;
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let postings = ledger::postings_of(conn, &ids)?;
    Ok((rows, postings))
}

/// The lines of so many entries from one day to another after this one, and the last entry if there may be more.
///
/// # Errors
/// When the database fails.
pub fn lines(
    conn: &mut Conn,
    can: &Can<ReadBooks>,
    between: (NaiveDate, NaiveDate),
    after: Option<JournalKey>,
    limit: i64,
) -> DbResult<(Vec<JournalLine>, Option<JournalKey>)> {
    let (rows, postings) = entries(conn, can, between, after, limit)?;
    let names: Vec<_> = accounts::all(conn)?;
    let name = |key: &str| {
        names.iter().find(|known| known.account == key).map_or_else(String::new, |known| known.name.clone())
    };
    let next = if (rows.len() as i64) < limit { None } else { rows.last().map(|row| (row.date, row.id)) };
    let mut lines = Vec::with_capacity(postings.len());
    for row in &rows {
        for side in postings.iter().filter(|side| side.entry_id == row.id) {
            lines.push(JournalLine {
                entry_id: row.id,
                date: row.date,
                kind: row.kind,
                account_name: name(&side.account),
                account: side.account.clone(),
                member_id: side.member_id,
                coach_id: side.coach_id,
                text: row.said(),
                reference: row.reference.clone(),
                amount: side.amount,
            });
        }
    }
    Ok((lines, next))
}
