//! Finds the libraries without loading them, and remembers where it looked.

use std::{
    env, fmt,
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, ErrorKind, Result},
    options::LoadOptions,
    platform::{Bundle, ENGINES, ORT_FILE, SHERPA_FILE},
    store,
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
    /// What is wrong with it; `None` if both libraries are there (and, in the cache, are the wheel's bytes).
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

/// Looks for the libraries in the documented order; opens no library and no socket, writes nothing but a stamp in the cache.
///
/// # Errors
/// [`ErrorKind::Io`] if there is no cache directory. A library that is not found is no error: see [`Search::found`].
pub fn locate(options: &LoadOptions) -> Result<Search> {
    if let Some((dir, name)) = options.explicit_dir() {
        let problem = missing_in(&dir, &FILES).map(|file| {
            Error::new(
                ErrorKind::NativesMissing,
                format!(
                    "{name} names {}, but it holds no {file}; correct it, or unset it so that the libraries are fetched",
                    dir.display()
                ),
            )
        });
        return Ok(Search { candidates: vec![Candidate { source: Source::Named, dir, problem }] });
    }
    search(&ENGINES, &FILES, options)
}

/// Looks beside the executable and in the cache for a directory with `files`.
pub(crate) fn search(bundle: &Bundle, files: &[&'static str], options: &LoadOptions) -> Result<Search> {
    let mut search = Search { candidates: Vec::new() };
    for (source, dir) in beside_executable() {
        let problem =
            missing_in(&dir, files).map(|file| Error::new(ErrorKind::NativesMissing, format!("no {file}")));
        search.candidates.push(Candidate { source, dir, problem });
        if search.found().is_some() {
            return Ok(search);
        }
    }
    if let Ok(platform) = bundle.platform() {
        let dir = store::directory(&options.cache()?, bundle, platform);
        let problem = store::check(&dir, platform).err();
        search.candidates.push(Candidate { source: Source::Cache, dir, problem });
    }
    Ok(search)
}

fn beside_executable() -> Vec<(Source, PathBuf)> {
    let Some(dir) = env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned)) else {
        return Vec::new();
    };
    let lib = dir.parent().map(|up| (Source::Lib, up.join("lib")));
    [(Source::BesideExecutable, dir)].into_iter().chain(lib).collect()
}

/// The first file that `dir` lacks.
fn missing_in(dir: &Path, files: &[&'static str]) -> Option<&'static str> {
    files.iter().copied().find(|name| !dir.join(name).is_file())
}
