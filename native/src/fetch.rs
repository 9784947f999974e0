//! Fetches the libraries into the cache: download, verify, unpack, rename into place.
//!
//! Invariant: nothing appears under its final name before all of it is verified. Processes that race on an empty cache take turns on a lock
//! file; the second finds the first one's work. Whatever a killed process left behind is removed by the next one to hold the lock.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, ErrorKind, Result},
    locate::{Search, Source, locate},
    lock,
    options::{LoadOptions, Progress},
    platform::{Bundle, ENGINES},
    progress, store,
    wheel::{self, Wheel},
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
    if options.is_offline() {
        return Err(offline(bundle, &search));
    }
    install(&options.cache()?, bundle, options)
}

/// Hashes the libraries in the cache, whatever their stamp says. Slow (tens to hundreds of milliseconds), for `doctor`.
///
/// # Errors
/// [`ErrorKind::NativesMissing`], [`ErrorKind::Corrupt`], [`ErrorKind::Io`], [`ErrorKind::UnsupportedPlatform`].
pub fn verify(dir: &Path) -> Result<()> {
    store::verify(dir, ENGINES.platform()?)
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

fn install(cache: &Path, bundle: &Bundle, options: &LoadOptions) -> Result<PathBuf> {
    let platform = bundle.platform()?;
    let (root, dir) = (store::root(cache), store::directory(cache, bundle, platform));
    fs::create_dir_all(&root).map_err(|e| Error::io("cannot create", &root, &e))?;
    let _lock = lock::acquire(&root, options)?;
    if store::check(&dir, platform).is_ok() {
        return Ok(dir);
    }
    let wheel = Wheel {
        package: bundle.package,
        version: bundle.version,
        tag: platform.tag,
        sha256: platform.wheel_sha256,
        bytes: Some(platform.wheel_bytes),
    };
    let work = wheel::WorkDir::new(&root)?;
    let archive = wheel.download(work.path(), options)?;
    let new = work.path().join("new");
    fs::create_dir(&new).map_err(|e| Error::io("cannot create", &new, &e))?;
    for member in platform.members {
        wheel::extract(&archive, member.path, member.sha256, &new.join(member.name))?;
    }
    store::write_stamp(&new, platform)?;
    if dir.exists() {
        // Damaged, or `check` above would have returned.
        fs::rename(&dir, work.path().join("old")).map_err(|e| Error::io("cannot replace", &dir, &e))?;
    }
    fs::rename(&new, &dir).map_err(|e| Error::io("cannot create", &dir, &e))?;
    progress::tell(options, Progress::Finished { dir: dir.clone() });
    Ok(dir)
}
