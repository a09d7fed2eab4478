//! The routes of this crate, to be mounted below `/api`.

use actix_web::{get, post, put, web};
use chrono::NaiveDate;
use muster_auth::guardians::{self, Dependant};
use muster_auth::permissions::{AddDependants, EditGuardians, ReadMembers};
use muster_auth::{AccountError, Accounts, Can, Whom};
use muster_kernel::UserId;
use muster_kernel::db::{Conn, Db};
use muster_kernel::fault::Fault;
use muster_kernel::http::{Body, IfMatch, PathOf, Reply};
use serde::{Deserialize, Serialize};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{Member, Standing, queries};

/// Mounts all of them.
pub fn mount(config: &mut ServiceConfig<'_>) {
    config.service(get_member).service(set_guardians).service(add_dependant);
}

/// A member's record.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Member)]
struct MemberShown {
    id: UserId,
    version: i64,
    /// The person; the same number.
    user_id: UserId,
    first_name: String,
    last_name: String,
    /// Null for those who cannot sign in.
    email: Option<String>,
    status: Standing,
    membership_approved: bool,
    /// Who acts for them.
    guardian_ids: Vec<UserId>,
}

fn show(conn: &mut Conn, member: Member) -> Result<(i64, MemberShown), Fault> {
    let guardians = guardians::of(conn, &[member.id])?;
    let shown = MemberShown {
        id: member.id,
        version: member.version,
        user_id: member.id,
        first_name: member.first_name,
        last_name: member.last_name,
        email: member.email,
        status: member.status,
        membership_approved: member.status.is_approved(),
        guardian_ids: guardians.into_iter().map(|(_, guardian)| guardian).collect(),
    };
    Ok((shown.version, shown))
}

/// A member's record: one's own (`me`), one's ward's, or for staff anybody's.
#[utoipa::path(
    tag = "members",
    params(("id" = String, Path, description = "The member, or `me`")),
    responses(
        (status = 200, description = "The record", body = MemberShown),
        (status = 304, description = "As you know it: `If-None-Match` has its ETag")
    ),
    extensions(("x-permission" = json!("members.read")))
)]
#[get("/members/{id}")]
async fn get_member(
    can: Can<ReadMembers>,
    PathOf(whom): PathOf<Whom>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let (id, now) = (whom.of(&can), db.clock().now());
    let (version, shown) = db
        .read_one::<_, Fault, _>(move |conn| {
            let member = crate::find(conn, &can, id, now)?;
            show(conn, member)
        })
        .await?;
    Reply::of(version, &shown)
}

/// Who acts for somebody.
#[derive(Deserialize, utoipa::ToSchema)]
struct GuardiansBody {
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
async fn set_guardians(
    can: Can<EditGuardians>,
    PathOf(whom): PathOf<Whom>,
    IfMatch(expected): IfMatch,
    Body(body): Body<GuardiansBody>,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    let id = whom.of(&can);
    let (version, shown) = db
        .write::<_, Fault, _>(move |tx| {
            let member = queries::find(tx, id)?.ok_or_else(Fault::not_found)?;
            expected.allows(member.version)?;
            accounts.set_guardians(tx, &can, id, &body.user_ids)?;
            show(tx, member)
        })
        .await?;
    Reply::of(version, &shown)
}

/// Somebody without an address.
#[derive(Deserialize, utoipa::ToSchema)]
struct DependantBody {
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
async fn add_dependant(
    can: Can<AddDependants>,
    PathOf(whom): PathOf<Whom>,
    Body(body): Body<DependantBody>,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    let DependantBody { first_name, last_name, date_of_birth } = body;
    let dependant = Dependant { first_name, last_name, date_of_birth };
    let guardian = whom.of(&can);
    let (version, shown) = db
        .write::<_, AccountError, _>(move |tx| {
            let id = accounts.add_dependant(tx, &can, guardian, &dependant)?;
            let member = queries::find(tx, id)?.ok_or_else(Fault::not_found)?;
            Ok(show(tx, member)?)
        })
        .await?;
    Reply::created(format!("/api/members/{}", shown.id), version, &shown)
}
