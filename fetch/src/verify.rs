//! Whether a file holds the bytes that were pinned: by its SHA-256, or by a stamp that an earlier check has left.
//!
//! Hashing costs about 1 s for each gigabyte at every start. A stamp spares it: a small file in the cache, in a folder that only this user can
//! write, that records the sum together with the file's path, owner, device, inode, size and times of modification and of change. The time of
//! change cannot be set by anybody, so a file that is not as it was when it was hashed is hashed again. On systems without inodes, and where
//! the cache could be written by somebody else, there are no stamps, and every start hashes.

use std::{
    fs::{self, Metadata},
    io::{self, Read},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::{
    error::{Error, ErrorKind, Result},
    plain, store, trust,
    work::WorkDir,
};

/// What a file must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin<'a> {
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, lower-case hexadecimal.
    pub sha256: &'a str,
}

/// Checks files against their pins, with stamps under one cache.
#[derive(Clone, Debug)]
pub struct Verifier {
    /// Where the stamps are; `None` if there are none.
    stamps: Option<PathBuf>,
}

impl Verifier {
    /// With stamps in this cache, if only this user can write there.
    pub fn new(cache: &Path) -> Self {
        let stamps = store::stamps(cache);
        let safe = cfg!(unix) && trust::refuse_strangers(nearest(&stamps), trust::Owners::Us).is_ok();
        Self { stamps: safe.then_some(stamps) }
    }

    /// The cheap check: hashes the file unless a stamp vouches for it.
    ///
    /// # Errors
    /// [`ErrorKind::Missing`], [`ErrorKind::Corrupt`] (another size or sum, or no plain file), [`ErrorKind::Io`].
    pub fn check(&self, path: &Path, pin: Pin<'_>) -> Result<()> {
        let meta = sized(path, pin)?;
        let (stamp, line) = (self.stamp(path), line(path, pin, &meta));
        let vouched =
            |stamp: &PathBuf| fs::read_to_string(stamp).is_ok_and(|known| line.as_ref() == Some(&known));
        if stamp.as_ref().is_some_and(vouched) {
            return Ok(());
        }
        self.hash(path, pin)
    }

    /// The full check: hashes the file whatever its stamp says, and renews the stamp.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn hash(&self, path: &Path, pin: Pin<'_>) -> Result<()> {
        let before = sized(path, pin)?;
        let found = sha256_file(path)?;
        let stamp = self.stamp(path);
        if found != pin.sha256 {
            if let Some(stamp) = stamp {
                let _ = fs::remove_file(stamp);
            }
            return Err(corrupt(path, &format!("its SHA-256 is {found} instead of {}", pin.sha256)));
        }
        // Of the file as it was before it was read: whoever wrote meanwhile changed its times.
        if let (Some(stamp), Some(line)) = (stamp, line(path, pin, &before)) {
            // Best effort: without a stamp, as in a read-only cache, the next start hashes again.
            let _ = write(&stamp, &line);
        }
        Ok(())
    }

    /// Whether [`learn`](Self::learn) was told this before, by this user.
    pub fn knows(&self, fact: &str) -> bool {
        self.note(fact).is_some_and(|note| fs::read_to_string(note).is_ok_and(|known| known == fact))
    }

    /// Remembers a fact about files, which names them by their sums. Best effort, as for stamps.
    pub fn learn(&self, fact: &str) {
        let _ = self.note(fact).map(|note| write(&note, fact));
    }

    fn note(&self, fact: &str) -> Option<PathBuf> {
        Some(self.stamps.as_ref()?.join(format!("fact-{}", &hex(&Sha256::digest(fact))[..32])))
    }

    fn stamp(&self, path: &Path) -> Option<PathBuf> {
        let real = path.canonicalize().ok()?;
        let name = hex(&Sha256::digest(real.as_os_str().as_encoded_bytes()));
        Some(self.stamps.as_ref()?.join(&name[..32]))
    }
}

/// The nearest place above that exists.
fn nearest(path: &Path) -> &Path {
    path.ancestors().find(|place| place.exists()).unwrap_or(path)
}

fn write(stamp: &Path, line: &str) -> Result<()> {
    let dir = stamp.parent().unwrap_or(stamp);
    store::create_dir(dir)?;
    // Renamed into place, so that no reader sees half a stamp.
    let work = WorkDir::new(dir)?;
    let new = work.path().join("stamp");
    fs::write(&new, line)
        .and_then(|()| fs::rename(&new, stamp))
        .map_err(|e| Error::io("cannot write", stamp, e))
}

/// The metadata of a plain file of the pinned size.
fn sized(path: &Path, pin: Pin<'_>) -> Result<Metadata> {
    let meta = fs::metadata(path).map_err(|e| missing_or_io(path, e))?;
    if !meta.is_file() {
        return Err(corrupt(path, "it is no plain file"));
    }
    if meta.len() != pin.bytes {
        return Err(corrupt(path, &format!("{} bytes instead of {}", meta.len(), pin.bytes)));
    }
    Ok(meta)
}

/// All that is known of a file that is as it was when it was hashed.
#[cfg(unix)]
fn line(path: &Path, pin: Pin<'_>, meta: &Metadata) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    Some(format!(
        "{} uid={} dev={} ino={} bytes={} mtime={}.{:09} ctime={}.{:09} {}\n",
        pin.sha256,
        meta.uid(),
        meta.dev(),
        meta.ino(),
        meta.len(),
        meta.mtime(),
        meta.mtime_nsec(),
        meta.ctime(),
        meta.ctime_nsec(),
        path.canonicalize().ok()?.display()
    ))
}

#[cfg(not(unix))]
fn line(_path: &Path, _pin: Pin<'_>, _meta: &Metadata) -> Option<String> {
    None
}

pub(crate) fn corrupt(path: &Path, why: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("{} is damaged or another file: {why}", path.display()))
        .with_remedy("delete it and fetch it again")
}

fn missing_or_io(path: &Path, error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::NotFound {
        return Error::new(ErrorKind::Missing, format!("{} does not exist", path.display()));
    }
    Error::io("cannot read", path, error)
}

/// The SHA-256 of a file, in lower-case hexadecimal. Memory stays small, whatever the size.
///
/// # Errors
/// [`ErrorKind::Io`] if the file cannot be read.
pub fn sha256_file(path: &Path) -> Result<String> {
    let mut file = plain::open(path).map_err(|e| Error::io("cannot read", path, e))?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 1 << 16];
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok(hex(&hash.finalize())),
            Ok(n) => hash.update(&block[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Error::io("cannot read", path, e)),
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

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const ABC: Pin<'static> =
        Pin { bytes: 3, sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" };

    fn stamps(cache: &TempDir) -> usize {
        fs::read_dir(store::stamps(cache.path())).map_or(0, Iterator::count)
    }

    #[test]
    #[cfg(unix)]
    fn stamp_spares_no_file_that_was_changed_with_its_time_kept() {
        let (cache, dir) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let (verifier, path) = (Verifier::new(cache.path()), dir.path().join("file"));
        fs::write(&path, "abc").unwrap();
        verifier.check(&path, ABC).unwrap();
        assert_eq!(stamps(&cache), 1);
        verifier.check(&path, ABC).unwrap();
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, "abd").unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        assert_eq!(verifier.check(&path, ABC).unwrap_err().kind(), ErrorKind::Corrupt);
        assert_eq!(stamps(&cache), 0, "a stamp outlived its file");
    }

    #[test]
    #[cfg(unix)]
    fn cache_that_everybody_may_write_holds_no_stamp() {
        use std::os::unix::fs::PermissionsExt;
        let (cache, dir) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        fs::set_permissions(cache.path(), PermissionsExt::from_mode(0o777)).unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "abc").unwrap();
        Verifier::new(cache.path()).check(&path, ABC).unwrap();
        assert_eq!(stamps(&cache), 0);
    }

    #[test]
    fn other_size_and_missing_file_are_told_apart() {
        let (cache, dir) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let (verifier, path) = (Verifier::new(cache.path()), dir.path().join("file"));
        assert_eq!(verifier.check(&path, ABC).unwrap_err().kind(), ErrorKind::Missing);
        fs::write(&path, "abcd").unwrap();
        assert_eq!(verifier.check(&path, ABC).unwrap_err().kind(), ErrorKind::Corrupt);
        assert_eq!(verifier.check(dir.path(), ABC).unwrap_err().kind(), ErrorKind::Corrupt);
    }
}
