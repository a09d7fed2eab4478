//! Calling a class off.

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use muster_auth::Can;
use muster_auth::permissions::PlanClasses;
use muster_kernel::audit::{self, Event};
use muster_kernel::db::{DbError, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::{Expected, Fields};

use super::{OBJECT, must_be_to_come};
use crate::class::{Class, ClassId, ClassStatus};
use crate::letters::{self, ClassNews};
use crate::schema::classes;
use crate::whose::must_be_theirs;
use crate::{moving, queries};

/// Calls a class off: whoever had a place or waited is told, and owes nothing.
///
/// # Errors
/// When it is not the caller's, over or off already, or no reason is given.
pub fn call_off(
    tx: &mut Tx<'_>,
    can: &Can<PlanClasses>,
    id: ClassId,
    expected: &Expected,
    reason: &str,
) -> Result<Class, Fault> {
    let mut fields = Fields::new();
    fields.lines("/reason", reason, 1..=500);
    fields.done()?;
    let class = queries::lock(tx, id)?;
    must_be_theirs::<PlanClasses>(can.actor(), &class)?;
    expected.allows(class.version)?;
    must_be_to_come(&class)?;
    if queries::is_marked(tx, id)? {
        let detail = "Attendance was taken already; excuse everybody first.";
        return Err(Fault::new(Code::InvalidState, detail));
    }
    call_off_one(tx, can, &class, reason)?;
    queries::find(tx, id)?.ok_or_else(Fault::not_found)
}

/// The same of a class whose row is locked.
pub(crate) fn call_off_one(
    tx: &mut Tx<'_>,
    can: &Can<PlanClasses>,
    class: &Class,
    reason: &str,
) -> Result<(), Fault> {
    let now = tx.now();
    moving::release_everybody(tx, can.origin(), class)?;
    diesel::update(classes::table.filter(classes::id.eq(class.id)))
        .set((
            classes::version.eq(classes::version + 1),
            classes::status.eq(ClassStatus::Cancelled),
            classes::cancelled_reason.eq(reason),
            classes::booked_count.eq(0),
            classes::waitlist_count.eq(0),
            classes::attended_count.eq(0),
            classes::has_room.eq(false),
            classes::has_line.eq(false),
            classes::sequence.eq(classes::sequence + 1),
            classes::changed_at.eq(now),
        ))
        .execute(&mut **tx)
        .map_err(DbError::from)?;
    letters::announce_class(tx, ClassNews::CalledOff, class.id)?;
    let event =
        Event { action: "class.cancelled", object_type: OBJECT, object_id: class.id.0, reason: Some(reason) };
    Ok(audit::append(tx, can.origin(), event)?)
}
