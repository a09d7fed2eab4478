//! What bcrypt does on this machine when nothing is around it: no sign-in can be faster.

use std::io::{Error, Result};
use std::num::NonZero;
use std::time::{Duration, Instant};

use crate::figures::Figures;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The cost of the hash
    #[arg(long, default_value_t = 12)]
    cost: u32,
    /// For how many seconds
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

pub(crate) fn run(args: &Args) -> Result<Figures> {
    let password = "a password for benches";
    let hash = &bcrypt::non_truncating_hash(password, args.cost).map_err(Error::other)?;
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    let until = Instant::now() + Duration::from_secs(args.seconds);
    let verify_until = || {
        let mut micros = Vec::new();
        loop {
            let began = Instant::now();
            if began >= until {
                return Ok(micros);
            }
            bcrypt::non_truncating_verify(password, hash).map_err(Error::other)?;
            micros.push(u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX));
        }
    };
    let micros: Vec<Vec<u32>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..processors).map(|_| scope.spawn(verify_until)).collect();
        let ended = |thread: std::thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|_| Err(Error::other("a thread panicked")))
        };
        threads.into_iter().map(ended).collect::<Result<_>>()
    })?;
    let micros = micros.concat();
    // The last ones end after the time is up, each thread at another moment: what counts is how long all were busy.
    let busy: u64 = micros.iter().copied().map(u64::from).sum();
    let span = Duration::from_micros(busy / processors as u64);
    Ok(Figures::new(format!("bcrypt of cost {} × {processors}", args.cost), span, micros))
}
