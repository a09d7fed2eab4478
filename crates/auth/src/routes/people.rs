//! The people of the club.

use actix_web::{get, patch, post, put, web};
use chrono::NaiveDate;
use muster_kernel::Fields;
use muster_kernel::db::Db;
use muster_kernel::fault::{Code, Fault};
use muster_kernel::http::{Body, IfMatch, Params, PathOf, Reply};
use muster_kernel::page::{Page, PageRequest};
use serde::Deserialize;

use super::person::UserShown;
use crate::models::User;
use crate::people::{self, Filter, Invitation, Listed, Order, UserPatch};
use crate::permissions::{
    DeactivateUsers, EditUsers, GiveRoles, InviteUsers, ListUsers, ReadUsers, ResetPasswords,
    ResetSecondFactors,
};
use crate::{Accounts, Can, Role, Roles, Whom};

fn reply((user, roles): (User, Roles)) -> Result<Reply, Fault> {
    Reply::of(user.version, &UserShown::new(user, roles))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct UserQuery {
    /// Beginnings of words of the names, up to five, or of an address. Whoever is found comes in the order of the
    /// first word.
    #[param(max_length = 320)]
    q: Option<String>,
    /// Only those with this role.
    role: Option<Role>,
    /// Only those who can sign in, or cannot.
    is_active: Option<bool>,
    /// `name` (unless it is said), `-name`, `date_joined` or `-date_joined`. Not together with `q`.
    #[param(pattern = "^-?(name|date_joined)$")]
    sort: Option<String>,
    /// So many rows, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// Where the page begins, as `next_cursor` said.
    cursor: Option<String>,
    /// Also tell how many there are in all.
    count: Option<bool>,
}

/// The order that was asked for, and the name of the list in that order.
fn order(sort: Option<&str>, filter: &Filter) -> Result<(Order, &'static str), Fault> {
    match (sort, filter.is_search()) {
        (None, true) => Ok((Order::Name, "users:q")),
        (Some(_), true) => {
            Err(Fault::new(Code::Malformed, "A search comes in the order of the words: leave `sort` out."))
        }
        (None | Some("name"), false) => Ok((Order::Name, "users:name")),
        (Some("-name"), false) => Ok((Order::NameDescending, "users:-name")),
        (Some("date_joined"), false) => Ok((Order::Joined, "users:date_joined")),
        (Some("-date_joined"), false) => Ok((Order::JoinedDescending, "users:-date_joined")),
        (Some(_), false) => {
            Err(Fault::new(Code::Malformed, "`sort` is `name` or `date_joined`, or one of them after a `-`."))
        }
    }
}

/// Everybody, for staff.
#[utoipa::path(
    tag = "users",
    params(UserQuery),
    responses((status = 200, description = "A page of people", body = Page<UserShown>)),
    extensions(("x-permission" = json!("users.list")))
)]
#[get("/users")]
pub(super) async fn list_users(
    can: Can<ListUsers>,
    Params(query): Params<UserQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let UserQuery { q, role, is_active, sort, limit, cursor, count } = query;
    let filter = Filter::new(q.as_deref(), role, is_active)?;
    let (order, list) = order(sort.as_deref(), &filter)?;
    let page = PageRequest::read(list, limit, cursor.as_deref())?;
    let (page, rows, total) = db
        .read::<_, Fault, _>(move |conn| {
            let total = match count {
                Some(true) => Some(people::count(conn, &can, &filter)?),
                _ => None,
            };
            let rows = people::list(conn, &can, &filter, &order, &page)?;
            Ok((page, rows, total))
        })
        .await?;
    let show = |row: Listed| UserShown::new(row.user, row.roles);
    Reply::page(&page.page(rows, |row| row.key.clone(), show).with_total(total))
}

/// Somebody to be invited.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct Invite {
    #[schema(min_length = 1, max_length = 80, example = "Anna")]
    first_name: String,
    #[schema(min_length = 1, max_length = 80, example = "Example")]
    last_name: String,
    /// Null for those who do not sign in.
    #[schema(max_length = 254, example = "anna@example.org")]
    email: Option<String>,
    /// What they are in the club; `member` is always among them.
    #[serde(default)]
    #[schema(max_items = 4)]
    roles: Vec<Role>,
    date_of_birth: Option<NaiveDate>,
}

/// Invite somebody: they are an active member from now on, and choose their password with the link of a mail.
#[utoipa::path(
    tag = "users",
    request_body = Invite,
    responses(
        (status = 201, description = "Whoever was invited", body = UserShown),
        (status = 409, description = "The address has an account")
    ),
    extensions(("x-permission" = json!("users.invite")))
)]
#[post("/users")]
pub(super) async fn invite_user(
    can: Can<InviteUsers>,
    Body(body): Body<Invite>,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    let Invite { first_name, last_name, email, roles, date_of_birth } = body;
    let invitation = Invitation { first_name, last_name, email, roles: Roles::of(roles), date_of_birth };
    let (user, roles) = db.write(move |tx| accounts.invite(tx, &can, &invitation)).await?;
    let (location, version) = (format!("/api/users/{}", user.id), user.version);
    Reply::created(location, version, &UserShown::new(user, roles))
}

/// Somebody: oneself (`me`), one's ward, or for staff anybody.
#[utoipa::path(
    tag = "users",
    params(("id" = String, Path, description = "The person, or `me`")),
    responses(
        (status = 200, description = "The person", body = UserShown),
        (status = 304, description = "As you know them: `If-None-Match` has their ETag")
    ),
    extensions(("x-permission" = json!("users.read")))
)]
#[get("/users/{id}")]
pub(super) async fn get_user(
    can: Can<ReadUsers>,
    PathOf(whom): PathOf<Whom>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let (id, now) = (whom.of(&can), db.clock().now());
    reply(db.read_one(move |conn| people::find(conn, &can, id, now)).await?)
}

/// Change a profile: one's own (`me`), one's ward's, or as an admin anybody's.
#[utoipa::path(
    tag = "users",
    params(
        ("id" = String, Path, description = "The person, or `me`"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what you saw")
    ),
    request_body = UserPatch,
    responses(
        (status = 200, description = "The person as they are now", body = UserShown),
        (status = 409, description = "They were erased"),
        (status = 412, description = "Changed meanwhile")
    ),
    extensions(("x-permission" = json!("users.edit")))
)]
#[patch("/users/{id}")]
pub(super) async fn patch_user(
    can: Can<EditUsers>,
    PathOf(whom): PathOf<Whom>,
    IfMatch(expected): IfMatch,
    Body(patch): Body<UserPatch>,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    let id = whom.of(&can);
    reply(db.write(move |tx| accounts.edit(tx, &can, id, &expected, &patch)).await?)
}

/// What somebody is to be in the club.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct RolesBody {
    /// `member` is always among them.
    #[schema(max_items = 4)]
    roles: Vec<Role>,
}

/// Give somebody these roles, and no others. It counts at once.
#[utoipa::path(
    tag = "users",
    params(
        ("id" = String, Path, description = "The person, or `me`"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what you saw")
    ),
    request_body = RolesBody,
    responses(
        (status = 200, description = "The person as they are now", body = UserShown),
        (status = 409, description = "`last_admin`: the club needs one. `invalid_state`: they cannot sign in, or were erased"),
        (status = 412, description = "Changed meanwhile")
    ),
    extensions(("x-permission" = json!("users.roles")))
)]
#[put("/users/{id}/roles")]
pub(super) async fn give_roles(
    can: Can<GiveRoles>,
    PathOf(whom): PathOf<Whom>,
    IfMatch(expected): IfMatch,
    Body(body): Body<RolesBody>,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    let (id, roles) = (whom.of(&can), Roles::of(body.roles));
    reply(db.write(move |tx| accounts.give_roles(tx, &can, id, &expected, roles)).await?)
}

/// An address for somebody who has none.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct AddressBody {
    #[schema(max_length = 254, example = "anna@example.org")]
    email: String,
}

/// Offer an address to somebody who has none, as their guardian or as an admin: whoever follows the link that is
/// sent there chooses a password, and signs in with it. The answer is the same when the address is taken.
#[utoipa::path(
    tag = "users",
    params(("id" = String, Path, description = "The person, or `me`")),
    request_body = AddressBody,
    responses(
        (status = 202, description = "A mail is on its way"),
        (status = 409, description = "They have an address")
    ),
    extensions(("x-permission" = json!("users.edit")))
)]
#[put("/users/{id}/email")]
pub(super) async fn give_address(
    can: Can<EditUsers>,
    PathOf(whom): PathOf<Whom>,
    Body(body): Body<AddressBody>,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    let id = whom.of(&can);
    accounts.offer_address(&db, can, id, &body.email).await?;
    Ok(Reply::nothing().status(202))
}

/// Why something is done.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct Reason {
    /// For the audit log.
    #[schema(min_length = 1, max_length = 500)]
    reason: Option<String>,
}

impl Reason {
    pub(super) fn checked(self) -> Result<Option<String>, Fault> {
        let mut fields = Fields::new();
        if let Some(reason) = &self.reason {
            fields.lines("/reason", reason, 1..=500);
        }
        fields.done()?;
        Ok(self.reason)
    }
}

/// Close an account: they are signed out everywhere and cannot sign in; the membership stays.
#[utoipa::path(
    tag = "users",
    params(("id" = String, Path, description = "The person, or `me`")),
    request_body = Reason,
    responses(
        (status = 200, description = "The person as they are now", body = UserShown),
        (status = 409, description = "`last_admin`: the club needs one. `invalid_state`: it is closed already")
    ),
    extensions(("x-permission" = json!("users.deactivate")))
)]
#[post("/users/{id}/deactivate")]
pub(super) async fn deactivate_user(
    can: Can<DeactivateUsers>,
    PathOf(whom): PathOf<Whom>,
    Body(body): Body<Reason>,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    let (id, reason) = (whom.of(&can), body.checked()?);
    reply(db.write(move |tx| accounts.deactivate(tx, &can, id, reason.as_deref())).await?)
}

/// Open an account again that was closed.
#[utoipa::path(
    tag = "users",
    params(("id" = String, Path, description = "The person, or `me`")),
    request_body = Reason,
    responses(
        (status = 200, description = "The person as they are now", body = UserShown),
        (status = 409, description = "It is not closed")
    ),
    extensions(("x-permission" = json!("users.deactivate")))
)]
#[post("/users/{id}/reactivate")]
pub(super) async fn reactivate_user(
    can: Can<DeactivateUsers>,
    PathOf(whom): PathOf<Whom>,
    Body(body): Body<Reason>,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    let (id, reason) = (whom.of(&can), body.checked()?);
    reply(db.write(move |tx| accounts.reactivate(tx, &can, id, reason.as_deref())).await?)
}

/// Have a link sent to somebody with which they choose a new password. Nobody else sees it.
#[utoipa::path(
    tag = "users",
    params(("id" = String, Path, description = "The person, or `me`")),
    request_body = Reason,
    responses(
        (status = 200, description = "The person; the mail is on its way", body = UserShown),
        (status = 409, description = "They cannot sign in")
    ),
    extensions(("x-permission" = json!("users.reset_password")))
)]
#[post("/users/{id}/password-reset")]
pub(super) async fn reset_password_of(
    can: Can<ResetPasswords>,
    PathOf(whom): PathOf<Whom>,
    Body(body): Body<Reason>,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    let (id, reason) = (whom.of(&can), body.checked()?);
    reply(db.write(move |tx| accounts.reset_password_of(tx, &can, id, reason.as_deref())).await?)
}

/// Take away the second factor of somebody who lost it.
#[utoipa::path(
    tag = "users",
    params(("id" = String, Path, description = "The person, or `me`")),
    request_body = Reason,
    responses(
        (status = 200, description = "The person", body = UserShown),
        (status = 409, description = "They have none")
    ),
    extensions(("x-permission" = json!("users.reset_second_factor")))
)]
#[post("/users/{id}/totp-reset")]
pub(super) async fn reset_totp_of(
    can: Can<ResetSecondFactors>,
    PathOf(whom): PathOf<Whom>,
    Body(body): Body<Reason>,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    let (id, reason) = (whom.of(&can), body.checked()?);
    reply(db.write(move |tx| accounts.reset_second_factor_of(tx, &can, id, reason.as_deref())).await?)
}
