//! Signing in.

use actix_web::{post, web};
use muster_kernel::Timestamp;
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{Body, Reply};
use serde::{Deserialize, Serialize};

use crate::accounts::SignedIn;
use crate::models::User;
use crate::{Accounts, Password, Role, Roles, token};

/// An address and a password.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub(super) struct Login {
    #[schema(example = "anna@example.org", max_length = 254)]
    email: String,
    #[schema(value_type = String, format = Password, max_length = 1000)]
    password: Password,
}

/// What a client needs for its next requests.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Tokens {
    /// Goes into `Authorization: Bearer …`.
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds until the token expires.
    expires_in: i64,
    user: UserShown,
}

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
    date_of_birth: Option<chrono::NaiveDate>,
    /// The member record; the same number.
    member_id: i64,
    /// The coach profile, if there is one.
    coach_id: Option<i64>,
}

impl UserShown {
    fn new(user: User, roles: Roles) -> UserShown {
        UserShown {
            id: user.id.0,
            version: user.version,
            first_name: user.first_name,
            last_name: user.last_name,
            email_verified: user.email_verified_at.is_some(),
            email: user.email,
            role: roles.highest(),
            roles,
            is_active: user.is_active,
            date_joined: user.date_joined,
            date_of_birth: user.date_of_birth,
            member_id: user.id.0,
            coach_id: None,
        }
    }
}

/// Sign in with an address and a password.
#[utoipa::path(
    tag = "auth",
    request_body = Login,
    responses(
        (status = 200, description = "Signed in", body = Tokens),
        (status = 401, description = "The address or the password is wrong; which one is not said")
    ),
    extensions(("x-public" = json!(true)))
)]
#[post("/auth/login")]
pub(super) async fn login(
    Body(login): Body<Login>,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    let SignedIn { access_token, user, roles } = accounts.sign_in(&db, &login.email, login.password).await?;
    let tokens = Tokens {
        access_token,
        token_type: "Bearer",
        expires_in: token::LIFE.num_seconds(),
        user: UserShown::new(user, roles),
    };
    Ok(Reply::plain(&tokens)?.secret())
}
