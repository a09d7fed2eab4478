//! Whoever is behind a request.

use muster_kernel::UserId;
use muster_kernel::audit::Origin;

use crate::Roles;
use crate::sessions::SessionId;

/// A signed-in person, as the database knew them a moment ago.
#[derive(Debug, Clone)]
pub struct Actor {
    user_id: UserId,
    roles: Roles,
    /// Those they would have with a second factor; the same as `roles` for most people.
    all_roles: Roles,
    session: Option<SessionId>,
    origin: Origin,
}

impl Actor {
    /// A person with these roles. Only whoever has authenticated them, or a program that acts for them, says so.
    pub fn new(user_id: UserId, roles: Roles, origin: Origin) -> Actor {
        let origin = Origin { actor: Some(user_id), ..origin };
        Actor { user_id, roles, all_roles: roles, session: None, origin }
    }

    /// The same, signed in by this session.
    #[must_use]
    pub(crate) fn of_session(self, session: SessionId) -> Actor {
        Actor { session: Some(session), ..self }
    }

    /// The same without these roles, which the club gives only to those with a second factor.
    #[must_use]
    pub(crate) fn withholding(self, roles: Roles) -> Actor {
        Actor { roles: self.roles.without(roles), ..self }
    }

    /// Who it is.
    pub fn user_id(&self) -> UserId {
        self.user_id
    }

    /// The roles they can act in.
    pub fn roles(&self) -> Roles {
        self.roles
    }

    /// The session they are signed in by; none for a program that acts for them.
    pub fn session(&self) -> Option<SessionId> {
        self.session
    }

    /// The roles they have in the club, those they cannot act in for want of a second factor among them.
    pub fn all_roles(&self) -> Roles {
        self.all_roles
    }

    /// What stands in the audit log.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}
