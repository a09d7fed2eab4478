//! The service above actix-http: it sees requests begin and end.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_http::body::{BodySize, BoxBody, EitherBody, MessageBody};
use actix_http::{BoxedPayloadStream, ConnectionType, Payload, Request, Response, StatusCode};
use actix_service::{Service, ServiceFactory};
use actix_web::web::Bytes;
use futures_util::future::LocalBoxFuture;
use pin_project_lite::pin_project;

use super::state::{ConnectionState, RequestBody};
use super::timed_body::TimedBody;

/// Surrounds an application, and tells each connection's [`ConnectionState`] when one of its
/// requests begins and when the response to it is over.
///
/// This is a service of actix-http and not a middleware of actix-web so that nothing can be outside
/// of it, neither another middleware nor an error on its way to becoming a response.
///
/// To a request whose body was too slow actix-web answers 400, which is turned into 408 here; every
/// other status is left as the application chose it. The connection is closed in any case.
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
    type Future = TrackedCall<S::Future>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx).map_err(Into::into)
    }

    fn call(&self, mut request: Request) -> Self::Future {
        let state = request.conn_data::<Rc<ConnectionState>>().cloned();
        if let Some(state) = &state {
            match request.take_payload() {
                Payload::None => {
                    state.request_began(RequestBody::Complete);
                }
                payload => {
                    let number = state.request_began(RequestBody::Open);
                    let body: BoxedPayloadStream = Box::pin(TimedBody::new(payload, state, number));
                    *request.payload() = body.into();
                }
            }
        }
        TrackedCall { call: self.0.call(request), state }
    }
}

pin_project! {
    /// The application at work on a request.
    #[derive(Debug)]
    pub(super) struct TrackedCall<F> {
        #[pin]
        call: F,
        state: Option<Rc<ConnectionState>>,
    }
}

impl<F, B, E> Future for TrackedCall<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    E: Into<Response<BoxBody>>,
    B: MessageBody,
{
    type Output = Result<Response<TrackedBody<EitherBody<B>>>, Response<BoxBody>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // An error is made a response right here, so that its body is tracked like any other.
        let mut response = match ready!(this.call.poll(cx)) {
            Ok(response) => response.map_body(|_, body| EitherBody::left(body)),
            Err(error) => error.into().map_body(|_, body| EitherBody::right(body)),
        };
        let state = this.state.take();
        if let Some(state) = &state {
            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
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
