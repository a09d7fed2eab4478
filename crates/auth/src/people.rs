//! The people of the club: seeing them, inviting them, giving them roles, closing their accounts.

mod edit;
mod list;
pub(crate) mod queries;
mod words;

pub use edit::{PresenceShown, UserPatch};
pub use list::{Filter, Listed, Order, count, list};
use muster_kernel::db::{Conn, Db, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::{Expected, Fields, Timestamp, UserId};
pub use words::Words;

use tokio::time::Instant;

use crate::accounts::{ANSWER_AFTER, AccountError, check_birth_date, record};
use crate::links::{self, Purpose};
use crate::models::User;
use crate::permissions::{
    DeactivateUsers, EditUsers, GiveRoles, InviteUsers, ReadUsers, ResetPasswords, ResetSecondFactors,
};
use crate::queries::NewUser;
use crate::{
    Accounts, Beginning, Can, Email, Role, Roles, Scope, club, guardians, mails, names, second_factors,
};

/// Somebody to be invited.
#[derive(Debug)]
pub struct Invitation {
    /// The first name.
    pub first_name: String,
    /// The last name.
    pub last_name: String,
    /// The address that the invitation goes to; none for those who do not sign in.
    pub email: Option<String>,
    /// What they are in the club.
    pub roles: Roles,
    /// The date of birth, if it is known.
    pub date_of_birth: Option<chrono::NaiveDate>,
}

/// How long a link holds that the club's staff had sent.
const RESET_BY_STAFF: chrono::TimeDelta = chrono::TimeDelta::hours(24);

const ERASED: &str = "This person was erased.";

/// Somebody with their roles, if the caller may see them.
///
/// # Errors
/// When there is nobody with this id whom the caller may see.
pub fn find(
    conn: &mut Conn,
    can: &Can<ReadUsers>,
    id: UserId,
    now: Timestamp,
) -> Result<(User, Roles), Fault> {
    if !is_within(conn, can, id, now)? {
        return Err(Fault::not_found());
    }
    crate::queries::profile(conn, id)?.ok_or_else(Fault::not_found)
}

/// Whether a permission reaches somebody: everybody, oneself, or those one is guardian of.
///
/// # Errors
/// When the database fails.
pub fn is_within<P>(conn: &mut Conn, can: &Can<P>, id: UserId, now: Timestamp) -> DbResult<bool> {
    Ok(match can.scope() {
        Scope::All => true,
        Scope::Own => id == can.user_id(),
        Scope::Wards => id == can.user_id() || guardians::is_ward_of(conn, id, can.user_id(), now)?,
    })
}

/// Refuses what a permission does not reach to: whom the caller sees, they may not do this to, and are told why;
/// whom they do not see is not there.
///
/// # Errors
/// When it does not reach to this person, or the database fails.
pub fn must_be_within<P>(
    conn: &mut Conn,
    can: &Can<P>,
    id: UserId,
    now: Timestamp,
    why: &'static str,
) -> Result<(), Fault> {
    if is_within(conn, can, id, now)? {
        return Ok(());
    }
    let seen = match can.actor().can::<ReadUsers>() {
        Ok(can) => is_within(conn, &can, id, now)? && queries::is_known(conn, id)?,
        Err(_) => false,
    };
    Err(if seen { Fault::new(Code::Forbidden, why) } else { Fault::not_found() })
}

/// Keeps somebody from being erased or changed until the transaction ends: for what another domain writes of them.
///
/// # Errors
/// When there is nobody with this id, or they were erased.
pub fn hold(tx: &mut Tx<'_>, id: UserId) -> Result<(), Fault> {
    match queries::lock(tx, id)? {
        None => Err(Fault::not_found()),
        Some(None) => Ok(()),
        Some(Some(_)) => Err(Fault::new(Code::InvalidState, ERASED)),
    }
}

/// The row of somebody who is to be changed, with their roles; nobody else changes it until the transaction ends.
pub(crate) fn lock(tx: &mut Tx<'_>, id: UserId) -> Result<(User, Roles), Fault> {
    hold(tx, id)?;
    crate::queries::profile(tx, id)?.ok_or_else(Fault::not_found)
}

/// The club is never without an admin who can act. Called with the club locked, before one is lost.
pub(crate) fn keep_an_admin(tx: &mut Tx<'_>, user: &User, roles: Roles) -> Result<(), Fault> {
    let counts = roles.has(Role::Admin) && user.is_active;
    if counts && crate::queries::active_admins(tx)? <= 1 {
        return Err(Fault::new(Code::LastAdmin, "Make somebody else an admin first."));
    }
    Ok(())
}

/// A treasurer keeps the books, not the admins.
fn may_touch<P>(can: &Can<P>, roles: Roles) -> Result<(), Fault> {
    if roles.has(Role::Admin) && !can.actor().roles().has(Role::Admin) {
        return Err(Fault::new(Code::Forbidden, "Only an admin can do this to an admin."));
    }
    Ok(())
}

fn shown(tx: &mut Tx<'_>, id: UserId) -> Result<(User, Roles), Fault> {
    crate::queries::profile(tx, id)?.ok_or_else(Fault::not_found)
}

impl Accounts {
    /// Invites somebody, who is an active member from now on, and can choose a password with the link of a mail.
    ///
    /// # Errors
    /// When a field is wrong, or the address is taken.
    pub fn invite(
        &self,
        tx: &mut Tx<'_>,
        can: &Can<InviteUsers>,
        invitation: &Invitation,
    ) -> Result<(User, Roles), AccountError> {
        self.sessions().confirm(tx, can)?;
        let Invitation { first_name, last_name, email, roles, date_of_birth } = invitation;
        let mut fields = Fields::new();
        names::check(first_name, last_name, &mut fields);
        let email = email.as_ref().map(|email| Email::check("/email", email, &mut fields));
        let fine = email.is_some() || *roles == Roles::MEMBER;
        fields.must(fine, "/email", "required", "Whoever has a role has to be able to sign in.");
        if let Some(day) = date_of_birth {
            check_birth_date("/date_of_birth", *day, tx.now(), &mut fields);
        }
        fields.done()?;
        let new = NewUser {
            email: email.as_ref(),
            first_name,
            last_name,
            date_of_birth: *date_of_birth,
            password_hash: None,
            email_verified: false,
            self_registered: false,
            roles: *roles,
        };
        let id = self.create(tx, &new, Beginning::Active, can.origin())?;
        if let Some(email) = &email {
            let token = links::issue(tx, Purpose::Invitation, Some(id), Some(email.as_str()))?;
            self.write_to(tx, |club| mails::invitation(club, id, email.as_str(), &token))?;
        }
        Ok(shown(tx, id)?)
    }

    /// Gives somebody these roles, and no others.
    ///
    /// # Errors
    /// When it would leave the club without an admin, another domain cannot agree, or somebody was faster.
    pub fn give_roles(
        &self,
        tx: &mut Tx<'_>,
        can: &Can<GiveRoles>,
        id: UserId,
        expected: &Expected,
        roles: Roles,
    ) -> Result<(User, Roles), Fault> {
        club::lock(tx)?;
        self.sessions().confirm(tx, can)?;
        let (user, before) = lock(tx, id)?;
        expected.allows(user.version)?;
        if before == roles {
            return Ok((user, before));
        }
        if user.email.is_none() {
            let detail = "Whoever has a role has to be able to sign in; give them an address first.";
            return Err(Fault::new(Code::InvalidState, detail));
        }
        if !roles.has(Role::Admin) {
            keep_an_admin(tx, &user, before)?;
        }
        queries::set_roles(tx, id, roles)?;
        for hooks in self.hooks() {
            hooks.roles_changed(tx, id, roles)?;
        }
        self.sessions().forget_standings(tx);
        record(tx, can.origin(), "user.roles_changed", id)?;
        shown(tx, id)
    }

    /// Closes somebody's account: they are signed out everywhere, and cannot sign in.
    ///
    /// # Errors
    /// When it is closed already, of an admin whom the caller cannot touch, or of the last admin.
    pub fn deactivate(
        &self,
        tx: &mut Tx<'_>,
        can: &Can<DeactivateUsers>,
        id: UserId,
        reason: Option<&str>,
    ) -> Result<(User, Roles), Fault> {
        club::lock(tx)?;
        self.sessions().confirm(tx, can)?;
        for hooks in self.hooks() {
            hooks.deactivating(tx, id)?;
        }
        let (user, roles) = lock(tx, id)?;
        may_touch(can, roles)?;
        if !user.is_active {
            return Err(Fault::new(Code::InvalidState, "This account is not active."));
        }
        keep_an_admin(tx, &user, roles)?;
        queries::set_active(tx, id, false)?;
        self.shut_out(tx, can, id)?;
        for hooks in self.hooks() {
            hooks.deactivated(tx, id)?;
        }
        queries::record_why(tx, can.origin(), "user.deactivated", id, reason)?;
        shown(tx, id)
    }

    /// Ends all that somebody could come in with.
    pub(crate) fn shut_out<P>(&self, tx: &mut Tx<'_>, can: &Can<P>, id: UserId) -> DbResult<()> {
        use Purpose::{Change, Invitation, Reset, Verify};
        links::forget(tx, id, &[Verify, Change, Reset, Invitation])?;
        self.sessions().end_all(tx, id, None, can.origin())
    }

    /// Opens an account again that was closed.
    ///
    /// # Errors
    /// When it is not closed, or of an admin whom the caller cannot touch.
    pub fn reactivate(
        &self,
        tx: &mut Tx<'_>,
        can: &Can<DeactivateUsers>,
        id: UserId,
        reason: Option<&str>,
    ) -> Result<(User, Roles), Fault> {
        self.sessions().confirm(tx, can)?;
        let (user, roles) = lock(tx, id)?;
        may_touch(can, roles)?;
        if user.is_active {
            return Err(Fault::new(Code::InvalidState, "This account is active."));
        }
        queries::set_active(tx, id, true)?;
        queries::record_why(tx, can.origin(), "user.reactivated", id, reason)?;
        shown(tx, id)
    }

    /// Has a link sent to somebody with which they choose a new password. Nobody else sees it.
    ///
    /// # Errors
    /// When they cannot sign in, or are an admin whom the caller cannot touch.
    pub fn reset_password_of(
        &self,
        tx: &mut Tx<'_>,
        can: &Can<ResetPasswords>,
        id: UserId,
        reason: Option<&str>,
    ) -> Result<(User, Roles), Fault> {
        self.sessions().confirm(tx, can)?;
        let (user, roles) = lock(tx, id)?;
        may_touch(can, roles)?;
        let Some(to) = user.email.as_deref().filter(|_| user.is_active) else {
            return Err(Fault::new(
                Code::InvalidState,
                "This person cannot sign in, so there is no password.",
            ));
        };
        let token = links::issue_for(tx, Purpose::Reset, Some(id), Some(to), RESET_BY_STAFF)?;
        self.write_to(tx, |club| mails::reset_by_staff(club, id, to, &token))?;
        queries::record_why(tx, can.origin(), "user.password_reset_asked", id, reason)?;
        shown(tx, id)
    }

    /// Takes away the second factor of somebody who lost it.
    ///
    /// # Errors
    /// When they have none.
    pub fn reset_second_factor_of(
        &self,
        tx: &mut Tx<'_>,
        can: &Can<ResetSecondFactors>,
        id: UserId,
        reason: Option<&str>,
    ) -> Result<(User, Roles), Fault> {
        self.sessions().confirm(tx, can)?;
        let (user, roles) = lock(tx, id)?;
        if !second_factors::remove(tx, id)? {
            return Err(Fault::new(Code::InvalidState, "This person has no second factor."));
        }
        self.sessions().forget_standings(tx);
        if let Some(to) = user.email.as_deref() {
            self.write_to(tx, |club| mails::second_factor_changed(club, id, to, false))?;
        }
        queries::record_why(tx, can.origin(), "user.second_factor_removed", id, reason)?;
        Ok((user, roles))
    }

    /// Gives an address to somebody who has none: whoever follows the link that is sent there signs in with it. It
    /// looks the same when the address is taken.
    ///
    /// # Errors
    /// When the person has one, or is nobody whom the caller acts for.
    pub async fn offer_address(
        &self,
        db: &Db,
        can: Can<EditUsers>,
        id: UserId,
        email: &str,
    ) -> Result<(), Fault> {
        let mut fields = Fields::new();
        let email = Email::check("/email", email, &mut fields);
        fields.done()?;
        let answer_at = Instant::now() + ANSWER_AFTER;
        let accounts = self.clone();
        let offered = db.write(move |tx| accounts.send_offer(tx, &can, id, &email)).await;
        tokio::time::sleep_until(answer_at).await;
        offered
    }

    fn send_offer(
        &self,
        tx: &mut Tx<'_>,
        can: &Can<EditUsers>,
        id: UserId,
        email: &Email,
    ) -> Result<(), Fault> {
        edit::may_edit(tx, can, id)?;
        let (user, _) = lock(tx, id)?;
        if user.email.is_some() {
            return Err(Fault::new(Code::InvalidState, "This person has an address, and changes it alone."));
        }
        match crate::queries::lock_by_email(tx, email)? {
            Some(there) => self.write_to(tx, |club| mails::address_taken(club, there.id, email.as_str()))?,
            None => {
                let token = links::issue(tx, Purpose::Invitation, Some(id), Some(email.as_str()))?;
                self.write_to(tx, |club| mails::invitation(club, id, email.as_str(), &token))?;
            }
        }
        Ok(record(tx, can.origin(), "user.address_offered", id)?)
    }
}
