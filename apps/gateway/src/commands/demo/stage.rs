//! All that is needed for something to happen in the demo: the club's services, its people, and what is to come.

use muster_auth::{Accounts, Actor, Can, PasswordHash, Permission};
use muster_finance::PrepaidFees;
use muster_kernel::UserId;
use muster_kernel::audit::Origin;
use muster_kernel::db::{Conn, Db, Tx};
use muster_kernel::fault::Fault;
use muster_members::Members;

use super::cast::{Cast, Who};
use super::days::Days;
use super::dues::Plans;
use super::jobs::Jobs;
use super::rooms::Rooms;
use super::timeline::Timeline;
use super::timetable::Timetable;

/// The demo as it is made.
pub(super) struct Stage {
    pub(super) db: Db,
    pub(super) accounts: Accounts,
    pub(super) members: Members,
    pub(super) fees: PrepaidFees,
    /// Everybody's.
    pub(super) password: PasswordHash,
    pub(super) jobs: Jobs,
    pub(super) days: Days,
    pub(super) timeline: Timeline,
    pub(super) cast: Cast,
    pub(super) plans: Plans,
    pub(super) timetable: Timetable,
    pub(super) rooms: Rooms,
}

impl Stage {
    /// That somebody may do something.
    pub(super) fn can<P: Permission>(&self, who: Who) -> Result<Can<P>, Fault> {
        let actor = Actor::new(self.id(who)?, self.cast[who].roles, Origin::default());
        Ok(actor.can()?)
    }

    /// Somebody who has come by now.
    pub(super) fn id(&self, who: Who) -> Result<UserId, Fault> {
        self.cast[who].id.ok_or_else(Fault::not_found)
    }

    /// Reads something.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        self.db.read(work).await
    }

    /// Does something, all of it or nothing.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Tx<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        self.db.write(work).await
    }
}
