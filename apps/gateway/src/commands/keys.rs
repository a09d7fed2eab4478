//! `muster keys rotate`.

use muster_auth::Keyring;
use muster_kernel::Clock;

use crate::{Config, Exit, data_folder, voice};

pub(crate) fn rotate(config: &Config) -> Result<(), Exit> {
    data_folder::prepare(&config.data_dir)?;
    let id = Keyring::rotate(&config.secret_path(), Clock::system().now())?;
    voice::say(&format!(
        "tokens are signed with the new key {id} from now on; the old ones go on verifying, so nobody is signed out"
    ));
    Ok(())
}
