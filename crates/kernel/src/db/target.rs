//! Where the data is: the database URL, read once.

use std::path::{Path, PathBuf};

use super::Engine;

/// A database URL that Muster understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A file of the embedded engine.
    Sqlite(PathBuf),
    /// A server, as libpq writes its URLs.
    Postgres(String),
}

/// A `DATABASE_URL` that names no engine Muster has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("DATABASE_URL must begin with `sqlite://` (then a file) or `postgres://`")]
pub struct UnknownTarget;

impl Target {
    /// Reads `sqlite://path`, `sqlite:path`, `postgres://…` or `postgresql://…`.
    ///
    /// # Errors
    /// When the scheme is none of these or a file is missing.
    pub fn parse(url: &str) -> Result<Target, UnknownTarget> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Target::Postgres(url.to_owned()));
        }
        let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"));
        match path {
            Some(path) if !path.is_empty() && !path.contains('\0') => Ok(Target::Sqlite(PathBuf::from(path))),
            _ => Err(UnknownTarget),
        }
    }

    /// Which engine answers there.
    pub fn engine(&self) -> Engine {
        match self {
            Target::Sqlite(_) => Engine::Sqlite,
            Target::Postgres(_) => Engine::Postgres,
        }
    }

    /// The database's file, where there is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Target::Sqlite(path) => Some(path),
            Target::Postgres(_) => None,
        }
    }

    /// The target without user names and passwords, for logs and messages.
    pub fn redacted(&self) -> String {
        match self {
            Target::Sqlite(path) => format!("sqlite://{}", path.display()),
            Target::Postgres(url) => {
                let rest = url.split_once("://").map_or("", |(_, rest)| rest);
                let after_user = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
                let place = after_user.split('?').next().unwrap_or_default();
                format!("postgres://{place}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_chooses_the_engine() {
        assert_eq!(Target::parse("sqlite:///var/club.db"), Ok(Target::Sqlite("/var/club.db".into())));
        assert_eq!(Target::parse("sqlite://data/club.db"), Ok(Target::Sqlite("data/club.db".into())));
        assert_eq!(Target::parse("postgres://h/db").map(|t| t.engine()), Ok(Engine::Postgres));
        assert_eq!(Target::parse("postgresql://h/db").map(|t| t.engine()), Ok(Engine::Postgres));
        for wrong in ["", "sqlite:", "sqlite://", "mysql://h/db", "club.db"] {
            assert_eq!(Target::parse(wrong), Err(UnknownTarget), "{wrong}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let target =
            Target::parse("postgres://anna:secret@db.local:5432/club?password=secret").expect("a url");
        assert_eq!(target.redacted(), "postgres://db.local:5432/club");
    }
}
