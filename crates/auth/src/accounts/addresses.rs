//! Addresses: proving one, asking for a mail once more, changing to another.

use std::future::Future;
use std::pin::Pin;

use muster_kernel::audit::Origin;
use muster_kernel::db::{Db, DbResult, Tx};
use muster_kernel::job::{self, JobError, JobKind, JobRun, NewJob, Next, Progress};
use muster_kernel::{Client, Fields, UserId};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{AccountError, Accounts, record, still_open};
use crate::links::{self, Link, Purpose};
use crate::permissions::OwnAccount;
use crate::throttle::MayMail;
use crate::{Can, Email, Password, mails, queries};

/// What somebody who is not signed in can have a mail for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Wanted {
    /// To choose a new password.
    Reset,
    /// To prove an address.
    Verify,
}

#[derive(Serialize, Deserialize)]
struct Request {
    wanted: Wanted,
    email: String,
}

const REQUESTS: &str = "auth.mail_request";

/// The job that answers those who asked for a mail. It is a job so that asking is one and the same statement whether
/// there is such an account or not: nobody learns that by waiting.
pub struct MailRequests(pub(crate) Accounts);

impl JobKind for MailRequests {
    fn kind(&self) -> &'static str {
        REQUESTS
    }

    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        let accounts = self.0.clone();
        Box::pin(async move {
            run.commit(move |tx, payload| {
                // One that cannot be read is of no use to anybody.
                if let Ok(request) = serde_json::from_value::<Request>(payload.clone()) {
                    accounts.answer_request(tx, &request)?;
                }
                Ok(Next::Done)
            })
            .await
        })
    }
}

impl Accounts {
    /// The job that answers those who asked for a mail.
    pub fn mail_requests(&self) -> MailRequests {
        MailRequests(self.clone())
    }

    /// Sends a link to choose a new password, if there is such an account. It looks the same if there is none.
    ///
    /// # Errors
    /// When it is no address, or there were too many requests.
    pub async fn forgot_password(&self, db: &Db, email: &str, client: Client) -> Result<(), AccountError> {
        self.request_mail(db, Wanted::Reset, email, client).await
    }

    /// Sends the link that proves an address once more, if there is one to prove. It looks the same if not.
    ///
    /// # Errors
    /// When it is no address, or there were too many requests.
    pub async fn resend_verification(
        &self,
        db: &Db,
        email: &str,
        client: Client,
    ) -> Result<(), AccountError> {
        self.request_mail(db, Wanted::Verify, email, client).await
    }

    async fn request_mail(
        &self,
        db: &Db,
        wanted: Wanted,
        email: &str,
        client: Client,
    ) -> Result<(), AccountError> {
        let mut fields = Fields::new();
        let email = Email::check("/email", email, &mut fields);
        fields.done()?;
        let kind = match wanted {
            Wanted::Reset => "reset",
            Wanted::Verify => "verification",
        };
        if self.throttle.request_mail(kind, email.as_str(), client.address)? == MayMail::Yes {
            let request = NewJob::new(REQUESTS, Request { wanted, email: email.as_str().to_owned() });
            db.write(move |tx| job::enqueue(tx, request.clone()).map(drop)).await?;
        }
        Ok(())
    }

    fn answer_request(&self, tx: &mut Tx<'_>, request: &Request) -> DbResult<()> {
        let Ok(email) = Email::parse(&request.email) else { return Ok(()) };
        let Some(there) = queries::lock_by_email(tx, &email)?.filter(|there| there.is_active) else {
            return Ok(());
        };
        let (id, to) = (there.id, email.as_str());
        match request.wanted {
            Wanted::Reset => {
                let token = links::issue(tx, Purpose::Reset, Some(id), Some(to))?;
                self.write_to(tx, |club| mails::reset_password(club, id, to, &token))
            }
            Wanted::Verify if there.email_verified_at.is_none() => {
                let token = links::issue(tx, Purpose::Verify, Some(id), Some(to))?;
                self.write_to(tx, |club| mails::verify_address(club, id, to, &token))
            }
            Wanted::Verify => Ok(()),
        }
    }

    /// Proves an address: that of a registration, or a new one.
    ///
    /// # Errors
    /// [`AccountError::TokenInvalid`] for every kind of link that is none.
    pub async fn verify_address(&self, db: &Db, token: String, origin: Origin) -> Result<(), AccountError> {
        let accounts = self.clone();
        db.write(move |tx| {
            let link = links::take(tx, &token, &[Purpose::Verify, Purpose::Change])?;
            let Some(Link { purpose, user_id: Some(user), email: Some(email) }) = link else {
                return Err(AccountError::TokenInvalid);
            };
            let Ok(email) = Email::parse(&email) else { return Err(AccountError::TokenInvalid) };
            let there = queries::lock_credentials(tx, user)?.filter(|there| there.is_active);
            let there = there.ok_or(AccountError::TokenInvalid)?;
            let origin = Origin { actor: Some(user), ..origin.clone() };
            match purpose {
                Purpose::Change => accounts.move_to(tx, user, there.email.as_deref(), &email, &origin),
                _ if there.email.as_deref() != Some(email.as_str()) => Err(AccountError::TokenInvalid),
                _ => {
                    queries::verified(tx, user)?;
                    Ok(record(tx, &origin, "user.email_verified", user)?)
                }
            }
        })
        .await
    }

    fn move_to(
        &self,
        tx: &mut Tx<'_>,
        user: UserId,
        old: Option<&str>,
        new: &Email,
        origin: &Origin,
    ) -> Result<(), AccountError> {
        let moved = tx.attempt(|tx| queries::set_email(tx, user, new, true));
        moved.map_err(|e| if e.is_unique_violation() { AccountError::TokenInvalid } else { e.into() })?;
        // They went to the old address, whose owner may no longer be this person.
        links::forget(tx, user, &[Purpose::Verify, Purpose::Reset, Purpose::Invitation])?;
        record(tx, origin, "user.email_changed", user)?;
        if let Some(old) = old {
            let hint = mails::masked(new.as_str());
            self.write_to(tx, |club| mails::address_changed(club, user, old, &hint))?;
        }
        Ok(())
    }

    /// Begins a change of address: the new one gets a link. It looks the same when that one is taken.
    ///
    /// # Errors
    /// When the password is wrong, or it is no address.
    pub async fn change_email(
        &self,
        db: &Db,
        can: Can<OwnAccount>,
        new_email: &str,
        password: Password,
        client: Client,
    ) -> Result<(), AccountError> {
        let mut fields = Fields::new();
        let email = Email::check("/new_email", new_email, &mut fields);
        fields.done()?;
        self.prove_password(db, can.user_id(), "/password", password, &client).await?;
        if self.throttle.request_mail("change", email.as_str(), client.address)? == MayMail::Silently {
            return Ok(());
        }
        let answer_at = Instant::now() + super::ANSWER_AFTER;
        let accounts = self.clone();
        let asked = db.write(move |tx| {
            let (user, to) = (can.user_id(), email.as_str());
            still_open(tx, user)?;
            match queries::lock_by_email(tx, &email)? {
                // It is theirs already, or somebody else's, who alone is told.
                Some(there) if there.id == user => {}
                Some(there) => accounts.write_to(tx, |club| mails::address_taken(club, there.id, to))?,
                None => {
                    let token = links::issue(tx, Purpose::Change, Some(user), Some(to))?;
                    accounts.write_to(tx, |club| mails::change_address(club, user, to, &token))?;
                }
            }
            Ok(record(tx, can.origin(), "user.email_change_asked", user)?)
        });
        let asked = asked.await;
        tokio::time::sleep_until(answer_at).await;
        asked
    }
}
