//! The data folder: made for its owner alone, and used by one server at a time.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use muster_kernel::db::Target;
use muster_kernel::private;

use crate::Exit;

/// Makes the folder if it is not there. Who may look into one that was there is its owner's affair.
///
/// # Errors
/// When it cannot be made or written to.
pub(crate) fn prepare(folder: &Path) -> Result<(), Exit> {
    let wrong = |e: std::io::Error| {
        Exit::configuration(format!(
            "the data folder {} cannot be used: {e}; set MUSTER_DATA_DIR to one that can",
            folder.display()
        ))
    };
    if !folder.exists() {
        private::make_folder(folder).map_err(wrong)?;
    }
    let probe = folder.join(format!(".write-{}", muster_kernel::random::hex(4)));
    File::create(&probe).map_err(wrong)?;
    std::fs::remove_file(&probe).map_err(wrong)
}

/// Held as long as the server runs; the operating system gives it back however the program ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: Option<File>,
}

/// Takes the database for one server. A PostgreSQL server is made for several; a file is not.
///
/// # Errors
/// When another server has it.
pub(crate) fn lock(target: &Target) -> Result<Lock, Exit> {
    let Some(database) = target.file() else { return Ok(Lock { _file: None }) };
    let path = lock_path(&real(database));
    let wrong = |e: std::io::Error| Exit::configuration(format!("{} cannot be used: {e}", path.display()));
    let file = private::file_options().create(true).truncate(false).open(&path).map_err(wrong)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock { _file: Some(file) }),
        Err(TryLockError::WouldBlock) => {
            Err(Exit::in_use(format!("another muster uses {}; stop it first", database.display())))
        }
        Err(TryLockError::Error(e)) => Err(wrong(e)),
    }
}

fn lock_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

/// The file itself, whatever links lead to it: who comes by another way meets the same lock.
pub(crate) fn real(database: &Path) -> PathBuf {
    database.canonicalize().unwrap_or_else(|_| database.to_owned())
}
