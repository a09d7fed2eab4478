//! What members owe.

use actix_web::{get, post, web};
use chrono::NaiveDate;
use muster_auth::permissions::{KeepBooks, ReadStatements};
use muster_auth::{Can, Whom};
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{OnceBody, Params, PathOf, Reply};
use muster_kernel::page::Page;
use muster_kernel::{Minor, UserId};
use serde::{Deserialize, Serialize};

use super::{PageQuery, list_of_member};
use crate::charges::{self, Charge, ChargeId, NewCharge};
use crate::{EntryId, Items};

/// Something that a member owes.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Charge)]
pub(super) struct ChargeShown {
    id: ChargeId,
    version: i64,
    entry_id: EntryId,
    member_id: UserId,
    #[schema(example = 2500)]
    amount: Minor,
    /// What of it is not settled.
    open: Minor,
    #[schema(example = "dues")]
    account: String,
    text: Option<String>,
    date: NaiveDate,
    due_on: NaiveDate,
    /// Taken back.
    reversed: bool,
}

impl From<Charge> for ChargeShown {
    fn from(charge: Charge) -> ChargeShown {
        let Charge {
            id, entry_id, member_id, amount, open, account, text, date, due_on, is_reversed, ..
        } = charge;
        let reversed = is_reversed;
        ChargeShown {
            id,
            version: 1,
            entry_id,
            member_id,
            amount,
            open,
            account,
            text,
            date,
            due_on,
            reversed,
        }
    }
}

/// What a member owes and owed, the latest first.
#[utoipa::path(
    tag = "finance",
    params(("id" = String, Path, description = "The member, or `me`"), PageQuery),
    responses((status = 200, description = "A page of charges", body = Page<ChargeShown>)),
    extensions(("x-permission" = json!("statements.read")))
)]
#[get("/members/{id}/charges")]
pub(super) async fn list_charges(
    can: Can<ReadStatements>,
    PathOf(whom): PathOf<Whom>,
    Params(query): Params<PageQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    list_of_member(&db, (can, whom), query, Items::Charges, |member, conn, page| {
        Ok(member.charges(conn, page)?.into_iter().map(|row| (row.id.0, ChargeShown::from(row))).collect())
    })
    .await
}

/// A charge to be made.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct ChargeBody {
    #[schema(minimum = 1, example = 2500)]
    amount: Minor,
    /// An income account.
    #[schema(max_length = 40, example = "dues")]
    account: String,
    #[schema(min_length = 1, max_length = 200, example = "Shirt")]
    text: String,
    /// Today unless it is given.
    date: Option<NaiveDate>,
    /// On its day unless it is given.
    due_on: Option<NaiveDate>,
}

/// Charge a member. Credit that they have meets it at once.
#[utoipa::path(
    tag = "finance",
    params(
        ("id" = String, Path, description = "The member, or `me`"),
        ("Idempotency-Key" = String, Header, description = "A key of your own making")
    ),
    request_body = ChargeBody,
    responses(
        (status = 201, description = "The charge", body = ChargeShown),
        (status = 409, description = "The month is closed")
    ),
    extensions(("x-permission" = json!("books.keep")))
)]
#[post("/members/{id}/charges")]
pub(super) async fn make_charge(
    can: Can<KeepBooks>,
    PathOf(whom): PathOf<Whom>,
    body: OnceBody<ChargeBody>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let member = whom.of(&can);
    body.perform(&db, move |tx, body| {
        let new = NewCharge {
            amount: body.amount,
            account: body.account.clone(),
            text: body.text.clone(),
            date: body.date,
            due_on: body.due_on,
        };
        let charge = charges::charge(tx, &can, member, &new)?;
        let location = format!("/api/finance/entries/{}", charge.entry_id);
        Ok(Reply::created(location, 1, &ChargeShown::from(charge))?.about(member))
    })
    .await
}
