//! How a membership moves from one standing to another: the one table of it.

use muster_kernel::fault::{Code, Fault};
use muster_kernel::text_enum;

use crate::Standing;

text_enum! {
    /// What can be done with a membership.
    pub enum Move {
        /// Take somebody in who applied.
        Approve = "approve",
        /// Turn down somebody who applied.
        Reject = "reject",
        /// Keep a member from booking for now.
        Suspend = "suspend",
        /// Let a suspended member book again.
        Reinstate = "reinstate",
        /// End the membership.
        Leave = "leave",
        /// Apply once more.
        Reapply = "reapply",
    }
}

impl Move {
    /// Where it leads from there; none if it cannot be done there.
    pub fn of(self, from: Standing) -> Option<Standing> {
        use Standing::{Active, Left, Pending, Rejected, Suspended};
        match (self, from) {
            (Move::Approve, Pending) | (Move::Reinstate, Suspended) => Some(Active),
            (Move::Reject, Pending) => Some(Rejected),
            (Move::Suspend, Active) => Some(Suspended),
            (Move::Leave, Active | Suspended) => Some(Left),
            (Move::Reapply, Rejected | Left) => Some(Pending),
            _ => None,
        }
    }

    /// Where it leads from there.
    pub(crate) fn must_lead(self, from: Standing) -> Result<Standing, Fault> {
        self.of(from).ok_or_else(|| {
            Fault::new(Code::InvalidState, format!("The membership is {from}; that cannot be done with it."))
        })
    }

    /// Whether somebody has to say why.
    pub fn needs_reason(self) -> bool {
        matches!(self, Move::Reject | Move::Suspend)
    }

    /// Whether nobody does it for themselves.
    pub(crate) fn is_for_others(self) -> bool {
        matches!(self, Move::Approve | Move::Reinstate)
    }

    /// What stands in the audit log.
    pub(crate) fn event(self) -> &'static str {
        match self {
            Move::Approve => "member.approved",
            Move::Reject => "member.rejected",
            Move::Suspend => "member.suspended",
            Move::Reinstate => "member.reinstated",
            Move::Leave => "member.left",
            Move::Reapply => "member.reapplied",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_membership_moves_only_as_the_club_has_it() {
        use Standing::{Active, Left, Pending, Rejected, Suspended};
        let allowed = [
            (Move::Approve, Pending, Active),
            (Move::Reject, Pending, Rejected),
            (Move::Suspend, Active, Suspended),
            (Move::Reinstate, Suspended, Active),
            (Move::Leave, Active, Left),
            (Move::Leave, Suspended, Left),
            (Move::Reapply, Rejected, Pending),
            (Move::Reapply, Left, Pending),
        ];
        for step in Move::ALL {
            for from in Standing::ALL {
                let expected = allowed.iter().find(|(s, f, _)| (s, f) == (step, from)).map(|(.., to)| *to);
                assert_eq!(step.of(*from), expected, "{step} from {from}");
                let fault = step.must_lead(*from).err();
                assert_eq!(fault.is_none(), expected.is_some());
                assert!(fault.is_none_or(|f| f.detail.contains(from.as_str())), "it names the present state");
            }
        }
    }
}
