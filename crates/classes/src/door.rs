//! The door of a class: members show a code that says who they are, and the coach scans it.

use muster_auth::Can;
use muster_auth::permissions::RunClasses;
use muster_kernel::UserId;
use muster_kernel::db::Tx;
use muster_kernel::fault::{Code, Fault};

use crate::attendance::{Mark, MarkOf, RosterLine, line_of, take};
use crate::booking::BookingStatus;
use crate::class::ClassId;
use crate::queries;
use crate::whose::must_be_theirs;

/// Marks somebody who is at the door as attended, as taking [attendance](crate::attendance::mark) does, and tells their
/// line of the roster. Whoever is there already is told so once more, and nothing is written.
///
/// # Errors
/// Those of taking attendance, and when it is nobody's code. That comes after the class: whoever may not take attendance
/// here learns nothing of it.
pub fn check_in(
    tx: &mut Tx<'_>,
    can: &Can<RunClasses>,
    id: ClassId,
    member: Option<UserId>,
) -> Result<RosterLine, Fault> {
    let class = queries::lock(tx, id)?;
    must_be_theirs::<RunClasses>(can.actor(), &class)?;
    let member = member.ok_or_else(|| {
        let detail = "This code is too old, or is no code of this club's members; have them show a new one.";
        Fault::new(Code::TokenInvalid, detail)
    })?;
    let before = line_of(tx, id, member)?;
    if let Some(line) = before.filter(|line| line.status == BookingStatus::Attended) {
        return Ok(line);
    }
    take(tx, can, id, &[MarkOf { member_id: member, status: Mark::Attended }])?;
    line_of(tx, id, member)?.ok_or_else(Fault::not_found)
}
