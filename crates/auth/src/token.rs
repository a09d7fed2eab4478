//! Access tokens: short-lived, signed with a key of this installation, one algorithm and no other.

use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, Header, Validation};
use muster_kernel::{Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::keyring::{Keyring, signing};
use crate::sessions::SessionId;

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
    sid: SessionId,
    iss: String,
    aud: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

impl Keyring {
    /// A token for this person, as long as this session lasts.
    pub(crate) fn sign(
        &self,
        user: UserId,
        session: SessionId,
        now: Timestamp,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let seconds = now.utc().timestamp();
        let claims = Claims {
            sub: user.to_string(),
            sid: session,
            iss: MUSTER.into(),
            aud: MUSTER.into(),
            iat: seconds,
            nbf: seconds,
            exp: seconds + LIFE.num_seconds(),
        };
        let keys = self.keys();
        let key = signing(&keys).ok_or(jsonwebtoken::errors::ErrorKind::InvalidKeyFormat)?;
        let header = Header { kid: Some(key.id.clone()), ..Header::new(ALGORITHM) };
        jsonwebtoken::encode(&header, &claims, &key.sign)
    }

    /// Whose token this is and of which session; `None` for one that is forged, foreign, expired or not valid
    /// yet, all alike.
    pub(crate) fn verify(&self, token: &str, now: Timestamp) -> Option<(UserId, SessionId)> {
        let kid = jsonwebtoken::decode_header(token).ok()?.kid?;
        let keys = self.keys();
        let key = keys.iter().find(|key| key.id == kid)?;
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
        claims.sub.parse().ok().map(|sub| (UserId(sub), claims.sid))
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::EncodingKey;

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
        let token = keys.sign(UserId(7), SessionId(3), at(0)).expect("a token");
        for (when, expected) in [(0, true), (600, true), (605, true), (606, false), (-5, true), (-6, false)] {
            assert_eq!(keys.verify(&token, at(when)).is_some(), expected, "{when}");
        }
        assert_eq!(keys.verify(&token, at(0)), Some((UserId(7), SessionId(3))));
    }

    #[test]
    fn a_restart_keeps_the_key_and_another_installation_has_another() {
        let (dir, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let token = keyring(&dir).sign(UserId(7), SessionId(3), at(0)).expect("a token");
        assert_eq!(keyring(&dir).verify(&token, at(1)), Some((UserId(7), SessionId(3))));
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
                "sub": "7", "sid": 3, "iss": MUSTER, "aud": MUSTER, "iat": at(0).utc().timestamp(),
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
        for claim in ["iss", "aud", "exp", "nbf", "sub", "sid"] {
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
}
