//! The gateway: reads the configuration, opens the database, mounts every domain's routes, and runs the commands
//! of the `muster` program. It holds no rules of the club; those are in the domain crates.

mod app;
mod bus;
mod cli;
mod commands;
mod config;
mod data_folder;
mod docs;
mod domains;
mod exit;
mod health;
mod logging;
mod operations;
mod pages;
pub mod server;
mod voice;

pub use app::{AppState, app};
pub use cli::program;
pub use config::{Config, LogFormat, Switch, env_example};
pub use docs::openapi_document;
pub use domains::{accounts, domains, domains_at_work, members, prepaid_fees};
pub use exit::Exit;
