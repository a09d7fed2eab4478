//! The frames of a socket, looked at before they arrive: actix-ws learns how long a frame is only when all of it is there,
//! and puts up with as many fragments as anybody sends.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_core::Stream;

/// The longest message that a client sends, declared or put together.
pub(super) const LONGEST: u64 = 16 * 1024;
/// Into so many fragments a message is cut at most.
const MOST_FRAGMENTS: u32 = 64;

/// Why a socket is closed for what came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// It is no WebSocket frame as a client sends them.
    Framing,
    /// Binary messages are not spoken here.
    Binary,
    /// A message is too long.
    TooLong,
    /// A message of endlessly many fragments.
    Fragments,
}

impl Broken {
    /// The code it is closed with, and why.
    pub(super) fn goodbye(self) -> (u16, &'static str) {
        match self {
            Broken::Framing => (1002, "This is no frame of a client."),
            Broken::Binary => (1003, "Only text is understood here."),
            Broken::TooLong => (1009, "At most 16 KiB; send longer messages by REST."),
            Broken::Fragments => (1008, "Too many fragments."),
        }
    }
}

/// What is known of the frame that is arriving.
#[derive(Debug, Default)]
pub(super) struct Frames {
    head: [u8; 14],
    have: usize,
    /// Bytes of the frame's payload that are still to come.
    left: u64,
    /// Of the message that is arriving in fragments: how long it is so far, and of how many.
    message: Option<(u64, u32)>,
    /// Of each message that is whole and nobody asked for yet: of how many frames it is.
    whole: VecDeque<u32>,
    is_closing: bool,
}

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

impl Frames {
    /// Looks at what has arrived.
    pub(super) fn look(&mut self, mut bytes: &[u8]) -> Result<(), Broken> {
        while !bytes.is_empty() && !self.is_closing {
            if self.left > 0 {
                let here = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
                bytes = bytes.get(here..).unwrap_or_default();
                self.left -= here as u64;
                continue;
            }
            if let (Some(slot), Some((byte, rest))) = (self.head.get_mut(self.have), bytes.split_first()) {
                *slot = *byte;
                self.have += 1;
                bytes = rest;
            }
            if self.have >= 2 {
                // What is wrong is told as early as it is seen.
                self.check_beginning()?;
                if self.have == self.length_of_head() {
                    self.begin()?;
                }
            }
        }
        Ok(())
    }

    /// Of how many frames the next message is, control frames being messages of their own: in the order in which they
    /// became whole.
    pub(super) fn take_whole(&mut self) -> u32 {
        self.whole.pop_front().unwrap_or(1)
    }

    fn opcode(&self) -> u8 {
        self.head[0] & 0x0f
    }

    fn is_final(&self) -> bool {
        self.head[0] & 0x80 != 0
    }

    fn short_length(&self) -> u8 {
        self.head[1] & 0x7f
    }

    fn length_of_head(&self) -> usize {
        match self.short_length() {
            126 => 8,
            127 => 14,
            _ => 6,
        }
    }

    fn check_beginning(&self) -> Result<(), Broken> {
        let is_control = self.opcode() >= CLOSE;
        let (reserved, masked) = (self.head[0] & 0x70 != 0, self.head[1] & 0x80 != 0);
        // A goodbye has a code of two bytes, or none.
        let is_odd = self.opcode() == CLOSE && self.short_length() == 1;
        if reserved || !masked || is_odd || (is_control && (!self.is_final() || self.short_length() > 125)) {
            return Err(Broken::Framing);
        }
        match (self.opcode(), self.message) {
            (BINARY, _) => Err(Broken::Binary),
            (TEXT, None) | (CONTINUATION, Some(_)) | (CLOSE | PING | PONG, _) => Ok(()),
            _ => Err(Broken::Framing),
        }
    }

    /// The head is there: the frame begins.
    fn begin(&mut self) -> Result<(), Broken> {
        let long = |from: usize, to: usize| {
            self.head
                .get(from..to)
                .unwrap_or_default()
                .iter()
                .fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte))
        };
        let length = match self.short_length() {
            126 => long(2, 4),
            127 => long(2, 10),
            short => u64::from(short),
        };
        let is_shortest = match self.short_length() {
            126 => length > 125,
            127 => length > 0xffff && length >> 63 == 0,
            _ => true,
        };
        if !is_shortest {
            return Err(Broken::Framing);
        }
        match self.opcode() {
            CLOSE => {
                self.is_closing = true;
                self.whole.push_back(1);
            }
            PING | PONG => self.whole.push_back(1),
            _ => {
                let (_, fragments) = self.message.unwrap_or_default();
                self.message = self.grown(length)?;
                if self.message.is_none() {
                    self.whole.push_back(fragments + 1);
                }
            }
        }
        (self.have, self.left) = (0, length);
        Ok(())
    }

    /// The message with another fragment of it; nothing when that is its last.
    fn grown(&self, length: u64) -> Result<Option<(u64, u32)>, Broken> {
        let (so_far, fragments) = self.message.unwrap_or_default();
        let (so_far, fragments) = (so_far.saturating_add(length), fragments + 1);
        if so_far > LONGEST {
            return Err(Broken::TooLong);
        }
        if fragments > MOST_FRAGMENTS {
            return Err(Broken::Fragments);
        }
        Ok((!self.is_final()).then_some((so_far, fragments)))
    }
}

/// What a socket shares with whoever reads it.
#[derive(Debug, Default)]
pub(super) struct Watched {
    pub(super) frames: Frames,
    pub(super) broken: Option<Broken>,
}

/// A payload whose frames are looked at. It ends where something is wrong; what it was is told by [`Watched`].
pub(super) struct Guarded {
    payload: Payload,
    watched: Rc<RefCell<Watched>>,
}

impl Guarded {
    pub(super) fn new(payload: Payload) -> (Guarded, Rc<RefCell<Watched>>) {
        let watched = Rc::<RefCell<Watched>>::default();
        (Guarded { payload, watched: watched.clone() }, watched)
    }
}

impl Stream for Guarded {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.watched.borrow().broken.is_some() {
            return Poll::Ready(None);
        }
        let next = ready!(Pin::new(&mut this.payload).poll_next(cx));
        if let Some(Ok(bytes)) = &next {
            let mut watched = this.watched.borrow_mut();
            if let Err(broken) = watched.frames.look(bytes) {
                watched.broken = Some(broken);
                return Poll::Ready(None);
            }
        }
        Poll::Ready(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame as a client sends it, with a mask of zeros.
    fn frame(first: u8, length: usize) -> Vec<u8> {
        let mut bytes = vec![first];
        match length {
            0..=125 => bytes.push(0x80 | length as u8),
            126..=0xffff => {
                bytes.push(0x80 | 126);
                bytes.extend((length as u16).to_be_bytes());
            }
            _ => {
                bytes.push(0x80 | 127);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        bytes.extend([0; 4]);
        bytes
    }

    fn whole(first: u8, length: usize) -> Vec<u8> {
        [frame(first, length), vec![b'x'; length]].concat()
    }

    fn seen(bytes: &[u8]) -> Result<(), Broken> {
        let at_once = Frames::default().look(bytes);
        let mut one_by_one = Frames::default();
        let trickled = bytes.iter().try_for_each(|byte| one_by_one.look(&[*byte]));
        assert_eq!(at_once, trickled, "however it arrives");
        at_once
    }

    #[test]
    fn what_a_client_may_send_passes() {
        for bytes in [
            whole(0x81, 0),
            whole(0x81, 125),
            whole(0x81, 126),
            whole(0x81, 16 * 1024),
            [whole(0x01, 5), whole(0x89, 3), whole(0x80, 5), whole(0x81, 5)].concat(),
            [whole(0x88, 2), vec![0xff; 20]].concat(),
        ] {
            assert_eq!(seen(&bytes), Ok(()));
        }
    }

    #[test]
    fn what_is_wrong_is_seen_before_it_has_arrived() {
        for (bytes, expected) in [
            (frame(0x81, 16 * 1024 + 1), Broken::TooLong),
            (frame(0x81, 1 << 30), Broken::TooLong),
            ([whole(0x01, 16 * 1024), frame(0x80, 1)].concat(), Broken::TooLong),
            (frame(0x82, 1)[..2].to_vec(), Broken::Binary),
            (frame(0xc1, 1)[..2].to_vec(), Broken::Framing),
            (vec![0x81, 5], Broken::Framing),
            (frame(0x83, 1)[..2].to_vec(), Broken::Framing),
            (frame(0x8b, 1)[..2].to_vec(), Broken::Framing),
            (frame(0x09, 1)[..2].to_vec(), Broken::Framing),
            (frame(0x89, 126)[..2].to_vec(), Broken::Framing),
            (frame(0x88, 1)[..2].to_vec(), Broken::Framing),
            (frame(0x80, 1)[..2].to_vec(), Broken::Framing),
            ([whole(0x01, 1), frame(0x81, 1)[..2].to_vec()].concat(), Broken::Framing),
            (vec![0x81, 0x80 | 126, 0, 5, 0, 0, 0, 0], Broken::Framing),
            (vec![0x81, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0], Broken::Framing),
        ] {
            assert_eq!(seen(&bytes), Err(expected), "{bytes:?}");
        }
    }

    #[test]
    fn each_message_tells_of_how_many_frames_it_is() {
        let mut frames = Frames::default();
        let said =
            [whole(0x81, 3), whole(0x01, 1), whole(0x89, 0), whole(0x00, 1), whole(0x80, 1), whole(0x8a, 0)];
        assert_eq!(frames.look(&said.concat()), Ok(()));
        assert_eq!(
            [(); 4].map(|()| frames.take_whole()),
            [1, 1, 3, 1],
            "a text, a ping, three fragments, a pong"
        );
    }

    #[test]
    fn endless_fragments_are_not_waited_for() {
        let flood: Vec<u8> =
            std::iter::once(whole(0x01, 0)).chain((0..64).map(|_| whole(0x00, 0))).flatten().collect();
        assert_eq!(seen(&flood), Err(Broken::Fragments));
    }
}
