//! A socket of the load generator: as little work as can be, since the server shares the machine.

use std::io::{Error, Result};
use std::ops::Range;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// A socket that listens to a room from its head on.
pub(super) async fn open(address: &str, token: &str, room: &str, head: i64) -> Result<(Reader, Writer)> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET /api/chat/ws HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nconnection: upgrade\r\n\
         upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::with_capacity(4096);
    let end = loop {
        if let Some(at) = answer.windows(4).position(|it| it == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(Error::other("the server closed the connection"));
        }
    };
    if !answer.starts_with(b"HTTP/1.1 101 ") {
        return Err(Error::other(String::from_utf8_lossy(&answer).into_owned()));
    }
    let (read, write) = stream.into_split();
    let (mut reader, mut writer) =
        (Reader { stream: read, buffer: answer.split_off(end), frames: Vec::new(), next: 0 }, Writer(write));
    writer.say(&format!("{{\"type\":\"subscribe\",\"id\":\"s\",\"rooms\":{{\"{room}\":{head}}}}}")).await?;
    loop {
        let got = reader.fill().await?;
        for _ in 0..got {
            if reader.take().windows(12).any(|it| it == b"\"subscribed\"") {
                return Ok((reader, writer));
            }
        }
    }
}

/// What comes in.
pub(super) struct Reader {
    stream: OwnedReadHalf,
    buffer: Vec<u8>,
    /// The whole frames in the buffer.
    frames: Vec<Range<usize>>,
    next: usize,
}

impl Reader {
    /// Waits until there is at least one whole frame, and says how many there are.
    pub(super) async fn fill(&mut self) -> Result<usize> {
        // What was taken goes.
        if let Some(last) = self.frames.last() {
            self.buffer.drain(..last.end);
        }
        self.frames.clear();
        self.next = 0;
        loop {
            self.find_frames()?;
            if !self.frames.is_empty() {
                return Ok(self.frames.len());
            }
            if self.buffer.capacity() - self.buffer.len() < 2048 {
                self.buffer.reserve(8192);
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(Error::other("the server closed a socket"));
            }
        }
    }

    fn find_frames(&mut self) -> Result<()> {
        let mut at = 0;
        while let Some([first, short]) = self.buffer.get(at..at + 2) {
            let long = |from: usize, to: usize| {
                let bytes = self.buffer.get(at + from..at + to)?;
                Some(bytes.iter().fold(0usize, |sum, byte| (sum << 8) | usize::from(*byte)))
            };
            let (head, length) = match short {
                126 => (4, long(2, 4)),
                127 => (10, long(2, 10)),
                short => (2, Some(usize::from(*short))),
            };
            let Some(length) = length.filter(|length| self.buffer.len() >= at + head + length) else { break };
            if *first == 0x88 {
                return Err(Error::other("the server said goodbye"));
            }
            self.frames.push(at + head..at + head + length);
            at += head + length;
        }
        Ok(())
    }

    /// The next frame of those that there are.
    pub(super) fn take(&mut self) -> &[u8] {
        let frame = self.frames.get(self.next).cloned().unwrap_or_default();
        self.next += 1;
        self.buffer.get(frame).unwrap_or_default()
    }
}

/// What goes out.
pub(super) struct Writer(OwnedWriteHalf);

impl Writer {
    pub(super) async fn say(&mut self, text: &str) -> Result<()> {
        let mut frame = vec![0x81];
        match text.len() {
            short @ 0..=125 => frame.push(0x80 | short as u8),
            medium => {
                frame.push(0x80 | 126);
                frame.extend((medium as u16).to_be_bytes());
            }
        }
        // A mask of zeros leaves everything as it is.
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.0.write_all(&frame).await
    }
}
