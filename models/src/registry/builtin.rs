//! The models that ship inside: found beside the program, or unpacked from it.
//!
//! They are the files under `builtin/` of this crate with their `manifest.toml`, which pins every
//! file. The build embeds them (feature `builtin`), so a moved binary alone suffices; the engines want
//! paths, so they are unpacked once into the cache, under a name made of their contents.
//! Invariant: a directory under its final name was complete and verified when it was renamed there.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use duologue_fetch::store;
use serde::Deserialize;

use super::entry::{ModelFile, check_file};
use super::verify;
use crate::{Error, ErrorKind};

/// What the build embedded: `FILES`, path and contents, and `KEY`, a hash of them all.
mod embedded {
    include!(concat!(env!("OUT_DIR"), "/builtin.rs"));
}

const MANIFEST: &str = "manifest.toml";
const VARIABLE: &str = "DUOLOGUE_BUILTIN";

/// A directory with the built-in models and its manifest.
#[derive(Clone, Debug)]
pub(super) struct Builtin {
    root: PathBuf,
    files: Vec<ModelFile>,
    /// Where stamps of verified files are.
    cache: PathBuf,
}

#[derive(Deserialize)]
struct Manifest {
    file: Vec<ManifestFile>,
}

#[derive(Deserialize)]
struct ManifestFile {
    file: String,
    bytes: u64,
    sha256: String,
}

impl Builtin {
    /// Finds them: the directory `named` by the caller, the one `DUOLOGUE_BUILTIN` names, `builtin/`
    /// beside the executable, those embedded in the program (unpacked under `cache`), or this
    /// crate's sources. A named directory is the only candidate.
    pub(super) fn find(named: Option<&Path>, cache: &Path) -> Result<Self, Error> {
        if let Some(dir) = named {
            return Self::open(dir, cache);
        }
        if let Some(dir) = std::env::var_os(VARIABLE).filter(|dir| !dir.is_empty()) {
            return Self::open(Path::new(&dir), cache)
                .map_err(|e| Error::new(e.kind(), format!("{VARIABLE}: {e}")));
        }
        if let Some(dir) = beside_executable() {
            return Self::open(&dir, cache);
        }
        if !embedded::FILES.is_empty() {
            return Self::unpack(cache, embedded::KEY, embedded::FILES);
        }
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("builtin");
        if sources.join(MANIFEST).is_file() {
            return Self::open(&sources, cache);
        }
        let message = format!(
            "this program was built without its built-in models; build it with the feature `builtin`, put them into `builtin/` beside \
             the program, or let {VARIABLE} name their directory"
        );
        Err(Error::new(ErrorKind::NotFound, message))
    }

    /// The directory of one model and its pinned files, checked.
    pub(super) fn model(&self, name: &str) -> Result<PathBuf, Error> {
        let (dir, files) = self.part(name)?;
        verify::check(&dir, &files, &self.cache)?;
        Ok(dir)
    }

    /// The directory of one model and what its manifest pins, with paths relative to it.
    pub(super) fn part(&self, name: &str) -> Result<(PathBuf, Vec<ModelFile>), Error> {
        let prefix = format!("{name}/");
        let within = |file: &ModelFile| {
            let path = file.path.strip_prefix(&prefix)?.to_owned();
            Some(ModelFile { path, ..file.clone() })
        };
        let files: Vec<ModelFile> = self.files.iter().filter_map(within).collect();
        if files.is_empty() {
            let message = format!("{}: lists no files under {prefix}", self.root.join(MANIFEST).display());
            return Err(Error::new(ErrorKind::NotFound, message));
        }
        Ok((self.root.join(name), files))
    }

    fn open(root: &Path, cache: &Path) -> Result<Self, Error> {
        let path = root.join(MANIFEST);
        let text = fs::read_to_string(&path).map_err(|e| io("cannot read", &path, &e))?;
        Ok(Self { root: root.into(), files: read_manifest(&text, &path)?, cache: cache.into() })
    }

    /// Unpacks `files` into `cache/builtin/<key>` unless they are there.
    fn unpack(cache: &Path, key: &str, files: &[(&str, &[u8])]) -> Result<Self, Error> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let parent = store::builtin(cache);
        let root = parent.join(key);
        if let Some(found) = intact(&root, cache) {
            return Ok(found);
        }
        let work =
            parent.join(format!(".work-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        let outcome = write_all(&work, files, cache).and_then(|()| move_into_place(&work, &root, cache));
        if outcome.is_err() {
            let _ = fs::remove_dir_all(&work);
        }
        outcome
    }
}

/// What is in `root`, if it is complete and undamaged.
fn intact(root: &Path, cache: &Path) -> Option<Builtin> {
    let found = Builtin::open(root, cache).ok()?;
    verify::check(root, &found.files, cache).ok()?;
    Some(found)
}

fn write_all(work: &Path, files: &[(&str, &[u8])], cache: &Path) -> Result<(), Error> {
    for (name, bytes) in files {
        let path = work.join(name);
        let dir = path.parent().expect("invariant: a file inside a directory");
        store::create_dir(dir)?;
        fs::write(&path, bytes).map_err(|e| io("cannot write", &path, &e))?;
    }
    let unpacked = Builtin::open(work, cache)?;
    verify::verify(work, &unpacked.files, cache).map(drop)
}

fn move_into_place(work: &Path, root: &Path, cache: &Path) -> Result<Builtin, Error> {
    if root.exists() && intact(root, cache).is_none() {
        let _ = fs::remove_dir_all(root);
    }
    match fs::rename(work, root) {
        Ok(()) => Builtin::open(root, cache),
        // Another process was first.
        Err(e) => {
            let _ = fs::remove_dir_all(work);
            intact(root, cache).ok_or_else(|| io("cannot create", root, &e))
        }
    }
}

fn read_manifest(text: &str, path: &Path) -> Result<Vec<ModelFile>, Error> {
    let wrong = |why: String| Error::new(ErrorKind::Invalid, format!("{}: {why}", path.display()));
    let manifest: Manifest = toml::from_str(text).map_err(|e| wrong(e.to_string()))?;
    let file =
        |f: ManifestFile| ModelFile { path: f.file, bytes: f.bytes, sha256: f.sha256, sources: Vec::new() };
    let files: Vec<ModelFile> = manifest.file.into_iter().map(file).collect();
    files.iter().try_for_each(check_file).map_err(wrong)?;
    Ok(files)
}

fn beside_executable() -> Option<PathBuf> {
    let dir = std::env::current_exe().ok()?.parent()?.join("builtin");
    dir.join(MANIFEST).is_file().then_some(dir)
}

fn io(doing: &str, path: &Path, error: &std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => ErrorKind::NotFound,
        _ => ErrorKind::Io,
    };
    Error::new(kind, format!("{doing} {}: {error}; DUOLOGUE_CACHE names another cache", path.display()))
}

#[cfg(test)]
#[path = "builtin_tests.rs"]
mod tests;
