//! What was measured.

use std::io::Write;
use std::time::Duration;

/// The times that single pieces of work took, over a span of time.
#[derive(Debug)]
pub(crate) struct Figures {
    what: String,
    span: Duration,
    micros: Vec<u32>,
}

impl Figures {
    pub(crate) fn new(what: String, span: Duration, mut micros: Vec<u32>) -> Figures {
        micros.sort_unstable();
        Figures { what, span, micros }
    }

    /// One line: how many a second, and how long half, 99 in 100, and the slowest took.
    pub(crate) fn print(&self) {
        let millis = u128::max(1, self.span.as_millis());
        let rate = self.micros.len() as u128 * 1000 / millis;
        let (half, most, slowest) = (self.at(50), self.at(99), self.at(100));
        let what = &self.what;
        let line = format!("{what}\t{rate} /s\tp50 {half} µs\tp99 {most} µs\tmax {slowest} µs\n");
        // A reader that has gone away is no failure of ours.
        let _ = std::io::stdout().write_all(line.as_bytes());
    }

    fn at(&self, percent: usize) -> u32 {
        let last = self.micros.len().saturating_sub(1);
        self.micros.get(last * percent / 100).copied().unwrap_or(0)
    }
}

pub(crate) fn complain(line: &str) {
    // Where standard error is gone too, the exit code says it.
    let _ = writeln!(std::io::stderr(), "muster-bench: {line}");
}
