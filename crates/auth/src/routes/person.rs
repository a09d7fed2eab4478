//! A person as clients see them.

use chrono::NaiveDate;
use muster_kernel::Timestamp;
use serde::Serialize;

use crate::models::User;
use crate::{Role, Roles};

/// A person.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = User)]
pub(super) struct UserShown {
    id: i64,
    version: i64,
    first_name: String,
    last_name: String,
    /// Null for those who cannot sign in.
    email: Option<String>,
    email_verified: bool,
    /// The highest of the roles.
    role: Role,
    #[schema(value_type = Vec<Role>)]
    roles: Roles,
    is_active: bool,
    date_joined: Timestamp,
    #[schema(value_type = Option<String>, format = Date)]
    date_of_birth: Option<NaiveDate>,
    /// The language they want to be written to in; null: the club's.
    language: Option<String>,
    /// Whether others may see that they are there.
    show_presence: bool,
    /// The member record; the same number.
    member_id: i64,
    /// The coach profile, for those who have the role; the same number.
    coach_id: Option<i64>,
}

impl UserShown {
    pub(super) fn new(user: User, roles: Roles) -> UserShown {
        UserShown {
            id: user.id.0,
            version: user.version,
            first_name: user.first_name,
            last_name: user.last_name,
            email_verified: user.email.is_some() && user.email_verified_at.is_some(),
            email: user.email,
            role: roles.highest(),
            roles,
            is_active: user.is_active,
            date_joined: user.date_joined,
            date_of_birth: user.date_of_birth,
            language: user.language,
            show_presence: user.show_presence,
            member_id: user.id.0,
            coach_id: roles.has(Role::Coach).then_some(user.id.0),
        }
    }
}
