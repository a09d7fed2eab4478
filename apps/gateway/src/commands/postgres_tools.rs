//! PostgreSQL's own tools for backups, from PATH.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::Exit;

/// Writes a dump in PostgreSQL's own format.
pub(crate) fn dump(url: &str, file: &Path) -> Result<(), Exit> {
    call("pg_dump", url, |tool| {
        tool.args(["--format=custom", "--no-owner", "--no-privileges", "--file"]).arg(file)
    })
}

/// Puts a dump in the place of what is in the database: all of it or nothing.
pub(crate) fn restore(url: &str, file: &Path) -> Result<(), Exit> {
    let options = [
        "--clean",
        "--if-exists",
        "--single-transaction",
        "--exit-on-error",
        "--no-owner",
        "--no-privileges",
    ];
    call("pg_restore", url, |tool| tool.args(options).arg(file))
}

/// The URL goes by the environment, where other users of the machine do not see its password.
fn call(name: &str, url: &str, with: impl FnOnce(&mut Command) -> &mut Command) -> Result<(), Exit> {
    let mut tool = Command::new(name);
    tool.arg(format!("--dbname={}", without_password(url))).stdin(Stdio::null());
    if let Some(password) = password(url) {
        tool.env("PGPASSWORD", password);
    }
    let output = with(&mut tool).output().map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => {
            Exit::configuration(format!("{name} is not on PATH; install PostgreSQL's client programs"))
        }
        _ => Exit::failed(format!("{name} cannot be run: {e}")),
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let first = said.lines().find(|line| line.contains("error")).unwrap_or("it said nothing").trim();
    Err(Exit::database(format!("{name} failed: {first}")))
}

/// `user:password` of a URL, and what is before and after.
fn split(url: &str) -> Option<(&str, &str, &str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (login, _) = rest[..end].rsplit_once('@')?;
    let (user, password) = login.split_once(':')?;
    Some((scheme, user, password, &rest[login.len()..]))
}

fn without_password(url: &str) -> String {
    split(url).map_or_else(|| url.to_owned(), |(scheme, user, _, rest)| format!("{scheme}://{user}{rest}"))
}

fn password(url: &str) -> Option<String> {
    split(url).map(|(_, _, password, _)| percent_decoded(password))
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after
            .get(..2)
            .and_then(|h| std::str::from_utf8(h).ok())
            .and_then(|h| u8::from_str_radix(h, 16).ok());
        match (first, hex) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_taken_out_of_the_url() {
        let url = "postgres://anna:p%40ss:w@db.example:5432/club?sslmode=require";
        assert_eq!(without_password(url), "postgres://anna@db.example:5432/club?sslmode=require");
        assert_eq!(password(url).as_deref(), Some("p@ss:w"));
        for url in ["postgres://anna@db.example/club", "postgres:///club?host=%2Ftmp"] {
            assert_eq!((without_password(url), password(url)), (url.to_owned(), None));
        }
    }
}
