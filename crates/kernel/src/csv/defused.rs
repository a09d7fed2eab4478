//! Text that a spreadsheet would run as a formula, and the apostrophe before it that keeps it from doing so.

use std::borrow::Cow;

/// The text as it can be opened in a spreadsheet: with an apostrophe before it where it would be a formula.
pub fn defused(text: &str) -> Cow<'_, str> {
    if is_marked_or_formula(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// What was [defused], as it was before: what the club exports can be imported again.
pub fn armed(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if is_marked_or_formula(rest) => rest,
        _ => text,
    }
}

/// A formula, perhaps with apostrophes before it already: those get one more, or it could not be told afterwards
/// which were there before.
fn is_marked_or_formula(text: &str) -> bool {
    is_formula(text.trim_start_matches('\''))
}

/// Spreadsheets pass over spaces, and take the wide forms of East Asian keyboards for the usual ones.
fn is_formula(text: &str) -> bool {
    let passed_over =
        |c: char| c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
    text.starts_with(['\t', '\r', '\n'])
        || text.trim_start_matches(passed_over).starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cell_is_never_a_formula() {
        for formula in [
            "=1+1",
            "+49 170",
            "-1",
            "@SUM(A1)",
            "\tx",
            "\rx",
            "\nx",
            "  =1",
            "\u{a0}=1",
            "\u{feff}=1",
            "＝1+1",
            "＋1",
            "－1",
            "＠x",
            "'=1",
        ] {
            assert_eq!(defused(formula), format!("'{formula}"));
        }
        for harmless in ["", "Anna", "O'Neill", "'quoted'", "5-1", "a=b", " Anna"] {
            assert_eq!(defused(harmless), harmless);
        }
    }

    proptest! {
        #[test]
        fn what_was_defused_can_be_armed_again(text in "['=+ \t＝aÄ-]{0,6}|.{0,20}") {
            let kept = defused(&text);
            prop_assert_eq!(armed(&kept), &text);
        }
    }
}
