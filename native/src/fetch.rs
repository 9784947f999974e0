//! Fetches the libraries into the cache where they are nowhere else.

use std::path::{Path, PathBuf};

use duologue_fetch::Bundle;

use crate::{
    error::{Error, ErrorKind, Result},
    locate::{Search, Source, locate},
    options::LoadOptions,
    platform::ENGINES,
};

/// Makes sure that the libraries are somewhere, without loading them, and says where. Fetches them into the cache if they are not found.
///
/// # Errors
/// [`ErrorKind::NativesMissing`] (a named directory lacks them), [`ErrorKind::Offline`], [`ErrorKind::Network`], [`ErrorKind::Corrupt`],
/// [`ErrorKind::DiskFull`], [`ErrorKind::Io`], [`ErrorKind::Timeout`], [`ErrorKind::UnsupportedPlatform`].
pub fn fetch(options: &LoadOptions) -> Result<PathBuf> {
    fetch_bundle(&ENGINES, locate(options)?, options)
}

/// What `search` found, or what is put into the cache now.
pub(crate) fn fetch_bundle(bundle: &Bundle, search: Search, options: &LoadOptions) -> Result<PathBuf> {
    if let Some(found) = search.found() {
        return Ok(found.dir.clone());
    }
    if let Some(problem) = named_problem(&search) {
        return Err(problem);
    }
    // Before offline is: no other machine can fetch what does not exist.
    bundle.platform()?;
    if options.fetch.is_offline() {
        return Err(offline(bundle, &search));
    }
    Ok(bundle.install(&options.fetch.cache()?, &options.fetch)?)
}

/// Hashes the libraries in `dir`, whatever their stamp says. Slow (tens to hundreds of milliseconds), for `doctor`.
///
/// # Errors
/// [`ErrorKind::NativesMissing`], [`ErrorKind::Corrupt`], [`ErrorKind::Io`], [`ErrorKind::UnsupportedPlatform`].
pub fn verify(dir: &Path, options: &LoadOptions) -> Result<()> {
    Ok(ENGINES.verify(dir, &options.fetch.cache()?)?)
}

fn named_problem(search: &Search) -> Option<Error> {
    search.candidates.iter().find(|c| c.source == Source::Named)?.problem.clone()
}

fn offline(bundle: &Bundle, search: &Search) -> Error {
    let damaged =
        search.candidates.iter().filter_map(|c| c.problem.as_ref()).find(|p| p.kind() == ErrorKind::Corrupt);
    let kind = damaged.map_or(ErrorKind::Offline, Error::kind);
    Error::new(
        kind,
        format!(
            "not here: {}; and it may not be fetched, because offline is set; run `duologue fetch` where there is a network and copy the \
             directory, or set {}. Looked: {}",
            bundle.what,
            bundle.variable,
            search.summary()
        ),
    )
}
