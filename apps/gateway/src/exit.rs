//! How the program ends when it does not end well: one sentence, one exit code.

use muster_auth::{AccountError, KeyringError};
use muster_kernel::ClockFileError;
use muster_kernel::db::{DbError, MigrateError, UnknownTarget};
use muster_kernel::mail::MailSetupError;

/// An end with a code that scripts can rely on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// The code.
    pub code: u8,
    /// What happened and what to do, in one sentence.
    pub message: String,
}

impl Exit {
    /// The command failed.
    pub fn failed(message: impl Into<String>) -> Exit {
        Exit { code: 1, message: message.into() }
    }

    /// The command line is wrong.
    pub fn usage(message: impl Into<String>) -> Exit {
        Exit { code: 2, message: message.into() }
    }

    /// The configuration is wrong.
    pub fn configuration(message: impl Into<String>) -> Exit {
        Exit { code: 3, message: message.into() }
    }

    /// The database cannot be used.
    pub fn database(message: impl Into<String>) -> Exit {
        Exit { code: 4, message: message.into() }
    }

    /// `check` found damage.
    pub fn damage(message: impl Into<String>) -> Exit {
        Exit { code: 5, message: message.into() }
    }

    /// The address or the folder is in use.
    pub fn in_use(message: impl Into<String>) -> Exit {
        Exit { code: 6, message: message.into() }
    }
}

impl From<UnknownTarget> for Exit {
    fn from(error: UnknownTarget) -> Exit {
        Exit::configuration(error.to_string())
    }
}

impl From<MigrateError> for Exit {
    fn from(error: MigrateError) -> Exit {
        Exit::database(error.to_string())
    }
}

impl From<DbError> for Exit {
    fn from(error: DbError) -> Exit {
        Exit::database(error.to_string())
    }
}

impl From<KeyringError> for Exit {
    fn from(error: KeyringError) -> Exit {
        Exit::configuration(error.to_string())
    }
}

impl From<MailSetupError> for Exit {
    fn from(error: MailSetupError) -> Exit {
        Exit::configuration(error.to_string())
    }
}

impl From<ClockFileError> for Exit {
    fn from(error: ClockFileError) -> Exit {
        Exit::configuration(error.to_string())
    }
}

impl From<AccountError> for Exit {
    fn from(error: AccountError) -> Exit {
        match error {
            AccountError::Db(e) => e.into(),
            AccountError::Fault(fault) if !fault.fields.is_empty() => {
                let lines: Vec<_> = fault
                    .fields
                    .iter()
                    .map(|f| format!("{}: {}", f.pointer.trim_start_matches('/'), f.message))
                    .collect();
                Exit::failed(lines.join(" "))
            }
            other => Exit::failed(other.to_string()),
        }
    }
}
