//! Whoever is behind a request.

use muster_kernel::UserId;
use muster_kernel::audit::Origin;

use crate::Roles;

/// A signed-in person, as the database knew them a moment ago.
#[derive(Debug, Clone)]
pub struct Actor {
    user_id: UserId,
    roles: Roles,
    origin: Origin,
}

impl Actor {
    /// A person with these roles. Only whoever has authenticated them, or a program that acts for them, says so.
    pub fn new(user_id: UserId, roles: Roles, origin: Origin) -> Actor {
        Actor { user_id, roles, origin: Origin { actor: Some(user_id), ..origin } }
    }

    /// Who it is.
    pub fn user_id(&self) -> UserId {
        self.user_id
    }

    /// The roles.
    pub fn roles(&self) -> Roles {
        self.roles
    }

    /// What stands in the audit log.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}
