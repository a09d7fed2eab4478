//! A connection that asks and reads the answer.

use std::io::{Error, Result};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Where the body of the last answer begins.
    body: usize,
    bear: Option<u16>,
}

impl Client {
    pub(crate) async fn connect(address: &str, bear: Option<u16>) -> Result<Client> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Client { stream, buffer: Vec::with_capacity(64 * 1024), body: 0, bear })
    }

    /// True when the answer is a success, false when its status is the one that is borne.
    pub(crate) async fn ask(&mut self, request: &str) -> Result<bool> {
        self.stream.write_all(request.as_bytes()).await?;
        self.read_answer().await
    }

    /// The body of the last answer.
    pub(crate) fn body(&self) -> &[u8] {
        self.buffer.get(self.body..).unwrap_or_default()
    }

    /// Reads one answer to its end.
    async fn read_answer(&mut self) -> Result<bool> {
        self.buffer.clear();
        let head = loop {
            if let Some(at) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            self.read_some().await?;
        };
        let text = String::from_utf8_lossy(&self.buffer[..head]).to_ascii_lowercase();
        let success = text.starts_with("http/1.1 2");
        let borne = self.bear.is_some_and(|status| text.starts_with(&format!("http/1.1 {status} ")));
        if !success && !borne {
            return Err(Error::other(text.lines().next().unwrap_or_default().to_owned()));
        }
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.and_then(|l| l.trim().parse().ok()).unwrap_or(0);
        while self.buffer.len() < head + length {
            self.read_some().await?;
        }
        self.body = head;
        Ok(success)
    }

    async fn read_some(&mut self) -> Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(Error::other("the server closed the connection")),
            _ => Ok(()),
        }
    }
}
