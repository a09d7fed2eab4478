//! Registering. Whether an address has an account already is told to its owner alone, by mail.

use chrono::NaiveDate;
use muster_kernel::audit::Origin;
use muster_kernel::db::{Db, Tx};
use muster_kernel::{Client, Fields};
use tokio::time::Instant;

use super::{AccountError, Accounts, check_birth_date, record};
use crate::links::{self, Purpose};
use crate::models::Credentials;
use crate::queries::{self, NewUser};
use crate::throttle::MayMail;
use crate::{Beginning, Email, Password, Roles, mails, names};

/// What somebody tells of themselves when they register.
#[derive(Debug)]
pub struct Registration {
    /// The first name.
    pub first_name: String,
    /// The last name.
    pub last_name: String,
    /// The address to sign in with.
    pub email: String,
    /// The password.
    pub password: Password,
    /// The date of birth.
    pub date_of_birth: NaiveDate,
}

/// A registration whose fields are fine.
struct Checked {
    registration: Registration,
    email: Email,
    hash: String,
}

impl Accounts {
    /// Registers somebody, as a member whose membership is pending. It looks the same when the address is taken.
    ///
    /// # Errors
    /// When a field is wrong, or there were too many registrations.
    pub async fn register(
        &self,
        db: &Db,
        registration: Registration,
        client: Client,
        origin: Origin,
    ) -> Result<(), AccountError> {
        let Registration { first_name, last_name, email, password, date_of_birth } = &registration;
        let mut fields = Fields::new();
        names::check(first_name, last_name, &mut fields);
        let email = Email::check("/email", email, &mut fields);
        let known = [first_name.as_str(), last_name.as_str(), email.as_str()];
        self.judge(db, "/password", password, known, &mut fields).await?;
        check_birth_date("/date_of_birth", *date_of_birth, db.clock().now(), &mut fields);
        fields.done()?;
        let may_mail = self.throttle.request_mail("registration", email.as_str(), client.address)?;
        let hash = self.passwords.hash(password.clone()).await?;
        let answer_at = Instant::now() + super::ANSWER_AFTER;
        if may_mail == MayMail::Yes {
            let accounts = self.clone();
            let checked = Checked { registration, email, hash };
            db.write(move |tx| accounts.take_registration(tx, &checked, &origin)).await?;
        }
        tokio::time::sleep_until(answer_at).await;
        Ok(())
    }

    fn take_registration(
        &self,
        tx: &mut Tx<'_>,
        checked: &Checked,
        origin: &Origin,
    ) -> Result<(), AccountError> {
        let Checked { registration, email, hash } = checked;
        let new = NewUser {
            email: Some(email),
            first_name: &registration.first_name,
            last_name: &registration.last_name,
            date_of_birth: Some(registration.date_of_birth),
            password_hash: Some(hash),
            email_verified: false,
            self_registered: true,
            roles: Roles::MEMBER,
        };
        let there = match queries::lock_by_email(tx, email)? {
            Some(there) => Err(Some(there)),
            None => match self.create(tx, &new, Beginning::Pending, origin) {
                // Somebody was faster, and is there to be seen now.
                Err(AccountError::AddressTaken) => Err(queries::lock_by_email(tx, email)?),
                made => Ok(made?),
            },
        };
        let id = match there {
            Ok(new) => new,
            Err(None) => return Err(AccountError::AddressTaken),
            Err(Some(there)) if self.is_replaceable(tx, &there)? => {
                queries::replace(tx, there.id, &new)?;
                for hooks in self.hooks() {
                    hooks.renamed(tx, there.id)?;
                }
                record(tx, origin, "user.registered_again", there.id)?;
                there.id
            }
            Err(Some(there)) => {
                self.write_to(tx, |club| mails::address_taken(club, there.id, email.as_str()))?;
                return Ok(());
            }
        };
        // The link of an earlier registration would prove that one's password.
        let token = links::issue(tx, Purpose::Verify, Some(id), Some(email.as_str()))?;
        Ok(self.write_to(tx, |club| mails::verify_address(club, id, email.as_str(), &token))?)
    }

    /// A registration that nobody ever used may have been made by a stranger, and must not keep the owner of the
    /// address out.
    fn is_replaceable(&self, tx: &mut Tx<'_>, there: &Credentials) -> Result<bool, AccountError> {
        let unused = there.self_registered
            && there.is_active
            && there.last_sign_in_at.is_none()
            && there.email_verified_at.is_none();
        if !unused {
            return Ok(false);
        }
        for hooks in self.hooks() {
            if !hooks.may_replace(tx, there.id)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
