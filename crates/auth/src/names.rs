//! People's names, and the words by which they are found.

use std::collections::BTreeSet;

use muster_kernel::Fields;

/// The longest word that is kept for finding somebody; a longer one is found by its beginning.
const LONGEST_WORD: usize = 64;

/// Checks the names of a person.
pub(crate) fn check(first_name: &str, last_name: &str, fields: &mut Fields) {
    fields.text("/first_name", first_name, 1..=80);
    fields.text("/last_name", last_name, 1..=80);
}

/// By what people are sorted: last name first, without regard to capitals.
pub(crate) fn key(first_name: &str, last_name: &str) -> String {
    format!("{last_name} {first_name}").to_lowercase()
}

/// The words by which somebody is found: those of the names, and the whole address.
pub(crate) fn words(first_name: &str, last_name: &str, email: Option<&str>) -> BTreeSet<String> {
    split(first_name).chain(split(last_name)).chain(email.map(cut)).collect()
}

/// The words of what somebody is looking for.
pub(crate) fn split(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| c.is_whitespace() || c == '-' || c == '\'' || c == ',')
        .filter(|word| !word.is_empty())
        .map(cut)
}

fn cut(word: &str) -> String {
    word.to_lowercase().chars().take(LONGEST_WORD).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_found_by_every_part_of_their_names_and_by_their_address() {
        let words = words("Anna-Lena", "von Müller", Some("anna@example.org"));
        assert_eq!(
            words.into_iter().collect::<Vec<_>>(),
            ["anna", "anna@example.org", "lena", "müller", "von"]
        );
        assert_eq!(key("Anna", "Müller"), "müller anna");
    }
}
