//! What the registry knows of a model, and the checks that keep the checked-in list right.

use std::collections::HashSet;
use std::fmt;
use std::path::{Component, Path};

use serde::Deserialize;

use crate::{Error, ErrorKind};

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ModelKind {
    /// Speech to text.
    Stt,
    /// Text to speech.
    Tts,
    /// Voice activity detection.
    Vad,
    /// End-of-turn detection.
    Turn,
}

impl fmt::Display for ModelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stt => "stt",
            Self::Tts => "tts",
            Self::Vad => "vad",
            Self::Turn => "turn",
        })
    }
}

/// Where a model's files come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Origin {
    /// They ship with the program.
    Builtin,
    /// Fetched once from the Python package index, pinned twice.
    Wheel,
    /// Published at an address. Nothing downloads them yet: put them in place by hand.
    Url,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Builtin => "builtin",
            Self::Wheel => "wheel",
            Self::Url => "url",
        })
    }
}

/// One pinned file of a model.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Its path inside the model's directory, with `/`.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// Where it is published; absent if it comes out of an archive, a wheel or the program.
    pub url: Option<String>,
}

/// A pinned archive that holds a model's files.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// Where it is published.
    pub url: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, lower-case hexadecimal.
    pub sha256: String,
}

/// One model of the registry.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its name, unique: lower-case letters, digits, `-` and `.`.
    pub name: String,
    /// What it is for.
    pub kind: ModelKind,
    /// How it is built and loaded: `transducer`, `nemo-ctc`, `kokoro`, `silero`, …
    pub family: String,
    /// Where its files come from.
    #[serde(rename = "source")]
    pub origin: Origin,
    /// Its licence, as an SPDX identifier.
    pub licence: String,
    /// One line for people.
    pub about: String,
    /// The archive it is published in, if it is.
    pub archive: Option<Archive>,
    /// Its files; empty where only the archive is pinned, and for built-ins, whose own manifest pins them.
    #[serde(default)]
    pub files: Vec<ModelFile>,
}

impl Entry {
    /// Bytes to fetch: the archive's, or the files'; 0 for built-ins.
    pub fn bytes(&self) -> u64 {
        self.archive.as_ref().map_or_else(|| self.files.iter().map(|f| f.bytes).sum(), |a| a.bytes)
    }

    /// The addresses it is published at.
    pub fn urls(&self) -> impl Iterator<Item = &str> {
        let archive = self.archive.iter().map(|a| a.url.as_str());
        archive.chain(self.files.iter().filter_map(|f| f.url.as_deref()))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(default)]
    model: Vec<Entry>,
}

/// Reads a registry; `source` names it in messages.
///
/// # Errors
/// [`ErrorKind::Config`], naming the model and the key.
pub(super) fn parse(text: &str, source: &str) -> Result<Vec<Entry>, Error> {
    let config = |message: String| Error::new(ErrorKind::Config, format!("{source}: {message}"));
    let list: List = toml::from_str(text).map_err(|e| config(e.to_string()))?;
    let mut names = HashSet::new();
    for entry in &list.model {
        check(entry).map_err(|e| config(format!("model {:?}: {e}", entry.name)))?;
        if !names.insert(&entry.name) {
            return Err(config(format!("model {:?} is listed twice", entry.name)));
        }
    }
    Ok(list.model)
}

fn check(entry: &Entry) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    if !entry.name.starts_with(|c: char| c.is_ascii_lowercase()) || !entry.name.chars().all(plain) {
        return Err("name: only lower-case letters, digits, - and . are allowed, a letter first".into());
    }
    if let Some(archive) = &entry.archive {
        check_pin("archive", archive.bytes, &archive.sha256)?;
        check_url(&archive.url)?;
    }
    for file in &entry.files {
        check_file(file)?;
        if entry.origin == Origin::Url && entry.archive.is_none() && file.url.is_none() {
            return Err(format!("files: {} has no url, and there is no archive", file.path));
        }
    }
    let pinned = !entry.files.is_empty() || entry.archive.is_some();
    if !pinned && entry.origin != Origin::Builtin {
        return Err("files: none, and no archive either".into());
    }
    Ok(())
}

/// Checks a file's path, pin and address.
pub(super) fn check_file(file: &ModelFile) -> Result<(), String> {
    let inside = Path::new(&file.path).components().all(|part| matches!(part, Component::Normal(_)));
    if file.path.is_empty() || !inside || file.path.contains('\\') {
        return Err(format!("files: path {:?} must stay inside the model's directory", file.path));
    }
    check_pin(&file.path, file.bytes, &file.sha256)?;
    file.url.as_deref().map_or(Ok(()), check_url)
}

fn check_pin(what: &str, bytes: u64, sha256: &str) -> Result<(), String> {
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if bytes == 0 {
        return Err(format!("{what}: bytes is 0"));
    }
    if sha256.len() != 64 || !sha256.bytes().all(hex) {
        return Err(format!("{what}: sha256 must be 64 lower-case hexadecimal digits"));
    }
    Ok(())
}

fn check_url(url: &str) -> Result<(), String> {
    if url.starts_with("https://") { Ok(()) } else { Err(format!("url {url:?} is not https")) }
}
