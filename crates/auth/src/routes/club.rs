//! The club's settings.

use actix_web::{get, patch, web};
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{Body, IfMatch, Reply};

use crate::club::{self, Club, ClubPatch};
use crate::permissions::{EditClub, ReadClub};
use crate::{Accounts, Can};

/// The club: name, currency, time zone, policies.
#[utoipa::path(
    tag = "club",
    params(("If-None-Match" = Option<String>, Header, description = "The ETag of what you hold")),
    responses(
        (status = 200, description = "The club's settings", body = Club),
        (status = 304, description = "What you hold is what there is")
    ),
    extensions(("x-permission" = json!("club.read")))
)]
#[get("/club")]
pub(super) async fn get_club(can: Can<ReadClub>, db: web::Data<Db>) -> Result<Reply, Fault> {
    let club = db.read_one(move |conn| club::read(conn, &can)).await?;
    Reply::of(club.version, &club)
}

/// Change the club's settings; what is absent stays.
#[utoipa::path(
    tag = "club",
    params(("If-Match" = Option<String>, Header, description = "The ETag of what you saw")),
    request_body = ClubPatch,
    responses(
        (status = 200, description = "The club's settings as they are now", body = Club),
        (status = 412, description = "Changed meanwhile")
    ),
    extensions(("x-permission" = json!("club.edit")))
)]
#[patch("/club")]
pub(super) async fn patch_club(
    can: Can<EditClub>,
    IfMatch(expected): IfMatch,
    Body(patch): Body<ClubPatch>,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    let club = db
        .write(move |tx| {
            // Who needs a second factor is among the policies.
            accounts.sessions().forget_standings(tx);
            club::change(tx, &can, &expected, &patch)
        })
        .await?;
    Reply::of(club.version, &club)
}
