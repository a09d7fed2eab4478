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
mod behalf;
mod checks;
pub mod club;
#[cfg(feature = "http")]
mod cookies;
mod domain;
mod email;
mod erasure;
pub mod guardians;
mod hooks;
mod housekeeping;
#[cfg(feature = "http")]
mod http;
mod keyring;
mod letter;
mod links;
mod mails;
pub mod models;
mod names;
pub mod oversight;
mod passes;
mod password;
pub mod people;
mod permission;
pub mod permissions;
mod queries;
#[allow(missing_docs, reason = "the macro makes items that it does not document")]
pub mod read;
mod role;
#[cfg(feature = "http")]
mod routes;
mod schema;
mod second_factors;
pub mod sessions;
mod throttle;
pub mod tickets;
mod token;
mod totp;

pub use accounts::{
    AccountError, AccountOptions, Accounts, Enrolment, FactorState, FirstAdmin, MailRequests, NewPerson,
    Newcomer, PasswordHash, Prepared, Registration, SignIn, SignedIn, has_no_admin, is_new_club,
};
pub use actor::Actor;
pub use behalf::still_can;
#[cfg(feature = "http")]
pub use cookies::Site;
pub use domain::domain;
pub use email::{Email, NotAnAddress};
pub use hooks::{Beginning, PersonHooks};
#[cfg(feature = "http")]
pub use http::{Whom, authenticate};
pub use keyring::{Keyring, KeyringError};
pub use letter::{Letter, LetterStep};
pub use passes::PassFor;
pub use password::{Fit, Password, Passwords};
pub use permission::{Can, Denied, Permission, PermissionInfo, Scope};
pub use role::{Role, Roles};
#[cfg(feature = "http")]
pub use routes::mount;
pub use sessions::{Changed, StandingsChanged};
pub use totp::Secret;
