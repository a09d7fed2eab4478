//! What members owe: charges, and what was paid back to them.

use chrono::NaiveDate;
use diesel::{
    ExpressionMethods, JoinOnDsl, NullableExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl,
};
use muster_auth::Can;
use muster_auth::permissions::KeepBooks;
use muster_kernel::audit::{self, Event, Origin};
use muster_kernel::db::{Conn, DbError, DbResult, MultiBackend, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::page::PageRequest;
use muster_kernel::{Fields, Minor, UserId, id_type, text_enum};

use crate::accounts::{self, AccountId, AccountType, fixed};
use crate::amounts::check_amount;
use crate::ledger::{self, EntryId, EntryKind, NewEntry, Posting};
use crate::letters::{self, Matter};
use crate::schema::{accounts as account_table, charges, entry_notes};
use crate::{periods, settling, standing};

id_type! {
    /// Something that a member owes.
    pub struct ChargeId;
}

text_enum! {
    /// Why a member owes something.
    pub enum ChargeKind {
        /// The club charged it.
        Charge = "charge",
        /// The club paid it back: owed again if what had been paid turns out not to have been.
        Refund = "refund",
    }
}

/// Income that Muster itself charges for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Income {
    /// Dues of a plan.
    Dues,
    /// The fee of a class.
    Classes,
}

/// A charge that a rule of the club makes.
#[derive(Debug, Clone, Copy)]
pub struct ByRule<'a> {
    /// Which income it is.
    pub income: Income,
    /// How much.
    pub amount: Minor,
    /// What for, without names.
    pub text: &'a str,
    /// Its day; if that is closed it becomes the first open one.
    pub date: NaiveDate,
    /// When it is due.
    pub due_on: NaiveDate,
}

/// A charge to be made.
#[derive(Debug, Clone)]
pub struct NewCharge {
    /// How much.
    pub amount: Minor,
    /// Which income account: `dues`.
    pub account: String,
    /// What for.
    pub text: String,
    /// Its day; today unless it is given.
    pub date: Option<NaiveDate>,
    /// When it is due; on its day unless it is given.
    pub due_on: Option<NaiveDate>,
}

/// A charge.
#[derive(Debug, Clone, diesel::Queryable)]
pub struct Charge {
    /// Its number.
    pub id: ChargeId,
    /// Its entry in the ledger.
    pub entry_id: EntryId,
    /// Who owes it.
    pub member_id: UserId,
    /// Why they owe it.
    pub kind: ChargeKind,
    /// How much it was.
    pub amount: Minor,
    /// How much of it is open.
    pub open: Minor,
    /// Which income it is.
    pub account: String,
    /// What for.
    pub text: Option<String>,
    /// Its day.
    pub date: NaiveDate,
    /// When it is due, or was.
    pub due_on: NaiveDate,
    /// Taken back.
    pub is_reversed: bool,
}

/// Charges a member.
///
/// # Errors
/// When a field is wrong, the day is closed, or there is no such member.
pub fn charge(
    tx: &mut Tx<'_>,
    can: &Can<KeepBooks>,
    member: UserId,
    new: &NewCharge,
) -> Result<Charge, Fault> {
    let mut fields = Fields::new();
    check_amount("/amount", new.amount, &mut fields);
    fields.text("/text", &new.text, 1..=200);
    let account = accounts::named(tx, "/account", &new.account, &[AccountType::Income], &mut fields)?;
    if let Some(due) = new.due_on {
        fields.number("/due_on", due, periods::FIRST_DAY..=periods::LAST_DAY);
    }
    let standing = standing::lock(tx, member)?;
    let date = periods::day(tx, new.date, fields)?;
    let account = account.ok_or_else(Fault::not_found)?;
    let made = Made {
        member,
        amount: new.amount,
        account: account.id,
        text: &new.text,
        date,
        due_on: new.due_on.unwrap_or(date),
    };
    make(tx, can.origin(), EntryKind::Charge, &made, standing.grace_days)
}

/// Charges a member by a rule of the club rather than by hand: dues, class fees. The text holds no names.
///
/// # Errors
/// When there is no such member, or the day is closed.
pub fn charge_by_rule(
    tx: &mut Tx<'_>,
    origin: &Origin,
    member: UserId,
    rule: &ByRule<'_>,
) -> Result<Charge, Fault> {
    let &ByRule { income, amount, text, date, due_on } = rule;
    let (kind, account) = match income {
        Income::Dues => (EntryKind::Charge, fixed::DUES),
        Income::Classes => (EntryKind::ClassFee, fixed::CLASSES),
    };
    let standing = standing::lock(tx, member)?;
    let date = periods::open_day(tx, date)?;
    make(tx, origin, kind, &Made { member, amount, account, text, date, due_on }, standing.grace_days)
}

/// Takes back a charge that a rule of the club made, on this day or the first open one: it need not be paid.
///
/// # Errors
/// When it was taken back before, or some of it was written off.
pub fn take_back(tx: &mut Tx<'_>, origin: &Origin, id: ChargeId, date: NaiveDate) -> Result<(), Fault> {
    let (entry, member, made_on): (EntryId, UserId, NaiveDate) = charges::table
        .filter(charges::id.eq(id))
        .select((charges::entry_id, charges::member_id, charges::date))
        .get_result(&mut **tx)
        .optional()
        .map_err(DbError::from)?
        .ok_or_else(Fault::not_found)?;
    let standing = standing::lock(tx, member)?;
    // Its month may have been closed when it was made, and open again now.
    let date = periods::open_day(tx, date.max(made_on))?;
    void(tx, origin, (entry, id), member, date, None)?;
    standing::refresh(tx, member, standing.grace_days)?;
    Ok(())
}

/// Takes back a charge of somebody whose standing is locked; what had settled it settles something else.
pub(crate) fn void(
    tx: &mut Tx<'_>,
    origin: &Origin,
    (entry, charge): (EntryId, ChargeId),
    member: UserId,
    date: NaiveDate,
    reason: Option<&str>,
) -> Result<(), Fault> {
    // What was let off was never paid: freed, it would be credit that could be paid back.
    if settling::is_written_off(tx, charge)? {
        let detail = "Some of this was written off; take the write-off back first.";
        return Err(Fault::new(Code::InvalidState, detail));
    }
    ledger::post_reversal(tx, origin, entry, date, reason)?;
    settling::void_charge(tx, charge)?;
    settling::settle(tx, member)?;
    Ok(())
}

struct Made<'a> {
    member: UserId,
    amount: Minor,
    account: AccountId,
    text: &'a str,
    date: NaiveDate,
    due_on: NaiveDate,
}

fn make(
    tx: &mut Tx<'_>,
    origin: &Origin,
    kind: EntryKind,
    made: &Made<'_>,
    grace_days: i32,
) -> Result<Charge, Fault> {
    let &Made { member, amount, account, text, date, .. } = made;
    let entry = NewEntry::of(kind, date).saying(Some(text));
    let sides = [Posting::debit(fixed::RECEIVABLES, amount).of(member), Posting::credit(account, amount)];
    let entry = ledger::post(tx, origin, entry, &sides)?;
    let id = insert(tx, entry, ChargeKind::Charge, made)?;
    settling::settle(tx, member)?;
    standing::refresh(tx, member, grace_days)?;
    let event = Event { action: "charge.made", object_type: "charge", object_id: id.0, reason: None };
    audit::append(tx, origin, event)?;
    letters::announce(tx, member, Matter::Charge(id))?;
    find(tx, member, id)?.ok_or_else(Fault::not_found)
}

/// Writes down what was paid back as something that is owed, until it is settled by the credit it came from.
pub(crate) fn owe_refund(
    tx: &mut Tx<'_>,
    entry: EntryId,
    member: UserId,
    amount: Minor,
    from: AccountId,
    date: NaiveDate,
) -> DbResult<ChargeId> {
    let made = Made { member, amount, account: from, text: "", date, due_on: date };
    insert(tx, entry, ChargeKind::Refund, &made)
}

fn insert(tx: &mut Tx<'_>, entry: EntryId, kind: ChargeKind, made: &Made<'_>) -> DbResult<ChargeId> {
    Ok(diesel::insert_into(charges::table)
        .values((
            charges::entry_id.eq(entry),
            charges::member_id.eq(made.member),
            charges::kind.eq(kind),
            charges::account_id.eq(made.account),
            charges::amount.eq(made.amount),
            charges::date.eq(made.date),
            charges::due_on.eq(made.due_on),
            charges::open.eq(made.amount),
            charges::is_open.eq(true),
        ))
        .returning(charges::id)
        .get_result(&mut **tx)?)
}

macro_rules! shown {
    () => {
        charges::table
            .inner_join(account_table::table.on(account_table::id.eq(charges::account_id)))
            .left_join(entry_notes::table.on(entry_notes::entry_id.eq(charges::entry_id)))
            .select((
                charges::id,
                charges::entry_id,
                charges::member_id,
                charges::kind,
                charges::amount,
                charges::open,
                account_table::account,
                entry_notes::text.nullable(),
                charges::date,
                charges::due_on,
                charges::is_reversed,
            ))
    };
}

/// A charge of a member.
pub(crate) fn find(conn: &mut Conn, member: UserId, id: ChargeId) -> DbResult<Option<Charge>> {
    Ok(shown!()
        .filter(charges::id.eq(id))
        .filter(charges::member_id.eq(member))
        .get_result(conn)
        .optional()?)
}

/// A member's charges or refunds, newest first.
pub(crate) fn list(
    conn: &mut Conn,
    member: UserId,
    kind: ChargeKind,
    page: &PageRequest<i64>,
) -> DbResult<Vec<Charge>> {
    let mut query = shown!()
        .into_boxed::<MultiBackend>()
        .filter(charges::member_id.eq(member))
        .filter(charges::kind.eq(kind));
    if let Some(after) = page.after() {
        query = query.filter(charges::id.lt(ChargeId(*after)));
    }
    Ok(query.order(charges::id.desc()).limit(page.fetch()).load(conn)?)
}

/// How many a member has in all.
pub(crate) fn count(conn: &mut Conn, member: UserId, kind: ChargeKind) -> DbResult<i64> {
    Ok(charges::table
        .filter(charges::member_id.eq(member))
        .filter(charges::kind.eq(kind))
        .count()
        .get_result(conn)?)
}

/// What of a member is open, in the order in which it is settled.
pub(crate) fn open_of(conn: &mut Conn, member: UserId, limit: i64) -> DbResult<Vec<Charge>> {
    Ok(shown!()
        .filter(charges::member_id.eq(member))
        .filter(charges::is_open.eq(true))
        .order((charges::due_on, charges::date, charges::id))
        .limit(limit)
        .load(conn)?)
}

/// The item of an entry, and what is open of it.
pub(crate) fn of_entry(conn: &mut Conn, entry: EntryId) -> DbResult<Option<(ChargeId, UserId)>> {
    Ok(charges::table
        .filter(charges::entry_id.eq(entry))
        .select((charges::id, charges::member_id))
        .get_result(conn)
        .optional()?)
}
