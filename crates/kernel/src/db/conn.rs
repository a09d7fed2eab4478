//! The one connection type: SQLite or PostgreSQL behind diesel's multi-backend.

use diesel::pg::PgConnection;
use diesel::sqlite::SqliteConnection;

/// A connection to either engine. Queries written against it compile for both.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    /// The embedded engine.
    Sqlite(SqliteConnection),
    /// A PostgreSQL server.
    Postgres(PgConnection),
}

impl Conn {
    /// Which engine this connection speaks to.
    pub fn engine(&self) -> Engine {
        match self {
            Conn::Sqlite(_) => Engine::Sqlite,
            Conn::Postgres(_) => Engine::Postgres,
        }
    }
}

/// The two engines that Muster runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    /// SQLite, embedded in the program.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

impl std::fmt::Display for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Engine::Sqlite => "SQLite",
            Engine::Postgres => "PostgreSQL",
        })
    }
}
