//! People with sockets in one room, some of whom talk. What each of them is sent is counted, and how long it took from
//! the sending on; the content says when that was.

mod club;
mod socket;

use std::cell::RefCell;
use std::io::{Error, Read, Result};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep_until, timeout_at};

use self::club::Club;
use self::socket::{Reader, Writer};
use crate::figures::Figures;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the server listens, as in 127.0.0.1:8080
    #[arg(long)]
    address: String,
    /// What everybody signs in with whom `muster-bench people` has written
    #[arg(long, default_value = "a password for benches")]
    password: String,
    /// The access token of somebody who may open a room
    #[arg(long)]
    token: String,
    /// How many people are in the room
    #[arg(long, default_value_t = 1_000)]
    people: u64,
    /// How many sockets they have open together; ten each at most
    #[arg(long, default_value_t = 1_000)]
    sockets: u64,
    /// How many of them talk; without any, only the opening is measured
    #[arg(long, default_value_t = 40)]
    senders: u64,
    /// So many messages a second over all of them, whether or not the server keeps up; without it, each waits until its
    /// last one is acknowledged
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// How long a message is
    #[arg(long, default_value_t = 250)]
    length: usize,
    /// For how many seconds
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Keep the sockets open until standard input ends
    #[arg(long)]
    hold: bool,
}

/// Sockets that are being opened at the same time.
const AT_ONCE: u64 = 256;
/// A message whose last receiver has not got it after this time counts as lost.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn run(args: &Args) -> Result<Vec<Figures>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, measure(args))
}

async fn measure(args: &Args) -> Result<Vec<Figures>> {
    let club = Rc::new(Club::with_room(args).await?);
    let began = Instant::now();
    let (sockets, opening) = open_all(args, &club).await?;
    let what = format!("{} sockets of {} people opened", args.sockets, args.people);
    let mut all = vec![Figures::new(what, began.elapsed(), opening)];
    if args.senders > 0 {
        all.extend(talk(args, &club, sockets).await?);
    } else if args.hold {
        let held = all.remove(0);
        held.print("");
        // Whatever comes meanwhile stays where it is: nobody talks.
        let _ = std::io::stdin().read(&mut [0])?;
        drop(sockets);
    }
    Ok(all)
}

type Open = (Reader, Writer);

async fn open_all(args: &Args, club: &Rc<Club>) -> Result<(Vec<Open>, Vec<u32>)> {
    let mut opening = JoinSet::new();
    for n in 0..AT_ONCE.min(args.sockets) {
        let (club, sockets, address) = (club.clone(), args.sockets, args.address.clone());
        opening.spawn_local(async move {
            let mut open = Vec::new();
            for number in (n..sockets).step_by(AT_ONCE as usize) {
                let began = Instant::now();
                let socket = socket::open(&address, club.token(number), &club.room, club.head).await?;
                open.push((socket, micros(began)));
            }
            Ok::<_, Error>(open)
        });
    }
    let (mut sockets, mut times) = (Vec::new(), Vec::new());
    while let Some(opened) = opening.join_next().await {
        for (socket, took) in opened.map_err(Error::other)?? {
            sockets.push(socket);
            times.push(took);
        }
    }
    Ok((sockets, times))
}

/// What came of the messages.
#[derive(Default)]
struct Delivered {
    /// How long each delivery took.
    micros: Vec<u32>,
    /// Of each message: by how many it was received, and when by the last.
    messages: Vec<(u64, u32)>,
}

async fn talk(args: &Args, club: &Rc<Club>, sockets: Vec<Open>) -> Result<Vec<Figures>> {
    let delivered = Rc::new(RefCell::new(Delivered::default()));
    let began = Instant::now();
    let counted_from = began + Duration::from_secs(1);
    let until = counted_from + Duration::from_secs(args.seconds);
    let mut receiving = JoinSet::new();
    let mut sending = JoinSet::new();
    for (n, (reader, writer)) in (0..).zip(sockets) {
        let (tell, told) = mpsc::channel(64);
        receiving.spawn_local(receive(reader, delivered.clone(), began, tell));
        if n < args.senders {
            let pause = args.rate.map(|rate| Duration::from_secs(1) * args.senders as u32 / rate);
            let first = pause.map_or(began, |pause| began + pause * n as u32 / args.senders as u32);
            let turns = Turns { next: first, pause, began, counted_from, until };
            let room = club.room.clone();
            sending.spawn_local(send(writer, told, turns, room, args.length, delivered.clone()));
        } else {
            receiving.spawn_local(hold(writer, until + PATIENCE));
        }
    }
    let mut acks = Vec::new();
    while let Some(sent) = sending.join_next().await {
        acks.extend(sent.map_err(Error::other)??);
    }
    // What is under way still counts for the last receiver.
    let patience = Instant::now() + PATIENCE;
    let whole = |delivered: &Delivered| delivered.messages.iter().all(|(count, _)| *count == args.sockets);
    while !whole(&delivered.borrow()) && Instant::now() < patience {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let lost = delivered.borrow().messages.iter().filter(|(count, _)| *count < args.sockets).count();
    receiving.abort_all();
    let delivered = std::mem::take(&mut *delivered.borrow_mut());
    let last = delivered.messages.iter().map(|(_, last)| *last).collect();
    let span = Duration::from_secs(args.seconds);
    let rate = args.rate.map(|rate| format!(" at {rate} /s")).unwrap_or_default();
    let what = |what: &str| format!("{what}, {} sockets, {} senders{rate}", args.sockets, args.senders);
    Ok(vec![
        Figures::new(what("send → ack"), span, acks),
        Figures::new(what("send → last receiver"), span, last).turned_away(lost),
        Figures::new(what("delivered"), span, delivered.micros),
    ])
}

/// When a sender's turns are.
struct Turns {
    next: Instant,
    pause: Option<Duration>,
    began: Instant,
    counted_from: Instant,
    until: Instant,
}

async fn send(
    mut writer: Writer,
    mut acks: mpsc::Receiver<()>,
    mut turns: Turns,
    room: String,
    length: usize,
    delivered: Rc<RefCell<Delivered>>,
) -> Result<Vec<u32>> {
    let mut times = Vec::new();
    loop {
        if let Some(pause) = turns.pause {
            sleep_until(turns.next).await;
            turns.next += pause;
        }
        let now = Instant::now();
        if now >= turns.until {
            // The socket stays open until the others have got everything.
            tokio::task::spawn_local(hold(writer, now + PATIENCE));
            return Ok(times);
        }
        let counts = now >= turns.counted_from;
        // The number of those that are counted; the others have none.
        let number = if counts {
            let mut delivered = delivered.borrow_mut();
            delivered.messages.push((0, 0));
            delivered.messages.len()
        } else {
            0
        };
        writer.say(&message(&room, micros(turns.began), number, length)).await?;
        let patience = Instant::now() + PATIENCE;
        match timeout_at(patience, acks.recv()).await {
            Ok(Some(())) if counts => times.push(micros(now)),
            Ok(Some(())) => {}
            _ => return Err(Error::other("a message was not acknowledged")),
        }
    }
}

/// What is sent: its content begins with when and which.
fn message(room: &str, at: u32, number: usize, length: usize) -> String {
    let content = format!("{at:010} {number:010} ");
    let rest = "x".repeat(length.saturating_sub(content.len()));
    format!("{{\"type\":\"send\",\"id\":\"a\",\"room\":{room},\"content\":\"{content}{rest}\"}}")
}

async fn receive(
    mut reader: Reader,
    delivered: Rc<RefCell<Delivered>>,
    began: Instant,
    acks: mpsc::Sender<()>,
) -> Result<()> {
    loop {
        let got = reader.fill().await?;
        let now = micros(began);
        let mut delivered = delivered.borrow_mut();
        for _ in 0..got {
            let frame = reader.take();
            if frame.starts_with(b"{\"type\":\"event\"") {
                let Some((at, number)) = stamp(frame) else { continue };
                if number > 0 {
                    delivered.micros.push(now.saturating_sub(at));
                    if let Some((count, last)) = delivered.messages.get_mut(number - 1) {
                        *count += 1;
                        *last = (*last).max(now.saturating_sub(at));
                    }
                }
            } else if frame.windows(12).take(40).any(|it| it == b"\"type\":\"ack\"") {
                // Whoever waited for it may have given up.
                let _ = acks.try_send(());
            } else if frame.windows(14).take(80).any(|it| it == b"\"type\":\"error\"") {
                return Err(Error::other(String::from_utf8_lossy(frame).into_owned()));
            }
        }
    }
}

/// What a message's content begins with.
fn stamp(frame: &[u8]) -> Option<(u32, usize)> {
    const BEFORE: &[u8] = b"\"content\":\"";
    let at = frame.windows(BEFORE.len()).position(|it| it == BEFORE)? + BEFORE.len();
    let text = std::str::from_utf8(frame.get(at..at + 21)?).ok()?;
    let (at, number) = text.split_once(' ')?;
    Some((at.parse().ok()?, number.parse().ok()?))
}

/// Keeps a socket open.
async fn hold(writer: Writer, until: Instant) -> Result<()> {
    sleep_until(until).await;
    drop(writer);
    Ok(())
}

fn micros(since: Instant) -> u32 {
    u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX)
}
