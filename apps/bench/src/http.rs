//! One request over and over, on so many connections, each waiting for its answer before it asks again.

use std::io::{Error, Result};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::figures::Figures;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the server listens, as in 127.0.0.1:8080
    #[arg(long)]
    address: String,
    /// The path
    #[arg(long)]
    path: String,
    /// The method
    #[arg(long, default_value = "GET")]
    method: String,
    /// The access token
    #[arg(long)]
    token: Option<String>,
    /// The JSON body; `{n}` in it becomes a number that is never the same
    #[arg(long, default_value = "")]
    body: String,
    /// How many connections
    #[arg(long, default_value_t = 64)]
    connections: u32,
    /// For how many seconds
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

pub(crate) fn run(args: &Args) -> Result<Figures> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(load(args))
}

async fn load(args: &Args) -> Result<Figures> {
    let mut connections = JoinSet::new();
    let began = Instant::now();
    // A second to warm up, which is not counted.
    let counted_from = began + Duration::from_secs(1);
    let until = counted_from + Duration::from_secs(args.seconds);
    for n in 0..args.connections {
        let stream = TcpStream::connect(&args.address).await?;
        stream.set_nodelay(true)?;
        let client = Client { stream, buffer: Vec::with_capacity(64 * 1024) };
        let requests = Requests::new(args, u64::from(n) << 32);
        connections.spawn(client.ask_until(requests, counted_from, until));
    }
    let mut micros = Vec::new();
    while let Some(ended) = connections.join_next().await {
        micros.extend(ended.map_err(Error::other)??);
    }
    let what = format!("{} {} × {}", args.method, args.path, args.connections);
    Ok(Figures::new(what, Duration::from_secs(args.seconds), micros))
}

/// The text of the requests.
struct Requests {
    head: String,
    body: String,
    next: u64,
}

impl Requests {
    fn new(args: &Args, first: u64) -> Requests {
        let mut head = format!("{} {} HTTP/1.1\r\nhost: {}\r\n", args.method, args.path, args.address);
        if let Some(token) = &args.token {
            head.push_str(&format!("authorization: Bearer {token}\r\n"));
        }
        if !args.body.is_empty() {
            head.push_str("content-type: application/json\r\n");
        }
        Requests { head, body: args.body.clone(), next: first }
    }

    fn next(&mut self) -> String {
        self.next += 1;
        let body = self.body.replace("{n}", &self.next.to_string());
        match body.len() {
            0 => format!("{}\r\n", self.head),
            length => format!("{}content-length: {length}\r\n\r\n{body}", self.head),
        }
    }
}

struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    async fn ask_until(mut self, mut requests: Requests, from: Instant, until: Instant) -> Result<Vec<u32>> {
        let mut micros = Vec::new();
        loop {
            let began = Instant::now();
            if began >= until {
                return Ok(micros);
            }
            self.stream.write_all(requests.next().as_bytes()).await?;
            self.read_answer().await?;
            if began >= from {
                micros.push(u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX));
            }
        }
    }

    /// Reads one answer to its end. Anything but a success is the end of the measurement.
    async fn read_answer(&mut self) -> Result<()> {
        self.buffer.clear();
        let head = loop {
            if let Some(at) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            self.read_some().await?;
        };
        let text = String::from_utf8_lossy(&self.buffer[..head]).to_ascii_lowercase();
        if !text.starts_with("http/1.1 2") {
            return Err(Error::other(text.lines().next().unwrap_or_default().to_owned()));
        }
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.and_then(|l| l.trim().parse().ok()).unwrap_or(0);
        while self.buffer.len() < head + length {
            self.read_some().await?;
        }
        Ok(())
    }

    async fn read_some(&mut self) -> Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(Error::other("the server closed the connection")),
            _ => Ok(()),
        }
    }
}
