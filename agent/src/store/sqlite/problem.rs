//! What SQLite's failures mean to a person, and what to do about them.

use std::path::Path;

use rusqlite::ErrorCode;

use super::schema::{self, Unfit};
use crate::{Error, ErrorKind};

/// Finds what is wrong with `path` before SQLite says only "unable to open".
pub(super) fn check_place(path: &Path) -> Result<(), Error> {
    if path.is_dir() {
        return Err(store(format!(
            "{} is a directory; name a file in it, such as {}",
            path.display(),
            path.join("history.db").display()
        )));
    }
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => return Ok(()),
    };
    if directory.is_dir() {
        return Ok(());
    }
    Err(store(format!(
        "cannot keep history in {}: the directory {} does not exist; create it (mkdir -p {}) or choose \
         another",
        path.display(),
        directory.display(),
        directory.display()
    )))
}

pub(super) fn read_only(path: &Path) -> Error {
    store(format!(
        "cannot write {}: the file or its directory is read-only; give this user the right to write \
         both, or choose another path",
        path.display()
    ))
}

pub(super) fn unfit(path: &Path, unfit: Unfit) -> Error {
    match unfit {
        Unfit::Foreign => store(format!(
            "{} is a database of another program; it was left as it is: choose another path",
            path.display()
        )),
        Unfit::Newer(version) => store(format!(
            "{} has schema version {version}, this program knows up to {}; update the program, or choose \
             another path",
            path.display(),
            schema::VERSION
        )),
        Unfit::Sqlite(error) => explain(path, "open it", &error),
    }
}

pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// `doing` is what could not be done to the file at `path`.
pub(super) fn explain(path: &Path, doing: &str, error: &rusqlite::Error) -> Error {
    let file = path.display();
    let remedy = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another process has kept it locked; end that process, or open with a longer busy_timeout"
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => return read_only(path),
        Some(ErrorCode::CannotOpen) if !is_writable(path) => return read_only(path),
        Some(ErrorCode::DiskFull) => {
            "the disk or the file's max_bytes is full; free space, or delete old sessions"
        }
        Some(ErrorCode::NotADatabase) => {
            "it is not a SQLite database; it was left as it is: choose another path"
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            "it is damaged; save what can be saved with `sqlite3 FILE .recover`, or choose another path"
        }
        Some(ErrorCode::CannotOpen) => {
            "it cannot be opened; check that this user may read and write it and its directory"
        }
        Some(ErrorCode::SystemIoFailure) => "the disk failed or is full; check it",
        _ => "check the file with `sqlite3 FILE 'PRAGMA integrity_check'`",
    };
    store(format!("{file}: cannot {doing}: {remedy} ({error})"))
}

/// SQLite says only that it cannot open a file; the operating system says why.
fn is_writable(path: &Path) -> bool {
    use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    // What it makes where nothing is, SQLite would have made as well.
    match std::fs::OpenOptions::new().append(true).create(true).open(path) {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem),
    }
}

fn store(message: String) -> Error {
    Error::new(ErrorKind::Store, message)
}
