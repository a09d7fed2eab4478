//! What members paid or were let off, and what they were paid back.

use chrono::NaiveDate;
use diesel::{
    ExpressionMethods, JoinOnDsl, NullableExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl,
};
use muster_auth::Can;
use muster_auth::permissions::KeepBooks;
use muster_kernel::audit::{self, Event, Origin};
use muster_kernel::db::{Conn, DbResult, MultiBackend, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::page::PageRequest;
use muster_kernel::{Fields, Minor, UserId, id_type, text_enum};

use crate::accounts::{AccountId, Method, fixed};
use crate::amounts::check_amount;
use crate::charges::{self, ChargeId};
use crate::ledger::{self, EntryId, EntryKind, NewEntry, Note, Posting};
use crate::letters::{self, Matter};
use crate::schema::{allocations, credits, entry_notes};
use crate::settling::{self, Allocation};
use crate::{periods, standing};

id_type! {
    /// A payment, or something that a member was let off.
    pub struct CreditId;
}

text_enum! {
    /// Why a member owes less.
    pub(crate) enum CreditKind {
        /// They paid.
        Payment = "payment",
        /// They were let off.
        WriteOff = "write_off",
    }
}

/// A payment to be taken.
#[derive(Debug, Clone)]
pub struct NewPayment {
    /// How much.
    pub amount: Minor,
    /// How.
    pub method: Method,
    /// When; today unless it is given.
    pub date: Option<NaiveDate>,
    /// Where it comes from: a line of a bank statement.
    pub reference: Option<String>,
}

/// Something to be paid back.
#[derive(Debug, Clone)]
pub struct NewRefund {
    /// How much of the credit.
    pub amount: Minor,
    /// How.
    pub method: Method,
    /// When; today unless it is given.
    pub date: Option<NaiveDate>,
    /// What for.
    pub text: Option<String>,
}

/// Something that a member is to be let off.
#[derive(Debug, Clone)]
pub struct NewWriteOff {
    /// How much.
    pub amount: Minor,
    /// Of this charge; otherwise of the oldest.
    pub charge_id: Option<ChargeId>,
    /// Why.
    pub reason: String,
}

/// A payment, a refund or a write-off.
#[derive(Debug, Clone, diesel::Queryable)]
pub struct Credit {
    /// Its number.
    pub id: CreditId,
    /// Its entry in the ledger.
    pub entry_id: EntryId,
    /// Whose it is.
    pub member_id: UserId,
    /// How much.
    pub amount: Minor,
    /// What of it is credit still.
    pub rest: Minor,
    /// The account it was paid into, or the expense that it is.
    pub account: AccountId,
    /// Its day.
    pub date: NaiveDate,
    /// What staff wrote of where it comes from.
    pub reference: Option<String>,
    /// Why, if somebody said.
    pub reason: Option<String>,
    /// Taken back.
    pub is_reversed: bool,
}

/// Takes a payment. It settles the oldest charges first; what is left is credit.
///
/// # Errors
/// When a field is wrong, the day is closed, or there is no such member.
pub fn take_payment(
    tx: &mut Tx<'_>,
    can: &Can<KeepBooks>,
    member: UserId,
    new: &NewPayment,
) -> Result<(Credit, Vec<Allocation>), Fault> {
    let mut fields = Fields::new();
    check_amount("/amount", new.amount, &mut fields);
    if let Some(reference) = &new.reference {
        fields.text("/reference", reference, 1..=200);
    }
    let standing = standing::lock(tx, member)?;
    let date = periods::day(tx, new.date, fields)?;
    let note = Note { reference: new.reference.as_deref(), ..Note::default() };
    let entry = NewEntry { note, ..NewEntry::of(EntryKind::Payment, date) };
    let account = new.method.account();
    let sides =
        [Posting::debit(account, new.amount), Posting::credit(fixed::RECEIVABLES, new.amount).of(member)];
    let entry = ledger::post(tx, can.origin(), entry, &sides)?;
    let id = insert(tx, entry, member, CreditKind::Payment, account, new.amount, date)?;
    settling::settle(tx, member)?;
    standing::refresh(tx, member, standing.grace_days)?;
    record(tx, can.origin(), "payment.taken", "payment", id.0)?;
    letters::announce(tx, member, Matter::Payment(id))?;
    let payment = find(tx, member, id)?.ok_or_else(Fault::not_found)?;
    let allocations = allocations_of(tx, &[id])?;
    Ok((payment, allocations))
}

/// Lets a member off something that they owe.
///
/// # Errors
/// When a field is wrong, or it is more than they owe.
pub fn write_off(
    tx: &mut Tx<'_>,
    can: &Can<KeepBooks>,
    member: UserId,
    new: &NewWriteOff,
) -> Result<Credit, Fault> {
    let mut fields = Fields::new();
    check_amount("/amount", new.amount, &mut fields);
    fields.text("/reason", &new.reason, 1..=500);
    let standing = standing::lock(tx, member)?;
    let of = match new.charge_id {
        Some(id) => {
            let found = charges::find(tx, member, id)?;
            fields.must(found.is_some(), "/charge_id", "not_found", "This member has no such charge.");
            found
        }
        None => None,
    };
    let date = periods::day(tx, None, fields)?;
    let owed = of.as_ref().map_or(standing.balance, |charge| charge.open);
    if new.amount > owed {
        let detail = "This is more than is owed; write off what is open, or less.";
        return Err(Fault::new(Code::ExceedsBalance, detail));
    }
    let note = Note { reason: Some(&new.reason), ..Note::default() };
    let entry = NewEntry { note, ..NewEntry::of(EntryKind::WriteOff, date) };
    let sides = [
        Posting::debit(fixed::WRITE_OFFS, new.amount),
        Posting::credit(fixed::RECEIVABLES, new.amount).of(member),
    ];
    let entry = ledger::post(tx, can.origin(), entry, &sides)?;
    let id = insert(tx, entry, member, CreditKind::WriteOff, fixed::WRITE_OFFS, new.amount, date)?;
    if let Some(charge) = of {
        settling::settle_one(tx, (charge.id, charge.open), (id, new.amount), new.amount)?;
    }
    settling::settle(tx, member)?;
    standing::refresh(tx, member, standing.grace_days)?;
    record(tx, can.origin(), "debt.written_off", "write_off", id.0)?;
    find(tx, member, id)?.ok_or_else(Fault::not_found)
}

/// Pays a member's credit back, or a part of it.
///
/// # Errors
/// When a field is wrong, the day is closed, or it is more than the credit.
pub fn refund(
    tx: &mut Tx<'_>,
    can: &Can<KeepBooks>,
    member: UserId,
    new: &NewRefund,
) -> Result<charges::Charge, Fault> {
    let mut fields = Fields::new();
    check_amount("/amount", new.amount, &mut fields);
    if let Some(text) = &new.text {
        fields.text("/text", text, 1..=200);
    }
    let standing = standing::lock(tx, member)?;
    let date = periods::day(tx, new.date, fields)?;
    if new.amount.0 > -standing.balance.0 {
        let detail = "This is more than the member's credit; there is nothing else to pay back.";
        return Err(Fault::new(Code::ExceedsCredit, detail));
    }
    if covered_on(tx, member, new.amount)?.is_some_and(|paid_on| date < paid_on) {
        return Err(Fault::field("/date", "out_of_range", "Not before the payment that is paid back."));
    }
    let account = new.method.account();
    let entry = NewEntry::of(EntryKind::Refund, date).saying(new.text.as_deref());
    let sides =
        [Posting::debit(fixed::RECEIVABLES, new.amount).of(member), Posting::credit(account, new.amount)];
    let entry = ledger::post(tx, can.origin(), entry, &sides)?;
    let id = charges::owe_refund(tx, entry, member, new.amount, account, date)?;
    settling::settle(tx, member)?;
    standing::refresh(tx, member, standing.grace_days)?;
    record(tx, can.origin(), "credit.refunded", "refund", id.0)?;
    letters::announce(tx, member, Matter::Refund(id))?;
    charges::find(tx, member, id)?.ok_or_else(Fault::not_found)
}

/// The reason of a write-off stands beside its entry, where it can be redacted.
fn record(tx: &mut Tx<'_>, origin: &Origin, action: &str, object_type: &str, object_id: i64) -> DbResult<()> {
    audit::append(tx, origin, Event { action, object_type, object_id, reason: None })
}

fn insert(
    tx: &mut Tx<'_>,
    entry: EntryId,
    member: UserId,
    kind: CreditKind,
    account: AccountId,
    amount: Minor,
    date: NaiveDate,
) -> DbResult<CreditId> {
    Ok(diesel::insert_into(credits::table)
        .values((
            credits::entry_id.eq(entry),
            credits::member_id.eq(member),
            credits::kind.eq(kind),
            credits::account_id.eq(account),
            credits::amount.eq(amount),
            credits::date.eq(date),
            credits::rest.eq(amount),
            credits::has_rest.eq(true),
        ))
        .returning(credits::id)
        .get_result(&mut **tx)?)
}

macro_rules! shown {
    () => {
        credits::table.left_join(entry_notes::table.on(entry_notes::entry_id.eq(credits::entry_id))).select((
            credits::id,
            credits::entry_id,
            credits::member_id,
            credits::amount,
            credits::rest,
            credits::account_id,
            credits::date,
            entry_notes::reference.nullable(),
            entry_notes::reason.nullable(),
            credits::is_reversed,
        ))
    };
}

pub(crate) fn find(conn: &mut Conn, member: UserId, id: CreditId) -> DbResult<Option<Credit>> {
    Ok(shown!()
        .filter(credits::id.eq(id))
        .filter(credits::member_id.eq(member))
        .get_result(conn)
        .optional()?)
}

/// A member's payments or write-offs, newest first.
pub(crate) fn list(
    conn: &mut Conn,
    member: UserId,
    kind: CreditKind,
    page: &PageRequest<i64>,
) -> DbResult<Vec<Credit>> {
    let mut query = shown!()
        .into_boxed::<MultiBackend>()
        .filter(credits::member_id.eq(member))
        .filter(credits::kind.eq(kind));
    if let Some(after) = page.after() {
        query = query.filter(credits::id.lt(CreditId(*after)));
    }
    Ok(query.order(credits::id.desc()).limit(page.fetch()).load(conn)?)
}

/// How many a member has in all.
pub(crate) fn count(conn: &mut Conn, member: UserId, kind: CreditKind) -> DbResult<i64> {
    Ok(credits::table
        .filter(credits::member_id.eq(member))
        .filter(credits::kind.eq(kind))
        .count()
        .get_result(conn)?)
}

/// The day by which so much of a member's credit had been paid.
fn covered_on(tx: &mut Tx<'_>, member: UserId, amount: Minor) -> DbResult<Option<NaiveDate>> {
    let rests: Vec<(NaiveDate, Minor)> = credits::table
        .filter(credits::member_id.eq(member))
        .filter(credits::has_rest.eq(true))
        .order((credits::date, credits::id))
        .limit(1000)
        .select((credits::date, credits::rest))
        .load(&mut **tx)?;
    let mut missing = amount.0;
    let last = rests.into_iter().take_while(|(_, rest)| {
        let needed = missing > 0;
        missing -= rest.0;
        needed
    });
    Ok(last.last().map(|(date, _)| date))
}

/// What these credits settle.
pub(crate) fn allocations_of(conn: &mut Conn, ids: &[CreditId]) -> DbResult<Vec<Allocation>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(allocations::table
        .filter(allocations::credit_id.eq_any(ids.to_vec()))
        .order((allocations::credit_id, allocations::charge_id))
        .select((allocations::charge_id, allocations::credit_id, allocations::amount))
        .load(conn)?)
}

/// The credit of an entry.
pub(crate) fn of_entry(conn: &mut Conn, entry: EntryId) -> DbResult<Option<(CreditId, UserId)>> {
    Ok(credits::table
        .filter(credits::entry_id.eq(entry))
        .select((credits::id, credits::member_id))
        .get_result(conn)
        .optional()?)
}
