//! Paging by key: a page begins after the last row of the one before, so that it costs the same at any depth and
//! nothing is shown twice when rows are added meanwhile.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::fault::{Code, Fault};

/// How many rows a page has unless it is said.
pub const DEFAULT_LIMIT: i64 = 50;
/// How many rows a page has at most.
pub const MAX_LIMIT: i64 = 100;
/// Longer than any cursor that was given out.
const MAX_CURSOR: usize = 512;

/// Which page of a list is wanted. `list` names the list and its order: a cursor of another is refused.
#[derive(Debug, Clone)]
pub struct PageRequest<K> {
    limit: i64,
    after: Option<K>,
    list: &'static str,
}

/// One page.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page begins, if there is one.
    pub next_cursor: Option<String>,
    /// True when there is a next page.
    pub has_more: bool,
    /// How many rows there are in all; only when it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
}

impl<T> Page<T> {
    /// All there is, of what is never much.
    pub fn whole(items: Vec<T>) -> Page<T> {
        Page { items, next_cursor: None, has_more: false, total: None }
    }

    /// The same with how many rows there are in all.
    #[must_use]
    pub fn with_total(self, total: Option<i64>) -> Page<T> {
        Page { total, ..self }
    }
}

#[derive(Serialize, Deserialize)]
struct Cursor<K> {
    l: String,
    k: K,
}

impl<K: Serialize + DeserializeOwned> PageRequest<K> {
    /// Reads `limit` and `cursor` as a client sent them.
    ///
    /// # Errors
    /// When the limit is out of bounds or the cursor was not made for this list.
    pub fn read(
        list: &'static str,
        limit: Option<i64>,
        cursor: Option<&str>,
    ) -> Result<PageRequest<K>, Fault> {
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(Fault::new(Code::Malformed, "`limit` is a number from 1 to 100."));
        }
        let after = cursor.map(|text| decode(list, text)).transpose()?;
        Ok(PageRequest { limit, after, list })
    }

    /// The key after which the page begins.
    pub fn after(&self) -> Option<&K> {
        self.after.as_ref()
    }

    /// How many rows to fetch: one more than are shown, which tells whether there is a next page.
    pub fn fetch(&self) -> i64 {
        self.limit + 1
    }

    /// Makes the page of the rows fetched; `key` tells a row's place in the list.
    pub fn page<R, T>(&self, mut rows: Vec<R>, key: impl Fn(&R) -> K, show: impl Fn(R) -> T) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = if has_more { rows.last().map(|row| self.encode(key(row))) } else { None };
        Page {
            has_more: next_cursor.is_some(),
            next_cursor,
            items: rows.into_iter().map(show).collect(),
            total: None,
        }
    }

    fn encode(&self, key: K) -> String {
        let cursor = Cursor { l: self.list.to_owned(), k: key };
        // Keys are numbers and strings: they always have a JSON form.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&cursor).unwrap_or_default())
    }
}

fn decode<K: DeserializeOwned>(list: &str, text: &str) -> Result<K, Fault> {
    let wrong = || Fault::new(Code::Malformed, "`cursor` is not one that this list gave; begin without it.");
    if text.len() > MAX_CURSOR {
        return Err(wrong());
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
    let cursor: Cursor<K> = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
    if cursor.l == list { Ok(cursor.k) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Key = (String, i64);

    fn read(cursor: Option<&str>) -> Result<PageRequest<Key>, Fault> {
        PageRequest::read("people:name", Some(2), cursor)
    }

    #[test]
    fn the_next_page_begins_after_the_last_row_shown() {
        let rows = vec![("a".to_owned(), 1), ("b".to_owned(), 2), ("c".to_owned(), 3)];
        let page = read(None).expect("a page").page(rows, Clone::clone, |r| r.1);
        assert_eq!((page.items, page.has_more), (vec![1, 2], true));
        let next = read(page.next_cursor.as_deref()).expect("the next page");
        assert_eq!(next.after(), Some(&("b".to_owned(), 2)));
        let last = next.page(vec![("c".to_owned(), 3)], Clone::clone, |r| r.1);
        assert_eq!((last.items, last.has_more, last.next_cursor), (vec![3], false, None));
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        let other = PageRequest::<Key>::read("people:age", Some(1), None).expect("a page");
        let rows = vec![("a".to_owned(), 1), ("b".to_owned(), 2)];
        let cursor = other.page(rows, Clone::clone, |r| r.1).next_cursor;
        assert!(cursor.is_some());
        assert!(read(cursor.as_deref()).is_err());
    }

    #[test]
    fn the_limit_has_bounds() {
        for (limit, fine) in [(0, false), (1, true), (100, true), (101, false), (-1, false)] {
            assert_eq!(PageRequest::<i64>::read("x", Some(limit), None).is_ok(), fine, "{limit}");
        }
    }

    proptest! {
        #[test]
        fn nonsense_for_a_cursor_is_refused_and_never_a_panic(text in ".{0,600}") {
            prop_assert!(read(Some(&text)).is_err());
        }
    }
}
