//! The `model.toml` that a model's directory may hold: what the model is, and which file is what.
//!
//! Every key may be left out: what is not said is found out from the files.

use std::path::Path;

use duologue_fetch::plain;

use serde::Deserialize;

use crate::{Error, ErrorKind, Family};

/// Name of the optional file in a model's directory.
pub(crate) const MODEL_TOML: &str = "model.toml";
/// Most sequences a beam search keeps; more costs time and gains nothing.
const MOST_PATHS: u16 = 32;
const LONGEST_TAIL_MS: u32 = 5_000;

/// What a model's directory says of the model.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ModelToml {
    pub family: Option<Family>,
    pub name: Option<String>,
    pub encoder: Option<String>,
    pub decoder: Option<String>,
    pub joiner: Option<String>,
    pub model: Option<String>,
    pub tokens: Option<String>,
    pub language: Option<String>,
    pub paths: Option<u16>,
    pub blank_penalty: Option<f32>,
    pub tail_ms: Option<u32>,
}

impl ModelToml {
    /// Reads the file, if `dir` has one.
    pub(crate) fn read(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(MODEL_TOML);
        let text = match plain::read_text(&path, plain::MODEL_TEXT) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(e) => return Err(Error::new(ErrorKind::Io, format!("cannot read {}: {e}", path.display()))),
        };
        let found: Self = toml::from_str(&text)
            .map_err(|e| Error::new(ErrorKind::Config, format!("{}: {e}", path.display())))?;
        check(&format!("{}: ", path.display()), 1, found.paths, found.blank_penalty, found.tail_ms)?;
        Ok(found)
    }
}

/// Checks the ranges; `prefix` stands before the key's name in messages.
pub(crate) fn check(
    prefix: &str,
    threads: u16,
    paths: Option<u16>,
    blank_penalty: Option<f32>,
    tail_ms: Option<u32>,
) -> Result<(), Error> {
    let wrong = |key: &str, value: &dyn std::fmt::Display, rule: &str| {
        Err(Error::new(ErrorKind::Config, format!("{prefix}{key} = {value}: {rule}")))
    };
    if !(1..=64).contains(&threads) {
        return wrong("threads", &threads, "must be 1 to 64");
    }
    if let Some(paths) = paths.filter(|&paths| paths > MOST_PATHS) {
        return wrong("paths", &paths, "must be at most 32");
    }
    if let Some(penalty) = blank_penalty.filter(|penalty| !(-20.0..=20.0).contains(penalty)) {
        return wrong("blank_penalty", &penalty, "must be within -20 and 20");
    }
    if let Some(tail) = tail_ms.filter(|&tail| tail > LONGEST_TAIL_MS) {
        return wrong("tail_ms", &tail, "must be at most 5000");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_model_toml_is_not_ignored() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(ModelToml::read(dir.path()).unwrap(), ModelToml::default());
        for (text, named) in [
            ("pathz = 4", "pathz"),
            ("paths = 99", "paths"),
            ("paths = \"x\"", "paths"),
            ("[[", "model.toml"),
        ] {
            std::fs::write(dir.path().join(MODEL_TOML), text).unwrap();
            let error = ModelToml::read(dir.path()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(named), "{error}");
        }
    }
}
