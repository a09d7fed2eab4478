//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, Subcommand};

use crate::commands::create_admin::CreateAdminArgs;
use crate::commands::demo::DemoArgs;
use crate::commands::serve::ServeArgs;
use crate::voice::tell;
use crate::{Config, Exit, commands, config, logging};

/// A backend for clubs: members, money, classes, coaches and chat.
#[derive(Debug, Parser)]
#[command(
    name = "muster",
    version,
    about,
    after_help = "Without a command, `muster serve` is run. Exit codes: 0 done, 1 failed, \
    2 usage, 3 configuration, 4 database, 5 `check` found damage, 6 address or folder in use."
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    config: Config,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server; makes the data folder, the database and the keys if they are not there
    Serve(ServeArgs),
    /// Bring the database up to this version; on SQLite a copy of the old one is kept
    Migrate,
    /// Make somebody an admin who can sign in at once
    CreateAdmin(CreateAdminArgs),
    /// Fill an empty club with 200 people and four months of their life, to have a look around
    ///
    /// The data folder, the keys and the database are made if they are not there. A club in which there is anybody is
    /// refused, and stays as it is. No mail goes out, and every address ends in @example.org.
    ///
    /// It takes a few seconds. If it is cut off, the club is left as far as it was made, and is called unfinished: the next
    /// run refuses it too, and says what to delete to begin anew.
    Demo(DemoArgs),
    /// Prove that the data is sound; beside a running server if you like
    Check {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write a copy of the database to FILE; beside a running server if you like
    Backup {
        /// The file to write; it must not be there yet
        file: PathBuf,
    },
    /// Put a backup in the place of the database; the server must be stopped
    Restore {
        /// The file that `muster backup` wrote
        file: PathBuf,
    },
    /// Write all data to FOLDER as CSV and JSON; beside a running server if you like
    Export {
        /// The folder; it is made, and must be empty if it is there
        folder: PathBuf,
    },
    /// Begin a new epoch after a restore made by other means: clients then load everything anew
    Epoch {
        #[command(subcommand)]
        command: EpochCommand,
    },
    /// Look after the keys that tokens are signed with
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Print the OpenAPI document
    Openapi,
}

#[derive(Debug, Subcommand)]
enum EpochCommand {
    /// Begin a new epoch
    New,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Sign with a new key from now on; nobody is signed out, and a running server takes it up by itself
    Rotate,
}

/// Runs the program with these arguments, the first of which is its name.
pub fn program(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    match run(args.into_iter().collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => {
            if !exit.message.is_empty() {
                tell(&format!("muster: {}", exit.message));
            }
            ExitCode::from(exit.code)
        }
    }
}

fn run(args: Vec<OsString>) -> Result<(), Exit> {
    load_env_file()?;
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(e) => return Err(wrong_arguments(&e, &args)),
    };
    let Cli { command, config } = cli;
    config.check()?;
    logging::start(&config)?;
    match command.unwrap_or(Command::Serve(ServeArgs::default())) {
        Command::Serve(args) => commands::serve::run(&config, &args),
        Command::Migrate => commands::migrate::run(&config),
        Command::CreateAdmin(args) => commands::create_admin::run(&config, args),
        Command::Demo(args) => commands::demo::run(&config, &args),
        Command::Check { json } => commands::check::run(&config, json),
        Command::Backup { file } => commands::backup::run(&config, &file),
        Command::Restore { file } => commands::restore::run(&config, &file),
        Command::Export { folder } => commands::export::run(&config, &folder),
        Command::Epoch { command: EpochCommand::New } => commands::epoch::run(&config),
        Command::Keys { command: KeysCommand::Rotate } => commands::keys::rotate(&config),
        Command::Openapi => commands::openapi::run(),
    }
}

/// Reads `.env` in the present folder, below the environment.
fn load_env_file() -> Result<(), Exit> {
    let entries = match dotenvy::from_path_iter(".env") {
        Ok(entries) => entries,
        Err(e) if e.not_found() => return Ok(()),
        Err(e) => return Err(unreadable(&e)),
    };
    let known: Vec<_> = config::keys().into_iter().map(|key| key.name).collect();
    for entry in entries {
        let (key, _) = entry.map_err(|e| unreadable(&e))?;
        if key.starts_with("MUSTER_") && !known.contains(&key) && !key.starts_with("MUSTER_TEST_") {
            let detail =
                format!(".env sets {key}, which is no key of the configuration; .env.example lists them");
            return Err(Exit::configuration(detail));
        }
    }
    dotenvy::from_path(".env").map_err(|e| unreadable(&e))
}

/// What is wrong with `.env`, without the value: it may be a password.
fn unreadable(error: &dotenvy::Error) -> Exit {
    Exit::configuration(match error {
        dotenvy::Error::LineParse(line, _) => {
            let key: String = line.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            format!(
                ".env cannot be read: the line that begins with `{key}` is not KEY=value; quote a value with spaces"
            )
        }
        other => format!(".env cannot be read: {other}"),
    })
}

/// What clap says of wrong arguments. A wrong value that came from the environment is a matter of configuration.
fn wrong_arguments(error: &clap::Error, args: &[OsString]) -> Exit {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let asked = error.print();
        return Exit { code: if asked.is_ok() { 0 } else { 1 }, message: String::new() };
    }
    let argument = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument)) => {
            argument.split([' ', '=']).next().unwrap_or_default().to_owned()
        }
        _ => String::new(),
    };
    let on_the_line = args.iter().any(|a| a.to_string_lossy().starts_with(&argument));
    if !argument.is_empty() && !on_the_line {
        let key = format!("MUSTER_{}", argument.trim_start_matches('-').replace('-', "_").to_uppercase());
        let text = error.to_string();
        let reason = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        return Exit::configuration(format!("{key} cannot be read: {reason}"));
    }
    // Whether it can be shown or not, the exit code says it.
    let _ = error.print();
    Exit::usage("")
}
