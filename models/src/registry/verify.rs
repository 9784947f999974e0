//! Whether files are the ones that were pinned.
//!
//! A full check hashes every file. The cheap check spares that for a file whose stamp in the cache vouches for it
//! ([`duologue_fetch::Verifier`]): a start costs a `stat` per file, and a damaged or replaced file is still noticed.

use std::path::Path;

use duologue_fetch::Verifier;

use super::entry::ModelFile;
use crate::Error;

/// The files a full check hashed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// How many files; 0 for a model of which only the archive is pinned, and that was put in place by hand.
    pub files: usize,
    /// Their sizes' sum.
    pub bytes: u64,
}

/// Hashes every file, whatever its stamp says, and renews the stamps.
pub(super) fn verify(dir: &Path, files: &[ModelFile], cache: &Path) -> Result<Verified, Error> {
    let verifier = Verifier::new(cache);
    files.iter().try_for_each(|file| verifier.hash(&dir.join(&file.path), file.pin()))?;
    Ok(Verified { files: files.len(), bytes: files.iter().map(|f| f.bytes).sum() })
}

/// The cheap check.
pub(super) fn check(dir: &Path, files: &[ModelFile], cache: &Path) -> Result<(), Error> {
    let verifier = Verifier::new(cache);
    Ok(files.iter().try_for_each(|file| verifier.check(&dir.join(&file.path), file.pin()))?)
}
