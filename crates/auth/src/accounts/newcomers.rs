//! People whom the club brings along in a list.

use chrono::NaiveDate;
use muster_kernel::db::Tx;
use muster_kernel::{Fields, UserId};

use super::{AccountError, Accounts, check_birth_date};
use crate::permissions::ImportMembers;
use crate::queries::NewUser;
use crate::{Beginning, Can, Email, Roles, names};

/// Somebody in a list.
#[derive(Debug)]
pub struct Newcomer<'a> {
    /// The first name.
    pub first_name: &'a str,
    /// The last name.
    pub last_name: &'a str,
    /// The address, if they have one.
    pub email: Option<&'a Email>,
    /// The date of birth, if it is known.
    pub date_of_birth: Option<NaiveDate>,
    /// How their membership begins.
    pub beginning: Beginning,
}

impl Accounts {
    /// Makes somebody of a list a member. They get no mail: with "forgot password" they choose one, which also proves
    /// the address.
    ///
    /// # Errors
    /// When a field is wrong, or the address is taken.
    pub fn bring_along(
        &self,
        tx: &mut Tx<'_>,
        can: &Can<ImportMembers>,
        newcomer: &Newcomer<'_>,
    ) -> Result<UserId, AccountError> {
        let Newcomer { first_name, last_name, email, date_of_birth, beginning } = *newcomer;
        let mut fields = Fields::new();
        names::check(first_name, last_name, &mut fields);
        if let Some(day) = date_of_birth {
            check_birth_date("/date_of_birth", day, tx.now(), &mut fields);
        }
        fields.done()?;
        let new = NewUser {
            email,
            first_name,
            last_name,
            date_of_birth,
            password_hash: None,
            email_verified: false,
            // So that no registration takes its place.
            self_registered: false,
            roles: Roles::MEMBER,
        };
        self.create(tx, &new, beginning, can.origin())
    }
}
