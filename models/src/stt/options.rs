//! How a recogniser is loaded: [`SttOptions`], and the `model.toml` a model's directory may hold.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind};

/// Name of the optional file in a model's directory.
pub(super) const MODEL_TOML: &str = "model.toml";
/// Most sequences a beam search keeps; more costs time and gains nothing.
const MOST_PATHS: u16 = 32;
const LONGEST_TAIL_MS: u32 = 5_000;

/// How to load and run a recogniser; what is not set here is taken from the model's `model.toml`, then
/// from the model itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SttOptions {
    /// Threads per inference, `1..=64`.
    pub threads: u16,
    /// Sequences that a beam search keeps, `1..=32`; 0 decodes greedily. Transducers only.
    pub paths: Option<u16>,
    /// Subtracted from the score of "nothing is said"; above 0 fewer words are missed and more invented.
    pub blank_penalty: Option<f32>,
    /// Silence, in ms, that `finish` appends so that the last word is written; at most 5000.
    pub tail_ms: Option<u32>,
}

impl Default for SttOptions {
    /// One thread; the rest as the model says.
    fn default() -> Self {
        Self { threads: 1, paths: None, blank_penalty: None, tail_ms: None }
    }
}

impl SttOptions {
    /// Checks every key.
    ///
    /// # Errors
    /// [`ErrorKind::Config`], naming the first key that is out of range, as `stt.<key>`.
    pub fn validate(&self) -> Result<(), Error> {
        check("stt.", self.threads, self.paths, self.blank_penalty, self.tail_ms)
    }
}

/// What a model's directory says of the model.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ModelToml {
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
    pub(super) fn read(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(MODEL_TOML);
        let text = match fs::read_to_string(&path) {
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

fn check(
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
    fn a_wrong_key_is_not_left_unnamed() {
        for (key, options) in [
            ("stt.threads", SttOptions { threads: 0, ..SttOptions::default() }),
            ("stt.paths", SttOptions { paths: Some(1_000), ..SttOptions::default() }),
            ("stt.blank_penalty", SttOptions { blank_penalty: Some(f32::NAN), ..SttOptions::default() }),
            ("stt.tail_ms", SttOptions { tail_ms: Some(60_000), ..SttOptions::default() }),
        ] {
            let error = options.validate().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(key), "{error}");
        }
        SttOptions::default().validate().unwrap();
    }

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
            fs::write(dir.path().join(MODEL_TOML), text).unwrap();
            let error = ModelToml::read(dir.path()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(named), "{error}");
        }
    }
}
