//! People: making the first admin, signing in, and who stands behind a token.

use std::sync::Arc;

use muster_kernel::audit::{self, Event, Origin};
use muster_kernel::db::{Conn, Db, DbError, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::{Fields, Timestamp, UserId};

use crate::models::User;
use crate::queries::{self, NewUser};
use crate::{Actor, Beginning, Email, Fit, Keyring, Password, Passwords, PersonHooks, Roles};

/// The service for people. It cannot be made without saying which domains have a part in what happens to them.
#[derive(Clone)]
pub struct Accounts {
    hooks: Arc<[Arc<dyn PersonHooks>]>,
    passwords: Passwords,
    keys: Arc<Keyring>,
}

/// Somebody who just signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The token for the next requests.
    pub access_token: String,
    /// Who it is.
    pub user: User,
    /// As what.
    pub roles: Roles,
}

/// Somebody who can sign in at once.
#[derive(Debug)]
pub struct NewPerson {
    /// The address to sign in with.
    pub email: String,
    /// The first name.
    pub first_name: String,
    /// The last name.
    pub last_name: String,
    /// The password.
    pub password: Password,
    /// What they are in the club.
    pub roles: Roles,
}

/// Why an account could not be made or used.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The address, or the password, is wrong.
    #[error("the e-mail address or the password is wrong")]
    BadCredentials,
    /// The address has an account.
    #[error("there is an account with this e-mail address")]
    AddressTaken,
    /// Something in the request is wrong.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<AccountError> for Fault {
    fn from(error: AccountError) -> Fault {
        match error {
            AccountError::BadCredentials => {
                Fault::new(Code::BadCredentials, "Check the e-mail address and the password.")
            }
            AccountError::AddressTaken => {
                Fault::new(Code::AlreadyExists, "There is an account with this e-mail address already.")
            }
            AccountError::Fault(fault) => fault,
            AccountError::Db(e) => e.into(),
        }
    }
}

impl Accounts {
    /// The service, with every domain's part in it.
    pub fn new(passwords: Passwords, keys: Keyring, hooks: Vec<Arc<dyn PersonHooks>>) -> Accounts {
        Accounts { hooks: hooks.into(), passwords, keys: Arc::new(keys) }
    }

    /// Makes a person who can sign in at once, with an active membership. Nobody's permission is asked: it is for
    /// the command line and for programs whose caller holds the server.
    ///
    /// # Errors
    /// When the address is taken, or a field is wrong.
    pub async fn create_person(&self, db: &Db, person: NewPerson) -> Result<UserId, AccountError> {
        let NewPerson { email: typed, first_name, last_name, password, roles } = person;
        let mut fields = Fields::new();
        let email = Email::parse(&typed);
        fields.must(email.is_ok(), "/email", "invalid", "This is not an e-mail address.");
        fields.text("/first_name", &first_name, 1..=80);
        fields.text("/last_name", &last_name, 1..=80);
        let personal = [first_name.as_str(), &last_name, &typed];
        self.passwords.judge(&password, "/password", &personal, &mut fields).await?;
        fields.done()?;
        let Ok(email) = email else { return Err(AccountError::BadCredentials) };
        let hash = self.passwords.hash(password).await?;
        let accounts = self.clone();
        db.write(move |tx| {
            let new = NewUser {
                email: &email,
                first_name: &first_name,
                last_name: &last_name,
                password_hash: &hash,
                roles,
            };
            accounts.create(tx, &new, Beginning::Active)
        })
        .await
    }

    fn create(
        &self,
        tx: &mut Tx<'_>,
        new: &NewUser<'_>,
        beginning: Beginning,
    ) -> Result<UserId, AccountError> {
        let id = tx.attempt(|tx| queries::insert(tx, new)).map_err(|e: DbError| {
            if e.is_unique_violation() { AccountError::AddressTaken } else { e.into() }
        })?;
        for hooks in &*self.hooks {
            hooks.created(tx, id, beginning)?;
        }
        let event = Event { action: "user.created", object_type: "user", object_id: id.0, reason: None };
        audit::append(tx, &Origin::default(), event)?;
        Ok(id)
    }

    /// Signs somebody in.
    ///
    /// # Errors
    /// [`AccountError::BadCredentials`] whatever is wrong: the address, the password, or the account.
    pub async fn sign_in(&self, db: &Db, email: &str, password: Password) -> Result<SignedIn, AccountError> {
        let found = match Email::parse(email) {
            Ok(email) => db.read_one(move |conn| queries::credentials(conn, &email)).await?,
            Err(_) => None,
        };
        let hash = found.as_ref().filter(|c| c.is_active).and_then(|c| c.password_hash.clone());
        let fit = self.passwords.verify(password, hash).await?;
        let id = found.filter(|_| fit != Fit::No).ok_or(AccountError::BadCredentials)?.id;
        let (user, roles) =
            db.read(move |conn| profile(conn, id)).await?.ok_or(AccountError::BadCredentials)?;
        let access_token = self.keys.sign(id, db.clock().now()).map_err(Fault::internal)?;
        Ok(SignedIn { access_token, user, roles })
    }

    /// Who is behind an access token; `None` for every kind of wrong one, and for those who may no longer act.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn authenticate(&self, db: &Db, token: &str, origin: Origin) -> DbResult<Option<Actor>> {
        let Some(id) = self.verify(token, db.clock().now()) else { return Ok(None) };
        let standing = db.read_one(move |conn| queries::standing(conn, id)).await?;
        Ok(match standing {
            Some((true, roles)) => Some(Actor::new(id, roles, origin)),
            _ => None,
        })
    }

    fn verify(&self, token: &str, now: Timestamp) -> Option<UserId> {
        self.keys.verify(token, now)
    }
}

fn profile(conn: &mut Conn, id: UserId) -> DbResult<Option<(User, Roles)>> {
    let Some(user) = queries::find(conn, id)? else { return Ok(None) };
    let roles = queries::roles(conn, id)?;
    Ok(Some((user, roles)))
}

/// True while the club has nobody who could run it.
///
/// # Errors
/// When the database fails.
pub fn has_no_admin(conn: &mut Conn) -> DbResult<bool> {
    Ok(queries::active_admins(conn)? == 0)
}
