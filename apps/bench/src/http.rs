//! One request over and over, on so many connections: each waits for its answer before it asks again, or they take
//! turns to ask at a steady rate.

pub(crate) mod client;
mod requests;

use std::io::{Error, Result};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use self::client::Client;
use self::requests::Requests;
use crate::figures::Figures;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the server listens, as in 127.0.0.1:8080
    #[arg(long)]
    address: String,
    /// The path; `{class}` in it becomes a class, one after the other
    #[arg(long)]
    path: String,
    /// The method
    #[arg(long, default_value = "GET")]
    method: String,
    /// The access token
    #[arg(long)]
    token: Option<String>,
    /// The JSON body; `{n}` in it becomes a number that is never the same, `{email}` the address of somebody whom
    /// `muster-bench people` has written, `{member}` their id, of one after the other
    #[arg(long, default_value = "")]
    body: String,
    /// How many people there are for `{email}`
    #[arg(long, default_value_t = 1_000)]
    people: u64,
    /// How many classes there are for `{class}`; nobody is sent to one twice before they were sent to all
    #[arg(long, default_value_t = 100)]
    classes: u64,
    /// Send an `Idempotency-Key` that is never the same
    #[arg(long)]
    keys: bool,
    /// How many connections
    #[arg(long, default_value_t = 64)]
    connections: u32,
    /// So many requests a second over all connections, whether or not the server keeps up. What an answer took then
    /// counts from when it was due to be asked for
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// A status that is counted and borne; any other that is no success ends the measurement
    #[arg(long)]
    bear: Option<u16>,
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
        let timetable = args.rate.map(|rate| Timetable {
            next: began + Duration::from_secs(1) * n / rate,
            pause: Duration::from_secs(1) * args.connections / rate,
        });
        let client = Client::connect(&args.address, args.bear).await?;
        let asking = Asking { client, requests: Requests::new(args, n), timetable };
        connections.spawn(asking.ask_until(counted_from, until));
    }
    let (mut micros, mut turned_away) = (Vec::new(), 0);
    while let Some(ended) = connections.join_next().await {
        let answers = ended.map_err(Error::other)??;
        micros.extend(answers.micros);
        turned_away += answers.turned_away;
    }
    let mut what = format!("{} {} × {}", args.method, args.path, args.connections);
    if let Some(rate) = args.rate {
        what.push_str(&format!(" at {rate} /s"));
    }
    Ok(Figures::new(what, Duration::from_secs(args.seconds), micros).turned_away(turned_away))
}

/// When a connection's turns to ask are.
struct Timetable {
    next: Instant,
    pause: Duration,
}

impl Timetable {
    /// Waits for the next turn, unless it is past, and says when it was due.
    async fn turn(&mut self) -> Instant {
        let due = self.next;
        self.next += self.pause;
        sleep_until(due).await;
        due
    }
}

/// One connection and what it asks.
struct Asking {
    client: Client,
    requests: Requests,
    timetable: Option<Timetable>,
}

#[derive(Default)]
struct Answers {
    micros: Vec<u32>,
    turned_away: usize,
}

impl Asking {
    async fn ask_until(mut self, from: Instant, until: Instant) -> Result<Answers> {
        let mut answers = Answers::default();
        loop {
            let began = match &mut self.timetable {
                Some(timetable) => timetable.turn().await,
                None => Instant::now(),
            };
            if began >= until {
                return Ok(answers);
            }
            let success = self.client.ask(&self.requests.next()).await?;
            if began < from {
                continue;
            }
            if success {
                answers.micros.push(u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX));
            } else {
                answers.turned_away += 1;
            }
        }
    }
}
