//! Passwords: bcrypt, off the async threads, as many at once as there are processors.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use muster_kernel::Fields;
use muster_kernel::fault::{Code, Fault};
use tokio::sync::Semaphore;
use zeroize::{Zeroize, Zeroizing};

/// What bcrypt can take; more would be cut off, so more is refused.
const LONGEST: usize = 71;
/// How long somebody may wait for a processor.
const LONGEST_WAIT: std::time::Duration = std::time::Duration::from_secs(5);
/// How many may wait for a processor before the next is turned away.
const QUEUE: usize = 200;

/// A password as somebody typed it; wiped from memory when it is dropped, and never shown.
#[derive(Clone, serde::Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl Password {
    /// A password from somewhere else than a request.
    pub fn new(typed: String) -> Password {
        Password(typed)
    }

    /// Whether it can be a new password: at least 8 characters, at most what bcrypt takes.
    pub fn check(&self, pointer: &str, fields: &mut Fields) {
        fields.must(self.0.chars().count() >= 8, pointer, "too_short", "At least 8 characters.");
        fields.must(self.0.len() <= LONGEST, pointer, "too_long", "At most 71 bytes.");
        fields.must(
            !self.0.contains('\0'),
            pointer,
            "control_characters",
            "Control characters cannot be kept.",
        );
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

/// Makes and checks hashes.
#[derive(Clone)]
pub struct Passwords {
    cost: u32,
    processors: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

impl Passwords {
    /// Hashes of this cost.
    pub fn new(cost: u32) -> Passwords {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Passwords {
            cost,
            processors: Arc::new(Semaphore::new(processors)),
            waiting: Arc::new(AtomicUsize::new(0)),
        }
    }

    /// The hash of a new password.
    ///
    /// # Errors
    /// When it cannot be one, or too many are waiting.
    pub async fn hash(&self, password: Password) -> Result<String, Fault> {
        let mut fields = Fields::new();
        password.check("/password", &mut fields);
        fields.done()?;
        let cost = self.cost;
        self.work(move || bcrypt::non_truncating_hash(password.0.as_bytes(), cost))
            .await?
            .map_err(Fault::internal)
    }

    /// Whether the password is the one of this hash. Without a hash it takes as long and is false: nobody learns
    /// by waiting whether there is such an account.
    ///
    /// # Errors
    /// When too many are waiting.
    pub async fn verify(&self, password: Password, hash: Option<String>) -> Result<bool, Fault> {
        if password.0.len() > LONGEST || password.0.contains('\0') {
            // Never a password, whoever it is for, so there is nothing that waiting could tell.
            return Ok(false);
        }
        let known = hash.is_some();
        let hash = Zeroizing::new(hash.unwrap_or_else(|| self.stand_in()));
        let fits = self
            .work(move || bcrypt::non_truncating_verify(password.0.as_bytes(), &hash))
            .await?
            .map_err(Fault::internal)?;
        Ok(fits && known)
    }

    /// A well-formed hash of the same cost that no password is known for.
    fn stand_in(&self) -> String {
        format!("$2b${:02}$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyz0123.", self.cost)
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
        let busy = || {
            Fault::new(Code::Unavailable, "Too many people are signing in at once; try again shortly.")
                .retry_after(2)
        };
        let _place = Place::take(&self.waiting).ok_or_else(busy)?;
        let turn = tokio::time::timeout(LONGEST_WAIT, self.processors.clone().acquire_owned());
        let permit = turn.await.map_err(|_| busy())?.map_err(|_| busy())?;
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        })
        .await
        .map_err(Fault::internal)
    }
}

/// A place in the queue, given back when it is dropped.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(waiting: &Arc<AtomicUsize>) -> Option<Place> {
        let place = Place(waiting.clone());
        if waiting.fetch_add(1, Ordering::AcqRel) >= QUEUE { None } else { Some(place) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
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
        assert!(passwords.verify(typed("correct horse"), Some(hash.clone())).await.expect("an answer"));
        assert!(!passwords.verify(typed("correct house"), Some(hash)).await.expect("an answer"));
        assert!(!passwords.verify(typed("correct horse"), None).await.expect("an answer"));
    }

    #[tokio::test]
    async fn a_password_is_never_cut_off() {
        let passwords = Passwords::new(4);
        let longest = "x".repeat(LONGEST);
        let hash = passwords.hash(typed(&longest)).await.expect("a hash");
        assert!(!passwords.verify(typed(&format!("{longest}y")), Some(hash)).await.expect("an answer"));
        for wrong in ["short", &"x".repeat(LONGEST + 1), "has a \0 in it"] {
            assert!(passwords.hash(typed(wrong)).await.is_err(), "{wrong:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_would_wait_too_long_is_turned_away() {
        let passwords = Passwords::new(4);
        let all = u32::try_from(passwords.processors.available_permits()).expect("a number");
        let _busy = passwords.processors.clone().acquire_many_owned(all).await.expect("all of them");
        let turned_away = passwords.verify(typed("correct horse"), None).await.expect_err("nobody has time");
        assert_eq!(turned_away.code, Code::Unavailable);
        assert!(turned_away.retry_after.is_some());
        assert_eq!(passwords.waiting.load(Ordering::Acquire), 0, "the place in the queue is free again");
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(format!("{:?}", typed("secret")), "Password(…)");
    }
}
