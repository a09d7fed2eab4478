//! `muster epoch new`.

use muster_kernel::db::DbError;
use muster_kernel::installation;

use super::{block_on, open};
use crate::{Config, Exit, cli};

pub(crate) fn run(config: &Config) -> Result<(), Exit> {
    let db = open(config)?;
    let epoch = block_on(async { Ok(db.write(|tx| Ok::<_, DbError>(installation::new_epoch(tx)?)).await?) })?;
    cli::say(&format!("the epoch is {epoch} now"));
    Ok(())
}
