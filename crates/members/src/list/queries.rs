//! The SQL of the list of members.

use chrono::NaiveDate;
use diesel::dsl::{exists, not};
use diesel::{BoolExpressionMethods, ExpressionMethods, JoinOnDsl, QueryDsl, RunQueryDsl};
use muster_auth::people::Words;
use muster_auth::read::user_words;
use muster_finance::not_seen;
use muster_finance::read::standing;
use muster_kernel::UserId;
use muster_kernel::db::{Conn, DbResult, MultiBackend};
use muster_kernel::sql::{First, Merged};

use super::{By, Filter, Order, Place};
use crate::{PaymentStatus, Standing};

/// When the conditions or a word leave so many members or fewer, a search looks them up first.
const FEW: usize = 2_000;

/// Which lines of the list hold those who are meant.
pub(super) struct Lines {
    statuses: Vec<Standing>,
    payments: Vec<PaymentStatus>,
    plan: Option<i64>,
    /// Where the change of the day has not been seen yet, the lines hold others too: whether those are meant who are late
    /// on this day, or those who are not.
    by_day: Option<(NaiveDate, bool)>,
}

impl Lines {
    pub(super) fn of(conn: &mut Conn, filter: &Filter, today: NaiveDate) -> DbResult<Lines> {
        use PaymentStatus::{Due, Overdue};
        let statuses = filter.status.map_or(Standing::ALL.to_vec(), |status| vec![status]);
        let mut payments = filter.payment_status.map_or(PaymentStatus::ALL.to_vec(), |payment| vec![payment]);
        let mut by_day = None;
        if let Some(wanted @ (Due | Overdue)) = filter.payment_status {
            let not_seen = not_seen(conn, today)?;
            if not_seen.late || not_seen.not_late {
                payments = vec![Due, Overdue];
                by_day = Some((today, wanted == Overdue));
            }
        }
        Ok(Lines { statuses, payments, plan: filter.plan_id, by_day })
    }

    fn pairs(&self) -> impl Iterator<Item = (Standing, PaymentStatus)> {
        self.statuses.iter().flat_map(|status| self.payments.iter().map(|payment| (*status, *payment)))
    }

    /// Whether there are conditions at all.
    fn leave_out(&self) -> bool {
        self.statuses.len() < Standing::ALL.len()
            || self.payments.len() < PaymentStatus::ALL.len()
            || self.plan.is_some()
    }
}

/// Leaves in a line those who are late on its day, or those who are not, if it says so.
macro_rules! by_day {
    ($query:expr, $lines:expr) => {{
        let query = $query;
        let late = |day: NaiveDate| standing::overdue_from.is_not_null().and(standing::overdue_from.le(day));
        match $lines.by_day {
            None => query,
            Some((day, true)) => query.filter(late(day)),
            Some((day, false)) => query.filter(not(late(day))),
        }
    }};
}

/// A line as a select.
macro_rules! line {
    ($lines:expr, $line:expr, $columns:expr) => {{
        let (status, payment): (Standing, PaymentStatus) = $line;
        let mut line = standing::table
            .filter(standing::status.eq(status))
            .filter(standing::payment_status.eq(payment))
            .select($columns)
            .into_boxed::<MultiBackend>();
        if let Some(plan) = $lines.plan {
            line = line.filter(standing::plan_id.eq(plan));
        }
        by_day!(line, $lines)
    }};
}

/// The first rows of the list in the order of a key and the id, or the first after a row. Those with the same key as that
/// row are selects of their own: SQLite would read past all of them otherwise.
macro_rules! heads {
    ($conn:expr, $lines:expr, $whole:expr, $first:expr, $key:expr, $after:expr) => {{
        let (lines, first, after): (&Lines, First, Option<(_, UserId)>) = ($lines, $first, $after);
        let columns = ($key, standing::member_id);
        let selects = || -> Vec<_> {
            // There is an index of everybody by name, as nearly all who open the list want it.
            if $whole && !lines.leave_out() {
                let everybody = standing::table.filter(standing::status.is_not_null());
                return vec![everybody.select(columns).into_boxed::<MultiBackend>()];
            }
            lines.pairs().map(|pair| line!(lines, pair, columns)).collect()
        };
        let selects = match after {
            None => selects(),
            Some((key, id)) => {
                let same = selects().into_iter().map(|line| {
                    let line = line.filter($key.eq(key.clone()));
                    match first.descending {
                        false => line.filter(standing::member_id.gt(id)),
                        true => line.filter(standing::member_id.lt(id)),
                    }
                });
                let further = selects().into_iter().map(|line| match first.descending {
                    false => line.filter($key.gt(key.clone())),
                    true => line.filter($key.lt(key.clone())),
                });
                same.chain(further).collect()
            }
        };
        Merged { selects, first }.load($conn)?
    }};
}

/// A page of the list.
pub(super) fn page(
    conn: &mut Conn,
    lines: &Lines,
    order: Order,
    after: Option<&Place>,
    limit: i64,
) -> DbResult<Vec<Place>> {
    let first = First { order: &[1, 2], descending: order.descending, limit };
    let after = after.cloned();
    Ok(match order.by {
        By::Name => {
            let after = after.map(|(name, _, id)| (name, UserId(id)));
            let rows: Vec<(String, UserId)> = heads!(conn, lines, true, first, standing::name_key, after);
            rows.into_iter().map(|(name, id)| (name, 0, id.0)).collect()
        }
        By::Attendance => {
            // No count is beyond 32 bits, and so no cursor that was given out.
            let number = |n| i32::try_from(n).unwrap_or(i32::MAX);
            let after = after.map(|(_, count, id)| (number(count), UserId(id)));
            let rows: Vec<(i32, UserId)> =
                heads!(conn, lines, false, first, standing::attendance_count, after);
            rows.into_iter().map(|(count, id)| (String::new(), i64::from(count), id.0)).collect()
        }
        By::Debt => {
            let after = after.map(|(_, balance, id)| (balance, UserId(id)));
            let rows: Vec<(i64, UserId)> = heads!(conn, lines, false, first, standing::balance, after);
            rows.into_iter().map(|(balance, id)| (String::new(), balance, id.0)).collect()
        }
        By::Joined => {
            let after = after.map(|(.., id)| UserId(id));
            let line = |pair| {
                let line = line!(lines, pair, standing::member_id);
                match (after, order.descending) {
                    (None, _) => line,
                    (Some(id), false) => line.filter(standing::member_id.gt(id)),
                    (Some(id), true) => line.filter(standing::member_id.lt(id)),
                }
            };
            let selects: Vec<_> = lines.pairs().map(line).collect();
            let rows: Vec<UserId> = Merged { selects, first: First { order: &[1], ..first } }.load(conn)?;
            rows.into_iter().map(|id| (String::new(), 0, id.0)).collect()
        }
    })
}

/// Those among whom everybody is who is meant, if a condition or a word leaves few.
fn few(conn: &mut Conn, others: &[String], lines: &Lines) -> DbResult<Option<Vec<UserId>>> {
    let limit = i64::try_from(FEW + 1).unwrap_or(i64::MAX);
    if lines.leave_out() {
        let selects: Vec<_> = lines.pairs().map(|pair| line!(lines, pair, standing::member_id)).collect();
        let first = First { order: &[1], descending: false, limit };
        let ids: Vec<UserId> = Merged { selects, first }.load(conn)?;
        if ids.len() <= FEW {
            return Ok(Some(ids));
        }
    }
    for word in others {
        let found = user_words::table
            .select(user_words::user_id)
            .filter(user_words::word.ge(word))
            .filter(user_words::word.lt(Words::end(word)));
        let ids: Vec<UserId> = found.limit(limit).load(conn)?;
        if ids.len() <= FEW {
            return Ok(Some(ids));
        }
    }
    Ok(None)
}

/// Those found by all words who are meant, in the order of the first word; somebody with two such words once. The
/// conditions are said so that no engine takes one for the way in: it would have to sort everybody who meets it.
macro_rules! found {
    ($lines:expr, $first:expr, $others:expr, $few:expr) => {{
        let (own, other) = diesel::alias!(user_words as own_word, user_words as other_word);
        let lines: &Lines = $lines;
        let mut query = user_words::table
            .inner_join(standing::table.on(standing::member_id.eq(user_words::user_id)))
            .filter(not(standing::status.is_null()))
            .filter(user_words::word.ge($first.clone()))
            .filter(user_words::word.lt(Words::end($first)))
            .filter(not(exists(
                own.filter(own.field(user_words::user_id).eq(user_words::user_id))
                    .filter(own.field(user_words::word).ge($first.clone()))
                    .filter(own.field(user_words::word).lt(user_words::word)),
            )))
            .into_boxed::<MultiBackend>();
        if lines.leave_out() {
            query = query
                .filter(not(standing::status.ne_all(lines.statuses.clone())))
                .filter(not(standing::payment_status.ne_all(lines.payments.clone())));
        }
        if let Some(plan) = lines.plan {
            query = query.filter(not(standing::plan_id.ne(plan)));
        }
        query = by_day!(query, lines);
        for word in $others {
            query = query.filter(exists(
                other
                    .filter(other.field(user_words::user_id).eq(user_words::user_id))
                    .filter(other.field(user_words::word).ge(word.clone()))
                    .filter(other.field(user_words::word).lt(Words::end(word))),
            ));
        }
        if let Some(few) = $few {
            query = query.filter(user_words::user_id.eq_any(few));
        }
        query
    }};
}

/// A page of those who are found.
pub(super) fn search(
    conn: &mut Conn,
    filter: &Filter,
    lines: &Lines,
    after: Option<&Place>,
    limit: i64,
) -> DbResult<Vec<Place>> {
    let Some((first, others)) = filter.words.split_first() else { return Ok(Vec::new()) };
    let few = few(conn, others, lines)?;
    if few.as_ref().is_some_and(Vec::is_empty) {
        return Ok(Vec::new());
    }
    let mut query = found!(lines, first, others, few);
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

/// How many there are.
pub(super) fn count(conn: &mut Conn, filter: &Filter, lines: &Lines) -> DbResult<i64> {
    let Some((first, others)) = filter.words.split_first() else {
        let mut query = standing::table
            .filter(standing::status.eq_any(lines.statuses.clone()))
            .filter(standing::payment_status.eq_any(lines.payments.clone()))
            .into_boxed::<MultiBackend>();
        if let Some(plan) = lines.plan {
            query = query.filter(standing::plan_id.eq(plan));
        }
        return Ok(by_day!(query, lines).count().get_result(conn)?);
    };
    let few = few(conn, others, lines)?;
    if few.as_ref().is_some_and(Vec::is_empty) {
        return Ok(0);
    }
    Ok(found!(lines, first, others, few).count().get_result(conn)?)
}
