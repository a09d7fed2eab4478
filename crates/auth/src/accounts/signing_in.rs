//! Signing in, staying signed in, signing out.

use muster_kernel::audit::Origin;
use muster_kernel::db::{Db, DbResult, Tx};
use muster_kernel::{Client, UserId};

use super::{AccountError, Accounts};
use crate::models::{Credentials, User};
use crate::password::Fit;
use crate::sessions::Tokens;
use crate::{Actor, Email, Password, Roles, queries, second_factors};

/// What somebody signs in with.
#[derive(Debug)]
pub struct SignIn {
    /// The address.
    pub email: String,
    /// The password.
    pub password: Password,
    /// A code of the second factor, for those who have one.
    pub totp: Option<String>,
}

/// Somebody who just signed in, or stays signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The tokens for what comes next.
    pub tokens: Tokens,
    /// Who it is.
    pub user: User,
    /// As what.
    pub roles: Roles,
}

impl Accounts {
    /// Signs somebody in.
    ///
    /// # Errors
    /// [`AccountError::BadCredentials`] whatever is wrong: the address, the password, the code, or the account. With
    /// the right password also that the address is unproven, or that a code is missing.
    pub async fn sign_in(
        &self,
        db: &Db,
        sign_in: SignIn,
        client: Client,
        origin: Origin,
    ) -> Result<SignedIn, AccountError> {
        let SignIn { email, password, totp } = sign_in;
        let email = Email::parse(&email);
        let account = email.as_ref().map_or("", Email::as_str);
        let attempt = self.throttle.sign_in(account, client.address)?;
        tokio::time::sleep(attempt.delay()).await;

        let found = match email {
            Ok(email) => db.read_one(move |conn| queries::credentials(conn, &email)).await?,
            Err(_) => None,
        };
        let hash = found.as_ref().filter(|c| c.is_active).and_then(|c| c.password_hash.clone());
        let fit = self.passwords.verify(password.clone(), hash).await?;
        let found = found.filter(|_| fit.is_right()).ok_or(AccountError::BadCredentials)?;
        if self.options.verify_addresses && found.email_verified_at.is_none() {
            attempt.succeeded();
            return Err(AccountError::EmailUnverified);
        }
        let stronger = match fit {
            Fit::Outdated => Some(self.passwords.hash(password).await?),
            _ => None,
        };
        let tried = totp.as_ref().map(|_| self.throttle.code(found.id)).transpose()?;
        let accounts = self.clone();
        let signed_in = db
            .write(move |tx| {
                accounts.begin_session(tx, &found, stronger.as_deref(), totp.as_deref(), &client, &origin)
            })
            .await?;
        attempt.succeeded();
        if let Some(tried) = tried {
            tried.fitted();
        }
        Ok(signed_in)
    }

    fn begin_session(
        &self,
        tx: &mut Tx<'_>,
        seen: &Credentials,
        stronger: Option<&str>,
        totp: Option<&str>,
        client: &Client,
        origin: &Origin,
    ) -> Result<SignedIn, AccountError> {
        // While the password was verified the account may have been closed, or the password changed.
        let now = queries::lock_credentials(tx, seen.id)?.filter(|now| now.is_active);
        now.filter(|now| now.password_hash == seen.password_hash).ok_or(AccountError::BadCredentials)?;
        second_factors::admit(tx, seen.id, totp)?;
        if let Some(hash) = stronger {
            queries::set_password(tx, seen.id, hash)?;
        }
        queries::signed_in(tx, seen.id)?;
        let tokens = self.sessions.begin(tx, seen.id, client, origin)?;
        signed_in(tx, seen.id, tokens)?.ok_or(AccountError::BadCredentials)
    }

    /// The next tokens of a session.
    ///
    /// # Errors
    /// [`AccountError::SessionOver`] for every kind of token that is none.
    pub async fn refresh(&self, db: &Db, token: String, origin: Origin) -> Result<SignedIn, AccountError> {
        let sessions = self.sessions.clone();
        let refreshed = db
            .write::<_, AccountError, _>(move |tx| {
                // A reused token ends its session, which has to be committed: so it is no error in here.
                let Some((user, tokens)) = sessions.refresh(tx, &token, &origin)? else { return Ok(None) };
                Ok(signed_in(tx, user, tokens)?.filter(|s| s.user.is_active))
            })
            .await?;
        refreshed.ok_or(AccountError::SessionOver)
    }

    /// Signs somebody out: the session they are signed in by, and that of the refresh token they show.
    ///
    /// # Errors
    /// When there is neither, or the database fails.
    pub async fn sign_out(
        &self,
        db: &Db,
        actor: Option<Actor>,
        token: Option<String>,
        origin: Origin,
    ) -> Result<(), AccountError> {
        if actor.is_none() && token.is_none() {
            return Err(AccountError::SessionOver);
        }
        let sessions = self.sessions.clone();
        db.write(move |tx| {
            if let Some(actor) = &actor {
                sessions.end_own(tx, actor)?;
            }
            if let Some(token) = &token {
                sessions.end_by_token(tx, token, &origin)?;
            }
            Ok(())
        })
        .await
    }

    /// Who is behind an access token; `None` for every kind of wrong one, and for those who may no longer act.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn authenticate(&self, db: &Db, token: &str, origin: Origin) -> DbResult<Option<Actor>> {
        self.sessions.authenticate(db, token, origin).await
    }
}

fn signed_in(tx: &mut Tx<'_>, id: UserId, tokens: Tokens) -> DbResult<Option<SignedIn>> {
    Ok(queries::profile(tx, id)?.map(|(user, roles)| SignedIn { tokens, user, roles }))
}
