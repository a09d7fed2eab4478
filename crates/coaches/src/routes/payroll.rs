//! Payroll runs.

use actix_web::{get, post, web};
use muster_auth::Can;
use muster_auth::permissions::RunPayroll;
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{OnceBody, Params, PathOf, Reply};
use muster_kernel::page::{Page, PageRequest};
use serde::Deserialize;

use super::PageQuery;
use crate::payroll::{self, NewPayrollRun, PayrollLine, PayrollOutcome, PayrollRun, PayrollRunId};

/// Pay every coach what is due for classes until a day. It is done step by step after this answer; each payout is dated
/// on the day on which it is made.
#[utoipa::path(
    tag = "coaches",
    params(("Idempotency-Key" = String, Header, description = "A key of your own making")),
    request_body = NewPayrollRun,
    responses((status = 202, description = "The run, which goes on", body = PayrollRun)),
    extensions(("x-permission" = json!("payroll.run")))
)]
#[post("/payroll-runs")]
pub(super) async fn run_payroll(
    can: Can<RunPayroll>,
    body: OnceBody<NewPayrollRun>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    body.perform(&db, move |tx, body| {
        let run = payroll::start(tx, &can, body)?;
        Ok(Reply::created(format!("/api/payroll-runs/{}", run.id), run.version, &run)?.status(202))
    })
    .await
}

/// Payroll runs, the latest first.
#[utoipa::path(
    tag = "coaches",
    params(PageQuery),
    responses((status = 200, description = "A page of runs", body = Page<PayrollRun>)),
    extensions(("x-permission" = json!("payroll.run")))
)]
#[get("/payroll-runs")]
pub(super) async fn list_payroll_runs(
    can: Can<RunPayroll>,
    Params(query): Params<PageQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let page = PageRequest::read("payroll-runs", query.limit, query.cursor.as_deref())?;
    let page = db
        .read::<_, Fault, _>(move |conn| {
            let total = match query.count {
                Some(true) => Some(payroll::count(conn, &can)?),
                _ => None,
            };
            let rows = payroll::list(conn, &can, &page)?;
            Ok(page.page(rows, |run| run.id.0, |run| run).with_total(total))
        })
        .await?;
    Reply::page(&page)
}

/// A payroll run.
#[utoipa::path(
    tag = "coaches",
    params(("id" = PayrollRunId, Path, description = "The run")),
    responses(
        (status = 200, description = "The run", body = PayrollRun),
        (status = 304, description = "As you know it: `If-None-Match` has its ETag")
    ),
    extensions(("x-permission" = json!("payroll.run")))
)]
#[get("/payroll-runs/{id}")]
pub(super) async fn get_payroll_run(
    can: Can<RunPayroll>,
    PathOf(id): PathOf<PayrollRunId>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let run = db.read_one(move |conn| payroll::read(conn, &can, id)).await?;
    Reply::of(run.version, &run)
}

/// Which lines of a run.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct LineQuery {
    /// Only those of this kind.
    outcome: Option<PayrollOutcome>,
    /// So many rows, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// Where the page begins, as `next_cursor` said.
    cursor: Option<String>,
    /// Also tell how many there are in all.
    count: Option<bool>,
}

/// Who was paid in a run, and who was not and why.
#[utoipa::path(
    tag = "coaches",
    params(("id" = PayrollRunId, Path, description = "The run"), LineQuery),
    responses((status = 200, description = "A page of lines", body = Page<PayrollLine>)),
    extensions(("x-permission" = json!("payroll.run")))
)]
#[get("/payroll-runs/{id}/lines")]
pub(super) async fn list_payroll_lines(
    can: Can<RunPayroll>,
    PathOf(id): PathOf<PayrollRunId>,
    Params(query): Params<LineQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let page = PageRequest::read("payroll-lines", query.limit, query.cursor.as_deref())?;
    let page = db
        .read::<_, Fault, _>(move |conn| {
            let total = match query.count {
                Some(true) => Some(payroll::count_lines(conn, &can, id, query.outcome)?),
                _ => None,
            };
            let rows = payroll::lines(conn, &can, id, query.outcome, &page)?;
            Ok(page.page(rows, |line| line.id, |line| line).with_total(total))
        })
        .await?;
    Reply::page(&page)
}
