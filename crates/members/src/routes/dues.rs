//! Dues runs.

use actix_web::{get, post, web};
use muster_auth::Can;
use muster_auth::permissions::RunDues;
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{OnceBody, Params, PathOf, Reply};
use muster_kernel::page::{Page, PageRequest};
use serde::Deserialize;

use super::PageQuery;
use crate::dues::{self, DuesLine, DuesRun, DuesRunId, NewDuesRun, Outcome};

/// Charge everybody on a plan, or on all plans that are paid as often, for a period: each of them once, however often it
/// is run. It is done step by step after this answer.
#[utoipa::path(
    tag = "dues",
    params(("Idempotency-Key" = String, Header, description = "A key of your own making")),
    request_body = NewDuesRun,
    responses((status = 202, description = "The run, which goes on", body = DuesRun)),
    extensions(("x-permission" = json!("dues.run")))
)]
#[post("/dues-runs")]
pub(super) async fn run_dues(
    can: Can<RunDues>,
    body: OnceBody<NewDuesRun>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    body.perform(&db, move |tx, body| {
        let run = dues::start(tx, &can, body)?;
        Ok(Reply::created(format!("/api/dues-runs/{}", run.id), run.version, &run)?.status(202))
    })
    .await
}

/// Dues runs, the latest first.
#[utoipa::path(
    tag = "dues",
    params(PageQuery),
    responses((status = 200, description = "A page of runs", body = Page<DuesRun>)),
    extensions(("x-permission" = json!("dues.run")))
)]
#[get("/dues-runs")]
pub(super) async fn list_dues_runs(
    can: Can<RunDues>,
    Params(query): Params<PageQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let page = PageRequest::read("dues-runs", query.limit, query.cursor.as_deref())?;
    let page = db
        .read::<_, Fault, _>(move |conn| {
            let total = match query.count {
                Some(true) => Some(dues::count(conn, &can)?),
                _ => None,
            };
            let rows = dues::list(conn, &can, &page)?;
            Ok(page.page(rows, |run| run.id.0, |run| run).with_total(total))
        })
        .await?;
    Reply::page(&page)
}

/// A dues run.
#[utoipa::path(
    tag = "dues",
    params(("id" = DuesRunId, Path, description = "The run")),
    responses(
        (status = 200, description = "The run", body = DuesRun),
        (status = 304, description = "As you know it: `If-None-Match` has its ETag")
    ),
    extensions(("x-permission" = json!("dues.run")))
)]
#[get("/dues-runs/{id}")]
pub(super) async fn get_dues_run(
    can: Can<RunDues>,
    PathOf(id): PathOf<DuesRunId>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let run = db.read_one(move |conn| dues::read(conn, &can, id)).await?;
    Reply::of(run.version, &run)
}

/// Which lines of a run.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct LineQuery {
    /// Only those of this kind.
    outcome: Option<Outcome>,
    /// So many rows, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// Where the page begins, as `next_cursor` said.
    cursor: Option<String>,
    /// Also tell how many there are in all.
    count: Option<bool>,
}

/// Who was charged in a run, and who was not and why.
#[utoipa::path(
    tag = "dues",
    params(("id" = DuesRunId, Path, description = "The run"), LineQuery),
    responses((status = 200, description = "A page of lines", body = Page<DuesLine>)),
    extensions(("x-permission" = json!("dues.run")))
)]
#[get("/dues-runs/{id}/lines")]
pub(super) async fn list_dues_lines(
    can: Can<RunDues>,
    PathOf(id): PathOf<DuesRunId>,
    Params(query): Params<LineQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let page = PageRequest::read("dues-lines", query.limit, query.cursor.as_deref())?;
    let page = db
        .read::<_, Fault, _>(move |conn| {
            let total = match query.count {
                Some(true) => Some(dues::count_lines(conn, &can, id, query.outcome)?),
                _ => None,
            };
            let rows = dues::lines(conn, &can, id, query.outcome, &page)?;
            Ok(page.page(rows, |line| line.id, |line| line).with_total(total))
        })
        .await?;
    Reply::page(&page)
}
