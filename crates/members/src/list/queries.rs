//! The SQL of the list of members.

use chrono::NaiveDate;
use diesel::dsl::{exists, not};
use diesel::{BoolExpressionMethods, ExpressionMethods, JoinOnDsl, QueryDsl, RunQueryDsl};
use muster_auth::people::Words;
use muster_auth::read::{user_words, users};
use muster_finance::read::standing;
use muster_kernel::UserId;
use muster_kernel::db::{Conn, DbResult, MultiBackend};

use super::{By, Filter, Order, Place, Placed};
use crate::PaymentStatus;
use crate::schema::members;

/// When a condition leaves so many members or fewer, they are looked up first.
const FEW: usize = 2_000;

/// Everybody who is not erased, with where they stand in the books.
macro_rules! everybody {
    () => {
        members::table
            .inner_join(users::table.on(users::id.eq(members::id)))
            .inner_join(standing::table.on(standing::member_id.eq(members::id)))
            .filter(users::erased_at.is_null())
            .into_boxed::<MultiBackend>()
    };
}

/// Which conditions may be the way in: those with an index in the order that is wanted. The others are said so that no
/// engine takes them for one, as it would have to sort everybody who meets them.
#[derive(Clone, Copy)]
struct WaysIn {
    status: bool,
    plan: bool,
    balance: bool,
}

impl WaysIn {
    const ALL: WaysIn = WaysIn { status: true, plan: true, balance: true };
    const NONE: WaysIn = WaysIn { status: false, plan: false, balance: false };

    fn by(by: By) -> WaysIn {
        match by {
            By::Name | By::Joined => WaysIn { status: true, plan: true, balance: false },
            By::Attendance => WaysIn { status: true, ..WaysIn::NONE },
            By::Debt => WaysIn { balance: true, ..WaysIn::NONE },
        }
    }
}

/// Leaves in a query those who meet the conditions.
macro_rules! meeting {
    ($query:expr, $filter:expr, $today:expr, $ways:expr) => {{
        let (mut query, today, ways): (_, NaiveDate, WaysIn) = ($query, $today, $ways);
        if let Some(status) = $filter.status {
            query = match ways.status {
                true => query.filter(members::status.eq(status)),
                false => query.filter(not(members::status.ne(status))),
            };
        }
        if let Some(plan) = $filter.plan_id {
            query = match ways.plan {
                true => query.filter(members::plan_id.eq(plan)),
                false => query.filter(not(members::plan_id.ne(plan))),
            };
        }
        use PaymentStatus::{Due, Exempt, Overdue, Paid};
        query = match ($filter.payment_status, ways.balance) {
            (None, _) => query,
            (Some(Exempt | Paid), true) => query.filter(standing::balance.le(0)),
            (Some(Exempt | Paid), false) => query.filter((standing::balance + 0).le(0)),
            (Some(Due | Overdue), true) => query.filter(standing::balance.gt(0)),
            (Some(Due | Overdue), false) => query.filter((standing::balance + 0).gt(0)),
        };
        match $filter.payment_status {
            None => query,
            Some(Exempt) => query.filter(not(members::plan_id.is_not_null())),
            Some(Paid) => query.filter(not(members::plan_id.is_null())),
            Some(Due) => {
                query.filter(not(standing::overdue_from.is_not_null().and(standing::overdue_from.le(today))))
            }
            Some(Overdue) => query.filter(not(standing::overdue_from.gt(today))),
        }
    }};
}

/// Has a query begin after the last row of the page before, and sorts it.
macro_rules! in_order {
    ($query:expr, $descending:expr, $after:expr, $key:expr, $id:expr) => {{
        let query = $query;
        match ($descending, $after) {
            (false, None) => query.order(($key.asc(), $id.asc())),
            (true, None) => query.order(($key.desc(), $id.desc())),
            (false, Some((key, id))) => {
                let further = $key.ge(key.clone()).and($key.gt(key).or($id.gt(id)));
                query.filter(further).order(($key.asc(), $id.asc()))
            }
            (true, Some((key, id))) => {
                let further = $key.le(key.clone()).and($key.lt(key).or($id.lt(id)));
                query.filter(further).order(($key.desc(), $id.desc()))
            }
        }
    }};
}

/// A page, read in the order of an index.
pub(super) fn walk(
    conn: &mut Conn,
    filter: &Filter,
    today: NaiveDate,
    order: Order,
    after: Option<&Place>,
    limit: i64,
) -> DbResult<Vec<Place>> {
    let down = order.descending;
    let after = after.cloned();
    let query = meeting!(everybody!(), filter, today, WaysIn::by(order.by));
    let query = match order.by {
        By::Name => {
            let after = after.map(|(name, _, id)| (name, UserId(id)));
            in_order!(query, down, after, members::name_key, members::id)
        }
        By::Attendance => {
            // No count is beyond 32 bits, and so no cursor that was given out.
            let number = |n| i32::try_from(n).unwrap_or(i32::MAX);
            let after = after.map(|(_, count, id)| (number(count), UserId(id)));
            in_order!(query, down, after, members::attendance_count, members::id)
        }
        By::Debt => {
            let after = after.map(|(_, balance, id)| (balance, UserId(id)));
            in_order!(query, down, after, standing::balance, standing::member_id)
        }
        By::Joined => match (down, after.map(|(.., id)| UserId(id))) {
            (false, None) => query.order(members::id.asc()),
            (true, None) => query.order(members::id.desc()),
            (false, Some(id)) => query.filter(members::id.gt(id)).order(members::id.asc()),
            (true, Some(id)) => query.filter(members::id.lt(id)).order(members::id.desc()),
        },
    };
    let rows: Vec<Placed> = query.limit(limit).select(placed()).load(conn)?;
    Ok(rows.into_iter().map(|row| row.place(order.by)).collect())
}

type PlacedColumns = (members::id, members::name_key, members::attendance_count, standing::balance);

fn placed() -> PlacedColumns {
    (members::id, members::name_key, members::attendance_count, standing::balance)
}

/// Those of a few who meet the conditions, in no order.
pub(super) fn among(
    conn: &mut Conn,
    filter: &Filter,
    today: NaiveDate,
    few: &[UserId],
) -> DbResult<Vec<Placed>> {
    let query = meeting!(everybody!(), filter, today, WaysIn::NONE);
    Ok(query.filter(members::id.eq_any(few.to_vec())).select(placed()).load(conn)?)
}

/// Those among whom everybody is who meets the conditions, if one of them leaves few.
pub(super) fn few(conn: &mut Conn, filter: &Filter, today: NaiveDate) -> DbResult<Option<Vec<UserId>>> {
    use PaymentStatus::{Due, Exempt, Overdue, Paid};
    let limit = i64::try_from(FEW + 1).unwrap_or(i64::MAX);
    /// Ends here when the query finds few.
    macro_rules! perhaps {
        ($query:expr) => {
            let ids: Vec<UserId> = $query.limit(limit).load(conn)?;
            if ids.len() <= FEW {
                return Ok(Some(ids));
            }
        };
    }
    let (member, in_books) =
        (members::table.select(members::id), standing::table.select(standing::member_id));
    if let Some(status) = filter.status {
        perhaps!(member.filter(members::status.eq(status)));
    }
    if let Some(plan) = filter.plan_id {
        perhaps!(member.filter(members::plan_id.eq(plan)));
    }
    match filter.payment_status {
        None => {}
        Some(Overdue) => {
            perhaps!(in_books.filter(standing::overdue_from.le(today)));
        }
        Some(Due) => {
            perhaps!(in_books.filter(standing::balance.gt(0)));
        }
        Some(Paid) => {
            // Every plan has a number above zero. What is not null SQLite would look for from end to end.
            perhaps!(member.filter(members::plan_id.gt(0)));
            perhaps!(in_books.filter(standing::balance.le(0)));
        }
        Some(Exempt) => {
            perhaps!(member.filter(members::plan_id.is_null()));
            perhaps!(in_books.filter(standing::balance.le(0)));
        }
    }
    for word in filter.words.split_first().map(|(_, others)| others).unwrap_or_default() {
        let found = user_words::table.select(user_words::user_id).filter(user_words::word.ge(word));
        perhaps!(found.filter(user_words::word.lt(Words::end(word))));
    }
    Ok(None)
}

/// Those found by all words who meet the conditions, in the order of the first word; somebody with two such words once.
macro_rules! found {
    ($filter:expr, $today:expr, $first:expr, $others:expr, $few:expr) => {{
        let (own, other) = diesel::alias!(user_words as own_word, user_words as other_word);
        let query = user_words::table
            .inner_join(members::table.on(members::id.eq(user_words::user_id)))
            .inner_join(users::table.on(users::id.eq(user_words::user_id)))
            .inner_join(standing::table.on(standing::member_id.eq(user_words::user_id)))
            .filter(users::erased_at.is_null())
            .filter(user_words::word.ge($first.clone()))
            .filter(user_words::word.lt(Words::end($first)))
            .filter(not(exists(
                own.filter(own.field(user_words::user_id).eq(user_words::user_id))
                    .filter(own.field(user_words::word).ge($first.clone()))
                    .filter(own.field(user_words::word).lt(user_words::word)),
            )))
            .into_boxed::<MultiBackend>();
        let mut query = meeting!(query, $filter, $today, WaysIn::NONE);
        for word in $others {
            query = query.filter(exists(
                other
                    .filter(other.field(user_words::user_id).eq(user_words::user_id))
                    .filter(other.field(user_words::word).ge(word.clone()))
                    .filter(other.field(user_words::word).lt(Words::end(word))),
            ));
        }
        if let Some(few) = $few {
            query = query.filter(user_words::user_id.eq_any(few.to_vec()));
        }
        query
    }};
}

/// A page of those who are found.
pub(super) fn search(
    conn: &mut Conn,
    filter: &Filter,
    today: NaiveDate,
    few: Option<&[UserId]>,
    after: Option<&Place>,
    limit: i64,
) -> DbResult<Vec<Place>> {
    let Some((first, others)) = filter.words.split_first() else { return Ok(Vec::new()) };
    let mut query = found!(filter, today, first, others, few);
    if let Some((word, _, id)) = after.cloned() {
        let further = user_words::word.gt(word.clone()).or(user_words::user_id.gt(UserId(id)));
        query = query.filter(user_words::word.ge(word).and(further));
    }
    let rows: Vec<(String, UserId)> = query
        .order((user_words::word, user_words::user_id))
        .limit(limit)
        .select((user_words::word, user_words::user_id))
        .load(conn)?;
    Ok(rows.into_iter().map(|(word, id)| (word, 0, id.0)).collect())
}

pub(super) fn count(conn: &mut Conn, filter: &Filter, today: NaiveDate) -> DbResult<i64> {
    let Some((first, others)) = filter.words.split_first() else {
        let query = meeting!(everybody!(), filter, today, WaysIn::ALL);
        return Ok(query.count().get_result(conn)?);
    };
    let few = few(conn, filter, today)?;
    Ok(found!(filter, today, first, others, few.as_deref()).count().get_result(conn)?)
}
