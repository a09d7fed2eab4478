//! What was measured.

use std::io::Write;
use std::time::Duration;

/// The times that single pieces of work took, over a span of time.
#[derive(Debug)]
pub(crate) struct Figures {
    what: String,
    span: Duration,
    micros: Vec<u32>,
    turned_away: usize,
}

impl Figures {
    pub(crate) fn new(what: String, span: Duration, mut micros: Vec<u32>) -> Figures {
        micros.sort_unstable();
        Figures { what, span, micros, turned_away: 0 }
    }

    /// The same, with how many got an answer that says no; their times do not count.
    pub(crate) fn turned_away(self, turned_away: usize) -> Figures {
        Figures { turned_away, ..self }
    }

    /// One line: how many a second, how long half, 99 in 100, and the slowest took, and what the machine did besides.
    pub(crate) fn print(&self, besides: &str) {
        let millis = u128::max(1, self.span.as_millis());
        let rate = rounded(self.micros.len() as u128 * 100_000 / millis);
        let (half, most, slowest) = (self.at(50), self.at(99), self.at(100));
        let what = &self.what;
        let mut line = format!("{what}\t{rate} /s\tp50 {half} µs\tp99 {most} µs\tmax {slowest} µs");
        if self.turned_away > 0 {
            line.push_str(&format!("\tturned away {}", self.turned_away));
        }
        line.push_str(&format!("{besides}\n"));
        // A reader that has gone away is no failure of ours.
        let _ = std::io::stdout().write_all(line.as_bytes());
    }

    fn at(&self, percent: usize) -> u32 {
        let last = self.micros.len().saturating_sub(1);
        self.micros.get(last * percent / 100).copied().unwrap_or(0)
    }
}

/// A number of hundredths, of which only slow work needs to show any.
fn rounded(hundredths: u128) -> String {
    match (hundredths / 100, hundredths % 100) {
        (whole @ ..100, part) => format!("{whole}.{part:02}"),
        (whole, _) => whole.to_string(),
    }
}

pub(crate) fn complain(line: &str) {
    // Where standard error is gone too, the exit code says it.
    let _ = writeln!(std::io::stderr(), "muster-bench: {line}");
}
