//! What is known about one connection, and which limit runs.
//!
//! ```text
//! Fresh ──first byte──▶ Head ──head complete──▶ Busy ──response sent──▶ Idle ──first byte──▶ Head
//!                                                 │ ──body left unread──▶ Unread ──▶ (next head)
//!                                                 └ ──101──▶ Upgraded ──socket's end──▶ Closing
//! ```
//!
//! `Fresh` and `Head` may last [`ConnectionLimits::head`], `Idle` may last
//! [`ConnectionLimits::idle`], `Unread` [`ConnectionLimits::body`] and `Closing`
//! [`ConnectionLimits::linger`]. `Busy` and `Upgraded` have no end: a handler may take as long as
//! it likes. Within `Busy`, only the time the application spends *waiting* for the request's body
//! counts, and that is measured where it is waited for, in the body itself.

use std::cell::Cell;
use std::rc::Rc;

use tokio::time::Instant;

use super::limits::ConnectionLimits;

/// How many bytes a client may send ahead while requests of its own are being answered.
///
/// Once 16 requests wait in line, actix-http stops parsing but goes on reading, and when its buffer
/// is full (128 KiB) it wakes itself again and again until the request in flight is over: one
/// client could keep a worker's core busy. Well below that, reading is put off instead.
const SENT_AHEAD_MAX: usize = 16 * 1024;

/// What a connection is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Accepted; the client has not said anything yet.
    Fresh,
    /// A part of a request's head has arrived.
    Head,
    /// The application has a request in hand, or its response is being sent.
    Busy,
    /// The last response is over and the next request has not begun.
    Idle,
    /// The last response is over, but its request's body was not read to its end. actix-http may
    /// be throwing away the rest, which looks no different from a next head from down here.
    Unread,
    /// The last response is over and no further request is wanted.
    Closing,
    /// No longer HTTP: a WebSocket, which has its own heartbeat.
    Upgraded,
}

/// What has become of the current request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestBody {
    /// Read to its end, or never there.
    Complete,
    /// The application may yet read more of it.
    Open,
    /// The application has no interest in the rest of it.
    Dropped,
    /// The client was too slow.
    TimedOut,
}

/// What is known about one connection. Shared by its stream and the requests that come over it.
#[derive(Debug)]
pub(super) struct ConnectionState {
    limits: Rc<ConnectionLimits>,
    phase: Cell<Phase>,
    /// When the phase began.
    since: Cell<Instant>,
    body: Cell<RequestBody>,
    /// The current request's number. An application may hold on to the body of an earlier one.
    request: Cell<u32>,
    /// Bytes read since the connection was last idle, other than for a body that is being read:
    /// as much as may be waiting in actix-http's buffer.
    sent_ahead: Cell<usize>,
}

impl ConnectionState {
    /// Of a connection that has just been accepted.
    pub(super) fn new(limits: Rc<ConnectionLimits>) -> Self {
        Self {
            limits,
            phase: Cell::new(Phase::Fresh),
            since: Cell::new(Instant::now()),
            body: Cell::new(RequestBody::Complete),
            request: Cell::new(0),
            sent_ahead: Cell::new(0),
        }
    }

    /// The limits the connection is held to.
    pub(super) fn limits(&self) -> &ConnectionLimits {
        &self.limits
    }

    /// When the connection is to be closed unless something happens before.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let limit = match self.phase.get() {
            Phase::Fresh | Phase::Head => self.limits.head,
            Phase::Idle => self.limits.idle,
            Phase::Unread => self.limits.body,
            Phase::Closing => self.limits.linger,
            Phase::Busy | Phase::Upgraded => return None,
        };
        self.since.get().checked_add(limit)
    }

    /// Whether the client is in the middle of a request's head.
    pub(super) fn awaits_head(&self) -> bool {
        self.phase.get() == Phase::Head
    }

    /// Whether this is a WebSocket by now.
    pub(super) fn is_upgraded(&self) -> bool {
        self.phase.get() == Phase::Upgraded
    }

    /// Whether whatever arrives now is for a later request.
    pub(super) fn is_ahead(&self) -> bool {
        self.phase.get() == Phase::Busy && !self.expects_body()
    }

    /// Whether so much is waiting to be parsed that no more should be read.
    pub(super) fn is_too_far_ahead(&self) -> bool {
        self.is_ahead() && self.sent_ahead.get() >= SENT_AHEAD_MAX
    }

    /// The client has sent something.
    pub(super) fn bytes_arrived(&self, count: usize) {
        let before = match self.phase.get() {
            Phase::Idle => {
                self.enter(Phase::Head);
                0
            }
            // Keeps its clock: the first head's time runs from the connection's beginning.
            Phase::Fresh => {
                self.phase.set(Phase::Head);
                0
            }
            Phase::Head => self.sent_ahead.get(),
            Phase::Busy if !self.expects_body() => self.sent_ahead.get(),
            Phase::Busy | Phase::Unread | Phase::Closing | Phase::Upgraded => return,
        };
        self.sent_ahead.set(before.saturating_add(count));
    }

    /// The client has taken bytes that it had kept waiting. If they are the last of a response that
    /// is over by actix-http's account, only now does the client idle.
    pub(super) fn stall_ended(&self) {
        if self.phase.get() == Phase::Idle {
            self.enter(Phase::Idle);
        }
    }

    /// A request's head is complete. Returns the request's number.
    pub(super) fn request_began(&self, body: RequestBody) -> u32 {
        // The clock is not looked at during `Busy`, so it need not be set.
        self.phase.set(Phase::Busy);
        self.body.set(body);
        let request = self.request.get().wrapping_add(1);
        self.request.set(request);
        request
    }

    /// There will be no more of a request's body to read, for one reason or another.
    pub(super) fn body_became(&self, request: u32, body: RequestBody) {
        if self.expects_body_of(request) {
            self.body.set(body);
        }
    }

    /// Whether more of this request's body is to be read.
    pub(super) fn expects_body_of(&self, request: u32) -> bool {
        self.request.get() == request && self.expects_body()
    }

    /// Whether the current request's body took too long to arrive.
    pub(super) fn body_timed_out(&self) -> bool {
        self.body.get() == RequestBody::TimedOut
    }

    /// The application has agreed to a WebSocket.
    pub(super) fn upgraded(&self) {
        self.phase.set(Phase::Upgraded);
    }

    /// actix-http needs no more of the current response.
    pub(super) fn response_ended(&self) {
        let next = match (self.phase.get(), self.body.get()) {
            (Phase::Upgraded, _) | (_, RequestBody::TimedOut) => Phase::Closing,
            (_, RequestBody::Complete) => Phase::Idle,
            (_, RequestBody::Open | RequestBody::Dropped) => Phase::Unread,
        };
        self.enter(next);
    }

    fn enter(&self, phase: Phase) {
        self.phase.set(phase);
        self.since.set(Instant::now());
    }

    fn expects_body(&self) -> bool {
        self.body.get() == RequestBody::Open
    }
}
