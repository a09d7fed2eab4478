//! What the program says to whoever called it, as opposed to its log.

/// A line on standard error, also where nothing is logged.
#[allow(clippy::print_stderr, reason = "the program's own voice")]
pub(crate) fn tell(line: &str) {
    eprintln!("{line}");
}

/// A line on standard output: what a command was asked for.
pub(crate) fn say(line: &str) {
    use std::io::Write;
    // A reader that has gone away (`muster check | head`) is no failure of ours.
    let _ = writeln!(std::io::stdout(), "{line}");
}
