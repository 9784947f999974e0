//! Finds the libraries without loading them, and remembers where it looked.

use std::{
    env, fmt,
    path::{Path, PathBuf},
};

use duologue_fetch::{
    Bundle,
    trust::{self, Owners},
};

use crate::{
    error::{Error, ErrorKind, Result},
    options::LoadOptions,
    platform::{ENGINES, ORT_FILE, SHERPA_FILE},
};

const FILES: [&str; 2] = [ORT_FILE, SHERPA_FILE];

/// Why a directory was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// [`LoadOptions::dir`] or `DUOLOGUE_NATIVES` names it ([`LoadOptions::livekit`] or `LIVEKIT_LIB_PATH` for LiveKit's engine); then it is
    /// the only candidate.
    Named,
    /// The directory of the running executable.
    BesideExecutable,
    /// `../lib`, seen from the executable.
    Lib,
    /// The cache, where fetched libraries live.
    Cache,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Named => "named directory",
            Self::BesideExecutable => "beside the executable",
            Self::Lib => "../lib",
            Self::Cache => "cache",
        })
    }
}

/// A directory that was looked at.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Why it was looked at.
    pub source: Source,
    /// The directory; for LiveKit's engine the file itself, where one is named.
    pub dir: PathBuf,
    /// What is wrong with it; `None` if the libraries are there, nobody else can change them, and (but in a named directory) they are the wheel's bytes.
    pub problem: Option<Error>,
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.problem.as_ref().map_or_else(|| "found".to_owned(), Error::to_string);
        write!(f, "{} ({}): {state}", self.source, self.dir.display())
    }
}

/// Every directory that was looked at, in order, up to and including the first usable one.
#[derive(Clone, Debug)]
pub struct Search {
    /// In the order of looking.
    pub candidates: Vec<Candidate>,
}

impl Search {
    /// The usable directory, if there is one.
    pub fn found(&self) -> Option<&Candidate> {
        self.candidates.iter().find(|c| c.problem.is_none())
    }

    /// One line that says where was looked and why nothing was found.
    pub(crate) fn summary(&self) -> String {
        self.candidates.iter().map(Candidate::to_string).collect::<Vec<_>>().join("; ")
    }
}

/// Looks for the libraries in the documented order; opens no library and no socket, writes nothing but stamps in the cache. What is not in
/// a directory that the user names must be the wheel's bytes, and nobody else may be able to change it.
///
/// # Errors
/// [`ErrorKind::Io`] if there is no cache directory. A library that is not found is no error: see [`Search::found`].
pub fn locate(options: &LoadOptions) -> Result<Search> {
    if let Some((dir, name)) = options.explicit_dir() {
        let missing = missing_in(&dir).map(|file| {
            let message = format!(
                "{name} names {}, but it holds no {file}; correct it, or unset it so that the libraries are fetched",
                dir.display()
            );
            Error::new(ErrorKind::NativesMissing, message)
        });
        let problem = missing.or_else(|| FILES.iter().find_map(|file| writable_by_others(&dir.join(file))));
        return Ok(Search { candidates: vec![Candidate { source: Source::Named, dir, problem }] });
    }
    search(&ENGINES, options)
}

/// Looks beside the executable and in the cache for a directory with the libraries of `bundle`, unchanged.
pub(crate) fn search(bundle: &Bundle, options: &LoadOptions) -> Result<Search> {
    let mut search = Search { candidates: Vec::new() };
    if bundle.platform().is_err() {
        // Nothing is published for this platform, so nothing can be recognised.
        return Ok(search);
    }
    let cache = options.fetch.cache()?;
    for (source, dir, owners) in places(bundle, &cache)? {
        let problem = bundle.check(&dir, &cache, owners.as_owners()).err().map(Error::from);
        search.candidates.push(Candidate { source, dir, problem });
        if search.found().is_some() {
            break;
        }
    }
    Ok(search)
}

/// Whose files are loaded from a place.
enum Owner {
    Us,
    /// Whoever owns this program runs code of theirs already.
    AlsoOwnerOf(PathBuf),
}

impl Owner {
    fn as_owners(&self) -> Owners<'_> {
        match self {
            Self::Us => Owners::Us,
            Self::AlsoOwnerOf(program) => Owners::AlsoOwnerOf(program),
        }
    }
}

fn places(bundle: &Bundle, cache: &Path) -> Result<Vec<(Source, PathBuf, Owner)>> {
    let mut places = Vec::new();
    if let Ok(program) = env::current_exe() {
        let beside = program.parent().map(Path::to_owned);
        let lib = beside.as_ref().and_then(|dir| Some(dir.parent()?.join("lib")));
        for (source, dir) in [(Source::BesideExecutable, beside), (Source::Lib, lib)] {
            places.extend(dir.map(|dir| (source, dir, Owner::AlsoOwnerOf(program.clone()))));
        }
    }
    places.push((Source::Cache, bundle.directory(cache)?, Owner::Us));
    Ok(places)
}

/// The problem of a place that the user has named, and in which others could change what is loaded.
pub(crate) fn writable_by_others(path: &Path) -> Option<Error> {
    trust::refuse_strangers(path, Owners::Anybody).err().map(Error::from)
}

/// The first file that `dir` lacks.
fn missing_in(dir: &Path) -> Option<&'static str> {
    FILES.iter().copied().find(|name| !dir.join(name).is_file())
}
