//! What a coach earned, and the statement of what came of it.

use actix_web::{Either, get, web};
use chrono::NaiveDate;
use muster_auth::permissions::ReadCoachPay;
use muster_auth::{Can, Whom};
use muster_finance::{CoachStatement, EntryId, Line};
use muster_kernel::csv::{Cell, Decimals};
use muster_kernel::db::Db;
use muster_kernel::fault::{Code, Fault};
use muster_kernel::http::{Accepts, CsvPages, Format, Params, PathOf, Reply};
use muster_kernel::page::{Page, PageRequest};
use muster_kernel::{Minor, UserId};
use serde::{Deserialize, Serialize};

use super::decimals;
use crate::pay_lines::{self, Between, COLUMNS, PayLine, Place};
use crate::statement;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PayQuery {
    /// Classes from this day on; from the first unless it is given.
    from: Option<NaiveDate>,
    /// Classes until this day; until the last unless it is given.
    to: Option<NaiveDate>,
    /// `csv`: all of them at once.
    format: Option<Format>,
    /// So many rows, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// Where the page begins, as `next_cursor` said.
    cursor: Option<String>,
    /// Also tell how many there are in all.
    count: Option<bool>,
}

/// What a coach earned, class by class with the arithmetic, the latest first: oneself (`me`), treasurers and admins. A
/// correction of the attendance is a line of its own.
#[utoipa::path(
    tag = "coaches",
    params(("id" = String, Path, description = "The coach, or `me`"), PayQuery),
    responses((
        status = 200,
        description = "A page of lines; as CSV all of them",
        content((Page<PayLine> = "application/json"), (String = "text/csv"))
    )),
    extensions(("x-permission" = json!("coaches.read_pay")))
)]
#[get("/coaches/{id}/pay")]
pub(super) async fn list_pay(
    can: Can<ReadCoachPay>,
    accepts: Accepts,
    PathOf(whom): PathOf<Whom>,
    Params(query): Params<PayQuery>,
    db: web::Data<Db>,
) -> Result<Either<Reply, CsvPages>, Fault> {
    let (id, between) = (whom.of(&can), Between::read(query.from, query.to)?);
    if accepts.csv(query.format) {
        let decimals = db.read_one::<_, Fault, _>(|conn| Ok(decimals(conn)?)).await?;
        let table = CsvPages::read::<Place, Fault, _>(&db, "pay", &COLUMNS, move |conn, after, limit| {
            let lines = pay_lines::list(conn, &can, id, between, after, limit)?;
            let more = lines.len() as i64 >= limit;
            let next = lines.last().filter(|_| more).map(PayLine::place);
            Ok((lines.into_iter().map(|line| line.cells(decimals)).collect(), next))
        });
        return Ok(Either::Right(table.await?));
    }
    let page = PageRequest::<Place>::read("pay", query.limit, query.cursor.as_deref())?;
    let page = db
        .read::<_, Fault, _>(move |conn| {
            let total = match query.count {
                Some(true) => Some(pay_lines::count(conn, &can, id, between)?),
                _ => None,
            };
            let rows = pay_lines::list(conn, &can, id, between, page.after().copied(), page.fetch())?;
            Ok(page.page(rows, PayLine::place, |line| line).with_total(total))
        })
        .await?;
    Reply::page(&page).map(Either::Left)
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct StatementQuery {
    /// From this day on; from the beginning unless it is given.
    from: Option<NaiveDate>,
    /// Until this day; until today unless it is given.
    to: Option<NaiveDate>,
    /// `csv`: the lines alone.
    format: Option<Format>,
}

/// A line of a coach's statement.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CoachStatementLine)]
struct LineShown {
    entry_id: EntryId,
    date: NaiveDate,
    #[schema(example = "Class 12")]
    text: String,
    /// What was owed more by it; less, below zero.
    amount: Minor,
    /// What was owed after it.
    balance: Minor,
}

/// What a coach earned and was paid, as the books have it.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CoachStatement)]
struct StatementShown {
    coach_id: UserId,
    /// What the club owed before the first line.
    opening_balance: Minor,
    /// What it owed after the last one; below zero the coach was paid too much.
    balance: Minor,
    /// The latest thousand at most.
    lines: Vec<LineShown>,
    /// There are earlier ones, which are in the opening balance: ask with `to`.
    more_lines: bool,
}

impl From<CoachStatement> for StatementShown {
    fn from(statement: CoachStatement) -> StatementShown {
        let line = |line: Line| LineShown {
            entry_id: line.entry_id,
            date: line.date,
            text: line.text,
            amount: line.amount,
            balance: line.balance,
        };
        StatementShown {
            coach_id: statement.coach_id,
            opening_balance: statement.opening_balance,
            balance: statement.balance,
            lines: statement.lines.into_iter().map(line).collect(),
            more_lines: statement.more_lines,
        }
    }
}

/// The lines as a table, which begins with what was owed before them.
fn table(statement: CoachStatement, from: Option<NaiveDate>, decimals: Decimals) -> Reply {
    let amount = |amount| Cell::Amount(amount, decimals);
    let opening = vec![
        Cell::Empty,
        from.into(),
        "Opening balance".into(),
        Cell::Empty,
        amount(statement.opening_balance),
    ];
    let line = |line: Line| {
        vec![
            line.entry_id.0.into(),
            line.date.into(),
            line.text.into(),
            amount(line.amount),
            amount(line.balance),
        ]
    };
    let rows = std::iter::once(opening).chain(statement.lines.into_iter().map(line));
    Reply::csv("coach-statement", &["entry_id", "date", "text", "amount", "balance"], rows)
}

/// What a coach earned and was paid between two days: oneself (`me`), treasurers and admins.
#[utoipa::path(
    tag = "coaches",
    params(("id" = String, Path, description = "The coach, or `me`"), StatementQuery),
    responses((
        status = 200,
        description = "The statement",
        content((StatementShown = "application/json"), (String = "text/csv"))
    )),
    extensions(("x-permission" = json!("coaches.read_pay")))
)]
#[get("/coaches/{id}/statement")]
pub(super) async fn get_coach_statement(
    can: Can<ReadCoachPay>,
    accepts: Accepts,
    PathOf(whom): PathOf<Whom>,
    Params(query): Params<StatementQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let StatementQuery { from, to, format } = query;
    if let (Some(from), Some(to)) = (from, to)
        && from > to
    {
        return Err(Fault::new(Code::Malformed, "`from` must not be after `to`."));
    }
    let id = whom.of(&can);
    let (statement, decimals) = db
        .read::<_, Fault, _>(move |conn| Ok((statement(conn, &can, id, from, to)?, decimals(conn)?)))
        .await?;
    if accepts.csv(format) {
        return Ok(table(statement, from, decimals));
    }
    Reply::plain(&StatementShown::from(statement))
}
