//! Class fees paid in advance, in lots. Until a fee is used the club owes a class for it.
//!
//! Each fee is worth its share of the lot's amount, rounded down; the last one to go takes what rounding left.

mod moves;

use std::sync::Arc;

use chrono::NaiveDate;
use diesel::{BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_auth::Can;
use muster_auth::permissions::KeepBooks;
use muster_kernel::audit::{self, Event, Origin};
use muster_kernel::db::{Conn, DbError, DbResult, MultiBackend, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::page::PageRequest;
use muster_kernel::sql::Locked;
use muster_kernel::{Fields, Minor, UserId, id_type};

use crate::accounts::{AccountId, Method, fixed};
use crate::amounts::check_amount;
use crate::ledger::{self, EntryId, EntryKind, NewEntry, Posting};
use crate::letters::{self, Matter};
use crate::schema::prepaid_lots;
use crate::{periods, standing};

pub use moves::{ExpiryJob, LotRefund, expire_some, refund, release, reserve, return_used, use_fee};
pub(crate) use moves::{undo_refund, undo_sale};

id_type! {
    /// Class fees that were paid for together.
    pub struct LotId;
}

/// Fees in a lot at most.
const MOST: i32 = 1000;

/// Class fees to be paid in advance.
#[derive(Debug, Clone)]
pub struct NewLot {
    /// How many.
    pub count: i32,
    /// How much for all of them.
    pub amount: Minor,
    /// How it is paid.
    pub method: Method,
    /// The last day on which they can be used.
    pub expires_on: Option<NaiveDate>,
    /// When they are paid; today unless it is given.
    pub date: Option<NaiveDate>,
}

/// Class fees paid in advance.
#[derive(Debug, Clone, diesel::Queryable)]
pub struct Lot {
    /// Its number.
    pub id: LotId,
    /// The entry of its sale.
    pub entry_id: EntryId,
    /// Whose fees they are.
    pub member_id: UserId,
    /// The account they were paid into.
    pub account: AccountId,
    /// How many they were.
    pub count: i32,
    /// How much was paid for them.
    pub amount: Minor,
    /// When.
    pub date: NaiveDate,
    /// The last day on which they can be used.
    pub expires_on: Option<NaiveDate>,
    /// How many were used.
    pub used: i32,
    /// How many are reserved.
    pub reserved: i32,
    /// How many expired, were refunded or reversed.
    pub lapsed: i32,
    /// What of the amount is no longer owed as classes.
    pub released: Minor,
    /// Whether there is one left.
    pub is_live: bool,
}

impl Lot {
    /// How many are left, those reserved among them.
    pub fn left(&self) -> i32 {
        self.count - self.used - self.lapsed
    }

    /// How many are left that nobody reserved.
    pub fn free(&self) -> i32 {
        self.left() - self.reserved
    }

    /// What the club owes for those that are left.
    pub fn value(&self) -> Minor {
        Minor(self.amount.0 - self.released.0)
    }

    /// What so many of those that are left are worth: all of them, what is left of the amount.
    fn worth(&self, fees: i32) -> Minor {
        if fees == self.left() {
            return self.value();
        }
        Minor(self.amount.0 / i64::from(self.count) * i64::from(fees))
    }
}

/// A domain's part when there are class fees to be reserved, in the transaction in which they came. The program passes
/// an explicit list of these where it makes [`PrepaidFees`].
pub trait PrepaidHooks: Send + Sync {
    /// A member has more class fees than before.
    ///
    /// # Errors
    /// When the database fails.
    fn bought(&self, tx: &mut Tx<'_>, origin: &Origin, member: UserId) -> Result<(), Fault>;
}

/// The service that sells class fees in advance.
#[derive(Clone)]
pub struct PrepaidFees(Arc<[Arc<dyn PrepaidHooks>]>);

impl PrepaidFees {
    /// The service, with every domain's part in it.
    pub fn new(hooks: Vec<Arc<dyn PrepaidHooks>>) -> PrepaidFees {
        PrepaidFees(hooks.into())
    }

    /// Sells class fees in advance. Those that cover what is booked already are reserved for it at once.
    ///
    /// # Errors
    /// When a field is wrong, the day is closed, or there is no such member.
    pub fn sell(
        &self,
        tx: &mut Tx<'_>,
        can: &Can<KeepBooks>,
        member: UserId,
        new: &NewLot,
    ) -> Result<Lot, Fault> {
        let id = sell(tx, can, member, new)?;
        for hooks in self.0.iter() {
            hooks.bought(tx, can.origin(), member)?;
        }
        find(tx, member, id)?.ok_or_else(Fault::not_found)
    }
}

fn sell(tx: &mut Tx<'_>, can: &Can<KeepBooks>, member: UserId, new: &NewLot) -> Result<LotId, Fault> {
    let mut fields = Fields::new();
    fields.number("/count", new.count, 1..=MOST);
    check_amount("/amount", new.amount, &mut fields);
    let each = new.amount.0 >= i64::from(new.count);
    fields.must(each, "/amount", "out_of_range", "At least 1 for each of them.");
    if let Some(day) = new.expires_on {
        let now = tx.now();
        let today = periods::today(tx, now)?;
        fields.must(day >= today, "/expires_on", "in_the_past", "They can be used today at least.");
        fields.must(day <= periods::LAST_DAY, "/expires_on", "out_of_range", "Before the year 3000.");
    }
    let standing = standing::lock(tx, member)?;
    let date = periods::day(tx, new.date, fields)?;
    let account = new.method.account();
    let entry = NewEntry::of(EntryKind::Prepaid, date);
    let sides = [Posting::debit(account, new.amount), Posting::credit(fixed::PREPAID, new.amount).of(member)];
    let entry = ledger::post(tx, can.origin(), entry, &sides)?;
    let id: LotId = diesel::insert_into(prepaid_lots::table)
        .values((
            prepaid_lots::entry_id.eq(entry),
            prepaid_lots::member_id.eq(member),
            prepaid_lots::account_id.eq(account),
            prepaid_lots::count.eq(new.count),
            prepaid_lots::amount.eq(new.amount),
            prepaid_lots::date.eq(date),
            prepaid_lots::expires_on.eq(new.expires_on),
            prepaid_lots::is_live.eq(true),
        ))
        .returning(prepaid_lots::id)
        .get_result(&mut **tx)
        .map_err(DbError::from)?;
    standing::refresh(tx, member, standing.grace_days)?;
    record(tx, can.origin(), "prepaid.sold", id)?;
    letters::announce(tx, member, Matter::Prepaid(id))?;
    Ok(id)
}

fn record(tx: &mut Tx<'_>, origin: &Origin, action: &str, lot: LotId) -> DbResult<()> {
    audit::append(tx, origin, Event { action, object_type: "prepaid_lot", object_id: lot.0, reason: None })
}

/// A member's lot.
pub(crate) fn find(conn: &mut Conn, member: UserId, id: LotId) -> DbResult<Option<Lot>> {
    Ok(prepaid_lots::table
        .filter(prepaid_lots::id.eq(id))
        .filter(prepaid_lots::member_id.eq(member))
        .get_result(conn)
        .optional()?)
}

/// A member's lots, newest first.
pub(crate) fn list(conn: &mut Conn, member: UserId, page: &PageRequest<i64>) -> DbResult<Vec<Lot>> {
    let mut query =
        prepaid_lots::table.into_boxed::<MultiBackend>().filter(prepaid_lots::member_id.eq(member));
    if let Some(after) = page.after() {
        query = query.filter(prepaid_lots::id.lt(LotId(*after)));
    }
    Ok(query.order(prepaid_lots::id.desc()).limit(page.fetch()).load(conn)?)
}

/// How many lots a member has in all.
pub(crate) fn count(conn: &mut Conn, member: UserId) -> DbResult<i64> {
    Ok(prepaid_lots::table.filter(prepaid_lots::member_id.eq(member)).count().get_result(conn)?)
}

/// The lot of an entry.
pub(crate) fn of_entry(conn: &mut Conn, entry: EntryId) -> DbResult<Option<Lot>> {
    Ok(prepaid_lots::table.filter(prepaid_lots::entry_id.eq(entry)).get_result(conn).optional()?)
}

/// A lot that is to be changed, after its member's standing was locked.
fn lock(tx: &mut Tx<'_>, id: LotId) -> Result<Lot, Fault> {
    Locked(prepaid_lots::table.filter(prepaid_lots::id.eq(id)))
        .get_result(&mut **tx)
        .optional()
        .map_err(DbError::from)?
        .ok_or_else(Fault::not_found)
}

/// Whose lot it is.
fn owner(conn: &mut Conn, id: LotId) -> Result<UserId, Fault> {
    prepaid_lots::table
        .filter(prepaid_lots::id.eq(id))
        .select(prepaid_lots::member_id)
        .get_result(conn)
        .optional()
        .map_err(DbError::from)?
        .ok_or_else(Fault::not_found)
}

/// Writes down what a lot is now.
fn keep(tx: &mut Tx<'_>, lot: &Lot) -> DbResult<()> {
    diesel::update(prepaid_lots::table.filter(prepaid_lots::id.eq(lot.id)))
        .set((
            prepaid_lots::used.eq(lot.used),
            prepaid_lots::reserved.eq(lot.reserved),
            prepaid_lots::lapsed.eq(lot.lapsed),
            prepaid_lots::released.eq(lot.released),
            prepaid_lots::is_live.eq(lot.left() > 0),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// Of a member's lots that can be used on this day and have a fee that is free, the one that expires first.
fn first_free(tx: &mut Tx<'_>, member: UserId, on: NaiveDate) -> DbResult<Option<Lot>> {
    let mut lots: Vec<Lot> = Locked(
        prepaid_lots::table
            .filter(prepaid_lots::member_id.eq(member))
            .filter(prepaid_lots::is_live.eq(true))
            .filter(prepaid_lots::expires_on.is_null().or(prepaid_lots::expires_on.ge(on)))
            .order(prepaid_lots::id),
    )
    .load(&mut **tx)?;
    lots.retain(|lot| lot.free() > 0);
    lots.sort_by_key(|lot| (lot.expires_on.unwrap_or(NaiveDate::MAX), lot.id));
    Ok(lots.into_iter().next())
}

fn nothing_left() -> Fault {
    Fault::new(
        Code::InvalidState,
        "Not so many of these class fees are left: the others were used, are reserved, or have lapsed.",
    )
}
