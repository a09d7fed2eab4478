//! What is to be sent over a socket: a queue with a bound. Everything that is there leaves in one write, since actix-http
//! asks for more as long as there is room.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::{Bytes, BytesMut};

/// Frames, and bytes, that wait for one socket at most. Whoever is slower hears no more and asks again later.
const MOST_FRAMES: usize = 256;
const MOST_BYTES: usize = 512 * 1024;
/// When so much waits, what does no harm when it is missed is left out, and what can wait does.
const FULL_FRAMES: usize = MOST_FRAMES / 2;
const FULL_BYTES: usize = MOST_BYTES / 2;

/// The socket is too slow for what is sent to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooSlow;

/// Nobody takes any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Over;

/// The sending side.
#[derive(Clone, Default)]
pub(super) struct Outbox(Rc<RefCell<Inner>>);

#[derive(Default)]
struct Inner {
    frames: VecDeque<Bytes>,
    bytes: usize,
    /// Who takes the frames.
    taker: Option<Waker>,
    /// Who waits until there is room.
    giver: Option<Waker>,
    /// Nothing more is accepted; it ends when what is there is sent.
    is_closing: bool,
    is_gone: bool,
}

impl Inner {
    fn accept(&mut self, frame: Bytes) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
        if let Some(taker) = self.taker.take() {
            taker.wake();
        }
    }

    fn is_full(&self) -> bool {
        self.frames.len() >= FULL_FRAMES || self.bytes >= FULL_BYTES
    }

    fn is_over(&self) -> bool {
        self.is_closing || self.is_gone
    }

    fn wake_giver(&mut self) {
        if let Some(giver) = self.giver.take() {
            giver.wake();
        }
    }
}

impl Outbox {
    /// Sends what must not be missed.
    ///
    /// # Errors
    /// When there is no room for it.
    pub(super) fn send(&self, frame: Bytes) -> Result<(), TooSlow> {
        let mut inner = self.0.borrow_mut();
        if inner.is_over() {
            return Ok(());
        }
        if inner.frames.len() >= MOST_FRAMES || inner.bytes + frame.len() > MOST_BYTES {
            return Err(TooSlow);
        }
        inner.accept(frame);
        Ok(())
    }

    /// Sends what does no harm when it is missed.
    pub(super) fn whisper(&self, frame: Bytes) {
        let mut inner = self.0.borrow_mut();
        if !inner.is_over() && !inner.is_full() {
            inner.accept(frame);
        }
    }

    /// Sends what can wait until there is room.
    ///
    /// # Errors
    /// When nobody takes it any more.
    pub(super) async fn send_patiently(&self, frame: Bytes) -> Result<(), Over> {
        poll_fn(|cx| {
            let mut inner = self.0.borrow_mut();
            if inner.is_full() && !inner.is_over() {
                inner.giver = Some(cx.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
        let mut inner = self.0.borrow_mut();
        if inner.is_over() {
            return Err(Over);
        }
        inner.accept(frame);
        Ok(())
    }

    /// Says goodbye after what waits.
    pub(super) fn close(&self, goodbye: Bytes) {
        let mut inner = self.0.borrow_mut();
        if !inner.is_closing {
            inner.accept(goodbye);
            inner.is_closing = true;
            inner.wake_giver();
        }
    }

    /// What waits is not sent any more.
    pub(super) fn drop_all(&self) {
        let mut inner = self.0.borrow_mut();
        if !inner.is_closing {
            inner.frames.clear();
            inner.bytes = 0;
        }
    }

    /// True when nobody takes anything any more.
    pub(super) fn is_gone(&self) -> bool {
        self.0.borrow().is_gone
    }

    /// The receiving side: the body of the answer that became a socket, instead of that which it had. The old one is kept:
    /// the stream of what comes in ends with it.
    pub(super) fn body(&self, instead_of: BoxBody) -> Outgoing {
        Outgoing { outbox: self.0.clone(), _instead_of: instead_of }
    }
}

/// What actix-http sends.
pub(super) struct Outgoing {
    outbox: Rc<RefCell<Inner>>,
    _instead_of: BoxBody,
}

impl MessageBody for Outgoing {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let mut inner = self.outbox.borrow_mut();
        let Some(frame) = inner.frames.pop_front() else {
            if inner.is_closing {
                return Poll::Ready(None);
            }
            inner.taker = Some(cx.waker().clone());
            return Poll::Pending;
        };
        inner.bytes -= frame.len();
        if !inner.is_full() {
            inner.wake_giver();
        }
        Poll::Ready(Some(Ok(frame)))
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        let mut inner = self.outbox.borrow_mut();
        inner.is_gone = true;
        inner.wake_giver();
    }
}

/// A text frame as a server sends it.
pub(super) fn text(json: &[u8]) -> Bytes {
    framed(0x81, json)
}

/// A goodbye, with a code and a few words.
pub(super) fn goodbye(code: u16, why: &str) -> Bytes {
    framed(0x88, &[&code.to_be_bytes(), why.as_bytes()].concat())
}

/// The answer to a goodbye without a code.
pub(super) fn silent_goodbye() -> Bytes {
    Bytes::from_static(&[0x88, 0])
}

/// A ping without words.
pub(super) fn ping() -> Bytes {
    Bytes::from_static(&[0x89, 0])
}

/// The answer to a ping.
pub(super) fn pong(words: &[u8]) -> Bytes {
    framed(0x8a, words)
}

fn framed(first: u8, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(payload.len() + 10);
    frame.extend_from_slice(&[first]);
    match payload.len() {
        short @ 0..=125 => frame.extend_from_slice(&[short as u8]),
        medium @ 126..=0xffff => {
            frame.extend_from_slice(&[126]);
            frame.extend_from_slice(&(medium as u16).to_be_bytes());
        }
        long => {
            frame.extend_from_slice(&[127]);
            frame.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::Waker;

    use super::*;

    /// Takes all that is there.
    fn taken(body: &mut Outgoing) -> Vec<Bytes> {
        let mut cx = Context::from_waker(Waker::noop());
        let mut all = Vec::new();
        while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut *body).poll_next(&mut cx) {
            all.push(frame);
        }
        all
    }

    fn body(outbox: &Outbox) -> Outgoing {
        outbox.body(BoxBody::new(()))
    }

    #[test]
    fn it_holds_so_many_frames_and_bytes_and_no_more() {
        let outbox = Outbox::default();
        for _ in 0..MOST_FRAMES {
            assert_eq!(outbox.send(ping()), Ok(()));
        }
        assert_eq!(outbox.send(ping()), Err(TooSlow));
        assert_eq!(taken(&mut body(&outbox)).len(), MOST_FRAMES);
        let outbox = Outbox::default();
        let large = text(&[b'x'; 60_000]);
        for _ in 0..8 {
            assert_eq!(outbox.send(large.clone()), Ok(()));
        }
        assert_eq!(outbox.send(large), Err(TooSlow));
        assert_eq!(outbox.send(ping()), Ok(()), "what is small still fits");
    }

    #[test]
    fn what_may_be_missed_is_left_out_first() {
        let outbox = Outbox::default();
        for _ in 0..MOST_FRAMES {
            outbox.whisper(ping());
        }
        assert_eq!(outbox.send(ping()), Ok(()));
        assert_eq!(taken(&mut body(&outbox)).len(), FULL_FRAMES + 1);
    }

    #[test]
    fn what_can_wait_waits_for_room_and_ends_with_the_socket() {
        let outbox = Outbox::default();
        let mut body = body(&outbox);
        for _ in 0..FULL_FRAMES {
            outbox.whisper(ping());
        }
        let mut cx = Context::from_waker(Waker::noop());
        let mut patient = pin!(outbox.send_patiently(text(b"{}")));
        assert_eq!(patient.as_mut().poll(&mut cx), Poll::Pending);
        assert_eq!(taken(&mut body).len(), FULL_FRAMES);
        assert_eq!(patient.as_mut().poll(&mut cx), Poll::Ready(Ok(())));
        assert_eq!(taken(&mut body).len(), 1);
        for _ in 0..FULL_FRAMES {
            outbox.whisper(ping());
        }
        let mut patient = pin!(outbox.send_patiently(text(b"{}")));
        assert_eq!(patient.as_mut().poll(&mut cx), Poll::Pending);
        drop(body);
        assert_eq!(patient.as_mut().poll(&mut cx), Poll::Ready(Err(Over)));
        assert!(outbox.is_gone());
    }

    #[test]
    fn after_a_goodbye_nothing_is_sent() {
        let outbox = Outbox::default();
        let mut body = body(&outbox);
        assert_eq!(outbox.send(ping()), Ok(()));
        outbox.close(goodbye(1012, "soon"));
        assert_eq!(outbox.send(ping()), Ok(()));
        outbox.drop_all();
        outbox.close(goodbye(1000, ""));
        assert_eq!(taken(&mut body), [ping(), Bytes::from_static(b"\x88\x06\x03\xf4soon")]);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(matches!(Pin::new(&mut body).poll_next(&mut cx), Poll::Ready(None)), "it ends");
    }

    #[test]
    fn frames_say_how_long_they_are() {
        assert_eq!(&text(&[b'x'; 125])[..3], [0x81, 125, b'x']);
        assert_eq!(&text(&[b'x'; 126])[..5], [0x81, 126, 0, 126, b'x']);
        assert_eq!(&text(&[b'x'; 0xffff])[..5], [0x81, 126, 0xff, 0xff, b'x']);
        assert_eq!(&text(&[b'x'; 0x1_0000])[..11], [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0, b'x']);
    }
}
