//! Whether somebody would guess a password soon: anybody, or those who know whose it is.

use zxcvbn::{Score, zxcvbn};

use super::LONGEST;

/// How many signs are estimated at a time. The library tries every way of reading `@`, `4` or `$` as letters,
/// which takes it a second for the worst 71 signs and no longer than a hash for these.
const PIECE: usize = 24;
/// How many of a person's words are looked for. The library would count later ones as harder to guess.
const MOST_WORDS: usize = 50;

/// Why a password would be guessed soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guess {
    /// Anybody would try it.
    Common,
    /// Whoever knows whose it is would try it.
    Personal,
}

/// Whether the password would be guessed soon, when others know these words.
pub(super) fn guess(password: &str, words: &[String]) -> Option<Guess> {
    if is_weak(password, &[]) {
        return Some(Guess::Common);
    }
    // What others know adds nothing: the rest must be a password by itself. The library looks for the words once
    // more, because it also finds them written backwards, or with a 3 for an e.
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    is_weak(&without(password, &words), &words).then_some(Guess::Personal)
}

/// True when not even a piece of it would take a million guesses.
fn is_weak(password: &str, words: &[&str]) -> bool {
    let signs: Vec<char> = password.chars().collect();
    signs.chunks(PIECE).all(|piece| zxcvbn(&piece.iter().collect::<String>(), words).score() < Score::Two)
}

/// What is left of it when these words are taken out, whether in capitals or not.
fn without(password: &str, words: &[&str]) -> String {
    let mut rest: Vec<char> = password.chars().collect();
    for word in words {
        let word: Vec<char> = word.chars().collect();
        let mut at = 0;
        while let Some(here) = rest.get(at..at + word.len()) {
            if here.iter().copied().map(small).eq(word.iter().copied()) {
                rest.drain(at..at + word.len());
            } else {
                at += 1;
            }
        }
    }
    rest.into_iter().collect()
}

/// The words that others know of a person, from names and addresses: each as it is, the part of an address before
/// the `@`, and every word in them that is worth looking for. The longest come first.
pub(super) fn words(personal: &[&str]) -> Vec<String> {
    let mut words: Vec<String> = personal
        .iter()
        .flat_map(|text| {
            let text = text.trim();
            let local = text.split_once('@').map(|(local, _)| local);
            [text].into_iter().chain(local).chain(text.split(|c: char| !c.is_alphanumeric()))
        })
        // What is longer than a password stands in none.
        .filter(|word| word.len() <= LONGEST && word.chars().count() >= 3)
        .map(|word| word.chars().map(small).collect())
        .take(MOST_WORDS)
        .collect();
    words.sort_by_key(|word: &String| std::cmp::Reverse(word.len()));
    words
}

/// One sign for one sign, so that places stay the same.
fn small(sign: char) -> char {
    sign.to_lowercase().next().unwrap_or(sign)
}

#[cfg(test)]
mod tests {
    use super::Guess::{Common, Personal};
    use super::*;

    const ANNA: &[&str] = &["Anna", "Mueller-Quaglio", "a.mueller+club@mail.example.org", "TC Blau-Weiss"];

    #[test]
    fn what_would_be_guessed_soon_is_no_password() {
        let long = |text: &str| text.repeat(9)[..LONGEST].to_owned();
        for (password, guessed) in [
            ("password1", Some(Common)),
            ("12345678", Some(Common)),
            ("qwertyuiop", Some(Common)),
            ("Password123!", Some(Common)),
            ("p4$$w0rd", Some(Common)),
            (&long("password"), Some(Common)),
            (&"a".repeat(LONGEST), Some(Common)),
            ("mueller-anna", Some(Personal)),
            ("Anna.Mueller.1990", Some(Personal)),
            ("annamueller", Some(Common)),
            ("ANNA-MUELLER", Some(Personal)),
            ("Qu4gl10!x", Some(Personal)),
            ("oilgauQ!x", Some(Personal)),
            ("a.mueller+club", Some(Personal)),
            ("a.mueller+club@mail.example.org", Some(Personal)),
            ("blauweiss-anna", Some(Personal)),
            ("a password for tests", None),
            ("a password of your own", None),
            ("correct horse battery", None),
            ("Tr0ub4dor&3-and-more", None),
            ("hey<12345", None),
            ("anna likes strong coffee", None),
            ("Jürgens 🎾 im Keller", None),
            (&long("correct horse battery "), None),
        ] {
            assert_eq!(guess(password, &words(ANNA)), guessed, "{password}");
        }
    }

    #[test]
    fn a_name_is_only_known_of_those_who_bear_it() {
        for (password, personal) in
            [("mueller-anna", &["Ben", "Schmidt"][..]), ("Qu4gl10!x", &[]), ("oilgauQ!x", &[])]
        {
            assert_eq!(guess(password, &words(personal)), None, "{password}");
        }
    }

    #[test]
    fn a_strong_piece_makes_a_long_password_strong() {
        let password = format!("{}correct horse battery", "0".repeat(40));
        assert_eq!(guess(&password, &[]), None);
    }

    #[test]
    fn only_words_worth_looking_for_are_looked_for() {
        assert_eq!(
            words(&["Jo", "Anna Müller", " a.b@club.example\n"]),
            ["a.b@club.example", "anna müller", "müller", "example", "anna", "club", "a.b"]
        );
        assert_eq!(words(&["x".repeat(LONGEST + 1).as_str()]), Vec::<String>::new());
        let many: Vec<String> = (100..500).map(|n| n.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(words(&many).len(), MOST_WORDS);
    }
}
