//! `muster create-admin`.

use std::io::{BufRead, IsTerminal, Read};

use clap::Args;
use muster_auth::{AccountOptions, Keyring, NewPerson, Password, Passwords, Role, Roles};

use super::{block_on, open, prepare_database};
use crate::{Config, Exit, data_folder, domains, voice};

/// Who is to be an admin.
#[derive(Debug, Clone, Args)]
pub(crate) struct CreateAdminArgs {
    /// The address to sign in with
    #[arg(long)]
    pub(crate) email: String,
    /// The first name
    #[arg(long, default_value = "Club")]
    pub(crate) first_name: String,
    /// The last name
    #[arg(long, default_value = "Admin")]
    pub(crate) last_name: String,
    /// Read the password from standard input instead of asking for it
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

/// Nobody's password is longer, and nobody's mistake fills the memory.
const LONGEST_INPUT: u64 = 4096;

pub(crate) fn run(config: &Config, args: CreateAdminArgs) -> Result<(), Exit> {
    let password = if args.password_stdin { from_stdin()? } else { ask()? };
    prepare_database(config)?;
    data_folder::prepare(&config.data_dir)?;
    let keys = Keyring::open(&config.secret_path())?;
    let accounts = domains::accounts(Passwords::new(config.bcrypt_cost), keys, AccountOptions::default());
    let email = args.email.clone();
    let admin = NewPerson {
        email: args.email,
        first_name: args.first_name,
        last_name: args.last_name,
        password,
        roles: Roles::of([Role::Admin]),
    };
    let db = open(config)?;
    block_on(async { Ok(accounts.create_person(&db, admin).await?) })?;
    voice::say(&format!("{email} is an admin and can sign in"));
    Ok(())
}

pub(super) fn from_stdin() -> Result<Password, Exit> {
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .take(LONGEST_INPUT)
        .read_line(&mut line)
        .map_err(|e| Exit::failed(format!("the password cannot be read: {e}")))?;
    Ok(Password::new(line.trim_end_matches(['\r', '\n']).to_owned()))
}

fn ask() -> Result<Password, Exit> {
    if !std::io::stdin().is_terminal() {
        return Err(Exit::usage(
            "there is no terminal to ask for the password on; give it with --password-stdin",
        ));
    }
    let asked = |prompt| {
        rpassword::prompt_password(prompt)
            .map_err(|e| Exit::failed(format!("the password cannot be read: {e}")))
    };
    let first = asked("Password (at least 8 characters): ")?;
    if first != asked("Once more: ")? {
        return Err(Exit::failed("the two passwords differ; nothing was done"));
    }
    Ok(Password::new(first))
}
