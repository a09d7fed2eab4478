//! Reports over all of the ledger: month by month, between two days, as of a day.

use actix_web::{get, web};
use chrono::NaiveDate;
use muster_auth::Can;
use muster_auth::permissions::ReadBooks;
use muster_kernel::Minor;
use muster_kernel::csv::Cell;
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{Accepts, Format, Params, Reply};
use serde::{Deserialize, Serialize};

use super::decimals;
use crate::Month;
use crate::accounts::AccountType;
use crate::reports::{self, IncomeStatement, MonthFigures, Sum, TrialBalance, TrialLine};

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct MonthlyQuery {
    /// From this month on, as YYYY-MM; eleven before the last unless it is given.
    #[param(example = "2026-01")]
    from: Option<String>,
    /// Until this one; the present one unless it is given. 120 months at most.
    #[param(example = "2026-12")]
    to: Option<String>,
    format: Option<Format>,
}

/// What happened in a month, and what was open when it ended.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = MonthFigures)]
pub(super) struct MonthShown {
    #[schema(example = "2026-11")]
    month: String,
    revenue: Minor,
    expenses: Minor,
    /// Revenue less expenses.
    result: Minor,
    /// What members owed, less their credit.
    member_debts: Minor,
    /// What the club owed on bills.
    bills_open: Minor,
    /// What it owed to coaches.
    coach_pay_open: Minor,
}

impl From<MonthFigures> for MonthShown {
    fn from(figures: MonthFigures) -> MonthShown {
        let MonthFigures { month, revenue, expenses, result, member_debts, bills_open, coach_pay_open } =
            figures;
        MonthShown {
            month: month.to_string(),
            revenue,
            expenses,
            result,
            member_debts,
            bills_open,
            coach_pay_open,
        }
    }
}

/// Month by month.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Monthly {
    items: Vec<MonthShown>,
}

const MONTHLY: [&str; 7] =
    ["month", "revenue", "expenses", "result", "member_debts", "bills_open", "coach_pay_open"];

/// Month by month: what came in and was spent, and what was open at each month's end.
#[utoipa::path(
    tag = "finance",
    params(MonthlyQuery),
    responses((
        status = 200,
        description = "The months, in order",
        content((Monthly = "application/json"), (String = "text/csv"))
    )),
    extensions(("x-permission" = json!("books.read")))
)]
#[get("/finance/reports/monthly")]
pub(super) async fn get_monthly(
    can: Can<ReadBooks>,
    accepts: Accepts,
    Params(query): Params<MonthlyQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let month = |text: Option<String>| text.map(|text| text.parse::<Month>()).transpose();
    let (from, to, now) = (month(query.from)?, month(query.to)?, db.clock().now());
    let (months, decimals) = db
        .read::<_, Fault, _>(move |conn| Ok((reports::monthly(conn, &can, now, from, to)?, decimals(conn)?)))
        .await?;
    if accepts.csv(query.format) {
        let row = |figures: MonthFigures| {
            let amounts = [
                figures.revenue,
                figures.expenses,
                figures.result,
                figures.member_debts,
                figures.bills_open,
                figures.coach_pay_open,
            ];
            let month = Cell::from(figures.month.to_string());
            std::iter::once(month).chain(amounts.map(|amount| Cell::Amount(amount, decimals))).collect()
        };
        return Ok(Reply::csv("monthly", &MONTHLY, months.into_iter().map(row)));
    }
    Reply::plain(&Monthly { items: months.into_iter().map(MonthShown::from).collect() })
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SpanQuery {
    /// From this day on; the first of the year unless it is given.
    from: Option<NaiveDate>,
    /// Until this day; until today unless it is given.
    to: Option<NaiveDate>,
    format: Option<Format>,
}

/// What came to one account.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = AccountSum)]
struct SumShown {
    #[schema(example = "dues")]
    account: String,
    amount: Minor,
}

impl From<Sum> for SumShown {
    fn from(sum: Sum) -> SumShown {
        SumShown { account: sum.account, amount: sum.amount }
    }
}

/// What came in and was spent between two days, both included.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = IncomeStatement)]
pub(super) struct IncomeShown {
    from: NaiveDate,
    to: NaiveDate,
    income: Vec<SumShown>,
    expenses: Vec<SumShown>,
    /// Income less expenses.
    result: Minor,
}

impl From<IncomeStatement> for IncomeShown {
    fn from(statement: IncomeStatement) -> IncomeShown {
        let IncomeStatement { from, to, income, expenses, result } = statement;
        let shown = |sums: Vec<Sum>| sums.into_iter().map(SumShown::from).collect();
        IncomeShown { from, to, income: shown(income), expenses: shown(expenses), result }
    }
}

/// What came in and was spent between two days.
#[utoipa::path(
    tag = "finance",
    params(SpanQuery),
    responses((
        status = 200,
        description = "The statement",
        content((IncomeShown = "application/json"), (String = "text/csv"))
    )),
    extensions(("x-permission" = json!("books.read")))
)]
#[get("/finance/reports/income-statement")]
pub(super) async fn get_income_statement(
    can: Can<ReadBooks>,
    accepts: Accepts,
    Params(query): Params<SpanQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let now = db.clock().now();
    let (statement, decimals) = db
        .read::<_, Fault, _>(move |conn| {
            let span = reports::span(conn, now, query.from, query.to)?;
            Ok((reports::income_statement(conn, &can, span)?, decimals(conn)?))
        })
        .await?;
    if accepts.csv(query.format) {
        let rows = |kind: &'static str, sums: Vec<Sum>| {
            sums.into_iter().map(move |sum| {
                vec![Cell::from(kind), Cell::from(sum.account), Cell::Amount(sum.amount, decimals)]
            })
        };
        let rows = rows("income", statement.income).chain(rows("expense", statement.expenses));
        return Ok(Reply::csv("income-statement", &["type", "account", "amount"], rows));
    }
    Reply::plain(&IncomeShown::from(statement))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AsOfQuery {
    /// When this day ended; today, and not later, unless it is given.
    as_of: Option<NaiveDate>,
    format: Option<Format>,
}

/// An account, with what it stood at on its side.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = TrialLine)]
struct TrialLineShown {
    #[schema(example = "bank")]
    account: String,
    r#type: AccountType,
    debit: Minor,
    credit: Minor,
}

/// What every account stood at when a day ended.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = TrialBalance)]
pub(super) struct TrialShown {
    as_of: NaiveDate,
    accounts: Vec<TrialLineShown>,
    total_debit: Minor,
    /// The same as the other.
    total_credit: Minor,
}

impl From<TrialBalance> for TrialShown {
    fn from(balance: TrialBalance) -> TrialShown {
        let TrialBalance { as_of, accounts, total_debit, total_credit } = balance;
        let line = |line: TrialLine| {
            let TrialLine { account, kind, debit, credit } = line;
            TrialLineShown { account, r#type: kind, debit, credit }
        };
        TrialShown { as_of, accounts: accounts.into_iter().map(line).collect(), total_debit, total_credit }
    }
}

/// What every account stood at when a day ended. Those that stood at nothing are left out.
#[utoipa::path(
    tag = "finance",
    params(AsOfQuery),
    responses((
        status = 200,
        description = "The trial balance",
        content((TrialShown = "application/json"), (String = "text/csv"))
    )),
    extensions(("x-permission" = json!("books.read")))
)]
#[get("/finance/reports/trial-balance")]
pub(super) async fn get_trial_balance(
    can: Can<ReadBooks>,
    accepts: Accepts,
    Params(query): Params<AsOfQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let now = db.clock().now();
    let (balance, decimals) = db
        .read::<_, Fault, _>(move |conn| {
            let as_of = reports::day(conn, now, query.as_of)?;
            Ok((reports::trial_balance(conn, &can, as_of)?, decimals(conn)?))
        })
        .await?;
    if accepts.csv(query.format) {
        let row = |line: TrialLine| {
            vec![
                line.account.into(),
                line.kind.into(),
                Cell::Amount(line.debit, decimals),
                Cell::Amount(line.credit, decimals),
            ]
        };
        let rows = balance.accounts.into_iter().map(row);
        return Ok(Reply::csv("trial-balance", &["account", "type", "debit", "credit"], rows));
    }
    Reply::plain(&TrialShown::from(balance))
}
