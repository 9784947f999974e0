//! The folders of the cache: this file alone knows where in it things belong.
//!
//! ```text
//! CACHE/natives/PACKAGE-VERSION-SUM/   shared libraries, one folder for each wheel
//! CACHE/models/NAME/                   a model's files, under the paths that the registry gives
//! CACHE/builtin/KEY/                   built-in models, unpacked from the program
//! CACHE/stamps/                        what was verified, see the module `verify`
//! CACHE/parts/                         downloads that are not finished yet
//! ```

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
};

use crate::error::{Error, Result};

/// Where fetched libraries live under the cache root.
pub fn natives(cache: &Path) -> PathBuf {
    cache.join("natives")
}

/// Where a model's files live under the cache root.
pub fn model(cache: &Path, name: &str) -> PathBuf {
    models(cache).join(name)
}

/// Where all models live under the cache root.
pub fn models(cache: &Path) -> PathBuf {
    cache.join("models")
}

/// Where the built-in models are unpacked under the cache root.
pub fn builtin(cache: &Path) -> PathBuf {
    cache.join("builtin")
}

pub(crate) fn stamps(cache: &Path) -> PathBuf {
    cache.join("stamps")
}

pub(crate) fn parts(cache: &Path) -> PathBuf {
    cache.join("parts")
}

/// Creates a folder, and what is missing above it, that only this user can write.
///
/// # Errors
/// [`ErrorKind::Io`](crate::ErrorKind::Io), [`ErrorKind::DiskFull`](crate::ErrorKind::DiskFull).
pub fn create_dir(dir: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o755);
    builder.create(dir).map_err(|e| Error::io("cannot create", dir, e))
}

/// Creates or empties a file that only this user can write.
pub(crate) fn create_file(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    private(&mut options);
    options.open(path).map_err(|e| Error::io("cannot create", path, e))
}

/// Makes a file that is created writable by this user only.
pub(crate) fn private(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o644);
    #[cfg(not(unix))]
    let _ = options;
}
