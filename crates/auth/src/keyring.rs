//! The keys of an installation: a file with one key a line, the newest first. The first signs, all of them verify.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws_lc_rs::hmac;
use chrono::TimeDelta;
use jsonwebtoken::{DecodingKey, EncodingKey};
use muster_kernel::{Timestamp, private, random};
use tokio::time::Instant;
use zeroize::Zeroizing;

/// How long a key is kept after a newer one took its place: the longest life of a refresh token, and a day.
const KEPT: TimeDelta = TimeDelta::days(91);
/// Without a date nobody knows how old a key is; more than so many are never needed.
const MOST_KEYS: usize = 32;
/// A key that turned up while the program runs verifies at once, but signs only after this time: by then every
/// gateway has seen it.
const INTRODUCTION: Duration = Duration::from_secs(15);
/// Tags of this many bytes are as long as anybody has to guess.
const TAG: usize = 16;

/// The keys that tokens are signed with.
pub struct Keyring {
    path: PathBuf,
    keys: RwLock<Arc<Vec<Key>>>,
}

pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) sign: EncodingKey,
    pub(crate) verify: DecodingKey,
    seal: hmac::Key,
    signs_from: Option<Instant>,
}

/// A secret file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// It cannot be read or written.
    #[error("the secret file {0}: {1}")]
    Io(String, std::io::Error),
    /// It does not hold keys.
    #[error("the secret file {0} does not hold lines of `id key`, each key 64 hexadecimal digits or more")]
    Form(String),
}

impl Keyring {
    /// Reads the secret file, or makes one for its owner alone.
    ///
    /// # Errors
    /// When it cannot be read, written or understood.
    pub fn open(path: &Path) -> Result<Keyring, KeyringError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => Zeroizing::new(text),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => make(path).map_err(|e| io(path, e))?,
            Err(e) => return Err(io(path, e)),
        };
        let keys = parse(&text).ok_or_else(|| KeyringError::Form(path.display().to_string()))?;
        Ok(Keyring { path: path.to_owned(), keys: RwLock::new(Arc::new(keys)) })
    }

    /// Reads the file again, for a key that was added meanwhile. What cannot be read changes nothing.
    ///
    /// # Errors
    /// When it cannot be read or understood.
    pub fn reload(&self) -> Result<(), KeyringError> {
        let text = Zeroizing::new(std::fs::read_to_string(&self.path).map_err(|e| io(&self.path, e))?);
        let mut fresh = parse(&text).ok_or_else(|| KeyringError::Form(self.path.display().to_string()))?;
        let known = self.keys();
        for key in &mut fresh {
            key.signs_from = match known.iter().find(|k| k.id == key.id) {
                Some(known) => known.signs_from,
                None => Some(Instant::now() + INTRODUCTION),
            };
        }
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
        Ok(())
    }

    /// Puts a new key first in the file, and takes out those that nothing can be signed with any more.
    ///
    /// # Errors
    /// When the file cannot be read, understood or written.
    pub fn rotate(path: &Path, now: Timestamp) -> Result<String, KeyringError> {
        drop(Keyring::open(path)?);
        let old = Zeroizing::new(std::fs::read_to_string(path).map_err(|e| io(path, e))?);
        let id = random::hex(4);
        let mut text = Zeroizing::new(line(&id, Some(now)));
        let mut newer_since = Some(now);
        for line in old.lines().filter(|line| !line.trim().is_empty()).take(MOST_KEYS - 1) {
            let gone = newer_since.is_some_and(|since| since.utc() + KEPT < now.utc());
            if gone {
                break;
            }
            text.push_str(line.trim());
            text.push('\n');
            newer_since = line.split_whitespace().nth(2).and_then(date);
        }
        let draft = write_draft(path, &text).map_err(|e| io(path, e))?;
        std::fs::rename(&draft, path).map_err(|e| io(path, e))?;
        Ok(id)
    }

    pub(crate) fn keys(&self) -> Arc<Vec<Key>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A tag that only this installation can make for these bytes, said to be for this `purpose`.
    pub(crate) fn seal(&self, purpose: &str, bytes: &[u8]) -> [u8; TAG] {
        let keys = self.keys();
        let mut tag = [0; TAG];
        if let Some(key) = signing(&keys) {
            tag.copy_from_slice(&digest(key, purpose, bytes).as_ref()[..TAG]);
        }
        tag
    }

    /// True when one of the keys made this tag.
    pub(crate) fn sealed(&self, purpose: &str, bytes: &[u8], tag: &[u8]) -> bool {
        self.keys().iter().any(|key| {
            let expected = digest(key, purpose, bytes);
            aws_lc_rs::constant_time::verify_slices_are_equal(&expected.as_ref()[..TAG], tag).is_ok()
        })
    }
}

/// The newest key that everybody knows by now. There is always one: of the keys of the start none waits.
pub(crate) fn signing(keys: &[Key]) -> Option<&Key> {
    let now = Instant::now();
    let known = |key: &&Key| key.signs_from.is_none_or(|from| from <= now);
    keys.iter().find(known).or(keys.first())
}

fn digest(key: &Key, purpose: &str, bytes: &[u8]) -> hmac::Tag {
    // Begins with what no signed token begins with, so that neither can pass for the other.
    let mut context = hmac::Context::with_key(&key.seal);
    context.update(b"\0muster ");
    context.update(purpose.as_bytes());
    context.update(b"\0");
    context.update(bytes);
    context.sign()
}

fn parse(text: &str) -> Option<Vec<Key>> {
    let keys: Option<Vec<Key>> = text.lines().filter(|l| !l.trim().is_empty()).map(Key::parse).collect();
    keys.filter(|keys| !keys.is_empty())
}

impl Key {
    fn parse(line: &str) -> Option<Key> {
        let mut words = line.split_whitespace();
        let (id, key) = (words.next()?, words.next()?);
        let fine = key.len() >= 64 && key.bytes().all(|b| b.is_ascii_hexdigit());
        fine.then(|| Key {
            id: id.to_owned(),
            sign: EncodingKey::from_secret(key.as_bytes()),
            verify: DecodingKey::from_secret(key.as_bytes()),
            seal: hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()),
            signs_from: None,
        })
    }
}

fn io(path: &Path, error: std::io::Error) -> KeyringError {
    KeyringError::Io(path.display().to_string(), error)
}

fn date(text: &str) -> Option<Timestamp> {
    chrono::DateTime::parse_from_rfc3339(text).ok().map(|at| Timestamp::new(at.to_utc()))
}

/// A line of the file: the id, the key, and since when it is there.
fn line(id: &str, since: Option<Timestamp>) -> String {
    let since = since.map(|at| format!(" {at}")).unwrap_or_default();
    format!("{id} {}{since}\n", random::hex(32))
}

fn write_draft(path: &Path, text: &str) -> std::io::Result<PathBuf> {
    let draft = path.with_extension(format!("{}.part", random::hex(4)));
    let mut file = private::file_options().create_new(true).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(draft)
}

/// Written whole or not at all: two programs that start at once must not each use a key of their own.
fn make(path: &Path) -> std::io::Result<Zeroizing<String>> {
    let text = Zeroizing::new(line(&random::hex(4), None));
    let draft = write_draft(path, &text)?;
    // A hard link fails when the file is there already; renaming would replace it.
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft)?;
    match linked {
        Ok(()) => Ok(text),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            std::fs::read_to_string(path).map(Zeroizing::new)
        }
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(days: i64) -> Timestamp {
        Timestamp::from_micros(1_767_225_600_000_000 + days * 86_400_000_000).expect("a time")
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_key_signs_once_everybody_knows_it_and_the_old_one_goes_on_verifying() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("secret");
        let keys = Keyring::open(&path).expect("a keyring");
        let before = keys.seal("test", b"x");
        let id = Keyring::rotate(&path, at(0)).expect("rotated");
        keys.reload().expect("read again");
        assert_ne!(signing(&keys.keys()).expect("a key").id, id, "not everybody knows the new key yet");
        tokio::time::advance(INTRODUCTION).await;
        assert_eq!(signing(&keys.keys()).expect("a key").id, id);
        assert_ne!(keys.seal("test", b"x"), before);
        assert!(keys.sealed("test", b"x", &before));
        keys.reload().expect("read again");
        assert_eq!(signing(&keys.keys()).expect("a key").id, id, "a key is introduced once");
        let restarted = Keyring::open(&path).expect("a keyring");
        assert_eq!(signing(&restarted.keys()).expect("a key").id, id);
    }

    #[test]
    fn a_key_goes_when_nothing_that_it_signed_can_be_valid() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("secret");
        let first = Keyring::open(&path).expect("a keyring").keys()[0].id.clone();
        let ids = || {
            Keyring::open(&path).expect("a keyring").keys().iter().map(|k| k.id.clone()).collect::<Vec<_>>()
        };
        let second = Keyring::rotate(&path, at(0)).expect("rotated");
        let third = Keyring::rotate(&path, at(91)).expect("rotated");
        assert_eq!(ids(), [third.clone(), second.clone(), first]);
        let fourth = Keyring::rotate(&path, at(92)).expect("rotated");
        assert_eq!(ids(), [fourth, third, second], "the first was replaced 92 days ago");
    }

    #[test]
    fn a_tag_is_for_one_purpose_and_one_text() {
        let dir = tempfile::tempdir().expect("a folder");
        let keys = Keyring::open(&dir.path().join("secret")).expect("a keyring");
        let tag = keys.seal("test", b"x");
        assert!(keys.sealed("test", b"x", &tag));
        assert!(!keys.sealed("other", b"x", &tag));
        assert!(!keys.sealed("test", b"y", &tag));
        assert!(!keys.sealed("test", b"x", &tag[..TAG - 1]));
    }

    #[test]
    fn the_file_is_for_its_owner_alone_and_nonsense_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("secret");
        Keyring::open(&path).expect("a keyring");
        Keyring::rotate(&path, at(0)).expect("rotated");
        assert_eq!(std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).expect("a folder").count(), 1, "no draft is left");
        for text in ["", "a", "a b\n", "a 0123\n"] {
            std::fs::write(&path, text).expect("written");
            assert!(matches!(Keyring::open(&path), Err(KeyringError::Form(_))), "{text:?}");
        }
    }
}
