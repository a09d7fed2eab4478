//! Refresh tokens: opaque, good for one use, and each the successor of the one before.
//!
//! All tokens of a session share a random family; they differ in their generation, and a tag over both that only
//! this installation can make. So a token of an earlier generation is known for what it is, a forged one never
//! passes for it, the same token always has the same successor, and the database keeps no more than the hash of
//! the family and a number.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use muster_kernel::random;
use sha2::{Digest, Sha256};

use crate::Keyring;

const PURPOSE: &str = "refresh";
const FAMILY: usize = 16;
const GENERATION: usize = 8;
/// Longer than any token that was given out.
const LONGEST: usize = 128;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RefreshToken {
    family: [u8; FAMILY],
    pub(super) generation: i64,
}

impl RefreshToken {
    /// The first of a new family.
    pub(super) fn first() -> RefreshToken {
        RefreshToken { family: random::bytes(), generation: 0 }
    }

    /// The one that comes after this.
    pub(super) fn next(&self) -> RefreshToken {
        RefreshToken { family: self.family, generation: self.generation + 1 }
    }

    /// Under which its session is found.
    pub(super) fn family_hash(&self) -> Vec<u8> {
        Sha256::digest(self.family).to_vec()
    }

    pub(super) fn write(&self, keys: &Keyring) -> String {
        let mut bytes = self.bytes();
        let tag = keys.seal(PURPOSE, &bytes);
        bytes.extend(tag);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a token; `None` unless this installation made it.
    pub(super) fn read(text: &str, keys: &Keyring) -> Option<RefreshToken> {
        let bytes = Some(text).filter(|text| text.len() <= LONGEST)?;
        let bytes = URL_SAFE_NO_PAD.decode(bytes).ok()?;
        let (content, tag) = bytes.split_at_checked(FAMILY + GENERATION)?;
        let (family, generation) = content.split_at(FAMILY);
        let generation = i64::from_be_bytes(generation.try_into().ok()?);
        let genuine = keys.sealed(PURPOSE, content, tag);
        genuine.then_some(RefreshToken { family: family.try_into().ok()?, generation })
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.family.to_vec();
        bytes.extend(self.generation.to_be_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring() -> Keyring {
        let dir = tempfile::tempdir().expect("a folder");
        Keyring::open(&dir.path().join("secret")).expect("a keyring")
    }

    #[test]
    fn a_token_is_read_as_it_was_written_and_by_nobody_else() {
        let keys = keyring();
        let token = RefreshToken::first().next();
        let text = token.write(&keys);
        assert_eq!(RefreshToken::read(&text, &keys), Some(token));
        assert_eq!(RefreshToken::read(&text, &keyring()), None);
    }

    #[test]
    fn a_token_with_a_character_changed_is_none() {
        let keys = keyring();
        let text = RefreshToken::first().write(&keys);
        for at in 0..text.len() {
            let mut wrong = text.clone().into_bytes();
            wrong[at] = if wrong[at] == b'A' { b'B' } else { b'A' };
            let wrong = String::from_utf8(wrong).expect("text");
            assert_eq!(RefreshToken::read(&wrong, &keys), None, "{at}");
        }
        for wrong in ["", "x", "äöü", &"A".repeat(54), &"A".repeat(100_000)] {
            assert_eq!(RefreshToken::read(wrong, &keys), None);
        }
    }
}
