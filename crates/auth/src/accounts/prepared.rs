//! People whose password was hashed before: for a program that makes many of them. A hash takes as long as hundreds of
//! people do.

use chrono::NaiveDate;
use muster_kernel::audit::Origin;
use muster_kernel::db::{Db, Tx};
use muster_kernel::fault::Fault;
use muster_kernel::{Fields, UserId};

use super::{AccountError, Accounts, check_birth_date};
use crate::queries::NewUser;
use crate::{Beginning, Email, Password, Passwords, Roles, names};

/// The hash of a password that was judged.
#[derive(Clone)]
pub struct PasswordHash(String);

impl PasswordHash {
    pub(super) async fn of(passwords: &Passwords, password: Password) -> Result<PasswordHash, Fault> {
        Ok(PasswordHash(passwords.hash(password).await?))
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// Somebody who can sign in at once, with a password that was hashed before.
#[derive(Debug)]
pub struct Prepared<'a> {
    /// The first name.
    pub first_name: &'a str,
    /// The last name.
    pub last_name: &'a str,
    /// The address to sign in with.
    pub email: &'a Email,
    /// The date of birth, if it is known.
    pub date_of_birth: Option<NaiveDate>,
    /// The hash of the password.
    pub password: &'a PasswordHash,
    /// What they are in the club.
    pub roles: Roles,
    /// How their membership begins.
    pub beginning: Beginning,
}

impl Accounts {
    /// Judges a password that several people will have, and hashes it.
    ///
    /// # Errors
    /// When it would be guessed soon, or cannot be one.
    pub async fn prepare_password(&self, db: &Db, password: Password) -> Result<PasswordHash, AccountError> {
        let mut fields = Fields::new();
        self.judge(db, "/password", &password, [""; 3], &mut fields).await?;
        fields.done()?;
        Ok(PasswordHash::of(&self.passwords, password).await?)
    }

    /// Makes a person whose password was hashed before. As with [`create_person`](Self::create_person), nobody's
    /// permission is asked.
    ///
    /// # Errors
    /// When the address is taken, or a field is wrong.
    pub fn create_prepared(&self, tx: &mut Tx<'_>, person: &Prepared<'_>) -> Result<UserId, AccountError> {
        let Prepared { first_name, last_name, email, date_of_birth, password, roles, beginning } = *person;
        let mut fields = Fields::new();
        names::check(first_name, last_name, &mut fields);
        if let Some(day) = date_of_birth {
            check_birth_date("/date_of_birth", day, tx.now(), &mut fields);
        }
        fields.done()?;
        let new = NewUser {
            email: Some(email),
            first_name,
            last_name,
            date_of_birth,
            password_hash: Some(&password.0),
            email_verified: true,
            self_registered: false,
            roles,
        };
        self.create(tx, &new, beginning, &Origin::default())
    }
}
