//! Moving memberships: taking in, turning down, suspending, leaving.

use actix_web::{post, web};
use muster_auth::permissions::{ApproveMembers, LeaveClub, SuspendMembers};
use muster_auth::{Actor, Can, Whom};
use muster_kernel::db::{Db, Tx};
use muster_kernel::fault::Fault;
use muster_kernel::http::{Body, IfMatch, PathOf, Reply};
use muster_kernel::{Expected, UserId};
use serde::Deserialize;

use super::shown::{MemberShown, show};
use crate::{Member, Members, MoveRequest};

/// Why a membership is moved.
#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = MoveReason)]
pub(super) struct Reason {
    /// For the member, the history and the audit log. Whoever rejects or suspends has to give one.
    #[schema(min_length = 1, max_length = 500)]
    reason: Option<String>,
}

impl Reason {
    fn asks(self, member: UserId, expected: Expected) -> MoveRequest {
        MoveRequest { member, expected, reason: self.reason }
    }
}

/// Moves a membership, and answers with the record.
async fn moved(
    db: &Db,
    actor: Actor,
    step: impl Fn(&mut Tx<'_>) -> Result<Member, Fault> + Send + 'static,
) -> Result<Reply, Fault> {
    let shown = db
        .write::<_, Fault, _>(move |tx| {
            let member = step(tx)?;
            let now = tx.now();
            show(tx, &actor, member, now)
        })
        .await?;
    Reply::of(shown.version, &shown)
}

/// Take in somebody who applied. Nobody decides about their own membership.
#[utoipa::path(
    tag = "members",
    params(
        ("id" = String, Path, description = "The member, or `me`"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what you saw")
    ),
    request_body = Reason,
    responses(
        (status = 200, description = "The record as it is now", body = MemberShown),
        (status = 409, description = "The membership is not `pending`"),
        (status = 412, description = "Changed meanwhile")
    ),
    extensions(("x-permission" = json!("members.approve")))
)]
#[post("/members/{id}/approve")]
pub(super) async fn approve(
    can: Can<ApproveMembers>,
    PathOf(whom): PathOf<Whom>,
    IfMatch(expected): IfMatch,
    Body(body): Body<Reason>,
    db: web::Data<Db>,
    members: web::Data<Members>,
) -> Result<Reply, Fault> {
    let (members, request) = (members.into_inner(), body.asks(whom.of(&can), expected));
    moved(&db, can.actor().clone(), move |tx| members.approve(tx, &can, &request)).await
}

/// Turn down somebody who applied, and say why. They are told.
#[utoipa::path(
    tag = "members",
    params(
        ("id" = String, Path, description = "The member, or `me`"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what you saw")
    ),
    request_body = Reason,
    responses(
        (status = 200, description = "The record as it is now", body = MemberShown),
        (status = 409, description = "The membership is not `pending`"),
        (status = 412, description = "Changed meanwhile")
    ),
    extensions(("x-permission" = json!("members.approve")))
)]
#[post("/members/{id}/reject")]
pub(super) async fn reject(
    can: Can<ApproveMembers>,
    PathOf(whom): PathOf<Whom>,
    IfMatch(expected): IfMatch,
    Body(body): Body<Reason>,
    db: web::Data<Db>,
    members: web::Data<Members>,
) -> Result<Reply, Fault> {
    let (members, request) = (members.into_inner(), body.asks(whom.of(&can), expected));
    moved(&db, can.actor().clone(), move |tx| members.reject(tx, &can, &request)).await
}

/// Keep a member from booking for now, and say why. They are told; what they have booked is released free of charge.
#[utoipa::path(
    tag = "members",
    params(
        ("id" = String, Path, description = "The member, or `me`"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what you saw")
    ),
    request_body = Reason,
    responses(
        (status = 200, description = "The record as it is now", body = MemberShown),
        (status = 409, description = "The membership is not `active`"),
        (status = 412, description = "Changed meanwhile")
    ),
    extensions(("x-permission" = json!("members.suspend")))
)]
#[post("/members/{id}/suspend")]
pub(super) async fn suspend(
    can: Can<SuspendMembers>,
    PathOf(whom): PathOf<Whom>,
    IfMatch(expected): IfMatch,
    Body(body): Body<Reason>,
    db: web::Data<Db>,
    members: web::Data<Members>,
) -> Result<Reply, Fault> {
    let (members, request) = (members.into_inner(), body.asks(whom.of(&can), expected));
    moved(&db, can.actor().clone(), move |tx| members.suspend(tx, &can, &request)).await
}

/// Let a suspended member book again. Nobody decides about their own membership.
#[utoipa::path(
    tag = "members",
    params(
        ("id" = String, Path, description = "The member, or `me`"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what you saw")
    ),
    request_body = Reason,
    responses(
        (status = 200, description = "The record as it is now", body = MemberShown),
        (status = 409, description = "The membership is not `suspended`"),
        (status = 412, description = "Changed meanwhile")
    ),
    extensions(("x-permission" = json!("members.suspend")))
)]
#[post("/members/{id}/reinstate")]
pub(super) async fn reinstate(
    can: Can<SuspendMembers>,
    PathOf(whom): PathOf<Whom>,
    IfMatch(expected): IfMatch,
    Body(body): Body<Reason>,
    db: web::Data<Db>,
    members: web::Data<Members>,
) -> Result<Reply, Fault> {
    let (members, request) = (members.into_inner(), body.asks(whom.of(&can), expected));
    moved(&db, can.actor().clone(), move |tx| members.reinstate(tx, &can, &request)).await
}

/// End a membership: one's own (`me`), one's ward's, or as a treasurer or admin anybody's. What is booked is cancelled by
/// the rules of cancelling. The account stays.
#[utoipa::path(
    tag = "members",
    params(
        ("id" = String, Path, description = "The member, or `me`"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what you saw")
    ),
    request_body = Reason,
    responses(
        (status = 200, description = "The record as it is now", body = MemberShown),
        (status = 409, description = "The membership is neither `active` nor `suspended`"),
        (status = 412, description = "Changed meanwhile")
    ),
    extensions(("x-permission" = json!("members.leave")))
)]
#[post("/members/{id}/leave")]
pub(super) async fn leave(
    can: Can<LeaveClub>,
    PathOf(whom): PathOf<Whom>,
    IfMatch(expected): IfMatch,
    Body(body): Body<Reason>,
    db: web::Data<Db>,
    members: web::Data<Members>,
) -> Result<Reply, Fault> {
    let (members, request) = (members.into_inner(), body.asks(whom.of(&can), expected));
    moved(&db, can.actor().clone(), move |tx| members.leave(tx, &can, &request)).await
}

/// Apply once more: oneself (`me`), for one's ward, or as a treasurer or admin for anybody.
#[utoipa::path(
    tag = "members",
    params(
        ("id" = String, Path, description = "The member, or `me`"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what you saw")
    ),
    request_body = Reason,
    responses(
        (status = 200, description = "The record as it is now", body = MemberShown),
        (status = 409, description = "The membership is neither `rejected` nor `left`"),
        (status = 412, description = "Changed meanwhile")
    ),
    extensions(("x-permission" = json!("members.leave")))
)]
#[post("/members/{id}/reapply")]
pub(super) async fn reapply(
    can: Can<LeaveClub>,
    PathOf(whom): PathOf<Whom>,
    IfMatch(expected): IfMatch,
    Body(body): Body<Reason>,
    db: web::Data<Db>,
    members: web::Data<Members>,
) -> Result<Reply, Fault> {
    let (members, request) = (members.into_inner(), body.asks(whom.of(&can), expected));
    moved(&db, can.actor().clone(), move |tx| members.reapply(tx, &can, &request)).await
}
