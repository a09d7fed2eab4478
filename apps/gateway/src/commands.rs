//! What each command does. A command opens what it needs, does one thing, and ends with an exit code.

pub(crate) mod backup;
pub(crate) mod check;
pub(crate) mod create_admin;
pub(crate) mod demo;
pub(crate) mod epoch;
pub(crate) mod export;
pub(crate) mod keys;
pub(crate) mod migrate;
pub(crate) mod openapi;
mod postgres_tools;
mod progress;
pub(crate) mod restore;
pub(crate) mod serve;

use std::future::Future;

use muster_kernel::db::{Db, DbOptions};

use crate::{Config, Exit, voice};

/// Runs a command's future; the server has a runtime of its own.
fn block_on<T>(work: impl Future<Output = Result<T, Exit>>) -> Result<T, Exit> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Exit::failed(e.to_string()))?
        .block_on(work)
}

/// The database, as it is: neither made nor migrated.
fn open(config: &Config) -> Result<Db, Exit> {
    Ok(Db::open(&config.target()?, DbOptions { readers: 1, writers: 1, ..DbOptions::default() })?)
}

/// Makes and migrates the database as far as needed, and says what was done.
fn prepare_database(config: &Config) -> Result<(), Exit> {
    let target = config.target()?;
    if target.file().is_some() {
        crate::data_folder::prepare(&config.data_dir)?;
    }
    let migrated = muster_kernel::db::migrate(&target)?;
    if let Some(copy) = &migrated.copy {
        voice::tell(&format!("a copy of the database as it was is in {}", copy.display()));
    }
    if !migrated.applied.is_empty() {
        log::info!("the database was brought up to date: {}", migrated.applied.join(", "));
    }
    Ok(())
}
