//! What can go wrong between a service and its database, told apart as far as the caller can act on it.

use std::sync::Arc;

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// The result of a query.
pub type DbResult<T> = Result<T, DbError>;

/// A failure of the database, or of the way to it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DbError {
    /// The queue is full or the work waited too long in it; nothing was done.
    #[error("the database is busy; nothing was done")]
    Overloaded,
    /// No connection could be had; nothing was done.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// The database is being shut down with this program; nothing was done.
    #[error("the program is shutting down; nothing was done")]
    Closed,
    /// The closure panicked; its work was rolled back.
    #[error("database work panicked and was rolled back")]
    Panicked,
    /// The closure went on after a database error without `Tx::attempt`; its work was rolled back.
    #[error("database work ignored an error and was rolled back: {0}")]
    IgnoredError(String),
    /// Another piece of work in the same commit broke the connection; nothing was done.
    #[error("the commit failed and was rolled back: {0}")]
    CommitFailed(String),
    /// The statement itself failed.
    #[error("{0}")]
    Query(Arc<DieselError>),
}

impl From<DieselError> for DbError {
    fn from(error: DieselError) -> Self {
        DbError::Query(Arc::new(error))
    }
}

impl DbError {
    /// True when the row asked for is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, DbError::Query(e) if matches!(**e, DieselError::NotFound))
    }

    /// True when a uniqueness rule refused the row.
    pub fn is_unique_violation(&self) -> bool {
        self.kind_is(|kind| matches!(kind, DatabaseErrorKind::UniqueViolation))
    }

    /// True when the row refers to something that is not there, or is still referred to.
    pub fn is_foreign_key_violation(&self) -> bool {
        self.kind_is(|kind| matches!(kind, DatabaseErrorKind::ForeignKeyViolation))
    }

    /// True when a rule kept by the database itself (a check, or a trigger whose message begins with
    /// `refused:`) refused the change.
    pub fn is_refused(&self) -> bool {
        match self {
            DbError::Query(e) => match &**e {
                DieselError::DatabaseError(DatabaseErrorKind::CheckViolation, _) => true,
                DieselError::DatabaseError(_, info) => info.message().starts_with(REFUSED),
                _ => false,
            },
            _ => false,
        }
    }

    /// True when trying the same again a little later can succeed.
    pub fn is_passing(&self) -> bool {
        match self {
            DbError::Overloaded | DbError::Unavailable(_) | DbError::Closed | DbError::CommitFailed(_) => {
                true
            }
            DbError::Query(e) => severity(e) == Severity::Retry || will_pass(e),
            DbError::Panicked | DbError::IgnoredError(_) => false,
        }
    }

    fn kind_is(&self, wanted: impl Fn(&DatabaseErrorKind) -> bool) -> bool {
        match self {
            DbError::Query(e) => matches!(&**e, DieselError::DatabaseError(kind, _) if wanted(kind)),
            _ => false,
        }
    }
}

/// How the messages of Muster's own triggers begin. SQLite reports them without a kind of their own.
pub(crate) const REFUSED: &str = "refused:";

/// What an engine's error means for the connection it happened on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// The statement did nothing; the connection and its transaction (or savepoint) are fine.
    Statement,
    /// The transaction lost a race that the engine resolved against it; running it again is right.
    Retry,
    /// The connection is not to be trusted any more.
    Connection,
}

pub(crate) fn severity(error: &DieselError) -> Severity {
    use DatabaseErrorKind as Kind;
    match error {
        DieselError::DatabaseError(kind, info) => match kind {
            Kind::UniqueViolation
            | Kind::ForeignKeyViolation
            | Kind::NotNullViolation
            | Kind::CheckViolation
            | Kind::ExclusionViolation
            | Kind::RestrictViolation => Severity::Statement,
            Kind::SerializationFailure => Severity::Retry,
            // diesel has no kind for it; the text is the server's own, with `lc_messages` set to C.
            _ if info.message() == "deadlock detected" => Severity::Retry,
            _ if info.message().starts_with(REFUSED) => Severity::Statement,
            _ => Severity::Connection,
        },
        DieselError::NotFound
        | DieselError::QueryBuilderError(_)
        | DieselError::DeserializationError(_)
        | DieselError::SerializationError(_) => Severity::Statement,
        _ => Severity::Connection,
    }
}

/// What the engines say of troubles that are not the statement's fault. (diesel has no kinds for them.)
const TROUBLES: [&str; 8] = [
    "database is locked",
    "database or disk is full",
    "disk I/O error",
    "canceling statement due to",
    "terminating connection",
    "server closed the connection",
    "the database system is",
    "too many clients",
];

/// True when the engine, not the statement, was in trouble: then the same can succeed later.
fn will_pass(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(
            DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
            _,
        ) => true,
        DieselError::DatabaseError(_, info) => TROUBLES.iter().any(|t| info.message().contains(t)),
        _ => false,
    }
}
