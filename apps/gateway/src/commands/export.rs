//! `muster export`: all data as CSV and JSON, a file of each for every table.

use std::io::{BufWriter, Write};
use std::path::Path;

use muster_kernel::csv::defused;
use muster_kernel::db::{Db, DbResult};
use muster_kernel::domain::{Export, ExportRow};
use muster_kernel::private;
use serde_json::Value;

use super::progress::Progress;
use super::{block_on, open};
use crate::{Config, Exit, domains, voice};

/// Rows read in one go: small enough not to hold the database's log back.
const CHUNK: i64 = 1000;

pub(crate) fn run(config: &Config, folder: &Path) -> Result<(), Exit> {
    let db = open(config)?;
    prepare(folder)?;
    for export in domains().into_iter().flat_map(|domain| domain.exports) {
        let rows = block_on(write_table(&db, export, folder))?;
        voice::say(&format!("{}: {rows} rows", export.name));
    }
    Ok(())
}

fn prepare(folder: &Path) -> Result<(), Exit> {
    let wrong = |e: std::io::Error| Exit::failed(format!("{} cannot be used: {e}", folder.display()));
    if folder.exists() {
        let used = std::fs::read_dir(folder).map_err(wrong)?.next().is_some();
        return if used { Err(Exit::failed(format!("{} is not empty", folder.display()))) } else { Ok(()) };
    }
    private::make_folder(folder).map_err(wrong)
}

async fn write_table(db: &Db, export: Export, folder: &Path) -> Result<u64, Exit> {
    let wrong = |e: &dyn std::fmt::Display| Exit::failed(format!("{} cannot be written: {e}", export.name));
    let create = |extension: &str| {
        private::file_options()
            .create_new(true)
            .open(folder.join(format!("{}.{extension}", export.name)))
            .map(BufWriter::new)
            .map_err(|e| wrong(&e))
    };
    let mut table = csv::Writer::from_writer(create("csv")?);
    let mut lines = create("json")?;
    let progress = Progress::rows(export.name);
    table.write_record(export.columns).map_err(|e| wrong(&e))?;
    lines.write_all(b"[").map_err(|e| wrong(&e))?;
    let mut after = 0;
    let mut count: u64 = 0;
    loop {
        let rows: DbResult<Vec<ExportRow>> = db.read(move |conn| (export.rows)(conn, after, CHUNK)).await;
        let rows = rows?;
        let Some(last) = rows.last() else { break };
        after = last.key;
        progress.add(rows.len() as u64);
        for row in rows {
            table.write_record(row.values.iter().map(cell)).map_err(|e| wrong(&e))?;
            lines.write_all(if count == 0 { b"\n" } else { b",\n" }).map_err(|e| wrong(&e))?;
            lines.write_all(object(&export, row).as_bytes()).map_err(|e| wrong(&e))?;
            count += 1;
        }
    }
    lines.write_all(b"\n]\n").and_then(|()| lines.flush()).map_err(|e| wrong(&e))?;
    table.flush().map_err(|e| wrong(&e))?;
    Ok(count)
}

fn object(export: &Export, row: ExportRow) -> String {
    let named = export.columns.iter().map(|c| (*c).to_owned()).zip(row.values);
    Value::Object(named.collect()).to_string()
}

/// A cell that a spreadsheet would run as a formula is defused.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => defused(text).into_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula() {
        assert_eq!(cell(&"=1+1".into()), "'=1+1");
        assert_eq!(cell(&"Anna".into()), "Anna");
        assert_eq!(cell(&(-5).into()), "-5");
        assert_eq!(cell(&Value::Null), "");
    }
}
