//! What the database says of the person behind a session, remembered for a moment: it is asked with every request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::sync::Cache;
use muster_kernel::audit::Origin;
use muster_kernel::db::{Db, DbResult};
use muster_kernel::{Timestamp, UserId};
use tokio::time::Instant;

use super::{SessionId, queries};
use crate::{Actor, Roles};

/// For so long what was read counts. What this gateway changes is forgotten at once; what another changes counts here
/// after this time: well within the five seconds that are promised.
const FRESH: Duration = Duration::from_secs(2);
/// So many are remembered at most; of the others the database is asked.
const MOST: u64 = 100_000;

/// The person behind a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) user_id: UserId,
    pub(super) expires_at: Timestamp,
    pub(super) is_active: bool,
    pub(super) roles: Roles,
    /// Roles that the club gives only to those with a second factor, which this person has not.
    pub(super) withheld: Roles,
}

impl Standing {
    pub(super) fn may_act(&self, now: Timestamp) -> bool {
        self.is_active && self.expires_at > now
    }

    pub(super) fn actor(&self, session: SessionId, origin: Origin) -> Actor {
        Actor::new(self.user_id, self.roles, origin).of_session(session).withholding(self.withheld)
    }
}

#[derive(Clone)]
struct Known {
    read_at: Instant,
    changes: u64,
    standing: Standing,
}

#[derive(Clone)]
pub(super) struct Standings {
    known: Cache<SessionId, Known>,
    /// Goes up whenever somebody's standing changed. What was read before, or had begun to be read, no longer counts.
    changes: Arc<AtomicU64>,
}

impl Standings {
    pub(super) fn new() -> Standings {
        // What nobody asks for any more is let go.
        let known = Cache::builder().max_capacity(MOST).time_to_live(FRESH * 30).build();
        Standings { known, changes: Arc::new(AtomicU64::new(0)) }
    }

    /// The person behind this session, as they were at most [`FRESH`] ago.
    pub(super) async fn of(&self, db: &Db, session: SessionId) -> DbResult<Option<Standing>> {
        let changes = self.changes.load(Ordering::Acquire);
        if let Some(known) = self.known.get(&session)
            && known.changes == changes
            && known.read_at.elapsed() < FRESH
        {
            return Ok(Some(known.standing));
        }
        let read_at = Instant::now();
        let standing = db.read(move |conn| queries::standing(conn, session)).await?;
        if let Some(standing) = &standing {
            self.known.insert(session, Known { read_at, changes, standing: standing.clone() });
        }
        Ok(standing)
    }

    /// Somebody's standing has changed: everybody's is read anew.
    pub(super) fn forget(&self) {
        self.changes.fetch_add(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use muster_testkit::{Engine, Gate, TestDb, TestDbOptions};
    use tokio::time::advance;

    use super::*;
    use crate::Role;
    use crate::queries::NewUser;

    /// Somebody who is signed in, and what is remembered of them.
    struct Given {
        db: TestDb,
        user: UserId,
        session: SessionId,
        standings: Standings,
    }

    impl Given {
        async fn new(gate: &Gate) -> Given {
            let observer = Some(gate.observer());
            let options = TestDbOptions { readers: 2, writers: 1, observer, ..TestDbOptions::default() };
            let db = TestDb::with(Engine::Sqlite, options);
            let begun = db.write(|tx| {
                let new = NewUser {
                    email: None,
                    first_name: "Anna",
                    last_name: "Example",
                    date_of_birth: None,
                    password_hash: None,
                    email_verified: false,
                    self_registered: false,
                    roles: Roles::MEMBER,
                };
                let user = crate::queries::insert(tx, &new)?;
                let expires_at = tx.now().plus(super::super::IDLE);
                DbResult::Ok((user, queries::insert(tx, user, b"family", None, expires_at)?))
            });
            let (user, session) = begun.await.expect("a session");
            Given { db, user, session, standings: Standings::new() }
        }

        /// Gives them a role as another gateway would: nothing is forgotten here.
        async fn make_coach(&self) {
            let user = self.user;
            let roles = Roles::of([Role::Coach]);
            let given = self.db.write(move |tx| crate::queries::replace_roles(tx, user, roles, "key")).await;
            given.expect("a role");
        }

        async fn is_coach(&self) -> bool {
            let standing = self.standings.of(&self.db, self.session).await.expect("an answer");
            standing.expect("a session").roles.has(Role::Coach)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_two_seconds_old_is_asked_anew() {
        let given = Given::new(&Gate::default()).await;
        assert!(!given.is_coach().await);
        given.make_coach().await;
        assert!(!given.is_coach().await, "it is remembered for a moment");
        advance(FRESH).await;
        assert!(given.is_coach().await);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_forgotten_is_asked_anew_at_once() {
        let given = Given::new(&Gate::default()).await;
        assert!(!given.is_coach().await);
        given.make_coach().await;
        given.standings.forget();
        assert!(given.is_coach().await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_that_ended_elsewhere_is_asked_for_and_gone() {
        let given = Given::new(&Gate::default()).await;
        assert!(!given.is_coach().await);
        let session = given.session;
        given.db.write(move |tx| queries::end(tx, session)).await.expect("ended");
        advance(FRESH).await;
        assert_eq!(given.standings.of(&given.db, session).await.expect("an answer"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_changed_while_it_was_read_is_asked_anew_at_once() {
        let gate = Gate::default();
        let given = Given::new(&gate).await;
        gate.close("sessions");
        let changed_meanwhile = async {
            gate.reached().await;
            given.make_coach().await;
            given.standings.forget();
            gate.open();
        };
        let (read, ()) = tokio::join!(given.is_coach(), changed_meanwhile);
        assert!(!read, "it was read before");
        assert!(given.is_coach().await, "and what was read is not kept");
    }
}
