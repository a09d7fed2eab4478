//! What members are told when their membership moves.

use muster_auth::Letter;

use crate::Move;

/// The letter about a move; none about what they did themselves.
pub(crate) fn about(step: Move, reason: Option<&str>) -> Option<Letter> {
    let (subject, happened) = match step {
        Move::Approve => ("The membership was approved", "The club approved the membership."),
        Move::Reject => ("The membership was not approved", "The club did not approve the membership."),
        Move::Suspend => (
            "The membership is suspended",
            "The club suspended the membership. Until it is reinstated no classes can be booked, and bookings of classes \
             to come were released free of charge.",
        ),
        Move::Reinstate => (
            "The membership is active again",
            "The club reinstated the membership; classes can be booked again.",
        ),
        Move::Leave | Move::Reapply => return None,
    };
    let happened = match reason {
        Some(reason) => format!("{happened} It says why: {reason}"),
        None => happened.to_owned(),
    };
    Some(Letter::new(subject, happened))
}
