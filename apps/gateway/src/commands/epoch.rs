//! `muster epoch new`.

use muster_kernel::installation;

use super::{block_on, open};
use crate::{Config, Exit, voice};

pub(crate) fn run(config: &Config) -> Result<(), Exit> {
    let db = open(config)?;
    let epoch = block_on(async { Ok(db.write(installation::new_epoch).await?) })?;
    voice::say(&format!("the epoch is {epoch} now"));
    Ok(())
}
