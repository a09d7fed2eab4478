//! What the books say.

mod books;
mod debts;

use actix_web::Either;
use muster_kernel::csv::{Cell, Decimals};
use muster_kernel::db::{Conn, DbResult};
use muster_kernel::http::CsvPages;
use utoipa_actix_web::service_config::ServiceConfig;

/// A table as JSON, or as a file of any length.
type Table = Either<muster_kernel::http::Reply, CsvPages>;

/// Mounts the reports.
pub(super) fn mount(config: &mut ServiceConfig<'_>) {
    config
        .service(books::get_monthly)
        .service(books::get_income_statement)
        .service(books::get_trial_balance)
        .service(debts::get_receivables)
        .service(debts::get_payables)
        .service(debts::get_prepaid);
}

/// How the club's currency is written.
pub(super) fn decimals(conn: &mut Conn) -> DbResult<Decimals> {
    Ok(Decimals::of(&muster_auth::club::settings(conn)?.currency))
}

/// A page of a table: its rows, and the key after which there may be more.
fn page_of<R, K>(
    rows: Vec<R>,
    limit: i64,
    key: impl Fn(&R) -> K,
    row: impl Fn(R) -> Vec<Cell>,
) -> (Vec<Vec<Cell>>, Option<K>) {
    let next = if (rows.len() as i64) < limit { None } else { rows.last().map(key) };
    (rows.into_iter().map(row).collect(), next)
}
