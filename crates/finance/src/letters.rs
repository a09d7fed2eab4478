//! What members are written about money: a job in the transaction that moves it, done after the commit.

use muster_kernel::UserId;
use muster_kernel::db::{DbResult, Tx};
use muster_kernel::job::{self, NewJob};
use serde::{Deserialize, Serialize};

use crate::charges::ChargeId;
use crate::credits::CreditId;
use crate::prepaid::LotId;

/// The kind of job that writes to a member.
pub(crate) const JOB: &str = "finance.letter";

/// What a member is written about.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Matter {
    /// Something they owe.
    Charge(ChargeId),
    /// A payment that was taken.
    Payment(CreditId),
    /// Something that was paid back to them.
    Refund(ChargeId),
    /// Class fees they paid in advance.
    Prepaid(LotId),
}

/// What the job is given.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Letter {
    /// Whom it is about.
    pub member: UserId,
    /// What it is about.
    pub matter: Matter,
}

/// Has a member written to once this transaction is durable.
pub(crate) fn announce(tx: &mut Tx<'_>, member: UserId, matter: Matter) -> DbResult<()> {
    job::enqueue(tx, NewJob::new(JOB, Letter { member, matter }).about(member)).map(drop)
}
