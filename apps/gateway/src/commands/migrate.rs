//! `muster migrate`.

use muster_kernel::db::{self, SchemaState};

use super::prepare_database;
use crate::{Config, Exit, voice};

pub(crate) fn run(config: &Config) -> Result<(), Exit> {
    let target = config.target()?;
    let before = db::schema_state(&target)?;
    prepare_database(config)?;
    voice::say(match before {
        SchemaState::Current => "the database was up to date",
        SchemaState::Fresh => "the database was made",
        _ => "the database is up to date now",
    });
    Ok(())
}
