//! The service above actix-http: it sees requests begin and end.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_http::body::{BodySize, BoxBody, EitherBody, MessageBody};
use actix_http::{BoxedPayloadStream, ConnectionType, Payload, Request, Response, StatusCode};
use actix_service::{Service, ServiceFactory};
use actix_web::web::Bytes;
use futures_util::future::LocalBoxFuture;
use pin_project_lite::pin_project;
use tokio::time::Instant;

use super::state::{ConnectionState, RequestBody};
use super::timed_body::{Leftover, TimedBody};
use super::timer::Timer;

/// Surrounds an application, and tells each connection's [`ConnectionState`] when one of its
/// requests begins and when the response to it is over.
///
/// This is a service of actix-http and not a middleware of actix-web so that nothing can be outside
/// of it, neither another middleware nor an error on its way to becoming a response.
///
/// To a request whose body was too slow actix-web answers 400, which is turned into 408 here; every
/// other status is left as the application chose it. The connection is closed in any case.
///
/// What the application did not read of a body is read here before the answer goes, as far as it is little and soon
/// there: actix-http closes a connection without a word when the answer overtakes the end of the request.
#[derive(Debug)]
pub(super) struct TrackRequests<S>(S);

impl<S> TrackRequests<S> {
    /// Surrounds an application, or the factory of one.
    pub(super) fn new(inner: S) -> Self {
        Self(inner)
    }
}

impl<S, B> ServiceFactory<Request> for TrackRequests<S>
where
    S: ServiceFactory<Request, Response = Response<B>>,
    S::Future: 'static,
    S::Error: Into<Response<BoxBody>>,
    B: MessageBody,
{
    type Response = Response<TrackedBody<EitherBody<B>>>;
    type Error = Response<BoxBody>;
    type Config = S::Config;
    type Service = TrackRequests<S::Service>;
    type InitError = S::InitError;
    type Future = LocalBoxFuture<'static, Result<Self::Service, Self::InitError>>;

    fn new_service(&self, config: S::Config) -> Self::Future {
        let inner = self.0.new_service(config);
        Box::pin(async move { inner.await.map(TrackRequests) })
    }
}

impl<S, B> Service<Request> for TrackRequests<S>
where
    S: Service<Request, Response = Response<B>>,
    S::Error: Into<Response<BoxBody>>,
    B: MessageBody,
{
    type Response = Response<TrackedBody<EitherBody<B>>>;
    type Error = Response<BoxBody>;
    type Future = TrackedCall<S::Future, EitherBody<B>>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx).map_err(Into::into)
    }

    fn call(&self, mut request: Request) -> Self::Future {
        let state = request.conn_data::<Rc<ConnectionState>>().cloned();
        let mut rest = None;
        if let Some(state) = &state {
            match request.take_payload() {
                Payload::None => {
                    state.request_began(RequestBody::Complete);
                }
                payload => {
                    let number = state.request_began(RequestBody::Open);
                    let left = Leftover::new();
                    let body = TimedBody::new(payload, state, number, left.clone());
                    let body: BoxedPayloadStream = Box::pin(body);
                    *request.payload() = body.into();
                    rest = Some(Rest::new(state.clone(), number, left));
                }
            }
        }
        TrackedCall { call: self.0.call(request), state, rest, answer: None }
    }
}

/// How long the rest of a body is waited for, and how much of it is read.
const REST_TIME: Duration = Duration::from_millis(100);
const REST_BYTES: usize = 64 * 1024;

/// The rest of a request's body.
struct Rest {
    state: Rc<ConnectionState>,
    number: u32,
    left: Leftover,
    read: usize,
    until: Option<Instant>,
    timer: Timer,
}

impl Rest {
    fn new(state: Rc<ConnectionState>, number: u32, left: Leftover) -> Self {
        Self { state, number, left, read: 0, until: None, timer: Timer::default() }
    }

    /// Reads it, unless it is too much or takes too long.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.left.is_there() {
            return Poll::Ready(());
        }
        let became = loop {
            match self.left.poll(cx) {
                Poll::Ready(None) => break RequestBody::Complete,
                Poll::Ready(Some(Ok(bytes))) if self.read + bytes.len() <= REST_BYTES => {
                    self.read += bytes.len();
                }
                Poll::Ready(Some(_)) => break RequestBody::Dropped,
                Poll::Pending => {
                    let until = *self.until.get_or_insert_with(|| Instant::now() + REST_TIME);
                    if !self.timer.is_past(until, cx) {
                        return Poll::Pending;
                    }
                    break RequestBody::Dropped;
                }
            }
        };
        self.state.body_became(self.number, became);
        Poll::Ready(())
    }
}

pin_project! {
    /// The application at work on a request.
    pub(super) struct TrackedCall<F, B> {
        #[pin]
        call: F,
        state: Option<Rc<ConnectionState>>,
        rest: Option<Rest>,
        // What there is to answer, while the rest of the body is read.
        answer: Option<Response<B>>,
    }
}

impl<F, B, E> Future for TrackedCall<F, EitherBody<B>>
where
    F: Future<Output = Result<Response<B>, E>>,
    E: Into<Response<BoxBody>>,
    B: MessageBody,
{
    type Output = Result<Response<TrackedBody<EitherBody<B>>>, Response<BoxBody>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = match this.answer.take() {
            Some(response) => response,
            // An error is made a response right here, so that its body is tracked like any other.
            None => match ready!(this.call.poll(cx)) {
                Ok(response) => response.map_body(|_, body| EitherBody::left(body)),
                Err(error) => error.into().map_body(|_, body| EitherBody::right(body)),
            },
        };
        let is_upgrade = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        if let Some(rest) = this.rest.as_mut().filter(|_| !is_upgrade)
            && rest.poll(cx).is_pending()
        {
            *this.answer = Some(response);
            return Poll::Pending;
        }
        *this.rest = None;
        let state = this.state.take();
        if let Some(state) = &state {
            if is_upgrade {
                state.upgraded();
            } else if state.body_timed_out() {
                if response.status() == StatusCode::BAD_REQUEST {
                    *response.status_mut() = StatusCode::REQUEST_TIMEOUT;
                }
                response.head_mut().set_connection_type(ConnectionType::Close);
            }
        }
        let over = state.map(ResponseOver);
        Poll::Ready(Ok(response.map_body(|_, body| TrackedBody { body, over })))
    }
}

/// Says that the response is over when it is dropped.
#[derive(Debug)]
struct ResponseOver(Rc<ConnectionState>);

impl Drop for ResponseOver {
    fn drop(&mut self) {
        self.0.response_ended();
    }
}

pin_project! {
    /// A response's body. actix-http drops it as soon as it needs no more of it, be that after its
    /// last byte or, where a response must not have a body, at once.
    #[derive(Debug)]
    pub(super) struct TrackedBody<B> {
        #[pin]
        body: B,
        over: Option<ResponseOver>,
    }
}

impl<B: MessageBody> MessageBody for TrackedBody<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.project().body.poll_next(cx)
    }
}
