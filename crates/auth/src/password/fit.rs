//! Whether a password is the one of a hash, at the same price for every wrong answer.

use bcrypt::{BcryptResult, HashParts};

/// Whether a password is the one that a hash was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// It is not.
    No,
    /// It is.
    Yes,
    /// It is, and the hash costs less to try out than one that would be made now: make a new one.
    Outdated,
}

impl Fit {
    /// True when it is.
    pub fn is_right(self) -> bool {
        self != Fit::No
    }
}

/// What was spent, in units of two to the power of a cost.
#[derive(Default)]
pub(super) struct Effort(u64);

impl Effort {
    fn compare(&mut self, password: &[u8], hash: &str, cost: u32) -> BcryptResult<bool> {
        self.0 += 1 << cost;
        bcrypt::non_truncating_verify(password, hash)
    }

    /// Hashes for nothing but the time it takes.
    fn waste(&mut self, cost: u32) -> BcryptResult<()> {
        self.0 += 1 << cost;
        // The result is "used", or an optimizer might find out that it is not.
        std::hint::black_box(bcrypt::non_truncating_hash_with_salt(b"nobody's password", cost, [7; 16])?);
        Ok(())
    }
}

/// Whether `password` is the one of `hash`, when one made now would have this cost. `None` is a password that
/// cannot be one, or an account that is not there. All that is wrong takes as long as one hash of `cost`, so that
/// nobody learns by waiting whether there is such an account, or since when.
pub(super) fn fit(
    password: Option<&[u8]>,
    hash: Option<&str>,
    cost: u32,
    effort: &mut Effort,
) -> BcryptResult<Fit> {
    let (Some(password), Some(hash)) = (password, hash) else {
        effort.waste(cost)?;
        return Ok(Fit::No);
    };
    let paid = hash.parse::<HashParts>()?.get_cost();
    if effort.compare(password, hash, paid)? {
        return Ok(if paid < cost { Fit::Outdated } else { Fit::Yes });
    }
    // 2^p and then 2^p + 2^(p+1) + … + 2^(c-1) make 2^c.
    for missing in paid..cost {
        effort.waste(missing)?;
    }
    Ok(Fit::No)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COST: u32 = 7;
    const FULL: u64 = 1 << COST;

    #[test]
    fn a_wrong_answer_costs_the_same_whatever_is_wrong() {
        let [right, wrong] = [Some(&b"correct horse"[..]), Some(&b"correct house"[..])];
        let made = |cost| bcrypt::hash("correct horse", cost).expect("a hash");
        for (password, hash, fits, spent) in [
            (right, Some(made(COST)), Fit::Yes, FULL),
            (wrong, Some(made(COST)), Fit::No, FULL),
            (right, Some(made(COST - 1)), Fit::Outdated, FULL / 2),
            (wrong, Some(made(COST - 1)), Fit::No, FULL),
            (right, Some(made(4)), Fit::Outdated, 16),
            (wrong, Some(made(4)), Fit::No, FULL),
            (right, Some(made(COST + 1)), Fit::Yes, 2 * FULL),
            (right, None, Fit::No, FULL),
            (None, None, Fit::No, FULL),
            (None, Some(made(COST)), Fit::No, FULL),
            (None, Some(made(4)), Fit::No, FULL),
        ] {
            let mut effort = Effort::default();
            let answer = fit(password, hash.as_deref(), COST, &mut effort).expect("an answer");
            assert_eq!((answer, effort.0), (fits, spent), "{password:?} for {hash:?}");
        }
    }

    #[test]
    fn what_is_no_hash_fits_nothing() {
        for hash in ["", "secret", "$2b$07$short"] {
            assert!(fit(Some(b"secret"), Some(hash), COST, &mut Effort::default()).is_err(), "{hash:?}");
        }
    }
}
