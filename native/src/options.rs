//! What decides where the libraries come from: [`LoadOptions`] first, then environment variables, then the platform's habits.

use std::{env, fmt, path::PathBuf, sync::Arc};

use crate::error::{Error, ErrorKind, Result};

/// What a fetch is doing, for a progress line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// A package is about to be fetched.
    Started {
        /// Name and version, for instance `sherpa-onnx-core 2.0.1`.
        what: String,
        /// Size of the download in bytes, where it is known.
        bytes: Option<u64>,
    },
    /// Bytes received so far (only where this crate downloads by itself; pip does not tell).
    Received {
        /// Received bytes.
        bytes: u64,
        /// Total bytes, where the server said so.
        total: Option<u64>,
    },
    /// Another process is fetching the same package; waiting for it.
    Waiting,
    /// Everything is verified and in place.
    Finished {
        /// The directory that holds the files now.
        dir: PathBuf,
    },
}

/// Receives [`Progress`]; called on the thread that fetches.
pub type ProgressFn = Arc<dyn Fn(Progress) + Send + Sync>;

/// Where to look for the libraries and whether to fetch them. What is left at its default is taken from the environment.
#[derive(Clone, Default)]
pub struct LoadOptions {
    /// Never open a socket. Also `DUOLOGUE_OFFLINE=1`; either suffices.
    pub offline: bool,
    /// The directory that holds both libraries; nothing else is tried and nothing is fetched. Else `DUOLOGUE_NATIVES`.
    pub dir: Option<PathBuf>,
    /// LiveKit's engine, the file or its directory; nothing else is tried and nothing is fetched. Else `LIVEKIT_LIB_PATH`.
    pub livekit: Option<PathBuf>,
    /// Root of the cache. Else `DUOLOGUE_CACHE`, else the platform's cache directory (see [`cache_dir`]).
    pub cache: Option<PathBuf>,
    /// The Python whose pip fetches. Else `DUOLOGUE_PYTHON`, else `python3` (`python` on Windows).
    pub python: Option<PathBuf>,
    /// Base address of the package index for fetches without pip. Else `DUOLOGUE_INDEX_URL`, else `PIP_INDEX_URL`, else PyPI.
    pub index_url: Option<String>,
    /// Receives progress; by default a line goes to standard error.
    pub progress: Option<ProgressFn>,
}

impl fmt::Debug for LoadOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadOptions")
            .field("offline", &self.offline)
            .field("dir", &self.dir)
            .field("livekit", &self.livekit)
            .field("cache", &self.cache)
            .field("python", &self.python)
            .field("index_url", &self.index_url)
            .finish_non_exhaustive()
    }
}

impl LoadOptions {
    /// The directory named by the caller or the environment, with the name of what named it.
    pub(crate) fn explicit_dir(&self) -> Option<(PathBuf, &'static str)> {
        if let Some(dir) = &self.dir {
            return Some((dir.clone(), "LoadOptions::dir"));
        }
        variable("DUOLOGUE_NATIVES").map(|dir| (dir.into(), "DUOLOGUE_NATIVES"))
    }

    /// LiveKit's engine as named by the caller or the environment, with the name of what named it.
    #[cfg(feature = "livekit")]
    pub(crate) fn explicit_livekit(&self) -> Option<(PathBuf, &'static str)> {
        if let Some(path) = &self.livekit {
            return Some((path.clone(), "LoadOptions::livekit"));
        }
        variable("LIVEKIT_LIB_PATH").map(|path| (path.into(), "LIVEKIT_LIB_PATH"))
    }

    pub(crate) fn cache(&self) -> Result<PathBuf> {
        self.cache.clone().map_or_else(cache_dir, Ok)
    }

    pub(crate) fn is_offline(&self) -> bool {
        self.offline
            || variable("DUOLOGUE_OFFLINE").is_some_and(|v| !matches!(v.as_str(), "0" | "false" | "no"))
    }

    pub(crate) fn python(&self) -> PathBuf {
        let default = if cfg!(windows) { "python" } else { "python3" };
        self.python
            .clone()
            .unwrap_or_else(|| variable("DUOLOGUE_PYTHON").unwrap_or_else(|| default.into()).into())
    }

    /// Without a trailing slash.
    pub(crate) fn index(&self) -> String {
        let given = self
            .index_url
            .clone()
            .or_else(|| variable("DUOLOGUE_INDEX_URL"))
            .or_else(|| variable("PIP_INDEX_URL"));
        given.as_deref().unwrap_or("https://pypi.org/simple").trim_end_matches('/').to_owned()
    }
}

/// Root of Duologue's cache: `DUOLOGUE_CACHE`, else `$XDG_CACHE_HOME/duologue` or `~/.cache/duologue` (Linux),
/// `~/Library/Caches/duologue` (macOS), `%LOCALAPPDATA%\duologue\cache` (Windows). It need not exist yet.
///
/// # Errors
/// [`ErrorKind::Io`] where no home directory is known; set `DUOLOGUE_CACHE` then.
pub fn cache_dir() -> Result<PathBuf> {
    if let Some(dir) = variable("DUOLOGUE_CACHE") {
        return Ok(dir.into());
    }
    platform_cache_dir().ok_or_else(|| {
        Error::new(
            ErrorKind::Io,
            "no home directory is known, so there is no cache; set DUOLOGUE_CACHE to a directory",
        )
    })
}

fn platform_cache_dir() -> Option<PathBuf> {
    if cfg!(windows) {
        return Some(PathBuf::from(variable("LOCALAPPDATA")?).join("duologue").join("cache"));
    }
    if let Some(xdg) = variable("XDG_CACHE_HOME") {
        return Some(PathBuf::from(xdg).join("duologue"));
    }
    let home = env::home_dir().filter(|home| !home.as_os_str().is_empty())?;
    let caches = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
    Some(home.join(caches).join("duologue"))
}

/// A variable that is set to something.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
