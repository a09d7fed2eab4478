//! The words by which classes are found: those of the title and of the place. Who teaches them is found by the coach.

use std::collections::BTreeSet;

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use muster_kernel::db::{DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::on;

use crate::class::ClassId;
use crate::schema::class_words;

/// The longest word that is kept; a longer one is found by its beginning.
const LONGEST_WORD: usize = 64;
/// Words that a search has at most.
const MOST_WORDS: usize = 5;

fn split(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.to_lowercase().chars().take(LONGEST_WORD).collect())
}

/// The words of a search.
///
/// # Errors
/// When there are too many.
pub(crate) fn wanted(text: &str) -> Result<Vec<String>, Fault> {
    let words: Vec<String> = split(text).collect();
    if words.len() > MOST_WORDS || text.len() > 320 {
        return Err(Fault::new(Code::Malformed, "`q` has five words at most."));
    }
    Ok(words)
}

/// Greater than every word that begins so.
pub(crate) fn end(word: &str) -> String {
    format!("{word}{}", char::MAX)
}

/// Has a class be found by these words and no others.
pub(crate) fn index(tx: &mut Tx<'_>, class: ClassId, title: &str, location: &str) -> DbResult<()> {
    diesel::delete(class_words::table.filter(class_words::class_id.eq(class))).execute(&mut **tx)?;
    let words: BTreeSet<String> = split(title).chain(split(location)).collect();
    let rows: Vec<_> =
        words.iter().map(|word| (class_words::word.eq(word), class_words::class_id.eq(class))).collect();
    if !rows.is_empty() {
        on!(*tx, c => diesel::insert_into(class_words::table).values(&rows).execute(c))?;
    }
    Ok(())
}
