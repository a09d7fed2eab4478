//! The accounts of the books, and the categories that a club makes for itself.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use muster_auth::Can;
use muster_auth::permissions::{KeepBooks, ReadBooks};
use muster_kernel::audit::{self, Event};
use muster_kernel::db::{Conn, DbError, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::{Fields, id_type, text_enum};

use crate::schema::accounts;

id_type! {
    /// An account of the books.
    pub struct AccountId;
}

/// Those that are always there, as the first migration numbers them.
pub(crate) mod fixed {
    use super::AccountId;
    pub(crate) const CASH: AccountId = AccountId(1);
    pub(crate) const BANK: AccountId = AccountId(2);
    pub(crate) const RECEIVABLES: AccountId = AccountId(3);
    pub(crate) const PREPAID: AccountId = AccountId(4);
    pub(crate) const PAYABLES: AccountId = AccountId(5);
    pub(crate) const COACH_PAY: AccountId = AccountId(6);
    pub(crate) const DUES: AccountId = AccountId(8);
    pub(crate) const CLASSES: AccountId = AccountId(9);
    pub(crate) const COACHES: AccountId = AccountId(12);
    pub(crate) const WRITE_OFFS: AccountId = AccountId(13);
}

text_enum! {
    /// What kind of account it is.
    pub enum AccountType {
        /// What the club has, and what is owed to it.
        Asset = "asset",
        /// What the club owes.
        Liability = "liability",
        /// What was there when the books began.
        Equity = "equity",
        /// Where money comes from.
        Income = "income",
        /// What it is spent on.
        Expense = "expense",
    }
}

text_enum! {
    /// How something was paid.
    pub enum Method {
        /// In notes and coins.
        Cash = "cash",
        /// Through the club's account at a bank.
        Bank = "bank",
    }
}

impl Method {
    pub(crate) fn account(self) -> AccountId {
        match self {
            Method::Cash => fixed::CASH,
            Method::Bank => fixed::BANK,
        }
    }

    /// How something was paid that was posted to this account.
    pub fn of(account: AccountId) -> Method {
        if account == fixed::CASH { Method::Cash } else { Method::Bank }
    }
}

/// Categories that a club makes at most.
const MOST_CATEGORIES: i64 = 200;

/// An account.
#[derive(Debug, Clone, diesel::Queryable)]
pub struct Account {
    /// Its number, for the database alone.
    pub id: AccountId,
    /// Its name in requests: `dues`.
    pub account: String,
    /// Its name for people.
    pub name: String,
    /// What kind it is.
    pub kind: AccountType,
    /// Made by the club.
    pub is_category: bool,
}

/// A category to be made.
#[derive(Debug, Clone)]
pub struct NewCategory {
    /// Its name for people.
    pub name: String,
    /// Its name in requests; made from the other unless it is given.
    pub account: Option<String>,
    /// Income or expense.
    pub kind: AccountType,
}

/// Every account.
pub(crate) fn all(conn: &mut Conn) -> DbResult<Vec<Account>> {
    Ok(accounts::table.order(accounts::id).load(conn)?)
}

/// The account of this name and kind; what else there is, or nothing, is a fault of the field.
pub(crate) fn named(
    conn: &mut Conn,
    pointer: &str,
    name: &str,
    kinds: &[AccountType],
    fields: &mut Fields,
) -> DbResult<Option<Account>> {
    let found: Option<Account> =
        accounts::table.filter(accounts::account.eq(name)).get_result(conn).optional()?;
    let fine = found.filter(|account| kinds.contains(&account.kind));
    if fine.is_none() {
        let kinds: Vec<_> = kinds.iter().map(|kind| kind.as_str()).collect();
        let kinds = kinds.join(" or ");
        fields.wrong(pointer, "not_found", format!("There is no {kinds} account of this name."));
    }
    Ok(fine)
}

/// The categories: accounts for income and expenses.
///
/// # Errors
/// When the database fails.
pub fn categories(conn: &mut Conn, _: &Can<ReadBooks>) -> DbResult<Vec<Account>> {
    let mut all = all(conn)?;
    all.retain(|account| matches!(account.kind, AccountType::Income | AccountType::Expense));
    Ok(all)
}

/// Makes a category.
///
/// # Errors
/// When a field is wrong, there is one already, or there are too many.
pub fn add_category(tx: &mut Tx<'_>, can: &Can<KeepBooks>, new: &NewCategory) -> Result<Account, Fault> {
    let mut fields = Fields::new();
    fields.text("/name", &new.name, 1..=80);
    let key = match &new.account {
        Some(key) => {
            let fine = (1..=40).contains(&key.len())
                && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            fields.must(fine, "/account", "invalid", "1 to 40 small letters, digits and underscores.");
            key.clone()
        }
        None => slug(&new.name),
    };
    fields.must(!key.is_empty(), "/account", "required", "Give it a name in small letters, too.");
    let fine = matches!(new.kind, AccountType::Income | AccountType::Expense);
    fields.must(fine, "/type", "invalid", "`income` or `expense`.");
    fields.done()?;
    let made: i64 = accounts::table
        .filter(accounts::is_category.eq(true))
        .count()
        .get_result(&mut **tx)
        .map_err(DbError::from)?;
    if made >= MOST_CATEGORIES {
        return Err(Fault::new(Code::InvalidState, "A club has 200 categories of its own at most."));
    }
    let inserted = diesel::insert_into(accounts::table)
        .values((
            accounts::account.eq(&key),
            accounts::name.eq(&new.name),
            accounts::kind.eq(new.kind),
            accounts::is_category.eq(true),
        ))
        .get_result::<Account>(&mut **tx)
        .map_err(DbError::from);
    let account = match inserted {
        Err(e) if e.is_unique_violation() => {
            return Err(Fault::new(Code::AlreadyExists, "There is an account of this name."));
        }
        other => other?,
    };
    let event =
        Event { action: "category.made", object_type: "account", object_id: account.id.0, reason: None };
    audit::append(tx, can.origin(), event)?;
    Ok(account)
}

/// A name for requests, made from one for people.
fn slug(name: &str) -> String {
    let name =
        name.to_lowercase().replace('ä', "ae").replace('ö', "oe").replace('ü', "ue").replace('ß', "ss");
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_").chars().take(40).collect()
}
