//! Second factors: codes that an authenticator shows (RFC 6238), and codes on paper for when it is lost.

use muster_kernel::{Timestamp, random};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};
use totp_rs::{Algorithm, Builder, Totp};
use zeroize::Zeroizing;

/// Everything but what RFC 3986 calls unreserved.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Crockford's digits: no `i`, `l`, `o` that could be `1` and `0`. There are 32, so a random byte picks evenly.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Digits of a recovery code.
const LENGTH: usize = 10;
/// Recovery codes that somebody gets.
const CODES: usize = 10;

/// What the club and somebody's authenticator both know; wiped from memory when it is dropped, and never shown.
#[derive(Clone)]
pub struct Secret(Totp);

/// A text that is no secret of at least 128 bits in base32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not the secret of a second factor")]
pub struct NotASecret;

impl Secret {
    /// A new one, of the 160 bits that RFC 4226 recommends.
    pub fn generate() -> Secret {
        Secret(as_apps_expect(totp_rs::Secret::new_stack(random::bytes())).build_noncompliant())
    }

    /// Reads what [`to_base32`](Secret::to_base32) wrote.
    ///
    /// # Errors
    /// When it is not such a text.
    pub fn parse(text: &str) -> Result<Secret, NotASecret> {
        let secret = totp_rs::Secret::try_from_base32(text).map_err(|_| NotASecret)?;
        as_apps_expect(secret).build().map(Secret).map_err(|_| NotASecret)
    }

    /// The text to keep, and to type into an app that cannot see the QR code.
    pub fn to_base32(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.secret().to_base32())
    }

    /// What the QR code says: the secret, whose it is and for what. The issuer is the club's name.
    ///
    /// The form is <https://github.com/google/google-authenticator/wiki/Key-Uri-Format>. It parts the issuer from
    /// the account with a colon that neither may have, not even escaped, so theirs become spaces.
    pub fn provisioning_uri(&self, issuer: &str, account: &str) -> String {
        let [issuer, account] = [issuer, account].map(|name| {
            let parts: Vec<_> = name.split([':', ' ']).filter(|part| !part.is_empty()).collect();
            utf8_percent_encode(&parts.join(" "), ESCAPED).to_string()
        });
        let secret = self.to_base32();
        format!(
            "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&algorithm=SHA1&digits=6&period=30",
            *secret
        )
    }

    /// The time step whose code this is: the present one, or one before or after, for clocks that differ and
    /// people who type slowly. A code is good for one use, so the caller keeps the step of the last and refuses
    /// those up to it.
    pub fn step_of(&self, code: &str, at: Timestamp) -> Option<i64> {
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let seconds = u64::try_from(at.utc().timestamp()).ok()?;
        // Refuses what is not six ASCII digits, and compares in constant time.
        self.0.check(&code, seconds).and_then(|step| i64::try_from(step).ok())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The one kind that every authenticator can do; some ignore what else the QR code asks for.
fn as_apps_expect(secret: totp_rs::Secret) -> Builder {
    Builder::new()
        .with_secret(secret)
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_step_duration(30)
        .with_skew(1)
}

/// New recovery codes, to be shown once.
pub(crate) fn recovery_codes() -> Vec<String> {
    let code = || {
        let digits =
            random::bytes::<LENGTH>().map(|byte| char::from(DIGITS[usize::from(byte) % DIGITS.len()]));
        let (left, right) = digits.split_at(LENGTH / 2);
        left.iter().chain(&['-']).chain(right).collect()
    };
    std::iter::repeat_with(code).take(CODES).collect()
}

/// What is kept of a recovery code, however it is typed; `None` for what cannot be one.
///
/// A fast hash is enough. Nobody chose the code, so there is no dictionary to try: it is 50 random bits, of which
/// the [`Throttle`](crate::Throttle) lets a stranger try a few in a quarter of an hour. Whoever could try faster
/// has the database, and in it the secrets of the authenticators, which cannot be hashed at all; what they
/// still lack is the password, and that is hashed slowly.
pub(crate) fn recovery_hash(code: &str) -> Option<Vec<u8>> {
    let mut digits = Zeroizing::new(String::with_capacity(LENGTH));
    // The dashes are those that word processors make, too.
    for typed in code.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '\u{2010}'..='\u{2015}')) {
        let digit = match typed.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            other => other,
        };
        if !DIGITS.iter().any(|d| char::from(*d) == digit) {
            return None;
        }
        digits.push(digit);
    }
    (digits.len() == LENGTH).then(|| Sha256::digest(digits.as_bytes()).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// The key of RFC 6238, appendix B.
    fn rfc_secret() -> Secret {
        Secret::parse("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").expect("a secret")
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).expect("a time")
    }

    #[test]
    fn the_codes_are_those_of_rfc_6238() {
        // Its table has eight digits; six are the last six of them.
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(rfc_secret().step_of(code, at(seconds)), Some(seconds / 30), "at {seconds}");
        }
    }

    #[test]
    fn a_code_is_good_one_step_early_and_one_late_and_always_names_its_own_step() {
        let (step, code) = (41_152_263, "005924");
        for (seconds, expected) in [
            ((step - 1) * 30 - 1, None),
            ((step - 1) * 30, Some(step)),
            (step * 30, Some(step)),
            ((step + 2) * 30 - 1, Some(step)),
            ((step + 2) * 30, None),
        ] {
            assert_eq!(rfc_secret().step_of(code, at(seconds)), expected, "at {seconds}");
        }
    }

    #[test]
    fn a_code_is_six_digits_wherever_the_spaces_are() {
        let now = at(1_234_567_890);
        for fine in ["005924", "005 924", " 00 59 24\n", "005\u{a0}924"] {
            assert!(rfc_secret().step_of(fine, now).is_some(), "{fine:?}");
        }
        for wrong in
            ["", "5924", "0005924", "89005924", "+05924", "00592x", "００５９２４", "٠٠٥٩٢٤", "005924\0"]
        {
            assert_eq!(rfc_secret().step_of(wrong, now), None, "{wrong:?}");
        }
        assert_eq!(rfc_secret().step_of("755224", at(-15)), None, "there are no steps before 1970");
    }

    #[test]
    fn a_secret_is_kept_as_text_and_is_never_shown() {
        let secret = Secret::generate();
        let text = secret.to_base32();
        assert_eq!(text.len(), 32, "160 bits");
        assert_eq!(Secret::parse(&text).expect("a secret").to_base32(), text);
        assert_ne!(Secret::generate().to_base32(), text);
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        for wrong in ["", "GEZDGNBVGY3TQOJQGEZDGNBV", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1", "geheim", "ü"] {
            assert!(Secret::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_uri_is_read_as_it_was_meant_whatever_the_club_is_called() {
        for (club, account, label, issuer) in [
            ("Chess", "anna@club.example", "Chess:anna%40club.example", "Chess"),
            ("TSV: Tennis", "a+b@c.example", "TSV%20Tennis:a%2Bb%40c.example", "TSV%20Tennis"),
            (
                "A & B?x=1#/50%",
                "ü:b",
                "A%20%26%20B%3Fx%3D1%23%2F50%25:%C3%BC%20b",
                "A%20%26%20B%3Fx%3D1%23%2F50%25",
            ),
        ] {
            assert_eq!(
                rfc_secret().provisioning_uri(club, account),
                format!(
                    "otpauth://totp/{label}?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
                     &issuer={issuer}&algorithm=SHA1&digits=6&period=30"
                )
            );
        }
    }

    #[test]
    fn recovery_codes_are_ten_different_ones_without_look_alikes() {
        let codes = recovery_codes();
        assert_eq!(codes.iter().collect::<HashSet<_>>().len(), 10);
        for code in &codes {
            let (left, right) = code.split_once('-').expect("two halves");
            assert_eq!((left.len(), right.len()), (5, 5), "{code}");
            assert!(!code.contains(['i', 'l', 'o', 'u']), "{code}");
            assert!(recovery_hash(code).is_some(), "{code}");
        }
        let hashes: HashSet<_> = codes.iter().map(|code| recovery_hash(code)).collect();
        assert_eq!(hashes.len(), 10);
        let digits: HashSet<_> =
            (0..100).flat_map(|_| recovery_codes()).flat_map(|c| c.into_bytes()).collect();
        assert_eq!(digits.len(), 33, "all the digits there are, and the dash");
    }

    #[test]
    fn a_recovery_code_is_known_however_it_is_typed() {
        let known = recovery_hash("0a1bc-defgh");
        assert_eq!(known, Some(Sha256::digest("0a1bcdefgh").to_vec()));
        for same in ["0A1BC-DEFGH", "0a1bcdefgh", " 0a1bc – defgh\n", "oalbc-defgh", "OaIbc-defgh"] {
            assert_eq!(recovery_hash(same), known, "{same:?}");
        }
        assert_ne!(recovery_hash("0a1bc-defgj"), known);
        for wrong in ["", "-", "0a1bc-defg", "0a1bc-defghj", "0a1bc-defgu", "0a1bc_defgh", "0a1bc-defgé"] {
            assert_eq!(recovery_hash(wrong), None, "{wrong:?}");
        }
    }
}
