//! The routes of this crate, to be mounted below `/api`.

mod availability;
mod pay;
mod payouts;
mod payroll;
mod profiles;
mod shown;
mod terms;

use muster_kernel::csv::Decimals;
use muster_kernel::db::{Conn, DbResult};
use serde::Deserialize;
use utoipa_actix_web::service_config::ServiceConfig;

/// Mounts all of them.
pub fn mount(config: &mut ServiceConfig<'_>) {
    config
        .service(profiles::list_coaches)
        .service(profiles::make_coach)
        .service(profiles::get_coach)
        .service(profiles::patch_coach)
        .service(availability::get_availability)
        .service(availability::put_availability)
        .service(terms::list_terms)
        .service(terms::set_terms)
        .service(terms::get_terms)
        .service(terms::withdraw_terms)
        .service(pay::list_pay)
        .service(pay::get_coach_statement)
        .service(payouts::list_payouts)
        .service(payouts::pay_out)
        .service(payouts::get_payout)
        .service(payouts::reverse_payout)
        .service(payroll::run_payroll)
        .service(payroll::list_payroll_runs)
        .service(payroll::get_payroll_run)
        .service(payroll::list_payroll_lines);
}

/// Which part of a list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct PageQuery {
    /// So many rows, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// Where the page begins, as `next_cursor` said.
    cursor: Option<String>,
    /// Also tell how many there are in all.
    count: Option<bool>,
}

/// How the club's currency is written.
fn decimals(conn: &mut Conn) -> DbResult<Decimals> {
    Ok(Decimals::of(&muster_auth::club::settings(conn)?.currency))
}
