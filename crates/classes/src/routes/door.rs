//! At the door: a member's app shows a code, and the class's coach scans it.

use actix_web::{post, web};
use chrono::TimeDelta;
use muster_auth::permissions::{RunClasses, ShowUp};
use muster_auth::{Accounts, Can, PassFor};
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{Body, PathOf, Reply};
use serde::{Deserialize, Serialize};

use crate::attendance::RosterLine;
use crate::class::ClassId;
use crate::door;

/// So long somebody shows the same code, in seconds.
const HOLDS: i64 = 60;

/// A code to be shown at the door.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CheckInCode)]
struct CodeShown {
    /// 43 letters, digits, `-` and `_`, for a QR code.
    code: String,
    /// So many seconds it holds.
    expires_in: i64,
}

/// A code to be shown at the door of a class, as a QR code. It says who one is, for a minute, and is good for nothing else.
#[utoipa::path(
    tag = "bookings",
    responses((status = 200, description = "The code", body = CodeShown)),
    extensions(("x-permission" = json!("classes.show_up")))
)]
#[post("/members/me/check-in-code")]
pub(super) async fn make_check_in_code(
    can: Can<ShowUp>,
    accounts: web::Data<Accounts>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let until = db.clock().now().plus(TimeDelta::seconds(HOLDS));
    let code = accounts.pass(PassFor::CheckIn, can.user_id(), until);
    Ok(Reply::plain(&CodeShown { code, expires_in: HOLDS })?.secret())
}

/// A code that was shown.
#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = CheckingIn)]
pub(super) struct CheckingIn {
    #[schema(min_length = 1, max_length = 64)]
    code: String,
}

/// Mark somebody who shows their code as attended, as taking attendance does: a place is taken for a walk-in. Twice is as
/// good as once. For the class's coach and admins.
#[utoipa::path(
    tag = "classes",
    params(("id" = ClassId, Path, description = "The class")),
    request_body = CheckingIn,
    responses(
        (status = 200, description = "Their line of the roster", body = RosterLine),
        (status = 409, description = "Too early, the month is closed, or no place for a walk-in"),
        (status = 422, description = "`token_invalid`: the code is too old, or never was one")
    ),
    extensions(("x-permission" = json!("classes.run")))
)]
#[post("/classes/{id}/check-in")]
pub(super) async fn check_in(
    can: Can<RunClasses>,
    PathOf(id): PathOf<ClassId>,
    Body(body): Body<CheckingIn>,
    accounts: web::Data<Accounts>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let member = accounts.whose_pass(PassFor::CheckIn, &body.code, db.clock().now());
    Reply::plain(&db.write(move |tx| door::check_in(tx, &can, id, member)).await?)
}
