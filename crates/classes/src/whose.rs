//! Whose class it is: for its coach to plan and to run, and for admins.

use muster_auth::{Actor, Permission, Scope};
use muster_kernel::fault::{Code, Fault};

use crate::class::Class;

/// Whether a permission reaches to a class: to all, or to those one teaches.
pub(crate) fn is_theirs<P: Permission>(actor: &Actor, class: &Class) -> bool {
    match actor.can::<P>() {
        Ok(can) => can.scope() == Scope::All || class.coach_id == actor.user_id(),
        Err(_) => false,
    }
}

/// Refuses what somebody does to a class that is not theirs.
pub(crate) fn must_be_theirs<P: Permission>(actor: &Actor, class: &Class) -> Result<(), Fault> {
    if is_theirs::<P>(actor, class) {
        return Ok(());
    }
    Err(Fault::new(Code::Forbidden, "Only its coach and admins do this."))
}
