//! Who is behind an HTTP request.

use std::future::{Ready, ready};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, web};
use muster_kernel::UserId;
use muster_kernel::audit::Origin;
use muster_kernel::db::Db;
use muster_kernel::fault::{Code, Fault};
use muster_kernel::http::{Caller, RequestId};
use serde::Deserialize;

use crate::{Accounts, Actor, Can, Permission, Site};

/// Finds out who sent a request, before any of it is read. Whether somebody has to be signed in is the handler's
/// to say, by asking for a [`Can`].
///
/// # Errors
/// Those of the services inside.
pub async fn authenticate<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    match whoever_sent(&req).await {
        Ok(Some(actor)) => {
            req.extensions_mut().insert(Caller(actor.user_id()));
            req.extensions_mut().insert(actor);
        }
        Ok(None) => {}
        // Not knowing who it is, is not the same as nobody being signed in.
        Err(fault) => return Ok(req.error_response(fault).map_into_right_body()),
    }
    Ok(next.call(req).await?.map_into_left_body())
}

async fn whoever_sent(req: &ServiceRequest) -> Result<Option<Actor>, Fault> {
    let Some(token) = token_of(req)? else { return Ok(None) };
    let (Some(db), Some(accounts)) = (req.app_data::<web::Data<Db>>(), req.app_data::<web::Data<Accounts>>())
    else {
        return Ok(None);
    };
    let origin = Origin { actor: None, request_id: Some(RequestId::of(req.request()).0) };
    Ok(accounts.authenticate(db, &token, origin).await?)
}

/// The token of the header, else that of the cookie. Cookies come by themselves, so whose page sent them matters.
fn token_of(req: &ServiceRequest) -> Result<Option<String>, Fault> {
    if req.headers().contains_key(AUTHORIZATION) {
        return Ok(bearer(req));
    }
    let Some(site) = req.app_data::<web::Data<Site>>() else { return Ok(None) };
    let access = site.access(req.request());
    if access.is_some() || site.refresh(req.request()).is_some() {
        site.refuse_other_sites(req.head())?;
    }
    Ok(access)
}

fn bearer(req: &ServiceRequest) -> Option<String> {
    let value = req.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// Whom a path speaks of: an id, or `me`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub enum Whom {
    /// Whoever asks.
    Me,
    /// This person.
    Id(UserId),
}

impl TryFrom<String> for Whom {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Whom, Self::Error> {
        if text == "me" { Ok(Whom::Me) } else { text.parse().map(|id| Whom::Id(UserId(id))) }
    }
}

impl Whom {
    /// Their id.
    pub fn of<P>(self, can: &Can<P>) -> UserId {
        match self {
            Whom::Me => can.user_id(),
            Whom::Id(id) => id,
        }
    }
}

impl FromRequest for Actor {
    type Error = Fault;
    type Future = Ready<Result<Actor, Fault>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let actor = req.extensions().get::<Actor>().cloned();
        ready(actor.ok_or_else(|| Fault::new(Code::Unauthenticated, "Sign in, or sign in again.")))
    }
}

impl<P: Permission> FromRequest for Can<P> {
    type Error = Fault;
    type Future = Ready<Result<Can<P>, Fault>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(Actor::from_request(req, payload).into_inner().and_then(|actor| Ok(actor.can::<P>()?)))
    }
}
