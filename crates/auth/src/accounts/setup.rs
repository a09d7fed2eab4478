//! The first admin of an empty club, made with a link that the program prints.

use muster_kernel::Fields;
use muster_kernel::audit::Origin;
use muster_kernel::db::{Db, DbResult};

use super::{AccountError, Accounts, has_no_admin};
use crate::links::{self, Purpose};
use crate::queries::NewUser;
use crate::{Beginning, Email, Password, Role, Roles, club, names};

/// What the first admin tells of themselves.
#[derive(Debug)]
pub struct FirstAdmin {
    /// The first name.
    pub first_name: String,
    /// The last name.
    pub last_name: String,
    /// The address to sign in with.
    pub email: String,
    /// The password.
    pub password: Password,
}

impl Accounts {
    /// A link that makes the first admin, where there is none; earlier ones hold no longer.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn setup_link(&self, db: &Db) -> DbResult<Option<String>> {
        let home = self.options.home.clone();
        db.write(move |tx| {
            if !has_no_admin(tx)? {
                return Ok(None);
            }
            let token = links::issue(tx, Purpose::Setup, None, None)?;
            Ok(Some(format!("{home}/account/setup#token={token}")))
        })
        .await
    }

    /// Makes the first admin.
    ///
    /// # Errors
    /// When the link holds no longer, the club has an admin by now, or a field is wrong.
    pub async fn set_up(
        &self,
        db: &Db,
        token: String,
        admin: FirstAdmin,
        origin: Origin,
    ) -> Result<(), AccountError> {
        let looked_for = token.clone();
        let link = db.read_one(move |conn| links::look(conn, &looked_for, &[Purpose::Setup])).await?;
        link.ok_or(AccountError::TokenInvalid)?;
        let FirstAdmin { first_name, last_name, email, password } = admin;
        let mut fields = Fields::new();
        names::check(&first_name, &last_name, &mut fields);
        let email = Email::check("/email", &email, &mut fields);
        let known = [first_name.as_str(), last_name.as_str(), email.as_str()];
        self.judge(db, "/password", &password, known, &mut fields).await?;
        fields.done()?;
        let hash = self.passwords.hash(password).await?;
        let accounts = self.clone();
        db.write(move |tx| {
            // Two who hold the link at once must not both find a club without an admin.
            club::lock(tx)?;
            let link = links::take(tx, &token, &[Purpose::Setup])?;
            if link.is_none() || !has_no_admin(tx)? {
                return Err(AccountError::TokenInvalid);
            }
            let new = NewUser {
                email: Some(&email),
                first_name: &first_name,
                last_name: &last_name,
                date_of_birth: None,
                password_hash: Some(&hash),
                email_verified: true,
                self_registered: false,
                roles: Roles::of([Role::Admin]),
            };
            accounts.create(tx, &new, Beginning::Active, &origin).map(drop)
        })
        .await
    }
}
