//! `muster openapi`.

use crate::{Exit, cli, openapi_document};

pub(crate) fn run() -> Result<(), Exit> {
    let document = openapi_document().map_err(Exit::failed)?;
    cli::say(document.pretty().trim_end());
    Ok(())
}
