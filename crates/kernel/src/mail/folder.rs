//! Mails kept as files. A name says which job wrote the file and whom it is for, so that the files of one person are
//! found without reading any: `00000012-u7.eml`, while it is written `00000012-u7.part`.

use std::ffi::OsStr;
use std::io::{ErrorKind, Result, Write};
use std::path::Path;

use crate::{UserId, private};

/// Writes a mail whole or not at all, for its owner alone.
pub(super) fn keep(folder: &Path, job: &str, person: Option<UserId>, mail: &[u8]) -> Result<()> {
    private::make_folder(folder)?;
    let name = format!("{job}{}", ending(person));
    let draft = folder.join(format!("{name}.part"));
    private::file_options().create(true).truncate(true).open(&draft)?.write_all(mail)?;
    std::fs::rename(draft, folder.join(format!("{name}.eml")))
}

/// Deletes the mails to this person, drafts included.
pub(super) fn clear(folder: &Path, person: UserId) -> Result<()> {
    let files = match std::fs::read_dir(folder) {
        // No mail was ever written.
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        files => files?,
    };
    for file in files {
        let file = file?;
        if !is_to(&file.file_name(), person) {
            continue;
        }
        match std::fs::remove_file(file.path()) {
            // Somebody else deletes them too, or the draft has just become a mail; that is looked for again.
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            done => done?,
        }
    }
    Ok(())
}

fn ending(person: Option<UserId>) -> String {
    person.map(|person| format!("-u{person}")).unwrap_or_default()
}

fn is_to(file: &OsStr, person: UserId) -> bool {
    let name = file.to_str().and_then(|name| name.strip_suffix(".eml").or(name.strip_suffix(".part")));
    name.is_some_and(|name| name.ends_with(&ending(Some(person))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_one_person_everything_goes_and_of_others_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("mail");
        clear(&folder, UserId(7)).expect("nothing was there");
        keep(&folder, "00000001", Some(UserId(7)), b"to 7").expect("kept");
        keep(&folder, "00000007", Some(UserId(17)), b"to 17").expect("kept");
        keep(&folder, "00000003", Some(UserId(71)), b"to 71").expect("kept");
        keep(&folder, "00000007", None, b"to nobody known").expect("kept");
        for other in ["00000004-u7.part", "notes-u7.txt"] {
            std::fs::write(folder.join(other), b"written by hand").expect("written");
        }
        clear(&folder, UserId(7)).expect("cleared");
        let mut left: Vec<_> = std::fs::read_dir(&folder)
            .expect("a folder")
            .map(|file| file.expect("a file").file_name().into_string().expect("text"))
            .collect();
        left.sort();
        assert_eq!(left, ["00000003-u71.eml", "00000007-u17.eml", "00000007.eml", "notes-u7.txt"]);
    }
}
