//! What somebody is looking for.

use muster_kernel::fault::{Code, Fault};

use crate::names;

/// Words that a search looks for at most.
const MOST_WORDS: usize = 5;
/// Bytes that they have at most, all together.
const LONGEST_SEARCH: usize = 320;

/// The beginnings of words by which people are found, as they stand in `read::user_words`. Every one of them has to be
/// there; whoever is found comes in the order of the first.
#[derive(Debug, Clone, Default)]
pub struct Words(Vec<String>);

impl Words {
    /// Those of a text: none when there is none.
    ///
    /// # Errors
    /// When there are too many.
    pub fn of(text: Option<&str>) -> Result<Words, Fault> {
        let text = text.unwrap_or_default();
        // An address is one word, as it is kept.
        let words: Vec<_> =
            if text.contains('@') { vec![text.trim().to_lowercase()] } else { names::split(text).collect() };
        if words.len() > MOST_WORDS || text.len() > LONGEST_SEARCH {
            return Err(Fault::new(Code::Malformed, "`q` has five words at most."));
        }
        Ok(Words(words))
    }

    /// Whether nothing is looked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first one, and the others; none when nothing is looked for.
    pub fn split_first(&self) -> Option<(&String, &[String])> {
        self.0.split_first()
    }

    /// Greater than every word that begins so.
    pub fn end(word: &str) -> String {
        format!("{word}{}", char::MAX)
    }
}
