//! A member's record as clients see it.

use muster_auth::guardians;
use muster_kernel::UserId;
use muster_kernel::db::Conn;
use muster_kernel::fault::Fault;
use serde::Serialize;

use crate::{Member, Standing};

/// A member's record.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Member)]
pub(super) struct MemberShown {
    pub(super) id: UserId,
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

pub(super) fn show(conn: &mut Conn, member: Member) -> Result<(i64, MemberShown), Fault> {
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
