//! The routes of this crate, to be mounted below `/api`.

mod accounts;
mod bills;
mod charges;
mod entries;
mod journal;
mod payments;
mod periods;
mod prepaid;
mod refunds;
mod reports;
mod statement;
mod write_offs;

use serde::Deserialize;
use utoipa_actix_web::service_config::ServiceConfig;

/// Mounts all of them.
pub fn mount(config: &mut ServiceConfig<'_>) {
    config
        .service(charges::list_charges)
        .service(charges::make_charge)
        .service(payments::list_payments)
        .service(payments::take_payment)
        .service(refunds::list_refunds)
        .service(refunds::refund)
        .service(write_offs::list_write_offs)
        .service(write_offs::write_off)
        .service(prepaid::list_lots)
        .service(prepaid::sell_lot)
        .service(prepaid::refund_lot)
        .service(statement::get_statement)
        .service(accounts::list_accounts)
        .service(accounts::list_categories)
        .service(accounts::add_category)
        .service(entries::list_entries)
        .service(entries::make_entry)
        .service(entries::get_entry)
        .service(entries::reverse_entry)
        .service(periods::list_periods)
        .service(periods::close_period)
        .service(periods::reopen_period)
        .service(bills::list_bills)
        .service(bills::record_bill)
        .service(bills::get_bill)
        .service(bills::change_bill)
        .service(bills::pay_bill)
        .service(journal::get_journal)
        .configure(reports::mount);
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
