//! What can be read of somebody, wherever it stands: in every column of every table, and in files.

use std::path::Path;

use diesel::sql_types::Text;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection};
use muster_kernel::db::Target;

/// Words by which somebody would be recognised.
pub struct Traces(pub Vec<String>);

impl Traces {
    /// Those of the words that stand in there, in capitals or not.
    pub fn within(&self, text: impl AsRef<[u8]>) -> Vec<&str> {
        let text = text.as_ref().to_ascii_lowercase();
        let stands = |word: &&String| {
            let word = word.to_ascii_lowercase();
            text.windows(word.len()).any(|part| part == word.as_bytes())
        };
        self.0.iter().filter(stands).map(String::as_str).collect()
    }
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// What a query says whose one column is a text called `line`.
pub fn ask(target: &Target, query: &str) -> Vec<String> {
    let lines: Vec<Line> = match target {
        Target::Sqlite(file) => {
            let mut conn = SqliteConnection::establish(&file.to_string_lossy()).expect("open");
            diesel::sql_query(query).load(&mut conn).expect(query)
        }
        Target::Postgres(url) => {
            let mut conn = PgConnection::establish(url).expect("open");
            diesel::sql_query(query).load(&mut conn).expect(query)
        }
    };
    lines.into_iter().map(|line| line.line).collect()
}

/// Everything that the database holds, a row a line; bytes are in hexadecimal digits.
pub fn rows(target: &Target) -> String {
    let tables = match target {
        Target::Sqlite(_) => "SELECT name AS line FROM sqlite_master WHERE type = 'table' ORDER BY name",
        Target::Postgres(_) => {
            "SELECT tablename::text AS line FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
        }
    };
    let mut all = String::new();
    for table in ask(target, tables) {
        let row = match target {
            Target::Sqlite(_) => {
                let columns =
                    format!("SELECT 'quote(\"' || name || '\")' AS line FROM pragma_table_info('{table}')");
                ask(target, &columns).join(" || ',' || ")
            }
            Target::Postgres(_) => "a_row::text".to_owned(),
        };
        let mut lines = ask(target, &format!("SELECT {row} AS line FROM {table} AS a_row"));
        lines.sort();
        all.extend(lines.into_iter().map(|line| format!("{table}: {line}\n")));
    }
    all
}

/// The names and contents of all files in a folder. One that is deleted meanwhile is none.
pub fn files(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if let (true, Ok(content)) = (path.is_file(), std::fs::read(&path)) {
            all.extend(path.file_name().expect("a name").as_encoded_bytes());
            all.push(b'\n');
            all.extend(content);
        }
    }
    all
}
