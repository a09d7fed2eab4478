//! What other domains write to people.

/// A letter of the club about somebody: to themselves, or to those who act for them, so it does not say "you" where it
/// means the member. Each part is one line, however it was written.
///
/// It says nothing that strangers could have chosen, such as a name from a registration form: they could send words of
/// their own to any address through the club. What staff wrote is fine.
///
/// ```
/// use muster_auth::Letter;
/// let letter = Letter::new("A receipt", "The club received 25.00 EUR.");
/// assert!(letter.step.is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The subject; the club's name is put before it.
    pub subject: String,
    /// What happened.
    pub happened: String,
    /// What can be done now.
    pub step: Option<LetterStep>,
    /// What if it does not concern the reader.
    pub otherwise: String,
}

/// Something to do, behind a button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterStep {
    /// What it is for.
    pub say: String,
    /// What stands on the button.
    pub button: String,
    /// Where it leads: a path below the address that people use, beginning with a slash.
    pub path: String,
}

impl Letter {
    /// A letter with nothing to be done.
    pub fn new(subject: impl Into<String>, happened: impl Into<String>) -> Letter {
        Letter {
            subject: subject.into(),
            happened: happened.into(),
            step: None,
            otherwise: "If you do not know why you get this, ask the club.".into(),
        }
    }

    /// The same with something to do.
    #[must_use]
    pub fn with_step(self, step: LetterStep) -> Letter {
        Letter { step: Some(step), ..self }
    }
}
