//! Rows, without logic.

use chrono::NaiveDate;
use muster_kernel::{Timestamp, UserId};

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, diesel::Queryable)]
pub struct User {
    /// The id; the member record has the same.
    pub id: UserId,
    /// The address, if there is one.
    pub email: Option<String>,
    /// The first name.
    pub first_name: String,
    /// The last name.
    pub last_name: String,
    /// The date of birth, if it is known.
    pub date_of_birth: Option<NaiveDate>,
    /// Whether they can sign in.
    pub is_active: bool,
    /// When they proved that the address is theirs.
    pub email_verified_at: Option<Timestamp>,
    /// When they joined.
    pub date_joined: Timestamp,
    /// Goes up with every change.
    pub version: i64,
    /// In which language they want to be written to; none: the club's.
    pub language: Option<String>,
    /// Whether others may see that they are there.
    pub show_presence: bool,
}

/// What is needed to sign somebody in.
#[derive(Debug, Clone, diesel::Queryable)]
pub(crate) struct Credentials {
    pub(crate) id: UserId,
    pub(crate) email: Option<String>,
    pub(crate) password_hash: Option<String>,
    pub(crate) is_active: bool,
    pub(crate) email_verified_at: Option<Timestamp>,
    pub(crate) self_registered: bool,
    pub(crate) last_sign_in_at: Option<Timestamp>,
}
