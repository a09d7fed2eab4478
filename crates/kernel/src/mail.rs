//! Mail: written as a job in the transaction that is the reason for it, delivered after the commit.
//!
//! With the feature `mail` a `Delivery` takes them over SMTP, or into files where no server is
//! configured.
//!
//! When a person is erased, [`forget`] sees to it that nothing written to them is kept here.

#[cfg(feature = "mail")]
mod delivery;
#[cfg(feature = "mail")]
mod folder;

#[cfg(feature = "mail")]
pub use delivery::{Delivery, MailSetup, MailSetupError};

use serde::{Deserialize, Serialize};

use crate::UserId;
use crate::db::{DbResult, Tx};
use crate::job::{self, NewJob};

/// The kind of job that delivers a mail.
pub const JOB: &str = "kernel.mail";

/// The kind of job that deletes the mails kept as files of one person.
pub const FORGET_JOB: &str = "kernel.mail_forget";

/// When files are looked for a second time. Longer than a delivery takes and a claim holds.
const AGAIN: chrono::TimeDelta = chrono::TimeDelta::minutes(10);

/// A mail to one person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Mail {
    /// Whose it is: what is left of it goes when the person is erased.
    pub user_id: Option<UserId>,
    /// The address.
    pub to: String,
    /// The subject, one line.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same for those who like it formatted.
    pub html: Option<String>,
}

/// Sends a mail once this transaction is durable.
///
/// # Errors
/// When the database fails.
pub fn send(tx: &mut Tx<'_>, mail: &Mail) -> DbResult<()> {
    let mut job = NewJob::new(JOB, mail);
    if let Some(person) = mail.user_id {
        job = job.about(person);
    }
    job::enqueue(tx, job).map(drop)
}

/// Forgets the mails to this person, with all other jobs about them: those not yet delivered are never sent, and
/// those kept as files are deleted once this transaction is durable.
///
/// A delivery under way at this moment may write its file after the files were deleted. It looks whether it is still
/// wanted when it has written, and takes back what it wrote. For one that dies in between, files are looked for a
/// second time.
///
/// # Errors
/// When the database fails.
pub fn forget(tx: &mut Tx<'_>, person: UserId) -> DbResult<()> {
    job::forget(tx, person)?;
    let now = tx.now();
    for at in [now, now.plus(AGAIN)] {
        job::enqueue(tx, NewJob::new(FORGET_JOB, person).at(at))?;
    }
    Ok(())
}
