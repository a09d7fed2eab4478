//! `muster restore`: puts a backup in the place of the database.

use std::path::{Path, PathBuf};

use muster_kernel::db::{SchemaState, Target, copy_sqlite, schema_state, sqlite_damage};
use muster_kernel::random;

use crate::commands::{epoch, postgres_tools, prepare_database};
use crate::{Config, Exit, data_folder, voice};

pub(crate) fn run(config: &Config, file: &Path) -> Result<(), Exit> {
    if !file.is_file() {
        return Err(Exit::failed(format!("there is no backup at {}", file.display())));
    }
    let target = config.target()?;
    data_folder::prepare(&config.data_dir)?;
    // Held until all is done, so that no server starts on a database that is half in place.
    let _lock = data_folder::lock(&target)?;
    match target {
        Target::Sqlite(database) => restore_sqlite(file, &database)?,
        Target::Postgres(url) => postgres_tools::restore(&url, file)?,
    }
    // The backup may be of an older version.
    prepare_database(config)?;
    epoch::run(config)?;
    voice::say("the backup is in place");
    Ok(())
}

fn restore_sqlite(file: &Path, database: &Path) -> Result<(), Exit> {
    look_at(file)?;
    // Copied beside the database and looked at again, then put in place in one step.
    let draft = beside(database, &format!(".restore-{}", random::hex(4)));
    let placed =
        copy_sqlite(file, &draft).map_err(Exit::from).and_then(|()| look_at(&draft)).and_then(|()| {
            let io =
                |e: std::io::Error| Exit::failed(format!("{} cannot be replaced: {e}", database.display()));
            // What was there is kept, together with its log, which must not be played into the new one.
            for suffix in ["", "-wal", "-shm"] {
                let kept = beside(database, &format!(".before-restore{suffix}"));
                match std::fs::rename(beside(database, suffix), kept) {
                    Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(io(e)),
                    _ => {}
                }
            }
            std::fs::rename(&draft, database).map_err(io)
        });
    if placed.is_err() {
        let _ = std::fs::remove_file(&draft);
    }
    placed
}

/// A backup that is no sound database of a known version is refused before anything is touched.
fn look_at(file: &Path) -> Result<(), Exit> {
    let damage =
        sqlite_damage(file).map_err(|e| Exit::failed(format!("{} is no backup: {e}", file.display())))?;
    if let Some(first) = damage.first() {
        return Err(Exit::failed(format!("{} is damaged: {first}", file.display())));
    }
    match schema_state(&Target::Sqlite(file.to_owned()))? {
        SchemaState::Current | SchemaState::Behind(_) => Ok(()),
        SchemaState::Fresh => Err(Exit::failed(format!("{} is no backup of a club", file.display()))),
        SchemaState::Newer(name) => Err(Exit::database(format!(
            "{} was made by a newer version of muster (it has the migration {name})",
            file.display()
        ))),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
