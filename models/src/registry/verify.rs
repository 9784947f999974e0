//! Whether files are the ones that were pinned.
//!
//! A full check hashes every file. The cheap check compares sizes with the pins and sizes and times
//! with a stamp that the last full check left beside the files; what the stamp does not vouch for is
//! hashed. So a start costs a `stat` per file, and a damaged or replaced file is still noticed.

use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use duologue_native::sha256_file;

use super::entry::ModelFile;
use crate::{Error, ErrorKind};

/// Name of the stamp in a model's directory.
const STAMP: &str = ".verified";

/// The files a full check hashed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// How many files.
    pub files: usize,
    /// Their sizes' sum.
    pub bytes: u64,
}

/// Hashes every file, whatever the stamp says, and renews the stamp.
pub(super) fn verify(dir: &Path, files: &[ModelFile]) -> Result<Verified, Error> {
    let _ = fs::remove_file(dir.join(STAMP));
    files.iter().try_for_each(|file| hash(dir, file))?;
    stamp(dir, files);
    Ok(Verified { files: files.len(), bytes: files.iter().map(|f| f.bytes).sum() })
}

/// The cheap check.
pub(super) fn check(dir: &Path, files: &[ModelFile]) -> Result<(), Error> {
    let stamped = fs::read_to_string(dir.join(STAMP)).unwrap_or_default();
    let mut renew = false;
    for file in files {
        let line = line(dir, file)?;
        if !stamped.lines().any(|known| known == line) {
            hash(dir, file)?;
            renew = true;
        }
    }
    if renew {
        stamp(dir, files);
    }
    Ok(())
}

/// What the stamp says of a file that is as it was when it was hashed.
fn line(dir: &Path, file: &ModelFile) -> Result<String, Error> {
    let path = dir.join(&file.path);
    let meta = fs::metadata(&path).map_err(|e| unreadable(&path, &e))?;
    if meta.len() != file.bytes {
        return Err(damaged(&path, &format!("{} bytes instead of {}", meta.len(), file.bytes)));
    }
    let time = meta.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
    Ok(format!("{} {} {} {}", file.sha256, file.bytes, time.map_or(0, |t| t.as_nanos()), file.path))
}

fn hash(dir: &Path, file: &ModelFile) -> Result<(), Error> {
    line(dir, file)?;
    let path = dir.join(&file.path);
    let found = sha256_file(&path).map_err(|e| Error::new(ErrorKind::Io, e.to_string()))?;
    if found == file.sha256 {
        return Ok(());
    }
    Err(damaged(&path, &format!("SHA-256 {found} instead of {}", file.sha256)))
}

/// Best effort: without a stamp, as in a read-only directory, the next start hashes again.
fn stamp(dir: &Path, files: &[ModelFile]) {
    let lines: Result<Vec<String>, Error> = files.iter().map(|file| line(dir, file)).collect();
    let Ok(lines) = lines else { return };
    let new = dir.join(format!("{STAMP}.{}", std::process::id()));
    // Renamed into place, so that no other process reads half a stamp.
    if fs::write(&new, lines.join("\n")).is_ok() {
        let _ = fs::rename(&new, dir.join(STAMP));
    }
}

fn damaged(path: &Path, why: &str) -> Error {
    let message = format!("{} is damaged or another file: {why}; delete it and get it again", path.display());
    Error::new(ErrorKind::Invalid, message)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => ErrorKind::NotFound,
        _ => ErrorKind::Io,
    };
    Error::new(kind, format!("{}: {error}", path.display()))
}
