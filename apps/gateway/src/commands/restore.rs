//! `muster restore`: puts a backup in the place of the database, in one step.

use std::path::{Path, PathBuf};
use std::time::Duration;

use muster_kernel::db::{
    Db, DbOptions, SchemaState, Target, copy_sqlite, migrate, others_connected, schema_state, settle_sqlite,
    sqlite_damage,
};
use muster_kernel::{installation, random};

use super::{block_on, epoch, postgres_tools, prepare_database};
use crate::{Config, Exit, data_folder, voice};

pub(crate) fn run(config: &Config, file: &Path) -> Result<(), Exit> {
    if !file.is_file() {
        return Err(Exit::failed(format!("there is no backup at {}", file.display())));
    }
    let target = config.target()?;
    data_folder::prepare(&config.data_dir)?;
    // Held until all is done, so that no server starts on a database that is half in place.
    let _lock = data_folder::lock(&target)?;
    match &target {
        Target::Sqlite(database) => restore_sqlite(file, &data_folder::real(database))?,
        Target::Postgres(url) => {
            wait_until_alone(url)?;
            postgres_tools::restore(url, file)?;
            // The backup may be of an older version.
            prepare_database(config)?;
            epoch::run(config)?;
        }
    }
    voice::say("the backup is in place");
    Ok(())
}

/// A server that has just been stopped may need a moment to be gone from the list of connections.
fn wait_until_alone(url: &str) -> Result<(), Exit> {
    for _ in 0..20 {
        if !others_connected(url)? {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err(Exit::in_use("another muster uses this database; stop it first"))
}

/// Everything is done to a copy beside the database; the last step puts it in place. Killed before that, the
/// database is the old one; after it, the new one with its new epoch.
fn restore_sqlite(file: &Path, database: &Path) -> Result<(), Exit> {
    look_at(file)?;
    sweep(database);
    let (work, ready) = (draft(database), draft(database));
    let placed = make_ready(file, &work, &ready).and_then(|()| place(&ready, database));
    for left in [&work, &ready] {
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(beside(left, suffix));
        }
    }
    placed
}

/// A copy of the backup, of this version, in an epoch of its own, in one file.
fn make_ready(file: &Path, work: &Path, ready: &Path) -> Result<(), Exit> {
    copy_sqlite(file, work)?;
    look_at(work)?;
    let target = Target::Sqlite(work.to_owned());
    migrate(&target)?;
    let db = Db::open(&target, DbOptions { readers: 1, ..DbOptions::default() })?;
    block_on(async { Ok(db.write(installation::new_epoch).await?) })?;
    copy_sqlite(work, ready)?;
    let synced = std::fs::File::options().write(true).open(ready).and_then(|f| f.sync_all());
    synced.map_err(|e| Exit::failed(format!("{} cannot be written: {e}", ready.display())))
}

fn place(ready: &Path, database: &Path) -> Result<(), Exit> {
    let io = |e: std::io::Error| Exit::failed(format!("{} cannot be replaced: {e}", database.display()));
    if database.exists() {
        let kept = beside(database, &format!(".before-restore-{}", random::hex(4)));
        // Its log goes into it first, or it would be played into the new one. What is too damaged for that is
        // kept as it is, log and all.
        if settle_sqlite(database).is_ok() {
            std::fs::hard_link(database, &kept).map_err(io)?;
        } else {
            for suffix in ["-wal", "-shm", ""] {
                match std::fs::rename(beside(database, suffix), beside(&kept, suffix)) {
                    Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(io(e)),
                    _ => {}
                }
            }
        }
        voice::say(&format!("the database that was there is kept as {}", kept.display()));
    }
    std::fs::rename(ready, database).map_err(io)
}

/// Clears away what restores that were killed have left.
fn sweep(database: &Path) {
    let (Some(folder), Some(name)) = (database.parent(), database.file_name()) else { return };
    let drafts = format!("{}.restore-", name.to_string_lossy());
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(&drafts) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
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

fn draft(database: &Path) -> PathBuf {
    beside(database, &format!(".restore-{}", random::hex(4)))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
