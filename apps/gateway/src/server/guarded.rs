//! The stream below actix-http: it sees the bytes, and cuts the connection off.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use muster_kernel::http::LastCall;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::limits::ConnectionLimits;
use super::state::ConnectionState;
use super::timer::Timer;

/// The answer to a head that did not arrive in time. Written by hand, because actix-http has no
/// way to answer a request that it has not seen.
const HEAD_TIMED_OUT: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// How many bytes are read at a time while a request is being answered that has no more body to
/// come. actix-http may offer room enough to leap over what a client may send ahead in one read.
const SENT_AHEAD_STEP: usize = 2 * 1024;

/// A client's connection, with a limit to how slow the client may be.
///
/// The deadline, which [`ConnectionState`] keeps, is looked at whenever actix-http flushes, which it
/// does at the end of every turn, and when a write gets stuck. So a connection costs one timer and
/// no task of its own.
#[derive(Debug)]
pub(super) struct Guarded {
    io: TcpStream,
    state: Rc<ConnectionState>,
    timer: Timer,
    last_call: Rc<LastCall>,
    /// Since when the peer has taken none of the bytes there are for it.
    stalled_since: Option<Instant>,
    /// Whether reading was put off because the client had sent too far ahead.
    reading_put_off: bool,
}

impl Guarded {
    /// Starts watching a connection that has just been accepted.
    pub(super) fn new(io: TcpStream, limits: Rc<ConnectionLimits>) -> Self {
        Self {
            io,
            state: Rc::new(ConnectionState::new(limits)),
            timer: Timer::default(),
            last_call: Rc::default(),
            stalled_since: None,
            reading_put_off: false,
        }
    }

    /// The state to put into the connection's extensions, where
    /// [`TrackRequests`](super::track::TrackRequests) looks for it.
    pub(super) fn state(&self) -> Rc<ConnectionState> {
        Rc::clone(&self.state)
    }

    /// What the application ends the connection with, to be put there, too.
    pub(super) fn last_call(&self) -> Rc<LastCall> {
        Rc::clone(&self.last_call)
    }
}

impl AsyncRead for Guarded {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.state.is_too_far_ahead() {
            // The socket will not wake the task for this; `poll_flush` does, once it is over.
            this.reading_put_off = true;
            return Poll::Pending;
        }
        let before = buf.filled().len();
        if this.state.is_ahead() {
            let mut step = [MaybeUninit::uninit(); SENT_AHEAD_STEP];
            let mut step = ReadBuf::uninit(&mut step[..SENT_AHEAD_STEP.min(buf.remaining())]);
            ready!(Pin::new(&mut this.io).poll_read(cx, &mut step))?;
            buf.put_slice(step.filled());
        } else {
            ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
        }
        let count = buf.filled().len() - before;
        if count > 0 {
            this.state.bytes_arrived(count);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let Poll::Ready(written) = Pin::new(&mut this.io).poll_write(cx, buf) {
            if this.stalled_since.take().is_some() {
                this.state.stall_ended();
            }
            return Poll::Ready(written);
        }
        // While a write is stuck, this is the only limit: the client cannot be expected to send a
        // next request before it has got its response.
        let since = *this.stalled_since.get_or_insert_with(Instant::now);
        let stalled = since.checked_add(this.state.limits().write_stall);
        let deadline = stalled.into_iter().chain(this.last_call.deadline(cx)).min();
        if deadline.is_some_and(|deadline| this.timer.is_past(deadline, cx)) {
            // Otherwise the kernel would keep the unsent bytes and go on trying for minutes.
            // Failing is harmless: the connection is closed all the same.
            let _ = this.io.set_zero_linger();
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.reading_put_off && !this.state.is_too_far_ahead() {
            this.reading_put_off = false;
            cx.waker().wake_by_ref();
        }
        if let Some(deadline) = this.state.deadline()
            && this.timer.is_past(deadline, cx)
        {
            if this.state.awaits_head() {
                // actix-http flushes only when it has nothing left to write, so this cannot get
                // in between the pieces of a response. Best effort: the client has had its chance.
                let _ = Pin::new(&mut this.io).poll_write(cx, HEAD_TIMED_OUT);
            }
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut this.io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}
