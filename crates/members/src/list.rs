//! The list of members, for staff: whom it holds, in which order, page by page.
//!
//! A page costs the same in a club of a hundred and in one of a million. It is read in the order of an index, past those
//! whom the filters leave out; so that these are never many, whoever meets a condition that few meet is looked up
//! first. The worst case that is left are conditions which many meet one by one and hardly anybody together.

mod queries;

use chrono::NaiveDate;
use muster_auth::people::Words;
use muster_auth::permissions::{ListMembers, ReadMoney};
use muster_auth::{Can, Scope};
use muster_kernel::UserId;
use muster_kernel::db::Conn;
use muster_kernel::fault::{Code, Fault};
use muster_kernel::page::PageRequest;

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

    /// How many conditions there are besides the words.
    fn conditions(&self) -> usize {
        [self.status.is_some(), self.payment_status.is_some(), self.plan_id.is_some()]
            .iter()
            .filter(|there| **there)
            .count()
    }

    /// Whether the list can be read in this order from an index that leaves out all others.
    fn has_index(&self, order: Order) -> bool {
        match (self.conditions(), order.by) {
            (0, _) => true,
            (1, By::Attendance) => self.status.is_some(),
            (1, By::Name | By::Joined) => self.payment_status.is_none(),
            _ => false,
        }
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
    let few = match filter.has_index(order) && !filter.is_search() {
        true => None,
        false => queries::few(conn, filter, today)?,
    };
    let places = match (&few, filter.is_search()) {
        (Some(few), _) if few.is_empty() => Vec::new(),
        (_, true) => queries::search(conn, filter, today, few.as_deref(), after, limit)?,
        (Some(few), false) => {
            queries::among(conn, filter, today, few).map(|places| in_order(places, order, after, limit))?
        }
        (None, false) => queries::walk(conn, filter, today, order, after, limit)?,
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
    Ok(queries::count(conn, filter, today)?)
}

/// A member as a list places them.
#[derive(Debug, diesel::Queryable)]
struct Placed {
    id: UserId,
    name_key: String,
    attendance_count: i32,
    balance: i64,
}

impl Placed {
    fn place(self, by: By) -> Place {
        match by {
            By::Name => (self.name_key, 0, self.id.0),
            By::Attendance => (String::new(), i64::from(self.attendance_count), self.id.0),
            By::Debt => (String::new(), self.balance, self.id.0),
            By::Joined => (String::new(), 0, self.id.0),
        }
    }
}

/// A page of the few who are meant.
fn in_order(placed: Vec<Placed>, order: Order, after: Option<&Place>, limit: i64) -> Vec<Place> {
    let mut places: Vec<Place> = placed.into_iter().map(|one| one.place(order.by)).collect();
    places.sort();
    if order.descending {
        places.reverse();
    }
    let is_next = |place: &Place| match after {
        None => true,
        Some(after) if order.descending => place < after,
        Some(after) => place > after,
    };
    places.into_iter().filter(is_next).take(usize::try_from(limit).unwrap_or(usize::MAX)).collect()
}
