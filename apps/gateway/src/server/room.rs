//! How many connections the operating system lets a program have.

/// Files that a program opens besides its connections: databases, logs, libraries.
const OTHER_FILES: usize = 512;
/// More than these are too many for one program whatever the system allows.
const MOST: usize = 50_000;

/// Asks the operating system for as many open files as it gives, and says how many connections that is.
#[cfg(unix)]
pub(super) fn make() -> usize {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wanted = rustix::process::Rlimit { current: limit.maximum, maximum: limit.maximum };
    // Without, it is what it was.
    let _ = setrlimit(Resource::Nofile, wanted);
    let files = getrlimit(Resource::Nofile).current.and_then(|files| usize::try_from(files).ok());
    files.map_or(MOST, |files| files.saturating_sub(OTHER_FILES).clamp(64, MOST))
}

/// As many as one program can serve.
#[cfg(not(unix))]
pub(super) fn make() -> usize {
    MOST
}
