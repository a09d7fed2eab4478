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

use muster_auth::permissions::ReadStatements;
use muster_auth::{Can, Whom};
use muster_kernel::db::{Conn, Db};
use muster_kernel::fault::Fault;
use muster_kernel::http::Reply;
use muster_kernel::page::PageRequest;
use serde::{Deserialize, Serialize};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{Items, OfMember};

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

/// A page of what there is of one kind of a member, for whoever may see their money: rows by their numbers, as they are
/// shown.
async fn list_of_member<T: Serialize + Send + 'static>(
    db: &Db,
    (can, whom): (Can<ReadStatements>, Whom),
    query: PageQuery,
    what: Items,
    rows: impl Fn(OfMember, &mut Conn, &PageRequest<i64>) -> Result<Vec<(i64, T)>, Fault> + Send + 'static,
) -> Result<Reply, Fault> {
    let (member, now) = (whom.of(&can), db.clock().now());
    let page = PageRequest::read(what.list(), query.limit, query.cursor.as_deref())?;
    let page = db
        .read::<_, Fault, _>(move |conn| {
            let member = OfMember::seen(conn, &can, member, now)?;
            let total = match query.count {
                Some(true) => Some(member.count(conn, what)?),
                _ => None,
            };
            let rows = rows(member, conn, &page)?;
            Ok(page.page(rows, |(number, _)| *number, |(_, shown)| shown).with_total(total))
        })
        .await?;
    Reply::page(&page)
}

impl Items {
    /// What cursors know their list by.
    fn list(self) -> &'static str {
        match self {
            Items::Charges => "charges",
            Items::Refunds => "refunds",
            Items::Payments => "payments",
            Items::WriteOffs => "write_offs",
            Items::Lots => "prepaid_lots",
        }
    }
}
