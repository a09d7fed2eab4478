//! Who owes what, and for how long.

use chrono::{Days, NaiveDate};
use diesel::dsl::sql;
use diesel::sql_types::Bool;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl, RunQueryDsl,
};
use muster_auth::Can;
use muster_auth::permissions::ReadBooks;
use muster_kernel::db::{Conn, DbResult, MultiBackend};
use muster_kernel::sql::total;
use muster_kernel::{Minor, UserId};

use super::{name_in, names};
use crate::accounts::fixed;
use crate::balances;
use crate::schema::{charges, entries, postings, standing};

/// What a member owes, by how long it has been due.
#[derive(Debug, Clone)]
pub struct Owed {
    /// Who.
    pub member_id: UserId,
    /// What they are called.
    pub name: String,
    /// Due for less than thirty days, or not yet; below zero is credit.
    pub current: Minor,
    /// Due for 30 to 59 days.
    pub days_30: Minor,
    /// Due for 60 to 89 days.
    pub days_60: Minor,
    /// Due for longer.
    pub days_90: Minor,
    /// All of it.
    pub total: Minor,
}

/// What all members together owed when a day ended.
///
/// # Errors
/// When the database fails.
pub fn receivables_total(conn: &mut Conn, _: &Can<ReadBooks>, as_of: NaiveDate) -> DbResult<Minor> {
    balances::of_account(conn, fixed::RECEIVABLES, as_of)
}

/// Those who owed something when a day ended, or had credit, in the order of their numbers, after this one.
///
/// As of today it is what is open now. Of a day before, what had come until then is taken to have settled what was due
/// first.
///
/// # Errors
/// When the database fails.
pub fn receivables(
    conn: &mut Conn,
    _: &Can<ReadBooks>,
    (as_of, today): (NaiveDate, NaiveDate),
    after: Option<UserId>,
    limit: i64,
) -> DbResult<Vec<Owed>> {
    let now = as_of == today;
    let owing = if now { owing_now(conn, after, limit)? } else { owing_then(conn, as_of, after, limit)? };
    let members: Vec<_> = owing.iter().map(|(member, _)| *member).collect();
    let mut bucket = |younger: u64, older: u64| {
        // Charges that have been due for at least `younger` days and less than `older`.
        let from = as_of - Days::new(older);
        let to = if younger == 0 { NaiveDate::MAX } else { as_of - Days::new(younger) };
        if now {
            open_between(conn, &members, from, to)
        } else {
            charged_between(conn, &members, as_of, from, to)
        }
    };
    let (current, days_30, days_60) = (bucket(0, 30)?, bucket(30, 60)?, bucket(60, 90)?);
    let names = names(conn, &members)?;
    let aged = |(member, balance): (UserId, Minor)| {
        let of = |sums: &[(UserId, Minor)]| sums.iter().find(|(id, _)| *id == member).map_or(0, |(_, s)| s.0);
        let mut rest = balance.0.max(0);
        let mut take = |sum: i64| {
            let part = sum.min(rest);
            rest -= part;
            Minor(part)
        };
        let owed_lately = take(of(&current));
        let (days_30, days_60) = (take(of(&days_30)), take(of(&days_60)));
        Owed {
            member_id: member,
            name: name_in(&names, member),
            current: if balance < Minor::ZERO { balance } else { owed_lately },
            days_30,
            days_60,
            days_90: Minor(rest),
            total: balance,
        }
    };
    Ok(owing.into_iter().map(aged).collect())
}

fn owing_now(conn: &mut Conn, after: Option<UserId>, limit: i64) -> DbResult<Vec<(UserId, Minor)>> {
    Ok(standing::table
        // Word for word what the index says that leaves out everybody else.
        .filter(sql::<Bool>("standing.balance <> 0"))
        .filter(standing::member_id.gt(after.unwrap_or(UserId(0))))
        .order(standing::member_id)
        .limit(limit)
        .select((standing::member_id, standing::balance))
        .load(conn)?)
}

fn owing_then(
    conn: &mut Conn,
    as_of: NaiveDate,
    after: Option<UserId>,
    limit: i64,
) -> DbResult<Vec<(UserId, Minor)>> {
    let rows: Vec<(Option<UserId>, Minor)> = postings::table
        .filter(postings::account_id.eq(fixed::RECEIVABLES))
        .filter(postings::member_id.is_not_null())
        .filter(postings::member_id.gt(after.unwrap_or(UserId(0))))
        .filter(postings::date.le(as_of))
        .group_by(postings::member_id)
        .having(total(postings::amount).ne(0))
        .order(postings::member_id)
        .limit(limit)
        .select((postings::member_id, total(postings::amount)))
        .load(conn)?;
    Ok(rows.into_iter().filter_map(|(member, balance)| Some((member?, balance))).collect())
}

/// What is open of the charges that became due after `from`, and on `to` at the latest.
fn open_between(
    conn: &mut Conn,
    members: &[UserId],
    from: NaiveDate,
    to: NaiveDate,
) -> DbResult<Vec<(UserId, Minor)>> {
    if members.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = charges::table
        .filter(charges::member_id.eq_any(members.to_vec()))
        .filter(charges::is_open.eq(true))
        .filter(charges::due_on.gt(from))
        .group_by(charges::member_id)
        .select((charges::member_id, total(charges::open)))
        .into_boxed::<MultiBackend>();
    if to != NaiveDate::MAX {
        query = query.filter(charges::due_on.le(to));
    }
    Ok(query.load(conn)?)
}

diesel::alias!(entries as reversals: Reversals);

/// What had been charged by a day of what became due after `from`, and on `to` at the latest. What was taken back by
/// then counts nothing.
fn charged_between(
    conn: &mut Conn,
    members: &[UserId],
    as_of: NaiveDate,
    from: NaiveDate,
    to: NaiveDate,
) -> DbResult<Vec<(UserId, Minor)>> {
    if members.is_empty() {
        return Ok(Vec::new());
    }
    let reversal = reversals.field(entries::reverses).eq(charges::entry_id.nullable());
    let mut query = charges::table
        .left_join(reversals.on(reversal))
        .filter(charges::member_id.eq_any(members.to_vec()))
        .filter(charges::date.le(as_of))
        .filter(charges::due_on.gt(from))
        .filter(charges::is_reversed.eq(false).or(reversals.field(entries::date).gt(as_of)))
        .group_by(charges::member_id)
        .select((charges::member_id, total(charges::amount)))
        .into_boxed::<MultiBackend>();
    if to != NaiveDate::MAX {
        query = query.filter(charges::due_on.le(to));
    }
    Ok(query.load(conn)?)
}
