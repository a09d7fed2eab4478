//! Accounts: how somebody comes to one, signs in to it, and proves that it is theirs.

mod addresses;
mod letters;
mod newcomers;
mod passwords;
mod prepared;
mod registration;
mod second_factor;
mod setup;
mod signing_in;

use std::sync::Arc;
use std::time::Duration;

pub use addresses::MailRequests;
use muster_kernel::audit::{self, Event, Origin};
use muster_kernel::db::{Conn, Db, DbError, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::mail::{self, Mail};
use muster_kernel::{Client, Fields, Timestamp, UserId};
pub use newcomers::Newcomer;
pub use prepared::{PasswordHash, Prepared};
pub use registration::Registration;
pub use second_factor::{Enrolment, FactorState};
pub use setup::FirstAdmin;
pub use signing_in::{SignIn, SignedIn};

use crate::mails::Letterhead;
use crate::models::Credentials;
use crate::queries::{self, NewUser};
use crate::sessions::Sessions;
use crate::throttle::Throttle;
use crate::{Beginning, Email, Keyring, Password, Passwords, PersonHooks, Roles, club, names};

/// What is done about an address takes a few statements more or less when it is taken. The answer comes after this time
/// at the earliest, which is longer than either, so that nobody learns by waiting which it was.
pub(crate) const ANSWER_AFTER: Duration = Duration::from_millis(100);

/// The service for accounts. It cannot be made without saying which domains have a part in what happens to people.
#[derive(Clone)]
pub struct Accounts {
    hooks: Arc<[Arc<dyn PersonHooks>]>,
    passwords: Passwords,
    sessions: Sessions,
    throttle: Throttle,
    options: Arc<AccountOptions>,
}

/// What accounts are like in this installation.
#[derive(Debug, Clone)]
pub struct AccountOptions {
    /// The address that people use, without a slash at its end: links in mails begin with it.
    pub home: String,
    /// Whether an address has to be proven before the first sign-in: where mail is delivered.
    pub verify_addresses: bool,
    /// Whether attempts are counted and limited.
    pub throttle: bool,
}

impl Default for AccountOptions {
    fn default() -> Self {
        AccountOptions { home: "http://localhost".into(), verify_addresses: false, throttle: true }
    }
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
    /// They are right, but the address has not been proven yet.
    #[error("the e-mail address is not verified yet")]
    EmailUnverified,
    /// They are right, and a code of the second factor is missing.
    #[error("a code of the second factor is required")]
    TotpRequired,
    /// A token is forged, expired, used, or of a session that is over.
    #[error("the session is over")]
    SessionOver,
    /// A link is wrong, used or expired.
    #[error("the link is no longer valid")]
    TokenInvalid,
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
        let (code, detail) = match error {
            AccountError::BadCredentials => {
                (Code::BadCredentials, "Check the e-mail address and the password.")
            }
            AccountError::EmailUnverified => {
                (Code::EmailUnverified, "Follow the link in the mail we sent you, or ask for another one.")
            }
            AccountError::TotpRequired => {
                (Code::TotpRequired, "Send `totp` as well: a code of your app, or a recovery code.")
            }
            AccountError::SessionOver => (Code::Unauthenticated, "Sign in again."),
            AccountError::TokenInvalid => (
                Code::TokenInvalid,
                "It was used before, is too old, or was not copied whole; ask for a new one.",
            ),
            AccountError::AddressTaken => {
                (Code::AlreadyExists, "There is an account with this e-mail address already.")
            }
            AccountError::Fault(fault) => return fault,
            AccountError::Db(e) => return e.into(),
        };
        Fault::new(code, detail)
    }
}

impl Accounts {
    /// The service, with every domain's part in it.
    pub fn new(
        passwords: Passwords,
        keys: Keyring,
        hooks: Vec<Arc<dyn PersonHooks>>,
        options: AccountOptions,
    ) -> Accounts {
        Accounts {
            hooks: hooks.into(),
            passwords,
            sessions: Sessions::new(keys),
            throttle: Throttle::new(options.throttle),
            options: Arc::new(options),
        }
    }

    /// Looks for keys that were added to the secret file meanwhile.
    ///
    /// # Errors
    /// When the file cannot be read or understood; the keys are those of before.
    pub fn reload_keys(&self) -> Result<(), crate::KeyringError> {
        self.sessions.keys().reload()
    }

    /// Where the club's server is, as links tell it.
    pub fn home(&self) -> &str {
        &self.options.home
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    pub(crate) fn hooks(&self) -> &[Arc<dyn PersonHooks>] {
        &self.hooks
    }

    /// Makes a person who can sign in at once, with an active membership. Nobody's permission is asked: it is for
    /// the command line and for programs whose caller holds the server.
    ///
    /// # Errors
    /// When the address is taken, or a field is wrong.
    pub async fn create_person(&self, db: &Db, person: NewPerson) -> Result<UserId, AccountError> {
        let NewPerson { email, first_name, last_name, password, roles } = person;
        let mut fields = Fields::new();
        let email = Email::check("/email", &email, &mut fields);
        names::check(&first_name, &last_name, &mut fields);
        let known = [first_name.as_str(), last_name.as_str(), email.as_str()];
        self.judge(db, "/password", &password, known, &mut fields).await?;
        fields.done()?;
        let password = PasswordHash::of(&self.passwords, password).await?;
        let accounts = self.clone();
        db.write(move |tx| {
            let person = Prepared {
                first_name: &first_name,
                last_name: &last_name,
                email: &email,
                date_of_birth: None,
                password: &password,
                roles,
                beginning: Beginning::Active,
            };
            accounts.create_prepared(tx, &person)
        })
        .await
    }

    /// Makes a person, with every domain's part in it.
    pub(crate) fn create(
        &self,
        tx: &mut Tx<'_>,
        new: &NewUser<'_>,
        beginning: Beginning,
        origin: &Origin,
    ) -> Result<UserId, AccountError> {
        let id = tx.attempt(|tx| queries::insert(tx, new)).map_err(|e: DbError| {
            if e.is_unique_violation() { AccountError::AddressTaken } else { e.into() }
        })?;
        for hooks in self.hooks() {
            hooks.created(tx, id, beginning, origin.actor)?;
        }
        record(tx, origin, "user.created", id)?;
        Ok(id)
    }

    /// Writes to somebody, once this transaction is durable.
    pub(crate) fn write_to(
        &self,
        tx: &mut Tx<'_>,
        letter: impl FnOnce(&Letterhead<'_>) -> Mail,
    ) -> DbResult<()> {
        let club = club::settings(tx)?.name;
        mail::send(tx, &letter(&Letterhead { club: &club, home: &self.options.home }))
    }

    /// Says what is wrong with a new password: also that it is made of what others know of the person or the club.
    pub(crate) async fn judge(
        &self,
        db: &Db,
        pointer: &str,
        password: &Password,
        known: [&str; 3],
        fields: &mut Fields,
    ) -> Result<(), Fault> {
        let club = db.read_one(club::settings).await?.name;
        let [first_name, last_name, email] = known;
        self.passwords.judge(password, pointer, &[first_name, last_name, email, &club], fields).await
    }

    /// Proves once more that whoever is signed in knows the password, for what a borrowed phone must not do; gives the
    /// hash that it fitted.
    pub(crate) async fn prove_password(
        &self,
        db: &Db,
        user: UserId,
        pointer: &'static str,
        password: Password,
        client: &Client,
    ) -> Result<Option<String>, AccountError> {
        let attempt = self.throttle.sign_in(&format!("user {user}"), client.address)?;
        tokio::time::sleep(attempt.delay()).await;
        let found = db.read_one(move |conn| queries::credentials_of(conn, user)).await?;
        let hash = found.and_then(|found| found.password_hash);
        if !self.passwords.verify(password, hash.clone()).await?.is_right() {
            return Err(not_the_password(pointer).into());
        }
        attempt.succeeded();
        Ok(hash)
    }
}

pub(crate) fn not_the_password(pointer: &str) -> Fault {
    Fault::field(pointer, "wrong", "This is not your password.")
}

/// The account of whoever is signed in, locked. It may have been closed, or its owner erased, since the request
/// began: then nothing of it is kept any more.
pub(crate) fn still_open(tx: &mut Tx<'_>, user: UserId) -> Result<Credentials, AccountError> {
    let there = queries::lock_credentials(tx, user)?.filter(|there| there.is_active);
    there.ok_or(AccountError::SessionOver)
}

/// Records what happened to somebody.
pub(crate) fn record(tx: &mut Tx<'_>, origin: &Origin, action: &str, user: UserId) -> DbResult<()> {
    audit::append(tx, origin, Event { action, object_type: "user", object_id: user.0, reason: None })
}

/// Checks a birth date: in the past, and of somebody who can be alive.
pub(crate) fn check_birth_date(pointer: &str, day: chrono::NaiveDate, now: Timestamp, fields: &mut Fields) {
    let today = now.utc().date_naive();
    let oldest = today - chrono::Months::new(12 * 130);
    fields.must(
        (oldest..=today).contains(&day),
        pointer,
        "out_of_range",
        "A day in the past, within a lifetime.",
    );
}

/// True while nobody has come to the club: it is new.
///
/// # Errors
/// When the database fails.
pub fn is_new_club(conn: &mut Conn) -> DbResult<bool> {
    queries::nobody(conn)
}

/// True while the club has nobody who could run it.
///
/// # Errors
/// When the database fails.
pub fn has_no_admin(conn: &mut Conn) -> DbResult<bool> {
    Ok(queries::active_admins(conn)? == 0)
}
