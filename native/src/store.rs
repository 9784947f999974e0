//! A directory of the cache that holds one platform's libraries, and the cheap check that they are still the wheel's bytes.
//!
//! Invariant: a directory under its final name was complete and verified when it was renamed into place. The stamp beside the libraries
//! records their sums with sizes and modification times; where those still agree, a start costs a `stat` call for each instead of hashing
//! 30 MB. Where they don't (a copied cache, a touched file) the file is hashed and the stamp renewed.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use sha2::{Digest, Sha256};

use crate::{
    error::{Error, ErrorKind, Result},
    platform::{Bundle, Member, Platform},
};

const STAMP: &str = "stamp";

/// The directory for `platform`'s libraries under the cache root; its name holds the wheel's sum, so another wheel never mixes in.
pub(crate) fn directory(cache: &Path, bundle: &Bundle, platform: &Platform) -> PathBuf {
    root(cache).join(format!("{}-{}-{}", bundle.package, bundle.version, &platform.wheel_sha256[..16]))
}

/// Where fetched libraries live under the cache root.
pub(crate) fn root(cache: &Path) -> PathBuf {
    cache.join("natives")
}

/// Checks sizes and the stamp; hashes what the stamp does not vouch for.
pub(crate) fn check(dir: &Path, platform: &Platform) -> Result<()> {
    let stamp = fs::read_to_string(dir.join(STAMP)).unwrap_or_default();
    let vouched =
        |member: &Member, meta: &Metadata| stamp.lines().any(|line| line == stamp_line(member, meta));
    let mut renew = false;
    for member in platform.members {
        let path = dir.join(member.name);
        let meta = fs::metadata(&path).map_err(|e| missing_or_io(&path, &e))?;
        if meta.len() != member.bytes {
            return Err(corrupt(&path, format!("{} bytes instead of {}", meta.len(), member.bytes)));
        }
        if !vouched(member, &meta) {
            verify_member(&path, member)?;
            renew = true;
        }
    }
    if renew {
        // A read-only cache stays unstamped and is hashed at each start.
        let _ = write_stamp(dir, platform);
    }
    Ok(())
}

/// Hashes the libraries in `dir`, whatever the stamp says.
pub(crate) fn verify(dir: &Path, platform: &Platform) -> Result<()> {
    platform.members.iter().try_for_each(|m| verify_member(&dir.join(m.name), m))
}

/// Records that the libraries in `dir` were verified.
pub(crate) fn write_stamp(dir: &Path, platform: &Platform) -> Result<()> {
    let mut lines = String::new();
    for member in platform.members {
        let path = dir.join(member.name);
        let meta = fs::metadata(&path).map_err(|e| Error::io("cannot read", &path, &e))?;
        lines += &stamp_line(member, &meta);
        lines.push('\n');
    }
    // Renamed into place, so that a reader never sees half a stamp.
    let (new, path) = (dir.join(format!("{STAMP}.{}", std::process::id())), dir.join(STAMP));
    fs::write(&new, lines)
        .and_then(|()| fs::rename(&new, &path))
        .map_err(|e| Error::io("cannot write", &path, &e))
}

fn stamp_line(member: &Member, meta: &Metadata) -> String {
    let modified =
        meta.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok()).map_or(0, |d| d.as_nanos());
    format!("{} {} {modified} {}", member.sha256, meta.len(), member.name)
}

fn verify_member(path: &Path, member: &Member) -> Result<()> {
    let found = sha256_file(path)?;
    if found == member.sha256 {
        return Ok(());
    }
    Err(corrupt(path, format!("SHA-256 is {found} instead of {}", member.sha256)))
}

fn corrupt(path: &Path, why: String) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!("{} is damaged ({why}); delete it and run `duologue fetch`", path.display()),
    )
}

fn missing_or_io(path: &Path, error: &io::Error) -> Error {
    if error.kind() == io::ErrorKind::NotFound {
        return Error::new(ErrorKind::NativesMissing, format!("{} does not exist", path.display()));
    }
    Error::io("cannot read", path, error)
}

/// The SHA-256 of a file, in lower-case hexadecimal. Memory stays small, whatever the size.
///
/// # Errors
/// [`ErrorKind::Io`] if the file cannot be read.
pub fn sha256_file(path: &Path) -> Result<String> {
    let mut file = File::open(path).map_err(|e| Error::io("cannot read", path, &e))?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 1 << 16];
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok(hex(&hash.finalize())),
            Ok(n) => hash.update(&block[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Error::io("cannot read", path, &e)),
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, b| {
        let _ = write!(text, "{b:02x}");
        text
    })
}
