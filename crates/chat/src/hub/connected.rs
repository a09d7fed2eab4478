//! Who is connected to this program.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use muster_auth::sessions::SessionId;
use muster_auth::{Actor, Changed};
use muster_kernel::UserId;
use muster_kernel::fault::{Code, Fault};
use tokio::time::Instant;

use super::Hub;

/// Sockets that somebody may have open.
const MOST: usize = 10;
/// For so long somebody without a socket counts as being there: phones come back.
const LINGER: Duration = Duration::from_secs(30);

#[derive(Default)]
pub(super) struct Registry(Mutex<Known>);

#[derive(Default)]
struct Known {
    users: HashMap<UserId, Online>,
    /// The sessions they are connected by, and by how many sockets each.
    sessions: HashMap<SessionId, (Actor, usize)>,
}

#[derive(Default)]
struct Online {
    sockets: usize,
    /// Since when there is no socket.
    gone: Option<Instant>,
}

impl Registry {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_online(&self, user: UserId) -> bool {
        self.known().users.contains_key(&user)
    }

    /// Everybody who is connected, once for each session.
    pub(super) fn actors(&self) -> Vec<Actor> {
        self.known().sessions.values().map(|(actor, _)| actor.clone()).collect()
    }

    /// Keeps what was found of them, so that it is told once.
    pub(super) fn update(&self, changed: &[(SessionId, Changed)]) {
        let mut known = self.known();
        for (session, change) in changed {
            if let (Changed::Roles(now), Some((actor, _))) = (change, known.sessions.get_mut(session)) {
                *actor = now.clone();
            }
        }
    }

    /// Those who have been without a socket for a while: they are not there any more.
    pub(super) fn take_gone(&self) -> Vec<UserId> {
        let mut known = self.known();
        let is_gone = |online: &Online| online.gone.is_some_and(|since| since.elapsed() >= LINGER);
        let gone: Vec<UserId> =
            known.users.iter().filter(|(_, online)| is_gone(online)).map(|(user, _)| *user).collect();
        for user in &gone {
            known.users.remove(user);
        }
        gone
    }
}

/// A socket that is open, until this is dropped.
pub(crate) struct Connected {
    hub: Hub,
    user: UserId,
    session: Option<SessionId>,
    /// Nobody knew that they are there.
    pub(crate) is_first: bool,
}

impl Connected {
    pub(super) fn new(hub: Hub, actor: &Actor) -> Result<Connected, Fault> {
        let (user, session) = (actor.user_id(), actor.session());
        let mut known = hub.0.people.known();
        let is_first = !known.users.contains_key(&user);
        let online = known.users.entry(user).or_default();
        if online.sockets >= MOST {
            let detail = "You have ten sockets open; close one first.";
            return Err(Fault::new(Code::TooManyConnections, detail).retry_after(60));
        }
        online.sockets += 1;
        online.gone = None;
        if let Some(session) = session {
            let (known_as, sockets) = known.sessions.entry(session).or_insert_with(|| (actor.clone(), 0));
            // What the newest socket was opened with may be what is old: it is looked at again.
            *known_as = actor.clone();
            *sockets += 1;
        }
        drop(known);
        Ok(Connected { hub, user, session, is_first })
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        let mut known = self.hub.0.people.known();
        if let Some(online) = known.users.get_mut(&self.user) {
            online.sockets = online.sockets.saturating_sub(1);
            if online.sockets == 0 {
                online.gone = Some(Instant::now());
            }
        }
        if let Some(session) = self.session
            && let Some((_, sockets)) = known.sessions.get_mut(&session)
        {
            *sockets = sockets.saturating_sub(1);
            if *sockets == 0 {
                known.sessions.remove(&session);
            }
        }
    }
}
