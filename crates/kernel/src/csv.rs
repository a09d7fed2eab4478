//! Tables as CSV: UTF-8, a header row, CRLF at the end of lines, amounts as decimals.
//!
//! Whoever opens such a file in a spreadsheet must not run what somebody else wrote into a name or an address: text
//! that would be a formula is [`defused`] by an apostrophe before it. Numbers and amounts stay what they are.
//!
//! ```
//! use muster_kernel::Minor;
//! use muster_kernel::csv::{self, Cell, Decimals};
//!
//! let euro = Decimals::of("EUR");
//! let rows = [vec![Cell::from("=1+1"), Cell::Amount(Minor(-1250), euro)]];
//! assert_eq!(csv::table(&["name", "balance"], rows), "name,balance\r\n'=1+1,-12.50\r\n");
//! ```

mod decimals;
mod defused;

use std::borrow::Cow;

use chrono::NaiveDate;
pub use decimals::{Decimals, NotAnAmount};
pub use defused::{armed, defused};

use crate::{Minor, Timestamp};

/// What stands in one place of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Words, which may be somebody's: they are defused.
    Text(String),
    /// A count or an id.
    Number(i64),
    /// Money, shown as a decimal.
    Amount(Minor, Decimals),
    /// A day.
    Date(NaiveDate),
    /// Nothing.
    Empty,
}

impl Cell {
    fn shown(&self) -> Cow<'_, str> {
        match self {
            Cell::Text(text) => defused(text),
            Cell::Number(number) => number.to_string().into(),
            Cell::Amount(amount, decimals) => decimals.show(*amount).into(),
            Cell::Date(day) => day.to_string().into(),
            Cell::Empty => "".into(),
        }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::Text(text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Cell {
        Cell::Number(number)
    }
}

impl From<i32> for Cell {
    fn from(number: i32) -> Cell {
        Cell::Number(number.into())
    }
}

impl From<bool> for Cell {
    fn from(so: bool) -> Cell {
        Cell::Text(so.to_string())
    }
}

impl From<NaiveDate> for Cell {
    fn from(day: NaiveDate) -> Cell {
        Cell::Date(day)
    }
}

impl From<Timestamp> for Cell {
    fn from(at: Timestamp) -> Cell {
        Cell::Text(at.to_string())
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Cell {
        value.map_or(Cell::Empty, Into::into)
    }
}

/// A whole table: the names of the columns, and the rows.
pub fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<Cell>>) -> String {
    // What was put together of texts is one.
    String::from_utf8(lines(Some(header), rows)).unwrap_or_default()
}

/// A piece of a table; the first one has the header.
pub(crate) fn lines(header: Option<&[&str]>, rows: impl IntoIterator<Item = Vec<Cell>>) -> Vec<u8> {
    let mut writer = ::csv::WriterBuilder::new()
        .terminator(::csv::Terminator::CRLF)
        .flexible(true)
        .from_writer(Vec::new());
    // Writing to memory cannot fail.
    if let Some(header) = header {
        let _ = writer.write_record(header);
    }
    for row in rows {
        for cell in &row {
            let _ = writer.write_field(cell.shown().as_bytes());
        }
        let _ = writer.write_record(None::<&[u8]>);
    }
    writer.into_inner().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_written_so_that_it_can_be_read_again() {
        let day = NaiveDate::from_ymd_opt(2026, 3, 1).expect("a day");
        let rows = [
            vec![Cell::from("Müller, \"Anna\""), Cell::from("two\nlines"), Cell::from(7), Cell::Date(day)],
            vec![Cell::Empty, Cell::from(None::<i64>), Cell::from(-7), Cell::from(true)],
        ];
        assert_eq!(
            table(&["name", "text", "count", "day"], rows),
            "name,text,count,day\r\n\"Müller, \"\"Anna\"\"\",\"two\nlines\",7,2026-03-01\r\n,,-7,true\r\n"
        );
    }

    #[test]
    fn text_is_defused_and_numbers_are_not() {
        let euro = Decimals::of("EUR");
        let row = vec![Cell::from("-1"), Cell::from(-1), Cell::Amount(Minor(-1250), euro)];
        assert_eq!(lines(None, [row]), b"'-1,-1,-12.50\r\n");
    }
}
