//! The months of the books.

use actix_web::{get, post, web};
use muster_auth::Can;
use muster_auth::permissions::{KeepBooks, ReadBooks, ReopenPeriods};
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{Body, Params, PathOf, Reply};
use muster_kernel::page::{Page, PageRequest};
use muster_kernel::{Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::Month;
use crate::periods::{self, Period, PeriodState};

/// A month of the books.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Period)]
pub(super) struct PeriodShown {
    #[schema(example = "2026-10")]
    period: String,
    state: PeriodState,
    closed_at: Option<Timestamp>,
    closed_by: Option<UserId>,
}

impl From<Period> for PeriodShown {
    fn from(period: Period) -> PeriodShown {
        let Period { period, state, closed_at, closed_by } = period;
        PeriodShown { period: period.to_string(), state, closed_at, closed_by }
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PeriodQuery {
    /// So many rows, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// Where the page begins, as `next_cursor` said.
    cursor: Option<String>,
}

/// The months from the first entry on, the present one first.
#[utoipa::path(
    tag = "finance",
    params(PeriodQuery),
    responses((status = 200, description = "A page of months", body = Page<PeriodShown>)),
    extensions(("x-permission" = json!("books.read")))
)]
#[get("/finance/periods")]
pub(super) async fn list_periods(
    can: Can<ReadBooks>,
    Params(query): Params<PeriodQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let page = PageRequest::read("periods", query.limit, query.cursor.as_deref())?;
    let now = db.clock().now();
    let (page, rows) = db
        .read::<_, Fault, _>(move |conn| {
            let rows = periods::list(conn, &can, now, &page)?;
            Ok((page, rows))
        })
        .await?;
    Reply::page(&page.page(rows, |row| row.period.to_string(), PeriodShown::from))
}

/// Nothing has to be said to close a month.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct CloseBody {}

/// Close a month that has ended: nothing is entered in it any more. Months are closed in order.
#[utoipa::path(
    tag = "finance",
    params(("period" = String, Path, description = "The month, as YYYY-MM")),
    request_body = CloseBody,
    responses(
        (status = 200, description = "The month", body = PeriodShown),
        (status = 409, description = "It has not ended, is closed, or another comes before it")
    ),
    extensions(("x-permission" = json!("books.keep")))
)]
#[post("/finance/periods/{period}/close")]
pub(super) async fn close_period(
    can: Can<KeepBooks>,
    PathOf(period): PathOf<String>,
    Body(CloseBody {}): Body<CloseBody>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let month: Month = period.parse()?;
    let period = db.write(move |tx| periods::close(tx, &can, month)).await?;
    Reply::plain(&PeriodShown::from(period))
}

/// Why a month is opened again.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct ReopenBody {
    #[schema(min_length = 1, max_length = 500, example = "A bill of that month came late")]
    reason: String,
}

/// Open the month again that was closed last.
#[utoipa::path(
    tag = "finance",
    params(("period" = String, Path, description = "The month, as YYYY-MM")),
    request_body = ReopenBody,
    responses(
        (status = 200, description = "The month", body = PeriodShown),
        (status = 409, description = "It is not the one closed last")
    ),
    extensions(("x-permission" = json!("periods.reopen")))
)]
#[post("/finance/periods/{period}/reopen")]
pub(super) async fn reopen_period(
    can: Can<ReopenPeriods>,
    PathOf(period): PathOf<String>,
    Body(body): Body<ReopenBody>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let month: Month = period.parse()?;
    let period = db.write(move |tx| periods::reopen(tx, &can, month, &body.reason)).await?;
    Reply::plain(&PeriodShown::from(period))
}
