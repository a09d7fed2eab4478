//! A request's body that runs out of patience with the client.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::Payload;
use actix_http::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::Stream;
use tokio::time::Instant;

use super::state::{ConnectionState, RequestBody};
use super::timer::Timer;

/// Whether this is what a client gets for sending its request's body too slowly.
///
/// `web::Json` reports it as `JsonPayloadError::Payload(..)`, `web::Form` as
/// `UrlencodedError::Payload(..)`. The 400 that actix-web answers those with is turned into 408; an
/// error handler that answers otherwise has its way. The connection is closed in any case.
pub fn is_body_timeout(error: &PayloadError) -> bool {
    matches!(error, PayloadError::Io(error) if error.kind() == io::ErrorKind::TimedOut)
}

/// A request's body that keeps its reader waiting for no longer than the limit, all in all, and
/// then ends with an error that [`is_body_timeout`] knows.
///
/// Only the time between a reader finding nothing and finding something counts. A handler that
/// takes its time between two reads does not use up the client's.
///
/// What its reader left of it goes to [`Leftover`], for whoever sees to the answer.
pub(super) struct TimedBody {
    body: Payload,
    left: Leftover,
    state: Rc<ConnectionState>,
    request: u32,
    patience: Duration,
    waiting_since: Option<Instant>,
    timer: Timer,
}

impl TimedBody {
    /// The body of the request with this number.
    pub(super) fn new(body: Payload, state: &Rc<ConnectionState>, request: u32, left: Leftover) -> Self {
        Self {
            body,
            left,
            state: Rc::clone(state),
            request,
            patience: state.limits().body,
            waiting_since: None,
            timer: Timer::default(),
        }
    }

    /// Whether the client has used up its time; if not, the reader will be woken then.
    fn is_past(&mut self, cx: &mut Context<'_>) -> bool {
        let since = *self.waiting_since.get_or_insert_with(Instant::now);
        since.checked_add(self.patience).is_some_and(|deadline| self.timer.is_past(deadline, cx))
    }
}

impl Stream for TimedBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let Poll::Ready(item) = Pin::new(&mut this.body).poll_next(cx) {
            if let Some(since) = this.waiting_since.take() {
                this.patience = this.patience.saturating_sub(since.elapsed());
            }
            if item.is_none() {
                this.state.body_became(this.request, RequestBody::Complete);
            }
            return Poll::Ready(item);
        }
        // A WebSocket's frames arrive as its request's body, which never ends.
        if this.state.is_upgraded() || !this.is_past(cx) {
            return Poll::Pending;
        }
        this.state.body_became(this.request, RequestBody::TimedOut);
        Poll::Ready(Some(Err(PayloadError::Io(io::Error::new(
            io::ErrorKind::TimedOut,
            "the request's body took too long to arrive",
        )))))
    }
}

impl Drop for TimedBody {
    fn drop(&mut self) {
        if self.state.expects_body_of(self.request) && self.left.is_looked_after() {
            self.left.0.replace(self.body.take());
        } else {
            self.state.body_became(self.request, RequestBody::Dropped);
        }
    }
}

/// What an application has left of a request's body.
#[derive(Clone)]
pub(super) struct Leftover(Rc<RefCell<Payload>>);

impl Leftover {
    pub(super) fn new() -> Self {
        Self(Rc::new(RefCell::new(Payload::None)))
    }

    fn is_looked_after(&self) -> bool {
        Rc::strong_count(&self.0) > 1
    }

    /// Whether there is any.
    pub(super) fn is_there(&self) -> bool {
        !matches!(*self.0.borrow(), Payload::None)
    }

    /// Reads on.
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, PayloadError>>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(cx)
    }
}
