//! `muster backup`: a consistent copy beside a running server.

use std::fs::File;
use std::path::Path;

use muster_kernel::db::{SchemaState, Target, copy_sqlite, schema_state};
use muster_kernel::private;

use crate::commands::postgres_tools;
use crate::{Config, Exit, voice};

pub(crate) fn run(config: &Config, file: &Path) -> Result<(), Exit> {
    let target = config.target()?;
    if schema_state(&target)? == SchemaState::Fresh {
        return Err(Exit::database(format!("there is no club at {} to back up", target.redacted())));
    }
    reserve(file)?;
    let made = match &target {
        Target::Sqlite(path) => copy_sqlite(path, file).map_err(Exit::from).and_then(|()| flush(file)),
        Target::Postgres(url) => postgres_tools::dump(url, file),
    };
    if let Err(exit) = made {
        // A copy that is not whole is worse than none.
        let _ = std::fs::remove_file(file);
        return Err(exit);
    }
    voice::say(&format!("the backup is in {}", file.display()));
    Ok(())
}

/// Makes the file for its owner alone; one that is there is never written over.
fn reserve(file: &Path) -> Result<(), Exit> {
    match private::file_options().create_new(true).open(file) {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(Exit::failed(format!("{} is there already; choose another name", file.display())))
        }
        Err(e) => Err(Exit::failed(format!("{} cannot be written: {e}", file.display()))),
    }
}

fn flush(file: &Path) -> Result<(), Exit> {
    let flushed = File::options().write(true).open(file).and_then(|f| f.sync_all());
    flushed.map_err(|e| Exit::failed(format!("{} cannot be written: {e}", file.display())))
}
