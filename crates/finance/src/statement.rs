//! Statements: what a member owed, what came, and what is open; what a coach earned, and was paid.

use chrono::NaiveDate;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl, RunQueryDsl,
};
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

/// What a coach earned and was paid between two days.
#[derive(Debug, Clone)]
pub struct CoachStatement {
    /// Whose.
    pub coach_id: UserId,
    /// What the club owed before the first line.
    pub opening_balance: Minor,
    /// What it owed after the last.
    pub balance: Minor,
    /// What happened.
    pub lines: Vec<Line>,
    /// There are earlier lines than those shown, in the opening balance.
    pub more_lines: bool,
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
    let Moved { opening_balance, balance, lines, more_lines } = moved(conn, Whose::Member(member), from, to)?;
    let mut open_charges = charges::open_of(conn, member, MOST_OPEN + 1)?;
    let more_open = cut(&mut open_charges, MOST_OPEN);
    Ok(Statement { member_id: member, opening_balance, balance, lines, more_lines, open_charges, more_open })
}

/// A coach's statement between two days, in the same way. What the club owes is above zero.
pub(crate) fn of_coach(
    conn: &mut Conn,
    coach: UserId,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
) -> DbResult<CoachStatement> {
    let Moved { opening_balance, balance, lines, more_lines } = moved(conn, Whose::Coach(coach), from, to)?;
    Ok(CoachStatement { coach_id: coach, opening_balance, balance, lines, more_lines })
}

/// Whose statement it is.
#[derive(Clone, Copy)]
enum Whose {
    Member(UserId),
    Coach(UserId),
}

/// What came to somebody's part of an account.
struct Moved {
    opening_balance: Minor,
    balance: Minor,
    lines: Vec<Line>,
    more_lines: bool,
}

fn moved(conn: &mut Conn, whose: Whose, from: Option<NaiveDate>, to: Option<NaiveDate>) -> DbResult<Moved> {
    let mut balance = postings::table.into_boxed::<MultiBackend>().select(total(postings::amount));
    let mut lines = postings::table
        .inner_join(entries::table.on(entries::id.eq(postings::entry_id)))
        .left_join(entry_notes::table.on(entry_notes::entry_id.eq(postings::entry_id)))
        .into_boxed::<MultiBackend>()
        .order((postings::date.desc(), postings::entry_id.desc()))
        .limit(MOST_LINES + 1)
        .select((
            postings::entry_id,
            postings::date,
            entries::kind,
            entry_notes::text.nullable(),
            postings::amount,
        ));
    // A debit is what a member owes; what the club owes is a credit.
    let sign = match whose {
        Whose::Member(member) => {
            let theirs = postings::member_id.eq(member).and(postings::account_id.eq(fixed::RECEIVABLES));
            (balance, lines) = (balance.filter(theirs), lines.filter(theirs));
            1
        }
        Whose::Coach(coach) => {
            let theirs = postings::coach_id.eq(coach).and(postings::account_id.eq(fixed::COACH_PAY));
            (balance, lines) = (balance.filter(theirs), lines.filter(theirs));
            -1
        }
    };
    if let Some(from) = from {
        lines = lines.filter(postings::date.ge(from));
    }
    if let Some(to) = to {
        lines = lines.filter(postings::date.le(to));
        balance = balance.filter(postings::date.le(to));
    }
    let balance: Minor = balance.get_result(conn)?;
    let balance = Minor(sign * balance.0);
    let mut rows: Vec<Row> = lines.load(conn)?;
    let more_lines = cut(&mut rows, MOST_LINES);
    let mut after = balance;
    let mut lines: Vec<Line> = Vec::with_capacity(rows.len());
    for (entry_id, date, kind, text, amount) in rows {
        let (text, amount) = (text.unwrap_or_else(|| kind.title().to_owned()), Minor(sign * amount.0));
        lines.push(Line { entry_id, date, text, amount, balance: after });
        after = Minor(after.0 - amount.0);
    }
    lines.reverse();
    Ok(Moved { opening_balance: after, balance, lines, more_lines })
}

/// Cuts a list where it may end; true when something was cut off.
fn cut<T>(rows: &mut Vec<T>, most: i64) -> bool {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let more = rows.len() > most;
    rows.truncate(most);
    more
}
