//! Access tokens: short-lived, signed with a key of this installation, one algorithm and no other.

use std::io::Write;
use std::path::Path;

use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use muster_kernel::{Timestamp, UserId, private, random};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// How long an access token lives.
pub(crate) const LIFE: TimeDelta = TimeDelta::minutes(10);
/// By how much clocks may differ.
const LEEWAY: TimeDelta = TimeDelta::seconds(5);
/// Who issues tokens, and for whom: this program in both cases.
const MUSTER: &str = "muster";
const ALGORITHM: Algorithm = Algorithm::HS256;

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    iss: String,
    aud: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// The keys that tokens are signed with: the first signs, all of them verify.
pub struct Keyring {
    keys: Vec<Key>,
}

struct Key {
    id: String,
    sign: EncodingKey,
    verify: DecodingKey,
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
        let io = |e| KeyringError::Io(path.display().to_string(), e);
        let text = match std::fs::read_to_string(path) {
            Ok(text) => Zeroizing::new(text),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => make(path).map_err(io)?,
            Err(e) => return Err(io(e)),
        };
        let keys: Option<Vec<Key>> = text.lines().filter(|l| !l.trim().is_empty()).map(Key::parse).collect();
        match keys {
            Some(keys) if !keys.is_empty() => Ok(Keyring { keys }),
            _ => Err(KeyringError::Form(path.display().to_string())),
        }
    }

    /// A token for this person.
    ///
    /// # Errors
    /// When it cannot be signed, which is a defect.
    pub fn sign(&self, user: UserId, now: Timestamp) -> Result<String, jsonwebtoken::errors::Error> {
        let seconds = now.utc().timestamp();
        let claims = Claims {
            sub: user.to_string(),
            iss: MUSTER.into(),
            aud: MUSTER.into(),
            iat: seconds,
            nbf: seconds,
            exp: seconds + LIFE.num_seconds(),
        };
        let key = self.keys.first().ok_or(jsonwebtoken::errors::ErrorKind::InvalidKeyFormat)?;
        let header = Header { kid: Some(key.id.clone()), ..Header::new(ALGORITHM) };
        jsonwebtoken::encode(&header, &claims, &key.sign)
    }

    /// Whose token this is; `None` for one that is forged, foreign, expired or not valid yet, all alike.
    pub fn verify(&self, token: &str, now: Timestamp) -> Option<UserId> {
        let kid = jsonwebtoken::decode_header(token).ok()?.kid?;
        let key = self.keys.iter().find(|key| key.id == kid)?;
        let mut validation = Validation::new(ALGORITHM);
        validation.set_issuer(&[MUSTER]);
        validation.set_audience(&[MUSTER]);
        validation.set_required_spec_claims(&["sub", "iss", "aud", "exp", "nbf"]);
        // Times are compared below, by the clock that tests can set.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &key.verify, &validation).ok()?.claims;
        let (now, leeway) = (now.utc().timestamp(), LEEWAY.num_seconds());
        if claims.exp + leeway < now || claims.nbf - leeway > now {
            return None;
        }
        claims.sub.parse().ok().map(UserId)
    }
}

impl Key {
    fn parse(line: &str) -> Option<Key> {
        let (id, key) = line.trim().split_once(' ')?;
        let fine = !id.is_empty() && key.len() >= 64 && key.bytes().all(|b| b.is_ascii_hexdigit());
        fine.then(|| Key {
            id: id.to_owned(),
            sign: EncodingKey::from_secret(key.as_bytes()),
            verify: DecodingKey::from_secret(key.as_bytes()),
        })
    }
}

/// Written whole or not at all: two programs that start at once must not each use a key of their own.
fn make(path: &Path) -> std::io::Result<Zeroizing<String>> {
    let text = Zeroizing::new(format!("{} {}\n", random::hex(4), random::hex(32)));
    let draft = path.with_extension(format!("{}.part", random::hex(4)));
    let mut file = private::file_options().create_new(true).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
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

    fn keyring(dir: &tempfile::TempDir) -> Keyring {
        Keyring::open(&dir.path().join("secret")).expect("a keyring")
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(1_767_225_600_000_000 + seconds * 1_000_000).expect("a time")
    }

    #[test]
    fn a_token_holds_for_its_life_and_no_longer() {
        let dir = tempfile::tempdir().expect("a folder");
        let keys = keyring(&dir);
        let token = keys.sign(UserId(7), at(0)).expect("a token");
        for (when, expected) in [(0, true), (600, true), (605, true), (606, false), (-5, true), (-6, false)] {
            assert_eq!(keys.verify(&token, at(when)).is_some(), expected, "{when}");
        }
        assert_eq!(keys.verify(&token, at(0)), Some(UserId(7)));
    }

    #[test]
    fn a_restart_keeps_the_key_and_another_installation_has_another() {
        let (dir, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let token = keyring(&dir).sign(UserId(7), at(0)).expect("a token");
        assert_eq!(keyring(&dir).verify(&token, at(1)), Some(UserId(7)));
        assert_eq!(keyring(&other).verify(&token, at(1)), None);
    }

    #[test]
    fn a_token_of_another_algorithm_issuer_or_audience_is_none() {
        let dir = tempfile::tempdir().expect("a folder");
        let keys = keyring(&dir);
        let text = std::fs::read_to_string(dir.path().join("secret")).expect("the secret");
        let (kid, secret) = text.trim().split_once(' ').expect("a key");
        let forge = |algorithm, change: &dyn Fn(&mut serde_json::Value)| {
            let mut claims = serde_json::json!({
                "sub": "7", "iss": MUSTER, "aud": MUSTER, "iat": at(0).utc().timestamp(),
                "nbf": at(0).utc().timestamp(), "exp": at(600).utc().timestamp(),
            });
            change(&mut claims);
            let header = Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) };
            jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret.as_bytes()))
                .expect("a token")
        };
        assert!(keys.verify(&forge(ALGORITHM, &|_| {}), at(1)).is_some(), "the forgery itself works");
        assert!(keys.verify(&forge(Algorithm::HS512, &|_| {}), at(1)).is_none());
        for (claim, value) in [("iss", "other"), ("aud", "other"), ("sub", "x")] {
            assert!(keys.verify(&forge(ALGORITHM, &|c| c[claim] = value.into()), at(1)).is_none(), "{claim}");
        }
        for claim in ["iss", "aud", "exp", "nbf", "sub"] {
            let without = forge(ALGORITHM, &|c| {
                c.as_object_mut().map(|c| c.remove(claim));
            });
            assert!(keys.verify(&without, at(1)).is_none(), "without {claim}");
        }
        // {"alg":"none","kid":…} with no signature.
        let token = forge(ALGORITHM, &|_| {});
        let claims = token.split('.').nth(1).expect("claims");
        assert!(keys.verify(&format!("eyJhbGciOiJub25lIn0.{claims}."), at(1)).is_none());
        assert!(keys.verify("", at(1)).is_none());
    }

    #[cfg(unix)]
    #[test]
    fn the_secret_file_is_its_owners_alone_and_nonsense_in_it_is_said() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a folder");
        keyring(&dir);
        let path = dir.path().join("secret");
        assert_eq!(std::fs::metadata(&path).expect("the file").permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, "not a key\n").expect("written");
        assert!(matches!(Keyring::open(&path), Err(KeyringError::Form(_))));
    }
}
