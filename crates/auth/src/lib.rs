//! People and what they may do: accounts, roles, permissions as types, access tokens; and the club's settings,
//! which every domain reads.
//!
//! A service takes a [`Can<P>`] for the permission it needs. A handler gets one as an extractor, any other
//! program from an [`Actor`]:
//!
//! ```
//! use muster_auth::permissions::EditClub;
//! use muster_auth::{Actor, Role, Roles};
//! use muster_kernel::UserId;
//!
//! let treasurer = Actor::new(UserId(7), Roles::of([Role::Treasurer]), Default::default());
//! assert!(treasurer.can::<EditClub>().is_err());
//! ```
//!
//! It calls no other domain. What other domains must do when a person joins or goes, they do through
//! [`PersonHooks`].

mod accounts;
mod actor;
pub mod club;
mod domain;
mod email;
mod hooks;
#[cfg(feature = "http")]
mod http;
pub mod mails;
pub mod models;
pub mod oversight;
mod password;
mod permission;
pub mod permissions;
mod queries;
#[allow(missing_docs, reason = "the macro makes items that it does not document")]
pub mod read;
mod role;
#[cfg(feature = "http")]
mod routes;
mod schema;
mod throttle;
mod token;
pub mod totp;

pub use accounts::{AccountError, Accounts, NewPerson, SignedIn, has_no_admin};
pub use actor::Actor;
pub use domain::domain;
pub use email::{Email, NotAnAddress};
pub use hooks::{Beginning, PersonHooks};
#[cfg(feature = "http")]
pub use http::authenticate;
pub use password::{Fit, Password, Passwords};
pub use permission::{Can, Denied, Permission, PermissionInfo, Scope};
pub use role::{Role, Roles};
#[cfg(feature = "http")]
pub use routes::mount;
pub use throttle::{Attempt, MayMail, Throttle};
pub use token::{Keyring, KeyringError};
