//! Changing a password, and choosing a new one in place of a forgotten one.

use muster_kernel::audit::Origin;
use muster_kernel::db::{Db, DbResult, Tx};
use muster_kernel::{Client, Fields, UserId};

use super::{AccountError, Accounts, not_the_password, record, still_open};
use crate::links::{self, Link, Purpose};
use crate::models::Credentials;
use crate::permissions::OwnAccount;
use crate::sessions::SessionId;
use crate::{Can, Email, Password, mails, queries};

/// With which links a password can be chosen.
const CHOOSING: &[Purpose] = &[Purpose::Reset, Purpose::Invitation];

impl Accounts {
    /// Changes one's own password. All other devices are signed out.
    ///
    /// # Errors
    /// When the old one is wrong, or the new one is none.
    pub async fn change_password(
        &self,
        db: &Db,
        can: Can<OwnAccount>,
        old: Password,
        new: Password,
        client: Client,
    ) -> Result<(), AccountError> {
        let user = can.user_id();
        self.judge_for(db, user, &new).await?;
        let fitted = self.prove_password(db, user, "/old_password", old, &client).await?;
        let hash = self.passwords.hash(new).await?;
        let accounts = self.clone();
        db.write(move |tx| {
            // Somebody may have been faster with another new one.
            if still_open(tx, user)?.password_hash != fitted {
                return Err(not_the_password("/old_password").into());
            }
            let session = can.actor().session();
            Ok(accounts.set_password(tx, user, &hash, session, can.origin())?)
        })
        .await
    }

    /// Chooses a password with the link of a mail, which also proves the address. All devices are signed out.
    ///
    /// # Errors
    /// When the link holds no longer, or the password is none.
    pub async fn reset_password(
        &self,
        db: &Db,
        token: String,
        new: Password,
        origin: Origin,
    ) -> Result<(), AccountError> {
        // Looked at first, so that a made-up link costs no hashing.
        let looked_for = token.clone();
        let link = db.read_one(move |conn| links::look(conn, &looked_for, CHOOSING)).await?;
        let user = link.and_then(|link| link.user_id).ok_or(AccountError::TokenInvalid)?;
        self.judge_for(db, user, &new).await?;
        let hash = self.passwords.hash(new).await?;
        let accounts = self.clone();
        db.write(move |tx| {
            let Some(Link { user_id: Some(user), email, .. }) = links::take(tx, &token, CHOOSING)? else {
                return Err(AccountError::TokenInvalid);
            };
            let there = queries::lock_credentials(tx, user)?.filter(|there| there.is_active);
            let there = there.ok_or(AccountError::TokenInvalid)?;
            accounts.prove_address(tx, &there, email.as_deref())?;
            let origin = Origin { actor: Some(user), ..origin.clone() };
            Ok(accounts.set_password(tx, user, &hash, None, &origin)?)
        })
        .await
    }

    /// Whoever followed the link has the mail: the address is theirs, and so it becomes for those who had none.
    fn prove_address(
        &self,
        tx: &mut Tx<'_>,
        there: &Credentials,
        proven: Option<&str>,
    ) -> Result<(), AccountError> {
        let proven = proven.and_then(|email| Email::parse(email).ok()).ok_or(AccountError::TokenInvalid)?;
        match there.email.as_deref() {
            None => {
                let given = tx.attempt(|tx| queries::set_email(tx, there.id, &proven, true));
                given.map_err(|e| if e.is_unique_violation() { AccountError::TokenInvalid } else { e.into() })
            }
            Some(email) if email != proven.as_str() => Err(AccountError::TokenInvalid),
            Some(_) if there.email_verified_at.is_none() => Ok(queries::verified(tx, there.id)?),
            Some(_) => Ok(()),
        }
    }

    async fn judge_for(&self, db: &Db, user: UserId, new: &Password) -> Result<(), AccountError> {
        let found = db.read_one(move |conn| queries::find(conn, user)).await?;
        let known = found.map(|user| [user.first_name, user.last_name, user.email.unwrap_or_default()]);
        let known = known.unwrap_or_default();
        let mut fields = Fields::new();
        self.judge(db, "/new_password", new, [&known[0], &known[1], &known[2]], &mut fields).await?;
        Ok(fields.done()?)
    }

    fn set_password(
        &self,
        tx: &mut Tx<'_>,
        user: UserId,
        hash: &str,
        but: Option<SessionId>,
        origin: &Origin,
    ) -> DbResult<()> {
        queries::set_password(tx, user, hash)?;
        links::forget(tx, user, &[Purpose::Verify, Purpose::Reset, Purpose::Invitation])?;
        self.sessions.end_all(tx, user, but, origin)?;
        record(tx, origin, "user.password_changed", user)?;
        match queries::credentials_of(tx, user)?.and_then(|there| there.email) {
            Some(to) => self.write_to(tx, |club| mails::password_changed(club, user, &to)),
            None => Ok(()),
        }
    }
}
