//! Progress for somebody who watches a terminal; nothing otherwise.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

/// A line that shows how far a long piece of work is.
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    /// Counts rows of what `name` says.
    pub(crate) fn rows(name: &str) -> Progress {
        if !std::io::stderr().is_terminal() {
            return Progress(None);
        }
        let bar = ProgressBar::new_spinner().with_message(name.to_owned());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}: {human_pos} rows") {
            bar.set_style(style);
        }
        Progress(Some(bar))
    }

    /// So many more are done.
    pub(crate) fn add(&self, rows: u64) {
        if let Some(bar) = &self.0 {
            bar.inc(rows);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
