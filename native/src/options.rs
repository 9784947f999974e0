//! What decides where the libraries come from: [`LoadOptions`] first, then environment variables.

use std::{env, path::PathBuf};

use duologue_fetch::FetchOptions;

/// Where to look for the libraries and whether to fetch them. What is left at its default is taken from the environment.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// Whether and how to fetch, and where the cache is.
    pub fetch: FetchOptions,
    /// The directory that holds both libraries; nothing else is tried and nothing is fetched. Else `DUOLOGUE_NATIVES`.
    pub dir: Option<PathBuf>,
    /// LiveKit's engine, the file or its directory; nothing else is tried and nothing is fetched. Else `LIVEKIT_LIB_PATH`.
    pub livekit: Option<PathBuf>,
}

impl From<FetchOptions> for LoadOptions {
    fn from(fetch: FetchOptions) -> Self {
        Self { fetch, ..Self::default() }
    }
}

impl LoadOptions {
    /// The defaults, which open no socket if `offline`.
    pub fn offline(offline: bool) -> Self {
        FetchOptions { offline, ..FetchOptions::default() }.into()
    }

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
}

/// A variable that is set to something.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
