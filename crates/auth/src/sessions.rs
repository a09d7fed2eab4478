//! Sessions: the devices on which somebody is signed in, from the sign-in until the sign-out, thirty days without
//! a sign of life, or ninety in all.

mod queries;
mod refresh;
mod standing;

use std::sync::Arc;

use chrono::TimeDelta;
use muster_kernel::audit::{self, Event, Origin};
use muster_kernel::db::{Conn, Db, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::page::PageRequest;
use muster_kernel::{Client, Timestamp, UserId, id_type};

pub(crate) use queries::purge;
use refresh::RefreshToken;
use standing::Standings;

use crate::permissions::OwnAccount;
use crate::{Accounts, Actor, Can, Keyring, Permission};

/// How long a session lasts without a sign of life.
pub(crate) const IDLE: TimeDelta = TimeDelta::days(30);
/// How long it lasts in all.
const LONGEST: TimeDelta = TimeDelta::days(90);
/// For so long the last refresh token can be used again: for an answer that was lost, and for two tabs that
/// refresh at once.
const GRACE: TimeDelta = TimeDelta::seconds(10);
/// On how many devices somebody can be signed in; the one signed in the longest ago makes room.
const MOST: i64 = 50;

id_type! {
    /// A session.
    pub struct SessionId;
}

/// A device on which somebody is signed in.
#[derive(Debug, Clone, diesel::Queryable)]
pub struct Session {
    /// The id.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// How often it was refreshed.
    pub generation: i64,
    /// What the device calls itself.
    pub user_agent: Option<String>,
    /// When they signed in.
    pub created_at: Timestamp,
    /// When it was refreshed the last time.
    pub last_seen_at: Timestamp,
    /// When it ends unless it is refreshed.
    pub expires_at: Timestamp,
}

/// The two tokens of a session.
#[derive(Clone)]
pub struct Tokens {
    /// For the next requests.
    pub access: String,
    /// For the next access token; good for one use.
    pub refresh: String,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(…)")
    }
}

/// Somebody's standing has changed: who keeps a connection open asks [what became of it](changed).
#[derive(Debug, Clone, Copy)]
pub struct StandingsChanged;

/// What became of somebody who was signed in.
#[derive(Debug, Clone)]
pub enum Changed {
    /// They have other roles now.
    Roles(Actor),
    /// Their session has run out.
    Expired,
    /// It was ended, or they may not sign in any more.
    Revoked,
}

/// Everybody's sessions.
#[derive(Clone)]
pub(crate) struct Sessions {
    keys: Arc<Keyring>,
    standings: Standings,
}

impl Sessions {
    pub(crate) fn new(keys: Keyring) -> Sessions {
        Sessions { keys: Arc::new(keys), standings: Standings::new() }
    }

    pub(crate) fn keys(&self) -> &Arc<Keyring> {
        &self.keys
    }

    /// Signs somebody in on one more device.
    pub(crate) fn begin(
        &self,
        tx: &mut Tx<'_>,
        user: UserId,
        client: &Client,
        origin: &Origin,
    ) -> Result<Tokens, Fault> {
        let token = RefreshToken::first();
        let expires_at = tx.now().plus(IDLE);
        let id = queries::insert(tx, user, &token.family_hash(), client.user_agent.as_deref(), expires_at)?;
        queries::end_all_but_newest(tx, user, MOST)?;
        let origin = Origin { actor: Some(user), ..origin.clone() };
        record(tx, &origin, "session.started", id)?;
        self.tokens(tx.now(), user, id, &token)
    }

    /// Gives a session its next tokens. `None` for a token that is forged, expired, or of a session that is over.
    /// A token that was used before ends its session: somebody else has a copy.
    pub(crate) fn refresh(
        &self,
        tx: &mut Tx<'_>,
        token: &str,
        origin: &Origin,
    ) -> Result<Option<(UserId, Tokens)>, Fault> {
        let Some(token) = RefreshToken::read(token, &self.keys) else { return Ok(None) };
        let Some(session) = queries::lock_family(tx, &token.family_hash())? else { return Ok(None) };
        let now = tx.now();
        if session.expires_at <= now {
            return Ok(None);
        }
        let current = token.generation == session.generation;
        let just_used = token.generation + 1 == session.generation && now <= session.last_seen_at.plus(GRACE);
        let next = if current {
            let next = token.next();
            let expires_at = now.plus(IDLE).min(session.created_at.plus(LONGEST));
            queries::refreshed(tx, session.id, next.generation, expires_at)?;
            next
        } else if just_used {
            token.next()
        } else {
            self.end_one(tx, session.id, origin, "session.token_reused")?;
            return Ok(None);
        };
        Ok(Some((session.user_id, self.tokens(now, session.user_id, session.id, &next)?)))
    }

    /// Ends the session of a refresh token, whichever of its tokens it is.
    pub(crate) fn end_by_token(&self, tx: &mut Tx<'_>, token: &str, origin: &Origin) -> DbResult<()> {
        let Some(token) = RefreshToken::read(token, &self.keys) else { return Ok(()) };
        match queries::lock_family(tx, &token.family_hash())? {
            Some(session) => self.end_one(tx, session.id, origin, "session.ended"),
            None => Ok(()),
        }
    }

    /// Ends a session of somebody's own.
    fn end(&self, tx: &mut Tx<'_>, can: &Can<OwnAccount>, id: SessionId) -> Result<(), Fault> {
        if !queries::belongs_to(tx, id, can.user_id())? {
            return Err(Fault::not_found());
        }
        Ok(self.end_one(tx, id, can.origin(), "session.ended")?)
    }

    /// Ends the session that somebody is signed in by.
    pub(crate) fn end_own(&self, tx: &mut Tx<'_>, actor: &Actor) -> DbResult<()> {
        match actor.session() {
            Some(id) => self.end_one(tx, id, actor.origin(), "session.ended"),
            None => Ok(()),
        }
    }

    fn end_one(&self, tx: &mut Tx<'_>, id: SessionId, origin: &Origin, action: &str) -> DbResult<()> {
        if queries::end(tx, id)? {
            record(tx, origin, action, id)?;
            self.forget_standings(tx);
        }
        Ok(())
    }

    /// Ends all sessions of somebody, or all but one.
    pub(crate) fn end_all(
        &self,
        tx: &mut Tx<'_>,
        user: UserId,
        except: Option<SessionId>,
        origin: &Origin,
    ) -> DbResult<()> {
        for id in queries::end_all(tx, user, except)? {
            record(tx, origin, "session.ended", id)?;
        }
        self.forget_standings(tx);
        Ok(())
    }

    /// After this transaction nobody's standing is taken from memory: somebody's has changed.
    pub(crate) fn forget_standings(&self, tx: &mut Tx<'_>) {
        let standings = self.standings.clone();
        tx.after_commit(move || standings.forget());
        tx.signal(StandingsChanged);
    }

    /// Who is behind an access token; `None` for every kind of wrong one, and for those who may no longer act.
    pub(crate) async fn authenticate(&self, db: &Db, token: &str, origin: Origin) -> DbResult<Option<Actor>> {
        let now = db.clock().now();
        let Some((user, session)) = self.keys.verify(token, now) else { return Ok(None) };
        let standing = self.standings.of(db, session).await?;
        Ok(standing.filter(|s| s.user_id == user && s.may_act(now)).map(|s| s.actor(session, origin)))
    }

    /// Looks once more, in the transaction, whether whoever asks may do this: what the middleware knew may be a moment
    /// old, and a right that was taken away must not be used to take it back.
    pub(crate) fn confirm<P: Permission>(&self, tx: &mut Tx<'_>, can: &Can<P>) -> Result<(), Fault> {
        // A program that acts for somebody has no session, and answers for itself.
        let Some(session) = can.actor().session() else { return Ok(()) };
        let now = tx.now();
        let standing = queries::standing(tx, session)?.filter(|standing| standing.may_act(now));
        let standing = standing.ok_or_else(|| Fault::new(Code::Unauthenticated, "Sign in again."))?;
        standing.actor(session, can.origin().clone()).can::<P>()?;
        Ok(())
    }

    fn tokens(
        &self,
        now: Timestamp,
        user: UserId,
        session: SessionId,
        refresh: &RefreshToken,
    ) -> Result<Tokens, Fault> {
        let access = self.keys.sign(user, session, now).map_err(Fault::internal)?;
        Ok(Tokens { access, refresh: refresh.write(&self.keys) })
    }
}

impl Accounts {
    /// Signs one of one's own devices out.
    ///
    /// # Errors
    /// When it is none of one's own.
    pub fn end_session(&self, tx: &mut Tx<'_>, can: &Can<OwnAccount>, id: SessionId) -> Result<(), Fault> {
        self.sessions().end(tx, can, id)
    }

    /// Signs all of one's own devices out but the present one.
    ///
    /// # Errors
    /// When the database fails.
    pub fn end_other_sessions(&self, tx: &mut Tx<'_>, can: &Can<OwnAccount>) -> DbResult<()> {
        self.sessions().end_all(tx, can.user_id(), can.actor().session(), can.origin())
    }
}

/// Of people who were signed in, those of whom something changed since: two statements however many they are.
///
/// # Errors
/// When the database fails.
pub fn changed(conn: &mut Conn, people: &[Actor], now: Timestamp) -> DbResult<Vec<(SessionId, Changed)>> {
    let ids: Vec<SessionId> = people.iter().filter_map(Actor::session).collect();
    let standings = queries::standings(conn, &ids)?;
    let became = |actor: &Actor| {
        let session = actor.session()?;
        let Some(standing) = standings.get(&session).filter(|it| it.is_active) else {
            return Some((session, Changed::Revoked));
        };
        if standing.expires_at <= now {
            return Some((session, Changed::Expired));
        }
        let is_now = standing.actor(session, actor.origin().clone());
        (is_now.roles() != actor.roles() || is_now.all_roles() != actor.all_roles())
            .then_some((session, Changed::Roles(is_now)))
    };
    Ok(people.iter().filter_map(became).collect())
}

/// Who is behind a session, if they may act.
pub(crate) fn behind(
    conn: &mut Conn,
    session: SessionId,
    now: Timestamp,
    origin: &Origin,
) -> DbResult<Option<Actor>> {
    let standing = queries::standing(conn, session)?;
    Ok(standing.filter(|it| it.may_act(now)).map(|it| it.actor(session, origin.clone())))
}

/// So many of somebody's sessions, the latest sign-in first.
pub(crate) fn of(conn: &mut Conn, user: UserId, now: Timestamp, limit: i64) -> DbResult<Vec<Session>> {
    queries::newest(conn, user, now, i64::MAX, limit)
}

/// How many devices somebody is signed in on.
///
/// # Errors
/// When the database fails.
pub fn count(conn: &mut Conn, can: &Can<OwnAccount>, now: Timestamp) -> DbResult<i64> {
    queries::count(conn, can.user_id(), now)
}

/// The devices on which somebody is signed in, the latest sign-in first.
///
/// # Errors
/// When the database fails.
pub fn list(
    conn: &mut Conn,
    can: &Can<OwnAccount>,
    page: &PageRequest<i64>,
    now: Timestamp,
) -> DbResult<Vec<Session>> {
    queries::newest(conn, can.user_id(), now, page.after().copied().unwrap_or(i64::MAX), page.fetch())
}

fn record(tx: &mut Tx<'_>, origin: &Origin, action: &str, id: SessionId) -> DbResult<()> {
    audit::append(tx, origin, Event { action, object_type: "session", object_id: id.0, reason: None })
}
