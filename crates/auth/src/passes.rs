//! Passes: short codes by which somebody shows who they are, for a moment and for one purpose. They are sealed with the
//! keys of this installation, so that nothing of them is kept, and are no tokens: nobody signs in with one, and no token
//! is a pass.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use muster_kernel::{Timestamp, UserId};

use crate::{Accounts, Keyring};

const NUMBER: usize = 8;
/// Longer than any pass that was given out.
const LONGEST: usize = 64;

/// What a pass is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassFor {
    /// To show at the door of a class that one has come.
    CheckIn,
}

impl PassFor {
    /// Never one that another seal has.
    fn purpose(self) -> &'static str {
        match self {
            PassFor::CheckIn => "pass check-in",
        }
    }
}

impl Accounts {
    /// A pass of this person that holds until then: 43 characters that are fine in an address.
    pub fn pass(&self, what: PassFor, user: UserId, until: Timestamp) -> String {
        write(self.sessions().keys(), what, user, until)
    }

    /// Whose pass this is; none for one that is forged, expired or for something else, all alike.
    pub fn whose_pass(&self, what: PassFor, pass: &str, now: Timestamp) -> Option<UserId> {
        read(self.sessions().keys(), what, pass, now)
    }
}

fn write(keys: &Keyring, what: PassFor, user: UserId, until: Timestamp) -> String {
    let mut bytes = user.0.to_be_bytes().to_vec();
    bytes.extend(until.micros().to_be_bytes());
    let tag = keys.seal(what.purpose(), &bytes);
    bytes.extend(tag);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn read(keys: &Keyring, what: PassFor, pass: &str, now: Timestamp) -> Option<UserId> {
    let pass = Some(pass).filter(|pass| pass.len() <= LONGEST)?;
    let bytes = URL_SAFE_NO_PAD.decode(pass).ok()?;
    let (content, tag) = bytes.split_at_checked(2 * NUMBER)?;
    let (user, until) = content.split_at(NUMBER);
    let until = i64::from_be_bytes(until.try_into().ok()?);
    let holds = keys.sealed(what.purpose(), content, tag) && now.micros() < until;
    holds.then_some(UserId(i64::from_be_bytes(user.try_into().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring() -> Keyring {
        let dir = tempfile::tempdir().expect("a folder");
        Keyring::open(&dir.path().join("secret")).expect("a keyring")
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(1_767_225_600_000_000 + seconds * 1_000_000).expect("a time")
    }

    #[test]
    fn a_pass_holds_until_its_end_and_only_here() {
        let keys = keyring();
        let pass = write(&keys, PassFor::CheckIn, UserId(7), at(60));
        assert_eq!(pass.len(), 43, "a small QR code");
        assert_eq!(read(&keys, PassFor::CheckIn, &pass, at(59)), Some(UserId(7)));
        assert_eq!(read(&keys, PassFor::CheckIn, &pass, at(60)), None);
        assert_eq!(read(&keyring(), PassFor::CheckIn, &pass, at(0)), None);
    }

    #[test]
    fn no_letter_of_a_pass_can_be_another() {
        let keys = keyring();
        let pass = write(&keys, PassFor::CheckIn, UserId(7), at(60));
        for n in 0..pass.len() {
            let other = if &pass[n..=n] == "A" { "Q" } else { "A" };
            let forged = format!("{}{other}{}", &pass[..n], &pass[n + 1..]);
            assert_eq!(read(&keys, PassFor::CheckIn, &forged, at(0)), None, "{forged}");
        }
        for broken in ["", "A", &pass[..42], &format!("{pass}A"), &format!("{pass}{pass}"), "ä"] {
            assert_eq!(read(&keys, PassFor::CheckIn, broken, at(0)), None, "{broken}");
        }
    }

    #[test]
    fn what_was_sealed_for_something_else_is_no_pass() {
        let keys = keyring();
        let mut bytes = 7_i64.to_be_bytes().to_vec();
        bytes.extend(at(60).micros().to_be_bytes());
        let sealed_for = |purpose| {
            let tag = keys.seal(purpose, &bytes);
            URL_SAFE_NO_PAD.encode([bytes.as_slice(), &tag].concat())
        };
        assert_eq!(read(&keys, PassFor::CheckIn, &sealed_for("pass check-in"), at(0)), Some(UserId(7)));
        assert_eq!(read(&keys, PassFor::CheckIn, &sealed_for("refresh"), at(0)), None);
    }
}
