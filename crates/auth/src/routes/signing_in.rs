//! Signing in, staying signed in, signing out.

use actix_web::{HttpRequest, post, web};
use muster_kernel::Client;
use muster_kernel::audit::Origin;
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{Body, Reply};
use serde::{Deserialize, Serialize};

use super::person::UserShown;
use crate::accounts::{SignIn, SignedIn};
use crate::{Accounts, Actor, Password, Site, token};

/// An address and a password.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub(super) struct Login {
    #[schema(example = "anna@example.org", max_length = 254)]
    email: String,
    #[schema(value_type = String, format = Password, max_length = 1000)]
    password: Password,
    /// `cookie` for web pages; tokens in the answer unless it is said.
    #[serde(default)]
    session: SessionKind,
    /// A code of the second factor, or a recovery code, for those who have one.
    #[schema(max_length = 64)]
    totp: Option<String>,
}

/// How a client keeps its tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum SessionKind {
    /// By itself.
    #[default]
    Token,
    /// In cookies that scripts cannot read.
    Cookie,
}

/// A refresh token; a page with cookies sends none.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct RefreshBody {
    #[schema(max_length = 128)]
    refresh_token: Option<String>,
}

/// What a client needs for its next requests. With cookies the tokens are in these, and absent here.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct TokensShown {
    /// Goes into `Authorization: Bearer …`.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    /// Always `Bearer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    /// Seconds until the access token expires.
    expires_in: i64,
    /// For `POST /auth/refresh`; good for one use.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    user: UserShown,
}

fn show(signed_in: SignedIn, kind: SessionKind, site: &Site) -> Result<Reply, Fault> {
    let SignedIn { tokens, user, roles } = signed_in;
    let in_body = kind == SessionKind::Token;
    let mut reply = Reply::plain(&TokensShown {
        access_token: in_body.then(|| tokens.access.clone()),
        token_type: in_body.then_some("Bearer"),
        expires_in: token::LIFE.num_seconds(),
        refresh_token: in_body.then(|| tokens.refresh.clone()),
        user: UserShown::new(user, roles),
    })?
    .secret();
    if kind == SessionKind::Cookie {
        for cookie in site.signed_in(&tokens) {
            reply = reply.with_cookie(cookie);
        }
    }
    Ok(reply)
}

/// Sign in with an address and a password.
#[utoipa::path(
    tag = "auth",
    request_body = Login,
    responses(
        (status = 200, description = "Signed in", body = TokensShown),
        (status = 401, description = "`bad_credentials`: the address, the password or the code is wrong; which one is not said. `totp_required`: send a code as well"),
        (status = 403, description = "`email_unverified`: follow the link in the mail first. `cross_site`: a page of another site asked for cookies")
    ),
    extensions(("x-public" = json!(true)))
)]
#[post("/auth/login")]
pub(super) async fn login(
    req: HttpRequest,
    Body(login): Body<Login>,
    client: Client,
    origin: Origin,
    site: web::Data<Site>,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    let Login { email, password, session, totp } = login;
    if session == SessionKind::Cookie {
        site.refuse_other_sites(req.head())?;
    }
    let sign_in = SignIn { email, password, totp };
    show(accounts.sign_in(&db, sign_in, client, origin).await?, session, &site)
}

/// Get the next access token, and the next refresh token: each is good for one use. One that was used before ends
/// its session, except within ten seconds, when it gets the same successor again.
#[utoipa::path(
    tag = "auth",
    request_body = RefreshBody,
    responses(
        (status = 200, description = "Still signed in", body = TokensShown),
        (status = 401, description = "The session is over, or this was never a token of it"),
        (status = 403, description = "`cross_site`: a page of another site sent the cookie")
    ),
    extensions(("x-public" = json!(true)))
)]
#[post("/auth/refresh")]
pub(super) async fn refresh(
    req: HttpRequest,
    Body(body): Body<RefreshBody>,
    origin: Origin,
    site: web::Data<Site>,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    let (token, kind) = match body.refresh_token {
        Some(token) => (token, SessionKind::Token),
        None => (site.refresh(&req).unwrap_or_default(), SessionKind::Cookie),
    };
    show(accounts.refresh(&db, token, origin).await?, kind, &site)
}

/// Sign out: the session of this request's access token or cookies, and that of the refresh token it shows.
#[utoipa::path(
    tag = "auth",
    request_body = RefreshBody,
    responses(
        (status = 204, description = "Signed out"),
        (status = 401, description = "Nobody was signed in"),
        (status = 403, description = "`cross_site`: a page of another site sent the cookie")
    ),
    extensions(("x-public" = json!(true)))
)]
#[post("/auth/logout")]
pub(super) async fn logout(
    req: HttpRequest,
    actor: Option<Actor>,
    Body(body): Body<RefreshBody>,
    origin: Origin,
    site: web::Data<Site>,
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
) -> Result<Reply, Fault> {
    let in_cookie = site.refresh(&req);
    let has_cookies = in_cookie.is_some() || site.access(&req).is_some();
    let token = body.refresh_token.or(in_cookie);
    accounts.sign_out(&db, actor, token, origin).await?;
    let mut reply = Reply::nothing();
    if has_cookies {
        for cookie in site.signed_out() {
            reply = reply.with_cookie(cookie);
        }
    }
    Ok(reply)
}
