//! What goes round every request: its id, a time limit, problem documents for all that fails, the headers of
//! every answer, one line in the log, its place in the metrics.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::uri::{PathAndQuery, Uri};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, web};

use super::problem::{self, Problem};
use crate::UserId;
use crate::audit::Origin;
use crate::fault::{Code, Fault};
use crate::random;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the envelope does differently from one installation to another.
#[derive(Debug, Clone)]
pub struct EnvelopeOptions {
    /// How long an answer may take to begin.
    pub time_limit: Duration,
    /// True when clients come by https: browsers are then told to stay with it.
    pub https: bool,
    /// What is for people to look at; everything else may neither run nor show anything in a browser.
    pub pages: &'static [Pages],
}

impl Default for EnvelopeOptions {
    fn default() -> Self {
        // Longer than a body may take to arrive: one that is slow is answered as what it is.
        EnvelopeOptions { time_limit: Duration::from_secs(45), https: false, pages: &[] }
    }
}

impl EnvelopeOptions {
    fn pages_at(&self, path: &str) -> Option<&'static Pages> {
        let below = |pages: &&Pages| {
            path.strip_prefix(pages.below).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.pages.iter().find(below)
    }
}

/// Pages with scripts and styles of their own.
#[derive(Debug, Clone, Copy)]
pub struct Pages {
    /// They are at this path and below it.
    pub below: &'static str,
    /// What a browser lets them do: their `Content-Security-Policy`.
    pub policy: &'static str,
    /// True when they see the slash at the end of a path themselves.
    pub keep_slash: bool,
}

/// The id under which a request stands in the log, in its problem and in the audit log.
#[derive(Debug, Clone)]
pub struct RequestId(pub Arc<str>);

/// Who is signed in; put into the request by whoever authenticates it.
#[derive(Debug, Clone, Copy)]
pub struct Caller(pub UserId);

impl RequestId {
    /// The id of this request.
    pub fn of(req: &HttpRequest) -> RequestId {
        req.extensions().get::<RequestId>().cloned().unwrap_or_else(|| RequestId("-".into()))
    }

    /// The client's own if it is short and plain, else a new one.
    fn choose(req: &ServiceRequest) -> RequestId {
        let plain = |id: &&str| {
            (1..=64).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
        };
        let given = req.headers().get(&X_REQUEST_ID).and_then(|v| v.to_str().ok()).filter(plain);
        RequestId(given.map_or_else(|| random::hex(12).into(), Into::into))
    }
}

impl FromRequest for Origin {
    type Error = Fault;
    type Future = std::future::Ready<Result<Origin, Fault>>;

    fn from_request(req: &HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        let actor = req.extensions().get::<Caller>().map(|c| c.0);
        std::future::ready(Ok(Origin { actor, request_id: Some(RequestId::of(req).0) }))
    }
}

/// The outermost middleware of the application.
///
/// # Errors
/// Never one that is not an answer already.
pub async fn envelope<B: MessageBody + 'static>(
    mut req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let began = Instant::now();
    let options =
        req.app_data::<web::Data<EnvelopeOptions>>().map(|o| o.get_ref().clone()).unwrap_or_default();
    let id = RequestId::choose(&req);
    req.extensions_mut().insert(id.clone());
    trim_slash(&mut req, &options);
    let path = req.path().to_owned();
    let method = req.method().clone();
    if method == Method::HEAD {
        // The same as a GET; that no body follows is seen to where the answer is written.
        req.head_mut().method = Method::GET;
    }
    let finish = |status: u16, route: &str, actor: Option<UserId>, fault: Option<&Fault>| {
        let took = began.elapsed();
        log_line(&id.0, method.as_str(), route, status, actor, took, fault);
        count(method.as_str(), route, status, took);
    };

    let fault = match tokio::time::timeout(options.time_limit, next.call(req)).await {
        Ok(Ok(response)) => {
            let mut response = with_problem(response, &path, &id.0);
            add_headers(response.headers_mut(), &id.0, &path, &options);
            let route = response.request().match_pattern().unwrap_or_else(|| "unknown".into());
            let actor = response.request().extensions().get::<Caller>().map(|c| c.0);
            let fault = response.response().extensions().get::<Fault>().cloned();
            finish(response.status().as_u16(), &route, actor, fault.as_ref());
            return Ok(response);
        }
        // A middleware gave up: what it says is in its answer.
        Ok(Err(error)) => {
            let mut answer = error.error_response();
            let stashed = answer.extensions_mut().remove::<Fault>();
            stashed.unwrap_or_else(|| problem::of_status(answer.status()))
        }
        Err(_) => {
            Fault::new(Code::Unavailable, "This took too long and was given up; try again.").retry_after(5)
        }
    };
    let mut answer = Problem::response(&fault, &path, &id.0);
    add_headers(answer.headers_mut(), &id.0, &path, &options);
    finish(answer.status().as_u16(), "unknown", None, Some(&fault));
    Err(InternalError::from_response(fault, answer).into())
}

/// Every path answers with and without a slash at its end; the routes are written without.
fn trim_slash(req: &mut ServiceRequest, options: &EnvelopeOptions) {
    let path = req.path();
    if path.len() < 2 || !path.ends_with('/') || options.pages_at(path).is_some_and(|p| p.keep_slash) {
        return;
    }
    let trimmed = path.trim_end_matches('/');
    let trimmed = if trimmed.is_empty() { "/" } else { trimmed };
    let target = match req.uri().query() {
        Some(query) => format!("{trimmed}?{query}"),
        None => trimmed.to_owned(),
    };
    let Ok(target) = PathAndQuery::from_maybe_shared(target) else { return };
    let mut parts = req.uri().clone().into_parts();
    parts.path_and_query = Some(target);
    if let Ok(uri) = Uri::from_parts(parts) {
        req.match_info_mut().get_mut().update(&uri);
        req.head_mut().uri = uri;
    }
}

/// Gives a failure its problem document, unless it has one.
fn with_problem<B: MessageBody + 'static>(
    response: ServiceResponse<B>,
    path: &str,
    id: &str,
) -> ServiceResponse<EitherBody<B, BoxBody>> {
    let status = response.status();
    let whole = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|t| t.as_bytes().starts_with(b"application/problem+json"));
    if !(status.is_client_error() || status.is_server_error()) || whole {
        return response.map_into_left_body();
    }
    let (req, old) = response.into_parts();
    let fault = old.extensions().get::<Fault>().cloned().unwrap_or_else(|| problem::of_status(status));
    let mut answer = Problem::response(&fault, path, id);
    // What others have said about the answer stays; what describes the old body goes with it.
    for (name, value) in old.headers().iter().filter(|(name, _)| !name.as_str().starts_with("content-")) {
        answer.headers_mut().append(name.clone(), value.clone());
    }
    answer.extensions_mut().insert(fault);
    ServiceResponse::new(req, answer).map_into_right_body()
}

fn add_headers(headers: &mut HeaderMap, id: &str, path: &str, options: &EnvelopeOptions) {
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(X_REQUEST_ID, id);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "no-referrer");
    let policy = options.pages_at(path).map(|pages| pages.policy);
    set(header::CONTENT_SECURITY_POLICY, policy.unwrap_or("default-src 'none'; frame-ancestors 'none'"));
    if options.https {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        // Kept by the client alone and asked about each time, which the ETag makes cheap.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    }
}

fn log_line(
    id: &str,
    method: &str,
    route: &str,
    status: u16,
    actor: Option<UserId>,
    took: Duration,
    fault: Option<&Fault>,
) {
    let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let actor = actor.map_or_else(|| "-".to_owned(), |a| a.to_string());
    let code = fault.map_or("-", |f| f.code.as_str());
    // Somebody asks every few seconds whether all is well; as long as it is, nobody wants to read that.
    let is_probe = route.starts_with("/health/") && status < 400;
    log::log!(
        target: "muster::request",
        if is_probe { log::Level::Debug } else { log::Level::Info },
        request_id = id, actor = actor.as_str(), method = method, route = route, status = status, us = us, code = code;
        "{method} {route} {status}"
    );
    if let Some(cause) = fault.filter(|f| f.code.status() >= 500).and_then(|f| f.cause.as_ref()) {
        log::error!(request_id = id; "{method} {route}: {cause}");
    }
}

fn count(method: &str, route: &str, status: u16, took: Duration) {
    // Methods can be made up; what is counted by must not grow with what strangers think of.
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let method = if known.contains(&method) { method } else { "other" };
    let labels = [("method", method.to_owned()), ("route", route.to_owned()), ("status", status.to_string())];
    metrics::histogram!("muster_request_seconds", &labels).record(took.as_secs_f64());
}
