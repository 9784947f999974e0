//! What is wrong with a setting.

use std::fmt;
use std::path::{Path, PathBuf};

use duologue_fetch::without_secrets;
use toml::Value;

use super::keys::{Key, Kind};

/// A setting that cannot be used; the message names the file or variable, the key and the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    message: String,
    key: Option<String>,
    allowed: Option<String>,
    untrusted: Option<PathBuf>,
}

impl ConfigError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        // What is wrong is shown, and an address that holds a password may be what is wrong.
        let message = without_secrets(&message.into());
        Self { message, key: None, allowed: None, untrusted: None }
    }

    pub(super) fn value(origin: &str, key: &Key, value: &Value, problem: &str) -> Self {
        let shown = if key.kind == Kind::Secret { String::new() } else { format!(" = {value}") };
        let mut error = Self::new(format!("{origin}: {}{shown}: {problem}", key.path)).about(key.path);
        error.allowed = Some(key.kind.to_string());
        error
    }

    pub(super) fn about(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    pub(super) fn untrusted(file: &Path, what: &str) -> Self {
        let shown = file.display();
        let mut error = Self::new(format!(
            "{shown} was found in the working directory and {what}. If you trust it, say so with \
             `--config {shown}` (or DUOLOGUE_CONFIG), or once for this content with `duologue config trust`"
        ));
        error.untrusted = Some(file.to_owned());
        error
    }

    /// The key, or the environment variable, that is wrong.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// What may stand there, for people.
    pub fn allowed(&self) -> Option<&str> {
        self.allowed.as_deref()
    }

    /// The file that somebody must vouch for first; see [`super::trust`].
    pub fn untrusted_file(&self) -> Option<&Path> {
        self.untrusted.as_deref()
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}

/// The one of `known` that `name` was probably meant to be.
pub(super) fn nearest(name: &str, known: impl IntoIterator<Item = String>) -> Option<String> {
    let scored = known.into_iter().map(|known| (strsim::jaro_winkler(name, &known), known));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(score, _)| *score > 0.85).map(|(_, known)| known)
}
