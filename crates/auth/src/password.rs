//! Passwords: judged when they are new, kept as bcrypt hashes, compared without telling more than yes or no. All
//! of it keeps a processor busy and is done on threads of its own.

mod fit;
mod guess;
mod threads;

use muster_kernel::Fields;
use muster_kernel::fault::Fault;
use zeroize::{Zeroize, Zeroizing};

pub use fit::Fit;
use fit::{Effort, fit};
use guess::{Guess, guess, words};
use threads::Threads;

/// What bcrypt can take; more would be cut off, so more is refused.
const LONGEST: usize = 71;

/// A password as somebody typed it; wiped from memory when it is dropped, and never shown.
#[derive(Clone, serde::Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl Password {
    /// A password from somewhere else than a request.
    pub fn new(typed: String) -> Password {
        Password(typed)
    }

    /// Whether it can be a new password: at least 8 characters, at most what bcrypt takes. Says what is wrong.
    fn check(&self, pointer: &str, fields: &mut Fields) -> bool {
        let long_enough = self.0.chars().count() >= 8;
        fields.must(long_enough, pointer, "too_short", "At least 8 characters.");
        fields.must(self.0.len() <= LONGEST, pointer, "too_long", "At most 71 bytes.");
        fields.must(
            !self.0.contains('\0'),
            pointer,
            "control_characters",
            "Control characters cannot be kept.",
        );
        long_enough && self.bytes().is_some()
    }

    /// What is hashed; `None` for what bcrypt cannot take as it is.
    fn bytes(&self) -> Option<&[u8]> {
        Some(self.0.as_bytes()).filter(|bytes| bytes.len() <= LONGEST && !bytes.contains(&0))
    }
}

impl Drop for Password {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Judges passwords, makes and checks hashes. Its threads end with its last clone.
#[derive(Clone)]
pub struct Passwords {
    cost: u32,
    threads: Threads,
}

impl Passwords {
    /// Hashes of this cost.
    pub fn new(cost: u32) -> Passwords {
        Passwords { cost, threads: Threads::start() }
    }

    /// Says what is wrong with a new password: its length, or that it would be guessed soon by anybody, or by those
    /// who know these things about the person: the names, the address, the club's name.
    ///
    /// # Errors
    /// When too many are waiting. What is wrong with the password is no error but goes to `fields`.
    pub async fn judge(
        &self,
        password: &Password,
        pointer: &str,
        personal: &[&str],
        fields: &mut Fields,
    ) -> Result<(), Fault> {
        if !password.check(pointer, fields) {
            return Ok(());
        }
        let (password, words) = (password.clone(), words(personal));
        match self.threads.run(move || guess(&password.0, &words)).await? {
            None => {}
            Some(Guess::Common) => {
                let message = "This password is among the first that would be guessed.";
                fields.wrong(pointer, "too_common", message);
            }
            Some(Guess::Personal) => {
                fields.wrong(pointer, "too_personal", "Something that others know of you is no password.");
            }
        }
        Ok(())
    }

    /// The hash of a new password. [`Self::judge`] it before.
    ///
    /// # Errors
    /// When it cannot be one, or too many are waiting.
    pub async fn hash(&self, password: Password) -> Result<String, Fault> {
        let mut fields = Fields::new();
        password.check("/password", &mut fields);
        fields.done()?;
        let cost = self.cost;
        self.threads
            .run(move || bcrypt::non_truncating_hash(password.0.as_bytes(), cost))
            .await?
            .map_err(Fault::internal)
    }

    /// Whether the password is the one of this hash. What is wrong takes as long whatever it is, also when there is
    /// no hash: nobody learns by waiting whether there is such an account.
    ///
    /// # Errors
    /// When too many are waiting.
    pub async fn verify(&self, password: Password, hash: Option<String>) -> Result<Fit, Fault> {
        let (cost, hash) = (self.cost, hash.map(Zeroizing::new));
        let hash = move || {
            let hash = hash.as_ref().map(|hash| hash.as_str());
            fit(password.bytes(), hash, cost, &mut Effort::default())
        };
        self.threads.run(hash).await?.map_err(Fault::internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Password {
        Password::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_fits_its_own_hash_alone() {
        let passwords = Passwords::new(4);
        let hash = passwords.hash(typed("correct horse")).await.expect("a hash");
        for (password, hash, fits) in [
            ("correct horse", Some(hash.clone()), Fit::Yes),
            ("correct house", Some(hash.clone()), Fit::No),
            ("correct horse", None, Fit::No),
        ] {
            assert_eq!(passwords.verify(typed(password), hash).await.expect("an answer"), fits, "{password}");
        }
        let costlier = Passwords::new(5);
        let fits = costlier.verify(typed("correct horse"), Some(hash)).await.expect("an answer");
        assert_eq!(fits, Fit::Outdated);
    }

    #[tokio::test]
    async fn a_password_is_never_cut_off() {
        let passwords = Passwords::new(4);
        let longest = "x".repeat(LONGEST);
        let hash = passwords.hash(typed(&longest)).await.expect("a hash");
        let fits = passwords.verify(typed(&format!("{longest}y")), Some(hash)).await.expect("an answer");
        assert_eq!(fits, Fit::No);
        for wrong in ["short", &"x".repeat(LONGEST + 1), "has a \0 in it"] {
            assert!(passwords.hash(typed(wrong)).await.is_err(), "{wrong:?}");
        }
    }

    #[tokio::test]
    async fn a_nul_does_not_hide_that_a_password_is_another_one() {
        // To bcrypt itself these two are the same.
        let passwords = Passwords::new(4);
        let hash = passwords.hash(typed("12345678")).await.expect("a hash");
        let fits = passwords.verify(typed("12345678\x0012345678"), Some(hash)).await.expect("an answer");
        assert_eq!(fits, Fit::No);
    }

    #[tokio::test]
    async fn a_new_password_is_told_what_is_wrong_with_it() {
        let passwords = Passwords::new(4);
        let too_long = "x".repeat(LONGEST + 1);
        for (password, codes) in [
            ("a password for tests", &[][..]),
            ("1234567", &["too_short"]),
            ("🎾🎾🎾🎾🎾🎾🎾", &["too_short"]),
            (&too_long, &["too_long"]),
            ("has a \0 in it", &["control_characters"]),
            ("a\0", &["too_short", "control_characters"]),
            ("password1", &["too_common"]),
            ("mueller-anna", &["too_personal"]),
        ] {
            let mut fields = Fields::new();
            let personal = ["Anna", "Mueller"];
            passwords.judge(&typed(password), "/new", &personal, &mut fields).await.expect("a judgement");
            let wrong = fields.done().map_or_else(|fault| fault.fields, |()| Vec::new());
            assert_eq!(wrong.iter().map(|f| f.code).collect::<Vec<_>>(), codes, "{password:?}");
            assert!(wrong.iter().all(|f| f.pointer == "/new"), "{password:?}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(format!("{:?}", typed("secret")), "Password(…)");
    }
}
