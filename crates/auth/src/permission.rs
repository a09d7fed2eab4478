//! Permissions as types: a service that needs one takes a [`Can<P>`], and only the table in
//! [`permissions`](crate::permissions) makes one.

use std::marker::PhantomData;

use muster_kernel::audit::Origin;
use muster_kernel::fault::{Code, Fault};
use muster_kernel::{UserId, text_enum};

use crate::{Actor, Role, Roles};

text_enum! {
    /// How far a permission reaches.
    pub enum Scope {
        /// To what is one's own.
        Own = "own",
        /// To what is one's own or that of those one is guardian of.
        Wards = "wards",
        /// To everything.
        All = "all",
    }
}

/// Something that one may or may not do.
pub trait Permission: Send + Sync + 'static {
    /// Its name in the documentation.
    const NAME: &'static str;
    /// Which role has it, and how far.
    const GRANTS: &'static [(Role, Scope)];
}

/// A row of the table, for documentation and tests.
#[derive(Debug, Clone, Copy)]
pub struct PermissionInfo {
    /// Its name.
    pub name: &'static str,
    /// What it allows, in words.
    pub about: &'static str,
    /// Which role has it, and how far.
    pub grants: &'static [(Role, Scope)],
}

/// The proof that an actor may do `P`, and how far that reaches.
pub struct Can<P> {
    actor: Actor,
    scope: Scope,
    permission: PhantomData<fn() -> P>,
}

impl<P> Can<P> {
    /// Who it is.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// How far it reaches; queries take this, so that "not yours" is "not there".
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// Who stands in the audit log.
    pub fn origin(&self) -> &Origin {
        self.actor.origin()
    }

    /// The actor's own id.
    pub fn user_id(&self) -> UserId {
        self.actor.user_id()
    }
}

impl<P> Clone for Can<P> {
    fn clone(&self) -> Self {
        Can { actor: self.actor.clone(), scope: self.scope, permission: PhantomData }
    }
}

impl<P> std::fmt::Debug for Can<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Can").field("actor", &self.actor).field("scope", &self.scope).finish()
    }
}

/// The actor may not do this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the permission {permission} is missing")]
pub struct Denied {
    /// What they may not do.
    pub permission: &'static str,
    /// True when a second factor could change that.
    pub lacks_second_factor: bool,
}

impl From<Denied> for Fault {
    fn from(denied: Denied) -> Fault {
        let (code, detail) = if denied.lacks_second_factor {
            (Code::TotpSetupRequired, "The club asks a second factor of your role; set one up first.")
        } else {
            (Code::Forbidden, "Your role does not allow this.")
        };
        Fault::new(code, detail).because(denied)
    }
}

impl Actor {
    /// Asks the table.
    ///
    /// # Errors
    /// When none of the actor's roles has this permission.
    pub fn can<P: Permission>(&self) -> Result<Can<P>, Denied> {
        let scope = |roles: Roles| {
            P::GRANTS.iter().filter(|(role, _)| roles.has(*role)).map(|(_, scope)| *scope).max()
        };
        match scope(self.roles()) {
            Some(scope) => Ok(Can { actor: self.clone(), scope, permission: PhantomData }),
            None => {
                Err(Denied { permission: P::NAME, lacks_second_factor: scope(self.all_roles()).is_some() })
            }
        }
    }
}

/// Declares permissions as types and the table of them.
macro_rules! permissions {
    ($($(#[doc = $about:literal])+ $name:ident $word:literal { $($role:ident: $scope:ident),+ })+) => {
        $(
            $(#[doc = $about])+
            #[derive(Debug)]
            pub struct $name;

            impl $crate::Permission for $name {
                const NAME: &'static str = $word;
                const GRANTS: &'static [($crate::Role, $crate::Scope)] =
                    &[$(($crate::Role::$role, $crate::Scope::$scope)),+];
            }
        )+

        /// Every permission there is.
        pub const TABLE: &[$crate::PermissionInfo] = &[$($crate::PermissionInfo {
            name: $word,
            about: concat!($($about),+),
            grants: <$name as $crate::Permission>::GRANTS,
        }),+];
    };
}
pub(crate) use permissions;
