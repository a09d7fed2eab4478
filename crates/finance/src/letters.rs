//! What members are written about money: a job in the transaction that moves it, done after the commit.

use std::future::Future;
use std::pin::Pin;

use muster_auth::{Accounts, Letter, club};
use muster_kernel::csv::Decimals;
use muster_kernel::db::{DbResult, Tx};
use muster_kernel::job::{self, JobError, JobKind, JobRun, NewJob, Progress};
use muster_kernel::{Minor, UserId};
use serde::{Deserialize, Serialize};

use crate::charges::{self, ChargeId};
use crate::credits::{self, CreditId};
use crate::prepaid::{self, LotId};

/// The kind of job that writes to a member.
const JOB: &str = "finance.letter";

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
struct Errand {
    /// Whom it is about.
    member: UserId,
    /// What it is about.
    matter: Matter,
}

/// Has a member written to once this transaction is durable.
pub(crate) fn announce(tx: &mut Tx<'_>, member: UserId, matter: Matter) -> DbResult<()> {
    job::enqueue(tx, NewJob::new(JOB, Errand { member, matter }).about(member)).map(drop)
}

/// Writes what members are told about their money.
#[derive(Clone)]
pub struct Letters(Accounts);

impl Letters {
    /// Letters that go out with the accounts' own.
    pub fn new(accounts: Accounts) -> Letters {
        Letters(accounts)
    }
}

impl JobKind for Letters {
    fn kind(&self) -> &'static str {
        JOB
    }

    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        Box::pin(async move {
            let accounts = self.0.clone();
            run.step(move |tx, errand: Errand| {
                if let Some(letter) = letter(tx, &errand)? {
                    accounts.send_letter(tx, errand.member, &letter)?;
                }
                Ok(None)
            })
            .await
        })
    }
}

/// What there is to say; nothing of what was taken back meanwhile.
fn letter(tx: &mut Tx<'_>, errand: &Errand) -> DbResult<Option<Letter>> {
    let currency = club::settings(tx)?.currency;
    let money = |amount: Minor| format!("{} {currency}", Decimals::of(&currency).show(amount));
    let Errand { member, matter } = *errand;
    Ok(match matter {
        Matter::Charge(id) => {
            charges::find(tx, member, id)?.filter(|charge| !charge.is_reversed).map(|charge| {
                let what = charge.text.as_deref().unwrap_or("no text");
                let rest = match charge.open {
                    Minor::ZERO => "It is settled already, by what was paid before.".to_owned(),
                    open if open < charge.amount => {
                        format!("{} of it is open, due on {}.", money(open), charge.due_on)
                    }
                    _ => format!("It is due on {}.", charge.due_on),
                };
                Letter::new("A new charge", format!("Charged: {} ({what}). {rest}", money(charge.amount)))
            })
        }
        Matter::Payment(id) => credits::find(tx, member, id)?.filter(|paid| !paid.is_reversed).map(|paid| {
            let rest = match paid.rest {
                Minor::ZERO => String::new(),
                rest => format!(" {} of it is kept for charges to come.", money(rest)),
            };
            let what = format!("Received on {}: {}. Thank you.{rest}", paid.date, money(paid.amount));
            Letter::new("Receipt of a payment", what)
        }),
        Matter::Refund(id) => charges::find(tx, member, id)?.filter(|back| !back.is_reversed).map(|back| {
            Letter::new("A refund", format!("Paid back on {}: {}.", back.date, money(back.amount)))
        }),
        Matter::Prepaid(id) => prepaid::find(tx, member, id)?.filter(|lot| lot.left() > 0).map(|lot| {
            let until = match lot.expires_on {
                Some(day) => format!("They can be used until {day}."),
                None => "They do not expire.".to_owned(),
            };
            let fees = match lot.count {
                1 => "1 class fee".to_owned(),
                count => format!("{count} class fees"),
            };
            let what = format!("Received on {}: {} for {fees}. {until}", lot.date, money(lot.amount));
            Letter::new("Receipt for class fees paid in advance", what)
        }),
    })
}
