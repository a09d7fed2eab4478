//! The SQL of the ledger.

use chrono::NaiveDate;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods, OptionalExtension,
    QueryDsl, RunQueryDsl,
};
use muster_kernel::db::{Conn, DbResult, MultiBackend, Tx};
use muster_kernel::page::PageRequest;
use muster_kernel::{Minor, Timestamp, UserId, on};

use super::{EntryId, EntryKind, NewEntry, Note, Posting};
use crate::accounts::AccountId;
use crate::schema::{accounts, entries, entry_notes, postings};

pub(super) fn open(tx: &mut Tx<'_>, new: &NewEntry<'_>, by: Option<UserId>) -> DbResult<EntryId> {
    let now = tx.now();
    Ok(diesel::insert_into(entries::table)
        .values((
            entries::kind.eq(new.kind),
            entries::date.eq(new.date),
            entries::made_by.eq(by),
            entries::made_at.eq(now),
            entries::reverses.eq(new.reverses),
        ))
        .returning(entries::id)
        .get_result(&mut **tx)?)
}

pub(super) fn add(tx: &mut Tx<'_>, id: EntryId, date: NaiveDate, sides: &[Posting]) -> DbResult<()> {
    let rows: Vec<_> = sides
        .iter()
        .map(|side| {
            (
                postings::entry_id.eq(id),
                postings::account_id.eq(side.account),
                postings::amount.eq(side.amount),
                postings::date.eq(date),
                postings::member_id.eq(side.member),
                postings::coach_id.eq(side.coach),
            )
        })
        .collect();
    on!(*tx, c => diesel::insert_into(postings::table).values(&rows).execute(c))?;
    Ok(())
}

pub(super) fn seal(tx: &mut Tx<'_>, id: EntryId) -> DbResult<()> {
    diesel::update(entries::table.find(id)).set(entries::sealed.eq(true)).execute(&mut **tx)?;
    Ok(())
}

pub(super) fn note(tx: &mut Tx<'_>, id: EntryId, note: &Note<'_>) -> DbResult<()> {
    diesel::insert_into(entry_notes::table)
        .values((
            entry_notes::entry_id.eq(id),
            entry_notes::text.eq(note.text),
            entry_notes::reference.eq(note.reference),
            entry_notes::reason.eq(note.reason),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

pub(super) fn postings(conn: &mut Conn, id: EntryId) -> DbResult<Vec<Posting>> {
    let rows: Vec<(AccountId, Minor, Option<UserId>, Option<UserId>)> = postings::table
        .filter(postings::entry_id.eq(id))
        .order(postings::id)
        .select((postings::account_id, postings::amount, postings::member_id, postings::coach_id))
        .load(conn)?;
    let posting = |(account, amount, member, coach)| Posting { account, amount, member, coach };
    Ok(rows.into_iter().map(posting).collect())
}

/// An entry as it is kept, with what was written beside it.
#[derive(Debug, Clone, diesel::Queryable)]
pub struct EntryRow {
    /// Its number.
    pub id: EntryId,
    /// What it stands for.
    pub kind: EntryKind,
    /// Its day.
    pub date: NaiveDate,
    /// Who made it; none for what the clock does.
    pub made_by: Option<UserId>,
    /// When it was made.
    pub made_at: Timestamp,
    /// The entry that it takes back.
    pub reverses: Option<EntryId>,
    /// The entry that took it back.
    pub reversed_by: Option<EntryId>,
    /// What staff wrote.
    pub text: Option<String>,
    /// What staff wrote of where it comes from.
    pub reference: Option<String>,
    /// Why it was made, if it is a reversal.
    pub reason: Option<String>,
}

diesel::alias!(entries as reversals: Reversals);

macro_rules! rows {
    () => {
        entries::table
            .left_join(entry_notes::table.on(entry_notes::entry_id.eq(entries::id)))
            .left_join(reversals.on(reversals.field(entries::reverses).eq(entries::id.nullable())))
            .select((
                entries::id,
                entries::kind,
                entries::date,
                entries::made_by,
                entries::made_at,
                entries::reverses,
                reversals.field(entries::id).nullable(),
                entry_notes::text.nullable(),
                entry_notes::reference.nullable(),
                entry_notes::reason.nullable(),
            ))
    };
}

pub(crate) fn find(conn: &mut Conn, id: EntryId) -> DbResult<Option<EntryRow>> {
    Ok(rows!().filter(entries::id.eq(id)).get_result(conn).optional()?)
}

/// Entries, newest first.
pub(crate) fn list(
    conn: &mut Conn,
    kind: Option<EntryKind>,
    page: &PageRequest<i64>,
) -> DbResult<Vec<EntryRow>> {
    let mut query = rows!().into_boxed::<MultiBackend>();
    if let Some(kind) = kind {
        query = query.filter(entries::kind.eq(kind));
    }
    if let Some(after) = page.after() {
        query = query.filter(entries::id.lt(EntryId(*after)));
    }
    Ok(query.order(entries::id.desc()).limit(page.fetch()).load(conn)?)
}

/// Entries from one day to another, in the order of their days, after this one.
pub(crate) fn between(
    conn: &mut Conn,
    from: NaiveDate,
    to: NaiveDate,
    after: Option<(NaiveDate, EntryId)>,
    limit: i64,
) -> DbResult<Vec<EntryRow>> {
    let mut query = rows!().into_boxed::<MultiBackend>().filter(entries::date.le(to));
    query = match after {
        None => query.filter(entries::date.ge(from)),
        Some((day, id)) => {
            query.filter(entries::date.ge(day)).filter(entries::date.gt(day).or(entries::id.gt(id)))
        }
    };
    Ok(query.order((entries::date, entries::id)).limit(limit).load(conn)?)
}

/// How many entries there are.
pub(crate) fn count(conn: &mut Conn, kind: Option<EntryKind>) -> DbResult<i64> {
    Ok(match kind {
        Some(kind) => entries::table.filter(entries::kind.eq(kind)).count().get_result(conn)?,
        None => entries::table.count().get_result(conn)?,
    })
}

/// A posting as it is kept: a debit above zero, a credit below.
#[derive(Debug, Clone, diesel::Queryable)]
pub struct PostingRow {
    /// Its entry.
    pub entry_id: EntryId,
    /// The account's name in requests.
    pub account: String,
    /// How much.
    pub amount: Minor,
    /// Whose debt or class fees they are.
    pub member_id: Option<UserId>,
    /// Whose pay it is.
    pub coach_id: Option<UserId>,
}

/// The postings of several entries, in one statement.
pub(crate) fn postings_of(conn: &mut Conn, ids: &[EntryId]) -> DbResult<Vec<PostingRow>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(postings::table
        .inner_join(accounts::table.on(accounts::id.eq(postings::account_id)))
        .filter(postings::entry_id.eq_any(ids.to_vec()))
        .order((postings::entry_id, postings::id))
        .select((
            postings::entry_id,
            accounts::account,
            postings::amount,
            postings::member_id,
            postings::coach_id,
        ))
        .load(conn)?)
}

/// Takes away what was written beside all entries about somebody.
pub(crate) fn redact(tx: &mut Tx<'_>, person: UserId) -> DbResult<()> {
    let about = postings::table.filter(postings::member_id.eq(person)).select(postings::entry_id);
    diesel::delete(entry_notes::table.filter(entry_notes::entry_id.eq_any(about))).execute(&mut **tx)?;
    let about = postings::table.filter(postings::coach_id.eq(person)).select(postings::entry_id);
    diesel::delete(entry_notes::table.filter(entry_notes::entry_id.eq_any(about))).execute(&mut **tx)?;
    Ok(())
}
