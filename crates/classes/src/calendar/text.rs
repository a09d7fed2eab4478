//! Lines of iCalendar: at most 75 bytes, then folded; what means something in them is escaped.
//!
//! The `icalendar` crate writes such lines too, but knows no zones to write with them, folds a text in time that grows
//! with its square, and brings libraries that only its reader needs. Reading, which is the hard part, nobody does here.

use muster_kernel::Timestamp;

/// As long as a line may be, in bytes and without its end.
const LONGEST: usize = 75;

/// Lines as they come together.
#[derive(Default)]
pub(super) struct Lines(String);

impl Lines {
    /// A line whose value is made here: dates, numbers, names of the standard.
    pub(super) fn plain(&mut self, name: &str, value: &str) {
        self.fold(&format!("{name}:{value}"));
    }

    /// A line whose value somebody wrote.
    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.fold(&format!("{name}:{}", escaped(value)));
    }

    /// A line that goes on in the next one begins there with a space.
    fn fold(&mut self, line: &str) {
        let mut used = 0;
        for c in line.chars() {
            if used + c.len_utf8() > LONGEST {
                self.0.push_str("\r\n ");
                used = 1;
            }
            self.0.push(c);
            used += c.len_utf8();
        }
        self.0.push_str("\r\n");
    }

    /// The whole text.
    pub(super) fn done(self) -> String {
        self.0
    }
}

fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.replace("\r\n", "\n").chars() {
        match c {
            '\\' | ';' | ',' => text.extend(['\\', c]),
            '\n' => text.push_str("\\n"),
            '\t' => text.push(c),
            // No text of iCalendar has them, and a stray one would end the line.
            c if c.is_control() => {}
            c => text.push(c),
        }
    }
    text
}

/// An instant in UTC.
pub(super) fn utc(at: Timestamp) -> String {
    at.utc().format("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_somebody_wrote_cannot_become_a_line_of_its_own() {
        let mut lines = Lines::default();
        lines.text("SUMMARY", "Yoga\r\nATTENDEE:x\rBEGIN:VALARM\u{7f}; a, b\\n\u{85}");
        assert_eq!(lines.done(), "SUMMARY:Yoga\\nATTENDEE:xBEGIN:VALARM\\; a\\, b\\\\n\r\n");
    }

    proptest! {
        #[test]
        fn long_lines_are_folded_so_that_unfolding_gives_them_back(text in "[a-zäöü🎾 ]{0,400}") {
            let mut lines = Lines::default();
            lines.text("SUMMARY", &text);
            let folded = lines.done();
            prop_assert!(folded.ends_with("\r\n"));
            prop_assert!(folded.split("\r\n").all(|line| line.len() <= LONGEST));
            prop_assert_eq!(folded.replace("\r\n ", ""), format!("SUMMARY:{text}\r\n"));
        }
    }
}
