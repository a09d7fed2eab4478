//! A file as it arrives: what is wrong with it as a whole is told at once, and nothing of it is kept then.

use muster_kernel::csv::armed;
use muster_kernel::fault::Fault;
use muster_kernel::{Fields, text_enum};
use serde::{Deserialize, Serialize};

/// Rows that a file may have.
const MOST_ROWS: i64 = 100_000;
/// Rows of a part, which are done in one transaction. It must be short, for on SQLite all others wait for it: no write may
/// take over 50 ms. On two cores 50 rows took 21 to 42 ms there, one part in seventeen over 50, and 50 to 110 ms on PostgreSQL.
const ROWS_OF_A_PART: usize = 20;
/// Bytes of a part at which it is closed even with fewer rows.
const BYTES_OF_A_PART: usize = 64 * 1024;
/// A cell is kept so far. No column may have as much, so it is still too long.
const LONGEST_CELL: usize = 8_000;
/// Wrong columns that one answer names at most.
const MOST_NAMED: usize = 20;

text_enum! {
    /// A column of the file.
    pub(super) enum Column {
        /// Has to be there.
        FirstName = "first_name",
        /// Has to be there.
        LastName = "last_name",
        /// By which somebody is known.
        Email = "email",
        /// As in 2015-03-31.
        DateOfBirth = "date_of_birth",
        /// To call them.
        Phone = "phone",
        /// To write to them.
        Address = "address",
        /// Whom to call when something happens.
        EmergencyContact = "emergency_contact",
        /// What the staff should know.
        Notes = "notes",
        /// What another program knows them by.
        ExternalId = "external_id",
        /// `active`, or `pending`.
        Status = "status",
        /// The name of the plan they pay dues by.
        Plan = "plan",
    }
}

impl Column {
    fn place(self) -> usize {
        Column::ALL.iter().position(|column| *column == self).unwrap_or_default()
    }

    /// Where its faults are.
    pub(super) fn pointer(self) -> String {
        format!("/{self}")
    }
}

/// A row of the file, as it is kept until it is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    /// Its number, as a spreadsheet counts.
    pub(super) line: i64,
    /// What it says, in the order of the columns; nothing where it has not as many cells as the header.
    cells: Option<Vec<Option<String>>>,
}

impl Row {
    /// Whether it has as many cells as the header.
    pub(super) fn is_whole(&self) -> bool {
        self.cells.is_some()
    }

    /// What it says in a column.
    pub(super) fn get(&self, column: Column) -> Option<&str> {
        self.cells.as_ref()?.get(column.place())?.as_deref()
    }
}

/// A file that can be imported.
#[derive(Debug)]
pub(super) struct File {
    /// How many rows it has.
    pub(super) rows: i64,
    /// The rows, cut into pieces.
    pub(super) parts: Vec<String>,
}

/// The rows of a part.
pub(super) fn rows_of(part: &str) -> serde_json::Result<Vec<Row>> {
    serde_json::from_str(part)
}

/// The rows of a part as they are kept. (A NUL character, which one engine cannot keep, is escaped so.)
pub(super) fn part_of(rows: &[Row]) -> serde_json::Result<String> {
    serde_json::to_string(rows)
}

/// Reads a file.
pub(super) fn read(text: &str) -> Result<File, Fault> {
    let mut reader = ::csv::ReaderBuilder::new()
        .delimiter(separator(text))
        .flexible(true)
        .has_headers(false)
        .from_reader(text.as_bytes());
    let mut record = ::csv::StringRecord::new();
    let broken = |e: ::csv::Error| Fault::field("", "invalid", "The file cannot be read as CSV.").because(e);
    if !reader.read_record(&mut record).map_err(broken)? {
        return Err(Fault::field("", "empty", "The file is empty."));
    }
    let columns = columns(&record)?;
    let mut file = Parts::default();
    let mut line = 1;
    while reader.read_record(&mut record).map_err(broken)? {
        line += 1;
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if file.count == MOST_ROWS {
            return Err(Fault::field("", "too_many_rows", "A file has 100,000 rows at most; cut it in two."));
        }
        file.add(Row { line, cells: cells(&columns, &record) })?;
    }
    if file.count == 0 {
        return Err(Fault::field("", "empty", "There is no row below the header."));
    }
    file.close()?;
    Ok(File { rows: file.count, parts: file.parts })
}

/// A comma or a semicolon, whichever the header has more of; the names of columns have neither.
fn separator(text: &str) -> u8 {
    let header = text.trim_start().lines().next().unwrap_or_default();
    let count = |separator| header.matches(separator).count();
    if count(';') > count(',') { b';' } else { b',' }
}

/// What stands in which column.
fn columns(header: &::csv::StringRecord) -> Result<Vec<Column>, Fault> {
    let mut fields = Fields::new();
    let mut named = 0;
    let mut columns = Vec::new();
    for name in header {
        let name = name.trim().to_lowercase();
        let (code, message) = match name.parse::<Column>() {
            Ok(column) if !columns.contains(&column) => {
                columns.push(column);
                continue;
            }
            Ok(_) => ("duplicate", "This column is there twice."),
            Err(_) => ("unknown_field", "An import does not have such a column."),
        };
        if named < MOST_NAMED {
            let name: String = name.chars().take(100).collect();
            fields.wrong(format!("/{}", name.replace('~', "~0").replace('/', "~1")), code, message);
            named += 1;
        }
    }
    for column in [Column::FirstName, Column::LastName] {
        let is_there = columns.contains(&column);
        fields.must(is_there, &column.pointer(), "required", "This column has to be there.");
    }
    fields.done()?;
    Ok(columns)
}

fn cells(columns: &[Column], record: &::csv::StringRecord) -> Option<Vec<Option<String>>> {
    if record.len() != columns.len() {
        return None;
    }
    let mut cells = vec![None; Column::ALL.len()];
    for (column, cell) in columns.iter().zip(record) {
        let cell: String = armed(cell.trim()).trim().chars().take(LONGEST_CELL).collect();
        if let Some(place) = cells.get_mut(column.place()).filter(|_| !cell.is_empty()) {
            *place = Some(cell);
        }
    }
    Some(cells)
}

/// Rows that are put together into parts.
#[derive(Default)]
struct Parts {
    count: i64,
    parts: Vec<String>,
    open: Vec<Row>,
    bytes: usize,
}

impl Parts {
    fn add(&mut self, row: Row) -> Result<(), Fault> {
        self.count += 1;
        self.bytes += row.cells.iter().flatten().flatten().map(String::len).sum::<usize>();
        self.open.push(row);
        if self.open.len() == ROWS_OF_A_PART || self.bytes >= BYTES_OF_A_PART {
            self.close()?;
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), Fault> {
        if !self.open.is_empty() {
            self.parts.push(part_of(&self.open).map_err(Fault::internal)?);
            self.open.clear();
            self.bytes = 0;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(text: &str) -> Vec<Row> {
        let parts = read(text).expect("a file").parts;
        parts.iter().flat_map(|part| rows_of(part).expect("rows")).collect()
    }

    fn faults(text: &str) -> Vec<(String, &'static str)> {
        let fault = read(text).expect_err("it is wrong");
        fault.fields.into_iter().map(|field| (field.pointer, field.code)).collect()
    }

    #[test]
    fn a_file_is_read_with_either_separator_in_any_order_of_columns() {
        for text in [
            "first_name,last_name,email\nAnna,Example,anna@example.org\n",
            "first_name;last_name;email\r\nAnna;Example;anna@example.org",
            " Last_Name , EMAIL,\"first_name\"\nExample, anna@example.org ,\"Anna\"\n",
        ] {
            let [row] = &rows(text)[..] else { panic!("{text}") };
            assert_eq!(row.get(Column::FirstName), Some("Anna"), "{text}");
            assert_eq!(row.get(Column::LastName), Some("Example"), "{text}");
            assert_eq!(row.get(Column::Email), Some("anna@example.org"), "{text}");
            assert_eq!(row.get(Column::Phone), None, "{text}");
        }
    }

    #[test]
    fn lines_are_counted_as_a_spreadsheet_counts_them() {
        let text =
            "first_name,last_name,address\nAnna,One,\"Street 1\n12345 Town\"\n,,\nBen,Two\nCleo,Three,\n";
        let rows = rows(text);
        assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 4, 5]);
        assert_eq!(rows[0].get(Column::Address), Some("Street 1\n12345 Town"));
        assert!(!rows[1].is_whole() && rows[2].is_whole());
    }

    #[test]
    fn what_an_export_defused_is_as_it_was() {
        let rows = rows("first_name,last_name,phone\n'=Anna,O'Neill,'+49 170\n");
        assert_eq!(rows[0].get(Column::FirstName), Some("=Anna"));
        assert_eq!(rows[0].get(Column::LastName), Some("O'Neill"));
        assert_eq!(rows[0].get(Column::Phone), Some("+49 170"));
    }

    #[test]
    fn every_wrong_column_is_named() {
        let named = |pointer: &str, code| (pointer.to_owned(), code);
        assert_eq!(
            faults("first_name,nickname,a/b,email,email\nx,y,z,1,2\n"),
            [
                named("/nickname", "unknown_field"),
                named("/a~1b", "unknown_field"),
                named("/email", "duplicate"),
                named("/last_name", "required")
            ]
        );
        for empty in ["", "\n\n", "first_name,last_name\n", "first_name,last_name\n,\n"] {
            assert_eq!(faults(empty), [named("", "empty")], "{empty:?}");
        }
        assert!(faults(&"x,".repeat(10_000)).len() <= MOST_NAMED + 2);
    }

    #[test]
    fn a_file_has_a_hundred_thousand_rows_at_most() {
        let mut text = "first_name,last_name\n".to_owned() + &"A,B\n".repeat(100_000);
        assert_eq!(read(&text).expect("as many as there may be").rows, 100_000);
        text.push_str("A,B\n");
        assert_eq!(faults(&text), [(String::new(), "too_many_rows")]);
    }

    #[test]
    fn a_part_is_small_whatever_the_rows_are_like() {
        let long = format!("Anna,\"{}\",x\n", "é".repeat(50_000));
        let file = read(&("first_name,last_name,notes\n".to_owned() + &long.repeat(30))).expect("a file");
        assert!(file.parts.iter().all(|part| part.len() < 2 * BYTES_OF_A_PART));
        let file = read(&("first_name,last_name\n".to_owned() + &"A,B\n".repeat(250))).expect("a file");
        assert_eq!(file.parts.len(), 250usize.div_ceil(ROWS_OF_A_PART));
    }

    proptest! {
        #[test]
        fn whatever_arrives_is_read_or_refused(text in "(first_name[,;]last_name\n)?[a\"',;\n\r\0é=]{0,60}") {
            if let Ok(file) = read(&text) {
                let rows: Vec<_> = file.parts.iter().flat_map(|part| rows_of(part).expect("rows")).collect();
                prop_assert_eq!(i64::try_from(rows.len()).expect("few"), file.rows);
                prop_assert!(rows.windows(2).all(|pair| pair[0].line < pair[1].line));
            }
        }
    }
}
