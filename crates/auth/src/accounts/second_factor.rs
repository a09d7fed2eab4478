//! Setting up a second factor, and taking it away.

use muster_kernel::Client;
use muster_kernel::db::{Conn, Db, DbResult};
use muster_kernel::fault::{Code, Fault};

use super::{AccountError, Accounts, record, still_open};
use crate::permissions::OwnAccount;
use crate::totp::{self, Secret};
use crate::{Can, Password, club, mails, queries, second_factors};

/// What an app needs to make codes.
#[derive(Debug)]
pub struct Enrolment {
    /// For those who type it.
    pub secret: Secret,
    /// For those who scan it: the content of a QR code.
    pub uri: String,
}

/// How somebody's second factor stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactorState {
    /// Whether a code is asked for at the sign-in.
    pub enabled: bool,
    /// Whether the club asks one of their roles.
    pub required: bool,
    /// How many recovery codes are left.
    pub recovery_codes_left: i64,
}

impl Accounts {
    /// How one's own second factor stands.
    ///
    /// # Errors
    /// When the database fails.
    pub fn second_factor(conn: &mut Conn, can: &Can<OwnAccount>) -> DbResult<FactorState> {
        let asked = club::settings(conn)?.policies.require_totp_for;
        Ok(FactorState {
            enabled: second_factors::is_on(conn, can.user_id())?,
            required: asked.into_iter().any(|role| can.actor().all_roles().has(role)),
            recovery_codes_left: second_factors::recovery_codes_left(conn, can.user_id())?,
        })
    }

    /// Begins setting up a second factor. It asks nothing until it is confirmed.
    ///
    /// # Errors
    /// When the password is wrong, or there is one already.
    pub async fn begin_second_factor(
        &self,
        db: &Db,
        can: Can<OwnAccount>,
        password: Password,
        client: Client,
    ) -> Result<Enrolment, AccountError> {
        self.prove_password(db, can.user_id(), "/password", password, &client).await?;
        db.write(move |tx| {
            let user = can.user_id();
            let account = still_open(tx, user)?.email.unwrap_or_default();
            if second_factors::is_on(tx, user)? {
                let detail = "There is a second factor already; take that away first.";
                return Err(Fault::new(Code::InvalidState, detail).into());
            }
            let secret = Secret::generate();
            second_factors::begin(tx, user, &secret)?;
            let club = club::settings(tx)?.name;
            Ok(Enrolment { uri: secret.provisioning_uri(&club, &account), secret })
        })
        .await
    }

    /// Confirms it with a first code, and gives the recovery codes: they are shown this once.
    ///
    /// # Errors
    /// When the code is wrong, or nothing was begun.
    pub async fn confirm_second_factor(
        &self,
        db: &Db,
        can: Can<OwnAccount>,
        code: String,
    ) -> Result<Vec<String>, AccountError> {
        let tried = self.throttle.code(can.user_id())?;
        let accounts = self.clone();
        let codes = db
            .write::<_, AccountError, _>(move |tx| {
                let user = can.user_id();
                second_factors::confirm(tx, user, &code)?;
                let codes = totp::recovery_codes();
                second_factors::set_recovery_codes(tx, user, &codes)?;
                accounts.factor_changed(tx, &can, true)?;
                Ok(codes)
            })
            .await?;
        tried.fitted();
        Ok(codes)
    }

    /// Gives new recovery codes; the old ones hold no longer.
    ///
    /// # Errors
    /// When the password is wrong, or there is no second factor.
    pub async fn renew_recovery_codes(
        &self,
        db: &Db,
        can: Can<OwnAccount>,
        password: Password,
        client: Client,
    ) -> Result<Vec<String>, AccountError> {
        self.prove_password(db, can.user_id(), "/password", password, &client).await?;
        db.write(move |tx| {
            let user = can.user_id();
            if !second_factors::is_on(tx, user)? {
                return Err(Fault::new(Code::InvalidState, "There is no second factor to recover.").into());
            }
            let codes = totp::recovery_codes();
            second_factors::set_recovery_codes(tx, user, &codes)?;
            record(tx, can.origin(), "user.recovery_codes_renewed", user)?;
            Ok(codes)
        })
        .await
    }

    /// Takes one's own second factor away.
    ///
    /// # Errors
    /// When the password is wrong.
    pub async fn remove_second_factor(
        &self,
        db: &Db,
        can: Can<OwnAccount>,
        password: Password,
        client: Client,
    ) -> Result<(), AccountError> {
        self.prove_password(db, can.user_id(), "/password", password, &client).await?;
        let accounts = self.clone();
        db.write(move |tx| {
            if second_factors::remove(tx, can.user_id())? {
                accounts.factor_changed(tx, &can, false)?;
            }
            Ok(())
        })
        .await
    }

    fn factor_changed(
        &self,
        tx: &mut muster_kernel::db::Tx<'_>,
        can: &Can<OwnAccount>,
        on: bool,
    ) -> DbResult<()> {
        let user = can.user_id();
        let action = if on { "user.second_factor_set" } else { "user.second_factor_removed" };
        record(tx, can.origin(), action, user)?;
        self.sessions.forget_standings(tx);
        match queries::credentials_of(tx, user)?.and_then(|there| there.email) {
            Some(to) => self.write_to(tx, |club| mails::second_factor_changed(club, user, &to, on)),
            None => Ok(()),
        }
    }
}
