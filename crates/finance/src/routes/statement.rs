//! A member's statement.

use actix_web::{get, web};
use chrono::NaiveDate;
use muster_auth::permissions::ReadStatements;
use muster_auth::{Can, Whom};
use muster_kernel::csv::{Cell, Decimals};
use muster_kernel::db::Db;
use muster_kernel::fault::{Code, Fault};
use muster_kernel::http::{Accepts, Format, Params, PathOf, Reply};
use muster_kernel::{Minor, UserId};
use serde::{Deserialize, Serialize};

use super::reports::decimals;
use crate::charges::{Charge, ChargeId, ChargeKind};
use crate::{EntryId, Line, OfMember, Statement};

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

/// A line of a statement.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StatementLine)]
struct LineShown {
    entry_id: EntryId,
    date: NaiveDate,
    #[schema(example = "Dues 2026-11")]
    text: String,
    /// What was owed more by it; less, below zero.
    amount: Minor,
    /// What was owed after it.
    balance: Minor,
}

/// Something that is open.
#[derive(Serialize, utoipa::ToSchema)]
struct OpenCharge {
    charge_id: ChargeId,
    /// A charge, or a refund whose payment turned out not to have been.
    #[schema(inline)]
    kind: ChargeKind,
    due_on: NaiveDate,
    amount: Minor,
    /// What of it is not settled.
    open: Minor,
}

/// What a member owed and paid.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = MemberStatement)]
pub(super) struct StatementShown {
    member_id: UserId,
    /// What was owed before the first line; below zero is credit.
    opening_balance: Minor,
    /// What was owed after the last one.
    balance: Minor,
    /// The latest thousand at most.
    lines: Vec<LineShown>,
    /// There are earlier ones, which are in the opening balance: ask with `to`.
    more_lines: bool,
    /// What is open today, the oldest thousand at most.
    open_charges: Vec<OpenCharge>,
    /// There is more open.
    more_open: bool,
}

impl From<Statement> for StatementShown {
    fn from(statement: Statement) -> StatementShown {
        let line = |line: Line| LineShown {
            entry_id: line.entry_id,
            date: line.date,
            text: line.text,
            amount: line.amount,
            balance: line.balance,
        };
        let open = |charge: Charge| OpenCharge {
            charge_id: charge.id,
            kind: charge.kind,
            due_on: charge.due_on,
            amount: charge.amount,
            open: charge.open,
        };
        StatementShown {
            member_id: statement.member_id,
            opening_balance: statement.opening_balance,
            balance: statement.balance,
            lines: statement.lines.into_iter().map(line).collect(),
            more_lines: statement.more_lines,
            open_charges: statement.open_charges.into_iter().map(open).collect(),
            more_open: statement.more_open,
        }
    }
}

/// The lines as a table, which begins with what was owed before them.
fn table(statement: Statement, from: Option<NaiveDate>, decimals: Decimals) -> Reply {
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
            line.entry_id.into(),
            line.date.into(),
            line.text.into(),
            amount(line.amount),
            amount(line.balance),
        ]
    };
    let rows = std::iter::once(opening).chain(statement.lines.into_iter().map(line));
    Reply::csv("statement", &["entry_id", "date", "text", "amount", "balance"], rows)
}

/// What a member owed and paid between two days, and what is open today.
#[utoipa::path(
    tag = "finance",
    params(("id" = String, Path, description = "The member, or `me`"), StatementQuery),
    responses((
        status = 200,
        description = "The statement",
        content((StatementShown = "application/json"), (String = "text/csv"))
    )),
    extensions(("x-permission" = json!("statements.read")))
)]
#[get("/members/{id}/statement")]
pub(super) async fn get_statement(
    can: Can<ReadStatements>,
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
    let (member, now) = (whom.of(&can), db.clock().now());
    let (statement, decimals) = db
        .read::<_, Fault, _>(move |conn| {
            let statement = OfMember::seen(conn, &can, member, now)?.statement(conn, from, to)?;
            Ok((statement, decimals(conn)?))
        })
        .await?;
    if accepts.csv(format) {
        return Ok(table(statement, from, decimals));
    }
    Reply::plain(&StatementShown::from(statement))
}
