//! A member's statement: what they owed, what came, and what is open.

use chrono::NaiveDate;
use diesel::{ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl, RunQueryDsl};
use muster_kernel::db::{Conn, DbResult, MultiBackend};
use muster_kernel::sql::total;
use muster_kernel::{Minor, UserId};

use crate::accounts::fixed;
use crate::charges::{self, Charge};
use crate::ledger::{EntryId, EntryKind};
use crate::schema::{entries, entry_notes, postings};

/// Lines that a statement has at most; the latest are shown.
const MOST_LINES: i64 = 1000;
/// Open charges that it shows at most; the oldest are shown.
const MOST_OPEN: i64 = 1000;

/// A line of a statement.
#[derive(Debug, Clone)]
pub struct Line {
    /// The entry.
    pub entry_id: EntryId,
    /// Its day.
    pub date: NaiveDate,
    /// What for.
    pub text: String,
    /// What was owed more by it, or less.
    pub amount: Minor,
    /// What was owed after it.
    pub balance: Minor,
}

/// What a member owed and paid between two days.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Whose.
    pub member_id: UserId,
    /// What was owed before the first line.
    pub opening_balance: Minor,
    /// What was owed after the last.
    pub balance: Minor,
    /// What happened.
    pub lines: Vec<Line>,
    /// There are earlier lines than those shown, in the opening balance.
    pub more_lines: bool,
    /// What is open today, the oldest first.
    pub open_charges: Vec<Charge>,
    /// There is more open than is shown.
    pub more_open: bool,
}

type Row = (EntryId, NaiveDate, EntryKind, Option<String>, Minor);

/// A member's statement between two days. Of very many lines the latest are shown, and what stood before them is the
/// opening balance.
pub(crate) fn of(
    conn: &mut Conn,
    member: UserId,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
) -> DbResult<Statement> {
    let mut balance = postings::table
        .into_boxed::<MultiBackend>()
        .filter(postings::member_id.eq(member))
        .filter(postings::account_id.eq(fixed::RECEIVABLES))
        .select(total(postings::amount));
    let mut lines = postings::table
        .inner_join(entries::table.on(entries::id.eq(postings::entry_id)))
        .left_join(entry_notes::table.on(entry_notes::entry_id.eq(postings::entry_id)))
        .into_boxed::<MultiBackend>()
        .filter(postings::member_id.eq(member))
        .filter(postings::account_id.eq(fixed::RECEIVABLES))
        .order((postings::date.desc(), postings::entry_id.desc()))
        .limit(MOST_LINES + 1)
        .select((
            postings::entry_id,
            postings::date,
            entries::kind,
            entry_notes::text.nullable(),
            postings::amount,
        ));
    if let Some(from) = from {
        lines = lines.filter(postings::date.ge(from));
    }
    if let Some(to) = to {
        lines = lines.filter(postings::date.le(to));
        balance = balance.filter(postings::date.le(to));
    }
    let balance: Minor = balance.get_result(conn)?;
    let mut rows: Vec<Row> = lines.load(conn)?;
    let more_lines = cut(&mut rows, MOST_LINES);
    let mut after = balance;
    let mut lines: Vec<Line> = Vec::with_capacity(rows.len());
    for (entry_id, date, kind, text, amount) in rows {
        let text = text.unwrap_or_else(|| kind.title().to_owned());
        lines.push(Line { entry_id, date, text, amount, balance: after });
        after = Minor(after.0 - amount.0);
    }
    lines.reverse();
    let mut open_charges = charges::open_of(conn, member, MOST_OPEN + 1)?;
    let more_open = cut(&mut open_charges, MOST_OPEN);
    Ok(Statement {
        member_id: member,
        opening_balance: after,
        balance,
        lines,
        more_lines,
        open_charges,
        more_open,
    })
}

/// Cuts a list where it may end; true when something was cut off.
fn cut<T>(rows: &mut Vec<T>, most: i64) -> bool {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let more = rows.len() > most;
    rows.truncate(most);
    more
}
