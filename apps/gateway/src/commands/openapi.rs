//! `muster openapi`.

use crate::{Exit, openapi_document, voice};

pub(crate) fn run() -> Result<(), Exit> {
    let document = openapi_document().map_err(Exit::failed)?;
    voice::say(document.pretty().trim_end());
    Ok(())
}
