//! Who is worth being signed in as, and what there is to be seen then.

use super::cast::{CLARA, Cast, JONAS, KATHARINA, LENA, MARKUS, NELE, PAUL, SABINE, TOMASZ, Who};

/// What somebody is, who it is, and what they have to see.
const WORTH_A_LOOK: [(&str, Who, &str); 9] = [
    (
        "admin",
        KATHARINA,
        "everything: people, settings, the audit log, the jobs; somebody waits to be taken in",
    ),
    ("treasurer", JONAS, "the books: dues, who is overdue, bills, reports, a month that waits to be closed"),
    ("coach", TOMASZ, "judo: who comes next, attendance, what was earned and paid out"),
    ("member", LENA, "classes booked and paid in advance, a place in line, news in the rooms"),
    ("guardian", SABINE, "two children without an address, for whom she books and pays"),
    ("overdue", MARKUS, "dues of months that are not paid, and a word with the treasurer about it"),
    ("minor", NELE, "sixteen: signs in herself, and her mother is in the room with the coach"),
    ("suspended", PAUL, "may look, and not book"),
    ("applicant", CLARA, "applied yesterday, and waits to be taken in"),
];

/// A line for each.
pub(super) fn lines(cast: &Cast) -> Vec<String> {
    let address = |who: Who| cast[who].email.as_deref().unwrap_or_default();
    let widest = |words: &mut dyn Iterator<Item = &str>| words.map(str::len).max().unwrap_or_default();
    let role_width = widest(&mut WORTH_A_LOOK.iter().map(|(role, ..)| *role));
    let address_width = widest(&mut WORTH_A_LOOK.iter().map(|(_, who, _)| address(*who)));
    WORTH_A_LOOK
        .iter()
        .map(|(role, who, sees)| format!("  {role:role_width$}  {:address_width$}  {sees}", address(*who)))
        .collect()
}
