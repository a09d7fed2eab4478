//! The list of members, for staff: whom it holds, in which order, page by page.
//!
//! A page costs the same in a club of a hundred and in one of a million, whatever is asked for: the list is in as many
//! lines, one behind the other in an index, as there are pairs of a membership's and a payment's standing, with and
//! without the plan before them; a page is put together from the heads of those that are meant.

mod kept;
mod queries;

use chrono::NaiveDate;
use muster_auth::people::Words;
use muster_auth::permissions::{ListMembers, ReadMoney};
use muster_auth::{Can, Scope};
use muster_kernel::UserId;
use muster_kernel::db::Conn;
use muster_kernel::fault::{Code, Fault};
use muster_kernel::page::PageRequest;

pub(crate) use kept::{keep, lost};

use crate::{Member, PaymentStatus, Standing, record};

/// By what members are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Their name, last name first.
    Name,
    /// How often they attended.
    Attendance,
    /// What they owe.
    Debt,
    /// When they joined.
    Joined,
}

/// In which order members are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// By what.
    pub by: By,
    /// Whether the last comes first.
    pub descending: bool,
}

/// A place in the list: a name or a word, a number, and the id. What the order does not look at is empty.
pub type Place = (String, i64, i64);

/// Whom to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    words: Words,
    status: Option<Standing>,
    payment_status: Option<PaymentStatus>,
    plan_id: Option<i64>,
}

impl Filter {
    /// Those found by these words (the beginnings are enough), whose membership and whose money stands so, on this plan.
    ///
    /// # Errors
    /// When there are too many words.
    pub fn new(
        q: Option<&str>,
        status: Option<Standing>,
        payment_status: Option<PaymentStatus>,
        plan_id: Option<i64>,
    ) -> Result<Filter, Fault> {
        Ok(Filter { words: Words::of(q)?, status, payment_status, plan_id })
    }

    /// Whether words are looked for: then the list is in the order of the word that was found.
    pub fn is_search(&self) -> bool {
        !self.words.is_empty()
    }

    fn asks_for_money(&self) -> bool {
        self.payment_status.is_some() || self.plan_id.is_some()
    }
}

/// Whether the caller may ask for this: who does not see the money of all does not sort or filter by it either.
fn may_ask(can: &Can<ListMembers>, filter: &Filter, order: Order) -> Result<(), Fault> {
    if !filter.asks_for_money() && order.by != By::Debt {
        return Ok(());
    }
    match can.actor().can::<ReadMoney>()?.scope() {
        Scope::All => Ok(()),
        _ => Err(Fault::new(Code::Forbidden, "Your role does not see what members owe.")),
    }
}

/// A page of members, each with the place in the list. `today` is in the club's zone.
///
/// # Errors
/// When the caller may not ask for this, or the database fails.
pub fn list(
    conn: &mut Conn,
    can: &Can<ListMembers>,
    filter: &Filter,
    order: Order,
    today: NaiveDate,
    page: &PageRequest<Place>,
) -> Result<Vec<(Place, Member)>, Fault> {
    may_ask(can, filter, order)?;
    let (after, limit) = (page.after(), page.fetch());
    let lines = queries::Lines::of(conn, filter, today)?;
    let places = match filter.is_search() {
        true => queries::search(conn, filter, &lines, after, limit)?,
        false => queries::page(conn, &lines, order, after, limit)?,
    };
    let ids: Vec<UserId> = places.iter().map(|(.., id)| UserId(*id)).collect();
    Ok(places.into_iter().zip(record::find_several(conn, &ids)?).collect())
}

/// How many members there are in all.
///
/// # Errors
/// When the caller may not ask for this, or the database fails.
pub fn count(
    conn: &mut Conn,
    can: &Can<ListMembers>,
    filter: &Filter,
    today: NaiveDate,
) -> Result<i64, Fault> {
    may_ask(can, filter, Order { by: By::Name, descending: false })?;
    let lines = queries::Lines::of(conn, filter, today)?;
    Ok(queries::count(conn, filter, &lines)?)
}
