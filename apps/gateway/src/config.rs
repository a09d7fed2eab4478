//! The configuration: every key with its default and one line of explanation. This is the only place that reads
//! the environment; `.env.example` is made from it.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, ValueEnum};
use muster_kernel::db::Target;
use muster_kernel::http::Proxies;
use muster_kernel::mail::MailSetup;

use crate::Exit;

/// What can be set by `.env`, the environment and flags; a later one of these wins over an earlier.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Configuration")]
pub struct Config {
    /// The database: sqlite://FILE or postgres://… [default: sqlite://$MUSTER_DATA_DIR/muster.db]
    #[arg(long, env = "DATABASE_URL", global = true, value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,

    /// Where to listen; port 0 picks a free one
    #[arg(
        long,
        env = "MUSTER_BIND",
        global = true,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8080",
        hide_env_values = true
    )]
    pub bind: String,

    /// The folder for the database, the secret and mails
    #[arg(
        long,
        env = "MUSTER_DATA_DIR",
        global = true,
        value_name = "FOLDER",
        default_value = "./data",
        hide_env_values = true
    )]
    pub data_dir: PathBuf,

    /// The address that clients use, for links in mails and the security of cookies [default: the bind address]
    #[arg(long, env = "MUSTER_PUBLIC_URL", global = true, value_name = "URL", hide_env_values = true)]
    pub public_url: Option<String>,

    /// The file with the signing keys, made at the first start [default: $MUSTER_DATA_DIR/secret]
    #[arg(long, env = "MUSTER_SECRET_FILE", global = true, value_name = "FILE", hide_env_values = true)]
    pub secret_file: Option<PathBuf>,

    /// Other origins whose pages may call the API, with commas between them
    #[arg(
        long,
        env = "MUSTER_ALLOWED_ORIGINS",
        global = true,
        value_name = "ORIGINS",
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub allowed_origins: Vec<String>,

    /// The mail server, smtp:// or smtps:// with user and password; without one mails become files
    #[arg(long, env = "MUSTER_SMTP_URL", global = true, value_name = "URL", hide_env_values = true)]
    pub smtp_url: Option<String>,

    /// The sender of mails
    #[arg(
        long,
        env = "MUSTER_MAIL_FROM",
        global = true,
        value_name = "ADDRESS",
        default_value = "Muster <muster@localhost.localdomain>",
        hide_env_values = true
    )]
    pub mail_from: String,

    /// Redis between several gateways; without one they meet in the database
    #[arg(long, env = "REDIS_URL", global = true, value_name = "URL", hide_env_values = true)]
    pub redis_url: Option<String>,

    /// Limits on requests; off only on loopback, for benches and tests
    #[arg(
        long,
        env = "MUSTER_RATE_LIMITS",
        global = true,
        value_enum,
        default_value = "on",
        hide_env_values = true
    )]
    pub rate_limits: Switch,

    /// The cost of password hashes, from 4 to 16
    #[arg(long, env = "MUSTER_BCRYPT_COST", global = true, value_name = "COST", default_value_t = 12, value_parser = clap::value_parser!(u32).range(4..=16), hide_env_values = true)]
    pub bcrypt_cost: u32,

    /// Proxies whose X-Forwarded-For counts: addresses or networks, with commas between them
    #[arg(
        long,
        env = "MUSTER_TRUSTED_PROXIES",
        global = true,
        value_name = "NETWORKS",
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub trusted_proxies: Vec<String>,

    /// Prometheus metrics under /metrics; a proxy should keep them from the public
    #[arg(
        long,
        env = "MUSTER_METRICS",
        global = true,
        value_enum,
        default_value = "off",
        hide_env_values = true
    )]
    pub metrics: Switch,

    /// What is logged, as in info or muster=debug
    #[arg(
        long,
        env = "RUST_LOG",
        global = true,
        value_name = "FILTER",
        default_value = "info",
        hide_env_values = true
    )]
    pub log: String,

    /// How it is logged; auto is text on a terminal and json elsewhere
    #[arg(
        long,
        env = "MUSTER_LOG_FORMAT",
        global = true,
        value_enum,
        default_value = "auto",
        hide_env_values = true
    )]
    pub log_format: LogFormat,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// Lines for people.
    Text,
    /// A JSON object a line.
    Json,
}

impl Config {
    /// Where the data is.
    ///
    /// # Errors
    /// When the URL names no engine that there is.
    pub fn target(&self) -> Result<Target, Exit> {
        match self.database_url.as_deref().filter(|url| !url.is_empty()) {
            Some(url) => Ok(Target::parse(url)?),
            None => Ok(Target::Sqlite(self.data_dir.join("muster.db"))),
        }
    }

    /// The file with the signing keys.
    pub fn secret_path(&self) -> PathBuf {
        self.secret_file
            .clone()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or_else(|| self.data_dir.join("secret"))
    }

    /// Where mails go.
    pub fn mail(&self) -> MailSetup {
        MailSetup {
            smtp_url: self.smtp_url.clone().filter(|url| !url.is_empty()),
            from: self.mail_from.clone(),
            folder: self.data_dir.join("mail"),
        }
    }

    /// The addresses to listen on.
    ///
    /// # Errors
    /// When it is no address with a port.
    pub fn bind_addresses(&self) -> Result<Vec<SocketAddr>, Exit> {
        let wrong = || {
            Exit::configuration(format!(
                "MUSTER_BIND is not an address with a port, such as 127.0.0.1:8080: {}",
                self.bind
            ))
        };
        let addresses: Vec<_> = self.bind.to_socket_addrs().map_err(|_| wrong())?.collect();
        if addresses.is_empty() { Err(wrong()) } else { Ok(addresses) }
    }

    /// True when only this machine can reach the server.
    ///
    /// # Errors
    /// When the bind address cannot be read.
    pub fn is_loopback(&self) -> Result<bool, Exit> {
        Ok(self.bind_addresses()?.iter().all(|address| address.ip().is_loopback()))
    }

    /// Whose word counts on where a request comes from.
    ///
    /// # Errors
    /// When an entry is no address.
    pub fn proxies(&self) -> Result<Proxies, Exit> {
        Proxies::parse(self.trusted_proxies.iter().map(String::as_str)).map_err(|e| {
            Exit::configuration(format!("MUSTER_TRUSTED_PROXIES holds something that is no address: {e}"))
        })
    }

    /// The address that clients use, where it was set.
    ///
    /// # Errors
    /// When it is not http:// or https://.
    pub fn public_url(&self) -> Result<Option<String>, Exit> {
        let Some(url) = self.public_url.as_deref().filter(|url| !url.is_empty()) else { return Ok(None) };
        let host = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        match host {
            Some(host) if !host.is_empty() && !host.starts_with('/') => {
                Ok(Some(url.trim_end_matches('/').to_owned()))
            }
            _ => Err(Exit::configuration(format!(
                "MUSTER_PUBLIC_URL must begin with http:// or https:// and a host: {url}"
            ))),
        }
    }

    /// The origins whose pages may call the API.
    pub fn origins(&self) -> impl Iterator<Item = &str> {
        self.allowed_origins.iter().map(|o| o.trim()).filter(|o| !o.is_empty())
    }

    /// Looks at what can only be judged together.
    ///
    /// # Errors
    /// Which key is wrong, and why.
    pub fn check(&self) -> Result<(), Exit> {
        self.target()?;
        self.proxies()?;
        self.public_url()?;
        if self.rate_limits == Switch::Off && !self.is_loopback()? {
            return Err(Exit::configuration(
                "MUSTER_RATE_LIMITS can be off only when MUSTER_BIND is a loopback address",
            ));
        }
        for origin in self.origins() {
            let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
            if host.is_none_or(|host| host.is_empty() || host.contains('/')) {
                return Err(Exit::configuration(format!(
                    "MUSTER_ALLOWED_ORIGINS holds something that is no origin, such as https://club.example: {origin}"
                )));
            }
        }
        Ok(())
    }
}

/// A key of the configuration as `.env.example` shows it.
pub(crate) struct Key {
    pub(crate) name: String,
    /// What it is unless it is set; where that depends on other keys, `about` says on which.
    default: String,
    about: String,
}

/// The keys of the configuration.
pub(crate) fn keys() -> Vec<Key> {
    #[derive(Parser)]
    struct Keys {
        #[command(flatten)]
        _config: Config,
    }
    let key = |arg: &clap::Arg| {
        Some(Key {
            name: arg.get_env()?.to_string_lossy().into_owned(),
            default: arg
                .get_default_values()
                .first()
                .map(|v| v.to_string_lossy().into_owned())
                .unwrap_or_default(),
            about: arg.get_help().map(ToString::to_string).unwrap_or_default(),
        })
    };
    Keys::command().get_arguments().filter_map(key).collect()
}

/// The text of `.env.example`: every line of it can be used as it stands.
pub fn env_example() -> String {
    let mut text = String::from(
        "# Every key of the configuration with its default. Copy this to .env and change what you need.\n\
         # The environment wins over .env, and flags win over both. Empty is the same as not set.\n",
    );
    for Key { name, default, about } in keys() {
        let plain = default.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-./:".contains(&b));
        let value = if plain { default } else { format!("'{default}'") };
        text.push_str(&format!("\n# {about}\n#{name}={value}\n"));
    }
    text
}
