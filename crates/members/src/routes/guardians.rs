//! Who acts for whom.

use actix_web::{get, post, put, web};
use chrono::NaiveDate;
use muster_auth::guardians::{self, Dependant};
use muster_auth::permissions::{AddDependants, EditGuardians, ReadMembers};
use muster_auth::{AccountError, Accounts, Can, Whom, club};
use muster_kernel::UserId;
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{Body, IfMatch, PathOf, Reply};
use muster_kernel::page::Page;
use serde::Deserialize;

use super::shown::{MemberShown, show, show_with};
use crate::{Sight, record};

/// Who acts for somebody.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct GuardiansBody {
    /// Nobody, if it is empty.
    #[schema(max_items = 10)]
    user_ids: Vec<UserId>,
}

/// Say who acts for a minor, or somebody of an unknown age.
#[utoipa::path(
    tag = "members",
    params(
        ("id" = String, Path, description = "The member, or `me`"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what you saw")
    ),
    request_body = GuardiansBody,
    responses(
        (status = 200, description = "The record", body = MemberShown),
        (status = 409, description = "They are of age, sign in by themselves without a known age, have a role, or are a guardian"),
        (status = 412, description = "Changed meanwhile")
    ),
    extensions(("x-permission" = json!("guardians.edit")))
)]
#[put("/members/{id}/guardians")]
pub(super) async fn set_guardians(
    can: Can<EditGuardians>,
    PathOf(whom): PathOf<Whom>,
    IfMatch(expected): IfMatch,
    Body(body): Body<GuardiansBody>,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    let id = whom.of(&can);
    let shown = db
        .write::<_, Fault, _>(move |tx| {
            let member = record::one(tx, id)?.ok_or_else(Fault::not_found)?;
            expected.allows(member.version)?;
            accounts.set_guardians(tx, &can, id, &body.user_ids)?;
            let now = tx.now();
            show(tx, can.actor(), member, now)
        })
        .await?;
    Reply::of(shown.version, &shown)
}

/// Those whom a member acts for: their children, as a rule, until these are of age.
#[utoipa::path(
    tag = "members",
    params(("id" = String, Path, description = "The guardian, or `me`")),
    responses((status = 200, description = "All of them", body = Page<MemberShown>)),
    extensions(("x-permission" = json!("members.read")))
)]
#[get("/members/{id}/dependants")]
pub(super) async fn list_dependants(
    can: Can<ReadMembers>,
    PathOf(whom): PathOf<Whom>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let (id, now) = (whom.of(&can), db.clock().now());
    let page = db
        .read::<_, Fault, _>(move |conn| {
            let guardian = record::find(conn, &can, id, now)?;
            let ids = guardians::wards_of(conn, guardian.id, now)?;
            let rows = record::find_several(conn, &ids)?;
            let (today, of) = (club::settings(conn)?.today(now), guardians::of(conn, &ids)?);
            let sight = Sight::of_all(conn, can.actor(), now)?;
            let shown = rows.into_iter().map(|member| show_with(&sight, member, &of, today));
            Ok(Page::whole(shown.collect()))
        })
        .await?;
    Reply::page(&page)
}

/// Somebody without an address.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct DependantBody {
    #[schema(min_length = 1, max_length = 80, example = "Tom")]
    first_name: String,
    #[schema(min_length = 1, max_length = 80, example = "Example")]
    last_name: String,
    date_of_birth: Option<NaiveDate>,
}

/// Make a record of somebody without an address, for whom this member acts: one's own child (`me`), or as staff
/// anybody's. Made by staff they are an active member; made by the guardian somebody has to approve it.
#[utoipa::path(
    tag = "members",
    params(("id" = String, Path, description = "The guardian, or `me`")),
    request_body = DependantBody,
    responses((status = 201, description = "The record", body = MemberShown)),
    extensions(("x-permission" = json!("dependants.add")))
)]
#[post("/members/{id}/dependants")]
pub(super) async fn add_dependant(
    can: Can<AddDependants>,
    PathOf(whom): PathOf<Whom>,
    Body(body): Body<DependantBody>,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    let DependantBody { first_name, last_name, date_of_birth } = body;
    let dependant = Dependant { first_name, last_name, date_of_birth };
    let guardian = whom.of(&can);
    let shown = db
        .write::<_, AccountError, _>(move |tx| {
            let id = accounts.add_dependant(tx, &can, guardian, &dependant)?;
            let member = record::one(tx, id)?.ok_or_else(Fault::not_found)?;
            let now = tx.now();
            Ok(show(tx, can.actor(), member, now)?)
        })
        .await?;
    Reply::created(format!("/api/members/{}", shown.id), shown.version, &shown)
}
