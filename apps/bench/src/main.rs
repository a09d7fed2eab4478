//! Muster's load generator. It measures and prints; it judges nothing.
//!
//! `muster-bench http` keeps a number of connections busy with one request over and over, or asks at a steady
//! rate. `muster-bench writes` makes durable writes through the database layer itself, one at a time or many at
//! once. `muster-bench bcrypt` verifies passwords on all processors. `muster-bench people` fills a club,
//! `muster-bench ledger` its books, `muster-bench classes` its timetable. `muster-bench chat` opens sockets, and has people talk
//! over them.

mod chat;
mod classes;
mod figures;
mod hashing;
mod http;
mod ledger;
mod machine;
mod people;
mod person;
mod writes;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Measures a running server, the database layer, or the machine.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send one request over and over
    Http(http::Args),
    /// Write durably through the database layer
    Writes(writes::Args),
    /// Verify a password over and over, on every processor
    Bcrypt(hashing::Args),
    /// Fill a club with people
    People(people::Args),
    /// Fill the books of a club that has people
    Ledger(ledger::Args),
    /// Fill the timetable of a club that has people
    Classes(classes::Args),
    /// Open sockets, and have people talk over them
    Chat(chat::Args),
}

fn main() -> ExitCode {
    let machine = machine::Machine::now();
    let done = match Cli::parse().command {
        Command::Http(args) => http::run(&args).map(|figures| vec![figures]),
        Command::Writes(args) => writes::run(&args).map(|figures| vec![figures]),
        Command::Bcrypt(args) => hashing::run(&args).map(|figures| vec![figures]),
        Command::People(args) => people::run(&args).map(|figures| vec![figures]),
        Command::Ledger(args) => ledger::run(&args).map(|figures| vec![figures]),
        Command::Classes(args) => classes::run(&args).map(|figures| vec![figures]),
        Command::Chat(args) => chat::run(&args),
    };
    match done {
        Ok(all) => {
            let besides = machine.besides();
            all.iter().for_each(|figures| figures.print(&besides));
            ExitCode::SUCCESS
        }
        Err(e) => {
            figures::complain(&e.to_string());
            ExitCode::FAILURE
        }
    }
}
