//! How often somebody may try to sign in, or have mail sent.
//!
//! No stranger can lock an account: hard limits count by the address somebody comes from, alone and together
//! with the account; for the account alone there is only a delay. Whether there is such an account makes no
//! difference, for nobody here knows.
//!
//! What is remembered is bounded ([`Tally`]), and to be forgotten early is no way round a limit. An attempt
//! that a client's limit refuses touches nothing else, so a client makes at most [`BY_CLIENT`] others be
//! forgotten in a window. To have one's own attempts at an account forgotten takes as many attempts as there
//! are keys, so the whole of what hundreds of clients may do; and the client's own limit still stands. To have
//! that forgotten takes as many clients as there are keys; whoever has them needs no way round.

mod tally;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use muster_kernel::UserId;
use muster_kernel::fault::{Code, Fault};

use self::tally::{Counted, Tally};

/// Attempts in a window at one account by one client.
const BY_ACCOUNT_AND_CLIENT: u32 = 10;
/// Attempts in a window by one client, whatever the accounts; and as many requests for mail.
const BY_CLIENT: u32 = 100;
/// Attempts in a window at one account, by whomever, before there is a delay.
const WITHOUT_DELAY: u32 = 20;
/// By how much each further one waits longer.
const DELAY: Duration = Duration::from_millis(250);
/// Nobody waits longer.
const LONGEST_DELAY: Duration = Duration::from_secs(4);
/// Codes of a second factor in a window, by whomever. Here an account is limited after all: whoever gets this far knew
/// the password, and six digits are soon tried out by somebody with many addresses.
const CODES: u32 = 10;
/// Mails of one kind in a window that strangers can have sent to one address.
const MAILS: u32 = 3;

/// What was tried lately, shared by all workers.
#[derive(Clone)]
pub(crate) struct Throttle(Option<Arc<Tallies>>);

/// Accounts are remembered as numbers that mean nothing outside of this process and that nobody can choose.
struct Tallies {
    numbers: RandomState,
    accounts: Tally<u64>,
    clients: Tally<IpAddr>,
    pairs: Tally<(u64, IpAddr)>,
    codes: Tally<u64>,
    mailed: Tally<u64>,
    mailing: Tally<IpAddr>,
}

/// An attempt to sign in. It stays counted unless it [`succeeded`](Attempt::succeeded).
#[must_use = "the delay is to be waited for, and a success to be told"]
pub(crate) struct Attempt(Option<Counts>);

/// Where an attempt was counted; by client only when that is known.
struct Counts {
    tallies: Arc<Tallies>,
    account: Counted<u64>,
    client: Option<Counted<IpAddr>>,
}

/// A code of a second factor that is tried. It stays counted unless it [`fitted`](CodeTried::fitted).
#[must_use = "a code that fits is to be told"]
pub(crate) struct CodeTried(Option<(Arc<Tallies>, u64)>);

/// Whether the mail that was asked for is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the answer is the same, but not always is there a mail"]
pub(crate) enum MayMail {
    /// Send it.
    Yes,
    /// Answer as if it had been sent, and send nothing.
    Silently,
}

impl Throttle {
    /// The limits in force, or none (`on` false: benches and tests, on loopback only).
    pub(crate) fn new(on: bool) -> Throttle {
        Throttle(on.then(|| {
            Arc::new(Tallies {
                numbers: RandomState::new(),
                accounts: Tally::up_to(u32::MAX),
                clients: Tally::up_to(BY_CLIENT),
                pairs: Tally::up_to(BY_ACCOUNT_AND_CLIENT),
                codes: Tally::up_to(CODES),
                mailed: Tally::up_to(MAILS),
                mailing: Tally::up_to(BY_CLIENT),
            })
        }))
    }

    /// Counts an attempt to sign in, before anything else is done about it. The account is the normalised
    /// address that was typed; the client an address as limits count it, and without one only the delay holds.
    ///
    /// # Errors
    /// When the client has tried too often, at this account or at all; the attempt is then not counted.
    pub(crate) fn sign_in(&self, account: &str, client: Option<IpAddr>) -> Result<Attempt, Fault> {
        let Some(tallies) = &self.0 else { return Ok(Attempt(None)) };
        let account = tallies.numbers.hash_one(account);
        if let Some(wait) = client.and_then(|client| tallies.full_for(account, client)) {
            return Err(too_often(wait));
        }
        let client = client.map(|client| tallies.count(account, client)).transpose().map_err(too_often)?;
        let account = tallies.accounts.count(account).map_err(too_often)?;
        Ok(Attempt(Some(Counts { tallies: tallies.clone(), account, client })))
    }

    /// Counts a code of somebody's second factor, before it is looked at.
    ///
    /// # Errors
    /// When too many did not fit.
    pub(crate) fn code(&self, user: UserId) -> Result<CodeTried, Fault> {
        let Some(tallies) = &self.0 else { return Ok(CodeTried(None)) };
        let user = tallies.numbers.hash_one(user.0);
        tallies.codes.count(user).map_err(too_often)?;
        Ok(CodeTried(Some((tallies.clone(), user))))
    }

    /// Counts a request that would send a mail of this kind to an address.
    ///
    /// # Errors
    /// When the client has asked too often.
    pub(crate) fn request_mail(
        &self,
        kind: &'static str,
        account: &str,
        client: Option<IpAddr>,
    ) -> Result<MayMail, Fault> {
        let Some(tallies) = &self.0 else { return Ok(MayMail::Yes) };
        client.map(|client| tallies.mailing.count(client)).transpose().map_err(too_often)?;
        let mailed = tallies.mailed.count(tallies.numbers.hash_one((kind, account)));
        Ok(if mailed.is_ok() { MayMail::Yes } else { MayMail::Silently })
    }
}

impl Tallies {
    /// How long a client is refused, alone or at the account, whichever ends last; counts nothing.
    fn full_for(&self, account: u64, client: IpAddr) -> Option<Duration> {
        self.pairs.full_for((account, client)).max(self.clients.full_for(client))
    }

    /// Counts by client, alone and with the account, or by neither: others may have come in since the look.
    fn count(&self, account: u64, client: IpAddr) -> Result<Counted<IpAddr>, Duration> {
        let counted = self.clients.count(client)?;
        self.pairs.count((account, client)).inspect_err(|_| self.clients.take_back(&counted))?;
        Ok(counted)
    }
}

impl CodeTried {
    /// It was the right one.
    pub(crate) fn fitted(self) {
        if let Some((tallies, user)) = self.0 {
            tallies.codes.forget(user);
        }
    }
}

impl Attempt {
    /// How long to wait before the password is looked at.
    pub(crate) fn delay(&self) -> Duration {
        let tried = self.0.as_ref().map_or(0, |counts| counts.account.count);
        DELAY.saturating_mul(tried.saturating_sub(WITHOUT_DELAY)).min(LONGEST_DELAY)
    }

    /// Somebody signed in, with everything that takes: it was no guess, and those before it were slips.
    pub(crate) fn succeeded(self) {
        let Some(Counts { tallies, account, client }) = self.0 else { return };
        tallies.accounts.take_back(&account);
        if let Some(client) = client {
            tallies.clients.take_back(&client);
            tallies.pairs.forget((account.key, client.key));
        }
    }
}

fn too_often(wait: Duration) -> Fault {
    let seconds = wait.as_nanos().div_ceil(Duration::from_secs(1).as_nanos());
    Fault::new(Code::RateLimited, "Too many attempts; wait as long as Retry-After says.")
        .retry_after(u32::try_from(seconds).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests;
