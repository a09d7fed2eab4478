//! How many requests a client may make: so many at once, refilled at a steady rate.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, web};
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use super::address::{ClientAddress, Proxies};
use crate::fault::{Code, Fault};

/// Requests an address may make at once.
const BURST: NonZeroU32 = so_many(600);
/// Requests an address may make a second, on and on.
const STEADY: NonZeroU32 = so_many(100);
/// After so many requests those who have been quiet are forgotten, so that the table stays small.
const SWEEP: u32 = 10_000;

const fn so_many(requests: u32) -> NonZeroU32 {
    match NonZeroU32::new(requests) {
        Some(requests) => requests,
        None => NonZeroU32::MIN,
    }
}

type Limiter =
    RateLimiter<ClientAddress, DashMapStateStore<ClientAddress>, DefaultClock, StateInformationMiddleware>;

/// The general limit by address, shared by all workers.
pub struct RateLimits {
    limiter: Option<Limiter>,
    proxies: Proxies,
    requests: AtomicU32,
}

impl RateLimits {
    /// The limits in force, or none (`on` false: benches and tests, on loopback only).
    pub fn new(on: bool, proxies: Proxies) -> RateLimits {
        let quota = Quota::per_second(STEADY).allow_burst(BURST);
        let limiter = on.then(|| RateLimiter::keyed(quota).with_middleware::<StateInformationMiddleware>());
        RateLimits { limiter, proxies, requests: AtomicU32::new(0) }
    }

    /// The address of a request, as limits count it.
    pub fn address(&self, head: &actix_web::dev::RequestHead) -> ClientAddress {
        ClientAddress::of(head, &self.proxies)
    }

    /// What is left for this address, or the seconds to wait.
    fn take(&self, address: ClientAddress) -> Option<Result<u32, u32>> {
        let limiter = self.limiter.as_ref()?;
        if self.requests.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            limiter.retain_recent();
        }
        Some(match limiter.check_key(&address) {
            Ok(state) => Ok(state.remaining_burst_capacity()),
            Err(not_until) => {
                let wait = not_until.wait_time_from(DefaultClock::default().now());
                Err(u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1))
            }
        })
    }
}

/// The middleware that asks the limits.
///
/// # Errors
/// Those of the services inside.
pub async fn limit_rate<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    // Whoever watches over the program must not take it for dead because of somebody else's requests.
    let watched = req.path().starts_with("/health/") || req.path() == "/metrics";
    let limits = req.app_data::<web::Data<RateLimits>>().filter(|_| !watched).cloned();
    match limits.and_then(|limits| limits.take(limits.address(req.head()))) {
        None => Ok(next.call(req).await?.map_into_left_body()),
        Some(Ok(left)) => {
            let mut response = next.call(req).await?;
            say(response.headers_mut(), left);
            Ok(response.map_into_left_body())
        }
        Some(Err(seconds)) => {
            let detail = "Too many requests from this address; wait as long as Retry-After says.";
            let fault = Fault::new(Code::RateLimited, detail).retry_after(seconds);
            let mut response = req.error_response(fault);
            say(response.headers_mut(), 0);
            Ok(response.map_into_right_body())
        }
    }
}

fn say(headers: &mut HeaderMap, left: u32) {
    let full = (BURST.get() - left.min(BURST.get())).div_ceil(STEADY.get());
    let fields = [
        ("ratelimit", format!("\"address\";r={left};t={full}")),
        ("ratelimit-policy", format!("\"address\";q={BURST};w={}", BURST.get() / STEADY.get())),
    ];
    for (name, value) in fields {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}
