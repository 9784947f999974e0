//! What decides how something is fetched: [`FetchOptions`] first, then environment variables, then the platform's habits.

use std::{env, fmt, path::PathBuf, time::Duration};

use crate::{
    config,
    error::{Error, ErrorKind, Result},
    progress::ProgressFn,
    secrets::without_secrets,
};

/// Whether and how to fetch. What is left at its default is taken from the environment.
#[derive(Clone, Default)]
pub struct FetchOptions {
    /// Never open a socket. Also `DUOLOGUE_OFFLINE=1`; either suffices.
    pub offline: bool,
    /// Root of the cache. Else `DUOLOGUE_CACHE`, else the platform's cache directory (see [`cache_dir`]).
    pub cache: Option<PathBuf>,
    /// The Python whose pip fetches. Else `DUOLOGUE_PYTHON`, else `python3` (`python` on Windows).
    pub python: Option<PathBuf>,
    /// Base address of the package index for fetches without pip. Else `DUOLOGUE_INDEX_URL`, else what pip's or uv's own variables and
    /// files name.
    pub index_url: Option<String>,
    /// Where models are looked for first: a folder, or an address, that holds `models/NAME/FILE`. Else `DUOLOGUE_MIRROR`.
    pub mirror: Option<String>,
    /// Receives progress; by default a line goes to standard error.
    pub progress: Option<ProgressFn>,
    /// How long to wait and how often to try.
    pub patience: Patience,
}

/// A place that holds `models/NAME/FILE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mirror {
    Folder(PathBuf),
    /// Without a trailing slash.
    Url(String),
}

/// How long a download waits and how often it tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Without a byte for this long a connection is given up: 30 s.
    pub stall: Duration,
    /// Pause before the second try, doubled before each further one: 0.5 s.
    pub pause: Duration,
    /// Tries without any progress: 5.
    pub tries: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self { stall: Duration::from_secs(30), pause: Duration::from_millis(500), tries: 5 }
    }
}

impl fmt::Debug for FetchOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchOptions")
            .field("offline", &self.offline)
            .field("cache", &self.cache)
            .field("python", &self.python)
            .field("index_url", &self.index_url.as_deref().map(without_secrets))
            .field("mirror", &self.mirror.as_deref().map(without_secrets))
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

impl FetchOptions {
    /// The root of the cache that these options name.
    ///
    /// # Errors
    /// As [`cache_dir`].
    pub fn cache(&self) -> Result<PathBuf> {
        self.cache.clone().map_or_else(cache_dir, Ok)
    }

    /// Whether nothing may be fetched, by these options or by the environment.
    pub fn is_offline(&self) -> bool {
        self.offline
            || variable("DUOLOGUE_OFFLINE").is_some_and(|v| !matches!(v.as_str(), "0" | "false" | "no"))
    }

    pub(crate) fn python(&self) -> PathBuf {
        let default = if cfg!(windows) { "python" } else { "python3" };
        self.python
            .clone()
            .unwrap_or_else(|| variable("DUOLOGUE_PYTHON").unwrap_or_else(|| default.into()).into())
    }

    /// The mirror that the caller or the environment names.
    pub(crate) fn mirror(&self) -> Result<Option<Mirror>> {
        let Some(text) = self.mirror.clone().or_else(|| variable("DUOLOGUE_MIRROR")) else { return Ok(None) };
        if text.starts_with("https://") || text.starts_with("http://") {
            return Ok(Some(Mirror::Url(text.trim_end_matches('/').to_owned())));
        }
        let folder = PathBuf::from(&text);
        if folder.is_absolute() {
            return Ok(Some(Mirror::Folder(folder)));
        }
        Err(Error::new(ErrorKind::Unconfigured, format!("DUOLOGUE_MIRROR is {text:?}"))
            .with_remedy("give it an http or https address or the absolute path of a folder"))
    }

    /// The package index, without a trailing slash.
    pub(crate) fn index(&self) -> Result<String> {
        match &self.index_url {
            Some(url) => Ok(url.trim_end_matches('/').to_owned()),
            None => config::package_index(),
        }
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
        Error::new(ErrorKind::Io, "no home directory is known, so there is no cache")
            .with_remedy("set DUOLOGUE_CACHE to a directory")
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
