//! Mail: written as a job in the transaction that is the reason for it, delivered after the commit.
//!
//! With the feature `mail` a `Delivery` takes them over SMTP, or into files where no server is
//! configured.

#[cfg(feature = "mail")]
mod delivery;

#[cfg(feature = "mail")]
pub use delivery::{Delivery, MailSetup, MailSetupError};

use serde::{Deserialize, Serialize};

use crate::UserId;
use crate::db::{DbResult, Tx};
use crate::job::{self, NewJob};

/// The kind of job that delivers a mail.
pub const JOB: &str = "kernel.mail";

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
    job::enqueue(tx, NewJob::new(JOB, mail)).map(drop)
}
