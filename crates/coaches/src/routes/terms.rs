//! Pay terms.

use actix_web::{delete, get, post, web};
use chrono::NaiveDate;
use muster_auth::permissions::{KeepCoachPay, ReadCoachPay};
use muster_auth::{Can, Whom};
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{Body, Params, PathOf, Reply};
use muster_kernel::page::{Page, PageRequest};
use serde::Serialize;

use super::PageQuery;
use crate::terms::{self, NewTerms, Terms, TermsId};

/// What a coach is paid for a class: `per_class`, and `per_head` for each who attended above `heads_above`, but not less
/// than `minimum` and not more than `maximum`.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CoachTerms)]
pub(super) struct TermsShown {
    #[serde(flatten)]
    terms: Terms,
    /// Always the same: terms never change.
    version: i64,
}

impl From<Terms> for TermsShown {
    fn from(terms: Terms) -> TermsShown {
        TermsShown { terms, version: 1 }
    }
}

/// By what terms a coach is and was paid, the latest first: oneself (`me`), treasurers and admins.
#[utoipa::path(
    tag = "coaches",
    params(("id" = String, Path, description = "The coach, or `me`"), PageQuery),
    responses((status = 200, description = "A page of terms", body = Page<TermsShown>)),
    extensions(("x-permission" = json!("coaches.read_pay")))
)]
#[get("/coaches/{id}/terms")]
pub(super) async fn list_terms(
    can: Can<ReadCoachPay>,
    PathOf(whom): PathOf<Whom>,
    Params(query): Params<PageQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let page = PageRequest::<NaiveDate>::read("coach-terms", query.limit, query.cursor.as_deref())?;
    let id = whom.of(&can);
    let page = db
        .read::<_, Fault, _>(move |conn| {
            let total = match query.count {
                Some(true) => Some(terms::count(conn, &can, id)?),
                _ => None,
            };
            let rows = terms::list(conn, &can, id, &page)?;
            Ok(page.page(rows, |terms| terms.starts_on, TermsShown::from).with_total(total))
        })
        .await?;
    Reply::page(&page)
}

/// Set by what terms a coach is paid from a day on. What was accrued never changes.
#[utoipa::path(
    tag = "coaches",
    params(("id" = String, Path, description = "The coach, or `me`")),
    request_body = NewTerms,
    responses(
        (status = 201, description = "The terms", body = TermsShown),
        (status = 409, description = "`invalid_state`: a class of this day or later was paid for already. \
            `already_exists`: other terms start on this day")
    ),
    extensions(("x-permission" = json!("coaches.keep_pay")))
)]
#[post("/coaches/{id}/terms")]
pub(super) async fn set_terms(
    can: Can<KeepCoachPay>,
    PathOf(whom): PathOf<Whom>,
    Body(new): Body<NewTerms>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let id = whom.of(&can);
    let terms = TermsShown::from(db.write(move |tx| terms::set(tx, &can, id, &new)).await?);
    Reply::created(format!("/api/coaches/{id}/terms/{}", terms.terms.id), terms.version, &terms)
}

/// Terms of a coach: oneself (`me`), treasurers and admins.
#[utoipa::path(
    tag = "coaches",
    params(
        ("id" = String, Path, description = "The coach, or `me`"),
        ("terms_id" = TermsId, Path, description = "The terms")
    ),
    responses(
        (status = 200, description = "The terms", body = TermsShown),
        (status = 304, description = "As you know it: `If-None-Match` has its ETag")
    ),
    extensions(("x-permission" = json!("coaches.read_pay")))
)]
#[get("/coaches/{id}/terms/{terms_id}")]
pub(super) async fn get_terms(
    can: Can<ReadCoachPay>,
    PathOf((whom, terms)): PathOf<(Whom, TermsId)>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let id = whom.of(&can);
    let terms = TermsShown::from(db.read(move |conn| terms::read(conn, &can, id, terms)).await?);
    Reply::of(terms.version, &terms)
}

/// Take terms back by which no class was paid yet: they were a mistake.
#[utoipa::path(
    tag = "coaches",
    params(
        ("id" = String, Path, description = "The coach, or `me`"),
        ("terms_id" = TermsId, Path, description = "The terms")
    ),
    responses(
        (status = 204, description = "They are gone"),
        (status = 409, description = "A class was paid by them")
    ),
    extensions(("x-permission" = json!("coaches.keep_pay")))
)]
#[delete("/coaches/{id}/terms/{terms_id}")]
pub(super) async fn withdraw_terms(
    can: Can<KeepCoachPay>,
    PathOf((whom, terms)): PathOf<(Whom, TermsId)>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let id = whom.of(&can);
    db.write(move |tx| terms::withdraw(tx, &can, id, terms)).await?;
    Ok(Reply::nothing())
}
