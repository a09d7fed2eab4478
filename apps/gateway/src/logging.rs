//! The log: to standard error, for people on a terminal, as JSON otherwise.

use std::io::{IsTerminal, Write};

use log::kv::{Key, Value, VisitSource};

use crate::config::{Config, LogFormat};
use crate::exit::Exit;

/// Starts logging as the configuration says.
pub(crate) fn start(config: &Config) -> Result<(), Exit> {
    let json = match config.log_format {
        LogFormat::Auto => !std::io::stderr().is_terminal(),
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let mut builder = env_logger::Builder::new();
    // What the server library tells of itself, the program tells better. A filter can still ask for it.
    builder.filter_module("actix_server", log::LevelFilter::Warn);
    builder.parse_filters(&config.log);
    if json {
        builder.format(json_line);
    }
    builder.try_init().map_err(|e| Exit::failed(e.to_string()))
}

fn json_line(out: &mut env_logger::fmt::Formatter, record: &log::Record<'_>) -> std::io::Result<()> {
    let mut line = serde_json::Map::new();
    #[allow(clippy::disallowed_methods, reason = "the log is about the machine, not about the club")]
    let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    line.insert("at".into(), now.into());
    line.insert("level".into(), record.level().as_str().to_ascii_lowercase().into());
    line.insert("target".into(), record.target().into());
    line.insert("message".into(), record.args().to_string().into());
    // A value that cannot be shown is no reason to lose the line.
    let _ = record.key_values().visit(&mut Collect(&mut line));
    writeln!(out, "{}", serde_json::Value::Object(line))
}

struct Collect<'a>(&'a mut serde_json::Map<String, serde_json::Value>);

impl<'kvs> VisitSource<'kvs> for Collect<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), log::kv::Error> {
        let shown = match (value.to_i64(), value.to_u64(), value.to_bool()) {
            (Some(number), _, _) => number.into(),
            (_, Some(number), _) => number.into(),
            (_, _, Some(yes)) => yes.into(),
            _ => value.to_string().into(),
        };
        self.0.insert(key.to_string(), shown);
        Ok(())
    }
}
