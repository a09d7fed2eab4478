//! How a membership begins, moves and ends. Everything about a move is one transaction: the standing, its history, the
//! audit event, what other domains do about it, and the letter.

use std::sync::Arc;

use muster_auth::permissions::{ApproveMembers, LeaveClub, SuspendMembers};
use muster_auth::{Accounts, Can, club, people};
use muster_kernel::audit::{self, Event};
use muster_kernel::db::Tx;
use muster_kernel::fault::{Code, Fault};
use muster_kernel::{Expected, Fields, UserId};

use crate::history::{self, NewChange};
use crate::{Member, Move, Standing, letters, list, queries, record};

/// A domain's part in what happens to memberships, in the transaction that moves them. The program passes an explicit
/// list of these where it makes [`Members`] and [`person_hooks`](crate::person_hooks).
pub trait StandingHooks: Send + Sync {
    /// A membership is about to be suspended or to end, and nothing of the member is locked yet: what has to be locked
    /// before people are.
    ///
    /// # Errors
    /// When the database fails.
    fn ending(&self, _tx: &mut Tx<'_>, _member: UserId) -> Result<(), Fault> {
        Ok(())
    }

    /// Somebody is an active member from now on: from the beginning, approved, or reinstated.
    ///
    /// # Errors
    /// When it cannot be.
    fn activated(&self, _tx: &mut Tx<'_>, _member: UserId) -> Result<(), Fault> {
        Ok(())
    }

    /// A member is suspended: what they have booked is released free of charge.
    ///
    /// # Errors
    /// When it cannot be.
    fn suspended(&self, _tx: &mut Tx<'_>, _member: UserId) -> Result<(), Fault> {
        Ok(())
    }

    /// A member has left: what they have booked is cancelled by the rules of cancelling. Whoever is erased is suspended
    /// first, so that this costs nothing.
    ///
    /// # Errors
    /// When it cannot be.
    fn left(&self, _tx: &mut Tx<'_>, _member: UserId) -> Result<(), Fault> {
        Ok(())
    }
}

/// A move that somebody asks for. It is refused when the permission does not reach to this member, when the membership
/// does not stand where the move begins, when no reason is given where one is due ([`Move::needs_reason`]), and when
/// somebody was faster.
#[derive(Debug, Clone)]
pub struct MoveRequest {
    /// Whose membership it is.
    pub member: UserId,
    /// Which version of the record the caller saw.
    pub expected: Expected,
    /// Why, 1 to 500 characters.
    pub reason: Option<String>,
}

/// The parts of all domains.
pub(crate) type AllHooks = Arc<[Arc<dyn StandingHooks>]>;

/// The service that moves memberships.
#[derive(Clone)]
pub struct Members {
    hooks: AllHooks,
    accounts: Accounts,
}

impl Members {
    /// The service, with every domain's part in it.
    pub fn new(hooks: Vec<Arc<dyn StandingHooks>>, accounts: Accounts) -> Members {
        Members { hooks: hooks.into(), accounts }
    }

    /// Takes in somebody who applied.
    ///
    /// # Errors
    /// Those of every move: see [`MoveRequest`].
    pub fn approve(
        &self,
        tx: &mut Tx<'_>,
        can: &Can<ApproveMembers>,
        request: &MoveRequest,
    ) -> Result<Member, Fault> {
        self.make(tx, can, Move::Approve, request)
    }

    /// Turns down somebody who applied.
    ///
    /// # Errors
    /// Those of every move: see [`MoveRequest`].
    pub fn reject(
        &self,
        tx: &mut Tx<'_>,
        can: &Can<ApproveMembers>,
        request: &MoveRequest,
    ) -> Result<Member, Fault> {
        self.make(tx, can, Move::Reject, request)
    }

    /// Keeps a member from booking for now.
    ///
    /// # Errors
    /// Those of every move: see [`MoveRequest`].
    pub fn suspend(
        &self,
        tx: &mut Tx<'_>,
        can: &Can<SuspendMembers>,
        request: &MoveRequest,
    ) -> Result<Member, Fault> {
        self.make(tx, can, Move::Suspend, request)
    }

    /// Lets a suspended member book again.
    ///
    /// # Errors
    /// Those of every move: see [`MoveRequest`].
    pub fn reinstate(
        &self,
        tx: &mut Tx<'_>,
        can: &Can<SuspendMembers>,
        request: &MoveRequest,
    ) -> Result<Member, Fault> {
        self.make(tx, can, Move::Reinstate, request)
    }

    /// Ends a membership.
    ///
    /// # Errors
    /// Those of every move: see [`MoveRequest`].
    pub fn leave(
        &self,
        tx: &mut Tx<'_>,
        can: &Can<LeaveClub>,
        request: &MoveRequest,
    ) -> Result<Member, Fault> {
        self.make(tx, can, Move::Leave, request)
    }

    /// Applies once more for somebody whose membership ended, or never began.
    ///
    /// # Errors
    /// Those of every move: see [`MoveRequest`].
    pub fn reapply(
        &self,
        tx: &mut Tx<'_>,
        can: &Can<LeaveClub>,
        request: &MoveRequest,
    ) -> Result<Member, Fault> {
        self.make(tx, can, Move::Reapply, request)
    }

    fn make<P>(
        &self,
        tx: &mut Tx<'_>,
        can: &Can<P>,
        step: Move,
        request: &MoveRequest,
    ) -> Result<Member, Fault> {
        let MoveRequest { member: id, expected, reason } = request;
        let (now, id, reason) = (tx.now(), *id, reason.as_deref());
        people::must_be_within(
            tx,
            can,
            id,
            now,
            "Only they, their guardians, treasurers and admins do this.",
        )?;
        if step.is_for_others() && id == can.user_id() {
            return Err(Fault::new(
                Code::Forbidden,
                "Somebody else of the staff decides about your membership.",
            ));
        }
        check_reason(step, reason)?;
        if matches!(step, Move::Suspend | Move::Leave) {
            for hooks in self.hooks.iter() {
                hooks.ending(tx, id)?;
            }
        }
        people::hold(tx, id)?;
        let (from, version) = queries::lock(tx, id)?.ok_or_else(Fault::not_found)?;
        expected.allows(version)?;
        let to = step.must_lead(from)?;
        let change = NewChange { member: id, from: Some(from), to, by: can.origin().actor, reason };
        enter(tx, &self.hooks, &change)?;
        let event = Event { action: step.event(), object_type: record::OBJECT, object_id: id.0, reason };
        audit::append(tx, can.origin(), event)?;
        if let Some(letter) = letters::about(step, reason) {
            self.accounts.send_letter(tx, id, &letter)?;
        }
        record::one(tx, id)?.ok_or_else(Fault::not_found)
    }
}

fn check_reason(step: Move, reason: Option<&str>) -> Result<(), Fault> {
    let mut fields = Fields::new();
    match reason {
        Some(reason) => fields.lines("/reason", reason, 1..=500),
        None => fields.must(!step.needs_reason(), "/reason", "required", "Say why."),
    }
    fields.done()
}

/// Makes the member record of a new user.
pub(crate) fn begin(
    tx: &mut Tx<'_>,
    hooks: &AllHooks,
    member: UserId,
    standing: Standing,
    by: Option<UserId>,
) -> Result<(), Fault> {
    queries::insert(tx, member, standing)?;
    muster_finance::open_account(tx, member)?;
    enter(tx, hooks, &NewChange { member, from: None, to: standing, by, reason: None })
}

/// Ends the membership of somebody who is erased: as if they had left, or never been approved. It costs them nothing.
pub(crate) fn end(tx: &mut Tx<'_>, hooks: &AllHooks, member: UserId) -> Result<(), Fault> {
    let Some((from, _)) = queries::lock(tx, member)? else { return Ok(()) };
    let to = match from {
        Standing::Active | Standing::Suspended => Standing::Left,
        Standing::Pending => Standing::Rejected,
        Standing::Rejected | Standing::Left => return Ok(()),
    };
    if from == Standing::Active {
        for hooks in hooks.iter() {
            hooks.suspended(tx, member)?;
        }
    }
    enter(tx, hooks, &NewChange { member, from: Some(from), to, by: None, reason: None })
}

/// Has a membership stand where a change says.
fn enter(tx: &mut Tx<'_>, hooks: &AllHooks, change: &NewChange<'_>) -> Result<(), Fault> {
    let NewChange { member, to, .. } = *change;
    // Whoever was only suspended became active long before.
    if to == Standing::Active && change.from != Some(Standing::Suspended) {
        let now = tx.now();
        let today = club::settings(tx)?.today(now);
        queries::set_active_since(tx, member, today)?;
    }
    if change.from.is_some() {
        queries::set_standing(tx, member, to)?;
    }
    history::write(tx, change)?;
    for hooks in hooks.iter() {
        match to {
            Standing::Active => hooks.activated(tx, member)?,
            Standing::Suspended => hooks.suspended(tx, member)?,
            Standing::Left => hooks.left(tx, member)?,
            Standing::Pending | Standing::Rejected => {}
        }
    }
    Ok(list::keep(tx, member)?)
}
