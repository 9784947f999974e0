//! Names to files: built-in models, models in the cache, and directories of the user's own.
//!
//! A name out of the checked-in list ([`Registry::list`]) becomes a [`ModelDir`]; so does a directory
//! (`./my-model`, `/opt/model`, `file:///opt/model`). Invariant: every file of a pinned model that
//! [`Registry::resolve`] returns has the pinned size and was hashed since it last changed.
//!
//! Downloading over HTTP is not there yet: a model that is published at an address must be put into
//! its directory ([`Registry::path`]) by hand; the error says which files, from where. Built-ins need no
//! network; Silero comes out of a wheel of the Python package index, unless `offline` forbids it.
//!
//! ```
//! use duologue_models::registry::{ModelKind, Registry, RegistryOptions};
//!
//! let registry = Registry::new(RegistryOptions::default())?;
//! let entry = registry.entry("silero-vad")?;
//! assert_eq!(entry.kind, ModelKind::Vad);
//! let error = registry.entry("silero").unwrap_err();
//! assert!(error.to_string().contains("silero-vad"));
//! # Ok::<(), duologue_models::Error>(())
//! ```

mod builtin;
mod entry;
mod near;
mod verify;

use std::path::{Path, PathBuf};

use duologue_native::LoadOptions;
use duologue_native::wheel::{SILERO_VAD, WheelFile, fetch_wheel_file};

use crate::{Error, ErrorKind};
use builtin::Builtin;
pub use entry::{Archive, Entry, ModelFile, ModelKind, Origin};
pub use verify::Verified;

const LIST: &str = include_str!("registry.toml");

/// Where the registry looks.
#[derive(Clone, Debug, Default)]
pub struct RegistryOptions {
    /// Root of the cache; by default Duologue's ([`duologue_native::cache_dir`]).
    pub cache: Option<PathBuf>,
    /// Opens no socket. `DUOLOGUE_OFFLINE=1` does the same.
    pub offline: bool,
    /// Directory of the built-in models; by default found as the module says, `DUOLOGUE_BUILTIN` first.
    pub builtin: Option<PathBuf>,
}

/// A model's directory, found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelDir {
    /// Its name in the registry, or the directory's.
    pub name: String,
    /// The directory.
    pub dir: PathBuf,
    /// What the registry says of it; `None` for a directory of the user's own.
    pub entry: Option<Entry>,
}

/// The known models, and where their files are.
#[derive(Clone, Debug)]
pub struct Registry {
    entries: Vec<Entry>,
    cache: PathBuf,
    options: RegistryOptions,
}

impl Registry {
    /// The checked-in list with these options. Looks at no file yet.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if there is no cache directory.
    pub fn new(options: RegistryOptions) -> Result<Self, Error> {
        let entries =
            entry::parse(LIST, "registry.toml").expect("invariant: a test reads the checked-in list");
        let cache = match &options.cache {
            Some(cache) => cache.clone(),
            None => duologue_native::cache_dir().map_err(|e| Error::new(ErrorKind::Io, e.to_string()))?,
        };
        Ok(Self { entries, cache, options })
    }

    /// Every known model, built-ins first.
    pub fn list(&self) -> &[Entry] {
        &self.entries
    }

    /// What is known of `name`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] with names that are near.
    pub fn entry(&self, name: &str) -> Result<&Entry, Error> {
        self.entries.iter().find(|entry| entry.name == name).ok_or_else(|| self.unknown(name))
    }

    /// Finds a model's files: by name, or by a path (anything with a separator, `.`, or `file://…`).
    /// Fetches what comes out of a wheel, unless offline.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown name, a missing directory, or a model that is not here,
    /// with what to do; [`ErrorKind::Invalid`] for a damaged file; [`ErrorKind::Io`].
    pub fn resolve(&self, name: &str) -> Result<ModelDir, Error> {
        if let Some(dir) = as_path(name)? {
            return user_dir(&dir);
        }
        let entry = self.entry(name)?;
        let dir = match entry.origin {
            Origin::Builtin => self.builtin()?.model(builtin_part(entry))?,
            Origin::Wheel => self.wheel(entry)?,
            Origin::Url => self.placed(entry)?,
        };
        Ok(ModelDir { name: entry.name.clone(), dir, entry: Some(entry.clone()) })
    }

    /// As [`Registry::resolve`], and refuses a known model that is for something else.
    ///
    /// # Errors
    /// As [`Registry::resolve`], and [`ErrorKind::Invalid`] for a model of another kind.
    pub fn resolve_as(&self, name: &str, kind: ModelKind) -> Result<ModelDir, Error> {
        let known = self.entries.iter().find(|entry| entry.name == name && entry.kind != kind);
        if let Some(other) = known {
            let message = format!("{name} is a {} model; a {kind} model is wanted here", other.kind);
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        self.resolve(name)
    }

    /// Where a model's files are, or belong; looks for built-ins, but at no other file.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown name or built-ins that are not there.
    pub fn path(&self, name: &str) -> Result<PathBuf, Error> {
        let entry = self.entry(name)?;
        match entry.origin {
            Origin::Builtin => Ok(self.builtin()?.part(builtin_part(entry))?.0),
            Origin::Wheel | Origin::Url => Ok(self.cache.join("models").join(&entry.name)),
        }
    }

    /// Whether a model can be had without a network.
    pub fn is_present(&self, name: &str) -> bool {
        let offline = RegistryOptions { offline: true, ..self.options.clone() };
        Self { options: offline, ..self.clone() }.resolve(name).is_ok()
    }

    /// Hashes every file of a model.
    ///
    /// # Errors
    /// As [`Registry::resolve`]; also [`ErrorKind::NotFound`] for a model whose files are not pinned.
    pub fn verify(&self, name: &str) -> Result<Verified, Error> {
        let entry = self.entry(name)?;
        if entry.origin == Origin::Builtin {
            let (dir, files) = self.builtin()?.part(builtin_part(entry))?;
            return verify::verify(&dir, &files);
        }
        if entry.files.is_empty() {
            let message = format!(
                "{name}: only its archive is pinned, not the files in it; nothing to compare them with"
            );
            return Err(Error::new(ErrorKind::NotFound, message));
        }
        let dir = self.path(name)?;
        verify::verify(&dir, &entry.files).map_err(|e| self.explain(entry, &dir, e))
    }

    /// The directory of the recorded lines that play the caller in demonstrations, with `caller.toml`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the program was built without built-ins, [`ErrorKind::Invalid`] if
    /// they are damaged, [`ErrorKind::Io`].
    pub fn caller(&self) -> Result<PathBuf, Error> {
        self.builtin()?.model("caller")
    }

    fn builtin(&self) -> Result<Builtin, Error> {
        Builtin::find(self.options.builtin.as_deref(), &self.cache)
    }

    fn wheel(&self, entry: &Entry) -> Result<PathBuf, Error> {
        let dir = self.path(&entry.name)?;
        let options = LoadOptions {
            offline: self.options.offline,
            cache: Some(self.cache.clone()),
            ..LoadOptions::default()
        };
        fetch_wheel_file(&wheel_file(&entry.name), &dir, &options)?;
        Ok(dir)
    }

    /// A model that someone put into its directory.
    fn placed(&self, entry: &Entry) -> Result<PathBuf, Error> {
        let dir = self.path(&entry.name)?;
        let there = if dir.is_dir() {
            verify::check(&dir, &entry.files)
        } else {
            Err(Error::new(ErrorKind::NotFound, "no such directory"))
        };
        there.map_err(|e| self.explain(entry, &dir, e))?;
        Ok(dir)
    }

    /// Says what to do about a model that is not here.
    fn explain(&self, entry: &Entry, dir: &Path, error: Error) -> Error {
        if error.kind() != ErrorKind::NotFound {
            return error;
        }
        let urls: Vec<&str> = entry.urls().collect();
        let message = format!(
            "model {} is not here ({error}); downloading it is not supported yet: get {} and put its files into {}",
            entry.name,
            if urls.is_empty() { "it".into() } else { urls.join(" and ") },
            dir.display()
        );
        Error::new(ErrorKind::NotFound, message)
    }

    fn unknown(&self, name: &str) -> Error {
        let near = near::near(name, self.entries.iter().map(|entry| entry.name.as_str()));
        let advice = if near.is_empty() {
            "`duologue models list` shows the known ones".into()
        } else {
            format!("did you mean {}?", near.join(" or "))
        };
        let shown: String = name.chars().take(80).collect();
        Error::new(
            ErrorKind::NotFound,
            format!("no model is called {shown:?}; {advice} (a directory is written ./{shown})"),
        )
    }
}

/// `stt` of `builtin-stt`: the built-in's directory.
fn builtin_part(entry: &Entry) -> &str {
    entry.name.strip_prefix("builtin-").unwrap_or(&entry.name)
}

/// What to fetch for a model that comes out of a wheel; a test sees to it that there is one.
fn wheel_file(name: &str) -> WheelFile<'static> {
    match name {
        "silero-vad" => SILERO_VAD,
        other => unreachable!("invariant: {other} has a wheel"),
    }
}

/// The path that `name` is, if it is one.
fn as_path(name: &str) -> Result<Option<PathBuf>, Error> {
    if let Some(rest) = name.strip_prefix("file://") {
        let path = rest.strip_prefix("localhost").unwrap_or(rest);
        if !path.starts_with('/') {
            let message = format!("{name}: only file:///absolute/path is understood");
            return Err(Error::new(ErrorKind::NotFound, message));
        }
        return decode_percent(path).map(|path| Some(path.into())).ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                format!("{name}: not a valid address; write %25 for a percent sign"),
            )
        });
    }
    if name.contains("://") {
        let message = format!("{name}: only names, directories and file:// are understood");
        return Err(Error::new(ErrorKind::NotFound, message));
    }
    let path = name.contains(['/', '\\']) || name == "." || name == "..";
    Ok(path.then(|| name.into()))
}

fn decode_percent(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, later)) = rest.split_first() {
        if first != b'%' {
            bytes.push(first);
            rest = later;
            continue;
        }
        let digits = std::str::from_utf8(later.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &later[2..];
    }
    String::from_utf8(bytes).ok()
}

fn user_dir(dir: &Path) -> Result<ModelDir, Error> {
    if !dir.is_dir() {
        let why = if dir.exists() { "is not a directory" } else { "does not exist" };
        let message = format!("model directory {} {why}; correct the path", dir.display());
        return Err(Error::new(ErrorKind::NotFound, message));
    }
    let name = dir
        .canonicalize()
        .ok()
        .as_deref()
        .unwrap_or(dir)
        .file_name()
        .map(|n| n.to_string_lossy().into_owned());
    Ok(ModelDir { name: name.unwrap_or_else(|| dir.display().to_string()), dir: dir.into(), entry: None })
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
