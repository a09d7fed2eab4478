//! Checking what comes in, field by field, below HTTP: a program that links a domain crate gets the same answer
//! as a web page.

use crate::fault::{Fault, FieldFault};

/// Collects everything that is wrong, so that a person sees it all at once.
///
/// ```
/// use muster_kernel::Fields;
/// let mut fields = Fields::new();
/// fields.text("/name", "", 1..=80);
/// assert!(fields.done().is_err());
/// ```
#[derive(Debug, Default)]
pub struct Fields {
    wrong: Vec<FieldFault>,
}

impl Fields {
    /// Nothing wrong yet.
    pub fn new() -> Fields {
        Fields::default()
    }

    /// Notes a wrong field.
    pub fn wrong(&mut self, pointer: impl Into<String>, code: &'static str, message: impl Into<String>) {
        self.wrong.push(FieldFault { pointer: pointer.into(), code, message: message.into() });
    }

    /// Notes a wrong field unless `fine`.
    pub fn must(&mut self, fine: bool, pointer: &str, code: &'static str, message: &str) {
        if !fine {
            self.wrong(pointer, code, message);
        }
    }

    /// A line of text: so many characters, something to see in it, no control characters, no spaces around it.
    pub fn text(&mut self, pointer: &str, value: &str, length: std::ops::RangeInclusive<usize>) {
        self.lines(pointer, value, length);
        self.must(
            !value.contains(['\n', '\r', '\t']),
            pointer,
            "control_characters",
            "This is one line of text.",
        );
    }

    /// Text of several lines.
    pub fn lines(&mut self, pointer: &str, value: &str, length: std::ops::RangeInclusive<usize>) {
        let characters = value.chars().count();
        if characters < *length.start() {
            let least = length.start();
            self.wrong(pointer, "too_short", format!("At least {least} characters."));
        } else if characters > *length.end() {
            let most = length.end();
            self.wrong(pointer, "too_long", format!("At most {most} characters."));
        }
        self.must(
            value.is_empty() || !value.chars().all(is_invisible),
            pointer,
            "too_short",
            "There is nothing to see in this.",
        );
        self.must(
            !value.contains(turns_direction),
            pointer,
            "control_characters",
            "Characters that turn the direction of writing cannot be kept.",
        );
        let control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        self.must(
            !value.contains(control),
            pointer,
            "control_characters",
            "Control characters cannot be kept.",
        );
        self.must(value.trim() == value, pointer, "spaces_around", "No spaces at the beginning or the end.");
    }

    /// A number within bounds.
    pub fn number<N: PartialOrd + std::fmt::Display + Copy>(
        &mut self,
        pointer: &str,
        value: N,
        range: std::ops::RangeInclusive<N>,
    ) {
        if !range.contains(&value) {
            let (from, to) = (range.start(), range.end());
            self.wrong(pointer, "out_of_range", format!("Between {from} and {to}."));
        }
    }

    /// The end of the check.
    ///
    /// # Errors
    /// A fault that names every wrong field, when there is one.
    pub fn done(self) -> Result<(), Fault> {
        if self.wrong.is_empty() { Ok(()) } else { Err(Fault::fields(self.wrong)) }
    }
}

/// Characters that leave nothing to see.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{3164}')
}

/// Characters with which a text can be made to look like another.
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(check: impl FnOnce(&mut Fields)) -> Vec<&'static str> {
        let mut fields = Fields::new();
        check(&mut fields);
        match fields.done() {
            Ok(()) => Vec::new(),
            Err(fault) => fault.fields.iter().map(|f| f.code).collect(),
        }
    }

    #[test]
    fn text_is_counted_in_characters_and_has_nothing_hidden_in_it() {
        assert!(codes(|f| f.text("/t", "Jürgen 🎾", 1..=8)).is_empty());
        assert_eq!(codes(|f| f.text("/t", "", 1..=8)), ["too_short"]);
        assert_eq!(codes(|f| f.text("/t", "123456789", 1..=8)), ["too_long"]);
        assert_eq!(codes(|f| f.text("/t", "a\u{0}b", 1..=8)), ["control_characters"]);
        assert_eq!(codes(|f| f.text("/t", "a\nb", 1..=8)), ["control_characters"]);
        assert!(codes(|f| f.lines("/t", "a\nb", 1..=8)).is_empty());
        assert_eq!(codes(|f| f.text("/t", " a", 1..=8)), ["spaces_around"]);
        assert_eq!(codes(|f| f.text("/t", "\u{200b}\u{2060}", 1..=8)), ["too_short"]);
        assert_eq!(codes(|f| f.text("/t", "\u{202e}evil", 1..=8)), ["control_characters"]);
        assert!(codes(|f| f.text("/t", "👩\u{200d}🚀", 1..=8)).is_empty(), "joined emoji are seen");
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        assert_eq!(
            codes(|f| {
                f.number("/n", 0, 1..=5);
                f.text("/t", "", 1..=5);
            }),
            ["out_of_range", "too_short"]
        );
    }
}
