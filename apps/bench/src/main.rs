//! Muster's load generator. It measures and prints; it judges nothing.
//!
//! `muster-bench http` keeps a number of connections busy with one request over and over. `muster-bench writes`
//! makes durable writes through the database layer itself, one at a time or many at once.

mod figures;
mod http;
mod writes;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Measures a running server, or the database layer.
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
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Http(args) => http::run(&args),
        Command::Writes(args) => writes::run(&args),
    };
    match done {
        Ok(figures) => {
            figures.print();
            ExitCode::SUCCESS
        }
        Err(e) => {
            figures::complain(&e.to_string());
            ExitCode::FAILURE
        }
    }
}
