//! What other domains have to do when somebody joins, changes or goes.

use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::fault::Fault;
use muster_kernel::{UserId, text_enum};

use crate::Roles;

text_enum! {
    /// How a new person's membership begins.
    pub enum Beginning {
        /// Registered by themselves: somebody has to approve it.
        Pending = "pending",
        /// Invited by an admin, or the first admin.
        Active = "active",
    }
}

/// A domain's part in what happens to people. Everything runs in the transaction that changes the person, so
/// that it happens altogether or not at all. The program passes an explicit list of these where it makes
/// [`Accounts`](crate::Accounts).
pub trait PersonHooks: Send + Sync {
    /// Somebody is new, made by this person; by nobody when they registered.
    ///
    /// # Errors
    /// When the database fails.
    fn created(
        &self,
        tx: &mut Tx<'_>,
        user: UserId,
        beginning: Beginning,
        by: Option<UserId>,
    ) -> Result<(), Fault>;

    /// Somebody is called otherwise now.
    ///
    /// # Errors
    /// When the database fails.
    fn renamed(&self, _tx: &mut Tx<'_>, _user: UserId) -> DbResult<()> {
        Ok(())
    }

    /// Whether a registration that was never used may be replaced by another with the same address.
    ///
    /// # Errors
    /// When the database fails.
    fn may_replace(&self, _conn: &mut Conn, _user: UserId) -> DbResult<bool> {
        Ok(true)
    }

    /// Somebody's roles are these now.
    ///
    /// # Errors
    /// When the change cannot be.
    fn roles_changed(&self, _tx: &mut Tx<'_>, _user: UserId, _roles: Roles) -> Result<(), Fault> {
        Ok(())
    }

    /// Somebody's birth date or guardians are others now.
    ///
    /// # Errors
    /// When the change cannot be.
    fn minority_changed(&self, _tx: &mut Tx<'_>, _user: UserId) -> Result<(), Fault> {
        Ok(())
    }

    /// Somebody's account is about to be closed, or they are about to be erased, and nothing of them is locked yet: what has to be locked before people
    /// are.
    ///
    /// # Errors
    /// When the database fails.
    fn deactivating(&self, _tx: &mut Tx<'_>, _user: UserId) -> Result<(), Fault> {
        Ok(())
    }

    /// Somebody cannot sign in any more.
    ///
    /// # Errors
    /// When the database fails.
    fn deactivated(&self, _tx: &mut Tx<'_>, _user: UserId) -> Result<(), Fault> {
        Ok(())
    }

    /// Whether somebody can be erased.
    ///
    /// # Errors
    /// Why not.
    fn may_erase(&self, _conn: &mut Conn, _user: UserId) -> Result<(), Fault> {
        Ok(())
    }

    /// Erases what this domain knows of somebody. From then on they are an inactive member without an address, a
    /// birth date or guardians; none of that is told once more by the other hooks but [`renamed`](Self::renamed), which
    /// comes when the name is gone.
    ///
    /// # Errors
    /// When the database fails.
    fn erase(&self, _tx: &mut Tx<'_>, _user: UserId) -> Result<(), Fault> {
        Ok(())
    }

    /// All that this domain knows of somebody, for themselves, under the domain's name.
    ///
    /// # Errors
    /// When the database fails.
    fn export(&self, _conn: &mut Conn, _user: UserId) -> DbResult<Option<(&'static str, serde_json::Value)>> {
        Ok(None)
    }
}
