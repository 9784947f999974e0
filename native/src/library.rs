//! Opens the two libraries once per process and proves that they are the right ones.
//!
//! Invariant: ONNX Runtime is opened first, by its full path; sherpa-onnx then binds to that same copy. Both report the exact versions this
//! crate was made for before anything else of theirs is called. Once open they stay open until the process ends.

use std::{
    ffi::{CStr, OsStr, c_char},
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
};

use duologue_fetch::Bundle;
use libloading::Library;

use crate::{
    error::{Error, ErrorKind, Result},
    fetch::fetch,
    locate::{Source, locate},
    options::LoadOptions,
    platform::{ENGINES, ORT_FILE, ORT_VERSION, SHERPA_FILE, SHERPA_VERSION},
    sherpa::ffi::SherpaOnnx,
};

static NATIVES: OnceLock<Natives> = OnceLock::new();
static LOADING: Mutex<()> = Mutex::new(());

/// The loaded libraries.
pub struct Natives {
    dir: PathBuf,
    source: Source,
    environment: ort::environment::Environment,
    sherpa: SherpaOnnx,
    _ort: Library,
}

impl Natives {
    /// The directory both libraries were loaded from.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Why that directory was chosen.
    pub fn source(&self) -> Source {
        self.source
    }

    /// The ONNX Runtime library.
    pub fn ort_path(&self) -> PathBuf {
        self.dir.join(ORT_FILE)
    }

    /// The sherpa-onnx library.
    pub fn sherpa_path(&self) -> PathBuf {
        self.dir.join(SHERPA_FILE)
    }

    /// The version that ONNX Runtime reported, for instance `1.28.2`.
    pub fn ort_version(&self) -> &'static str {
        ORT_VERSION
    }

    /// The version that sherpa-onnx reported, for instance `2.0.1`.
    pub fn sherpa_version(&self) -> &'static str {
        SHERPA_VERSION
    }

    /// The C functions of sherpa-onnx.
    pub(crate) fn sherpa(&self) -> &SherpaOnnx {
        &self.sherpa
    }

    pub(crate) fn environment(&self) -> &ort::environment::Environment {
        &self.environment
    }
}

impl std::fmt::Debug for Natives {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Natives")
            .field("dir", &self.dir)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// Loads the libraries with default options: see [`load_with`].
///
/// # Errors
/// As [`load_with`].
pub fn load() -> Result<&'static Natives> {
    match NATIVES.get() {
        Some(natives) => Ok(natives),
        None => load_with(&LoadOptions::default()),
    }
}

/// What was loaded, for code that holds something that only a loaded library can have made.
pub(crate) fn loaded() -> &'static Natives {
    NATIVES.get().expect("invariant: whoever holds a handle of a library has loaded it")
}

/// Finds the libraries, fetches them if they are nowhere, and loads them. Later calls return what the first one loaded, whatever their
/// options; after an error a later call tries again.
///
/// # Errors
/// [`ErrorKind::NativesMissing`] (a named directory lacks them), [`ErrorKind::WrongVersion`], everything
/// that [`fetch`](crate::fetch()) says, and [`ErrorKind::Runtime`] if ONNX Runtime cannot be started.
pub fn load_with(options: &LoadOptions) -> Result<&'static Natives> {
    let _one_at_a_time = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(natives) = NATIVES.get() {
        return Ok(natives);
    }
    let (dir, source) = find_or_fetch(options)?;
    let natives = open(dir, source)?;
    Ok(NATIVES.get_or_init(|| natives))
}

fn find_or_fetch(options: &LoadOptions) -> Result<(PathBuf, Source)> {
    if let Some(found) = locate(options)?.found() {
        return Ok((found.dir.clone(), found.source));
    }
    fetch(options).map(|dir| (dir, Source::Cache))
}

fn open(dir: PathBuf, source: Source) -> Result<Natives> {
    // An absolute path, because the loader would look a bare name up in its own places.
    let dir = std::path::absolute(&dir).map_err(|e| Error::io("cannot resolve", &dir, &e))?;
    let (ort_path, sherpa_path) = (dir.join(ORT_FILE), dir.join(SHERPA_FILE));
    let ort = open_library(&ort_path, &ENGINES)?;
    expect_version(&ort_path, "ONNX Runtime", &ort_version(&ort, &ort_path)?, ORT_VERSION, ENGINES.variable)?;
    let sherpa = open_library(&sherpa_path, &ENGINES)?;
    expect_version(
        &sherpa_path,
        "sherpa-onnx",
        &sherpa_version(&sherpa, &sherpa_path)?,
        SHERPA_VERSION,
        ENGINES.variable,
    )?;
    // SAFETY: the version check above proved that this is the library whose header the bindings were generated from.
    let sherpa =
        unsafe { SherpaOnnx::from_library(sherpa) }.map_err(|e| unusable(&sherpa_path, &e, &ENGINES))?;
    expect_one_ort(&ort_path)?;
    let environment = ort::init_from(&ort_path)
        .map_err(|e| unusable(&ort_path, &e, &ENGINES))?
        .with_name("duologue")
        .with_telemetry(false)
        .build()
        .map_err(|e| Error::new(ErrorKind::Runtime, format!("ONNX Runtime did not start: {e}")))?;
    if std::env::var_os("ORT_LOG").is_none() {
        // What goes wrong comes back as an error; a cancelled run is nothing to write to standard error about.
        environment.set_log_level(ort::logging::LogLevel::Fatal);
    }
    Ok(Natives { dir, source, environment, sherpa, _ort: ort })
}

#[cfg(unix)]
pub(crate) fn open_library(path: &Path, bundle: &Bundle) -> Result<Library> {
    use libloading::os::unix::{Library as Unix, RTLD_LOCAL, RTLD_NOW};
    // SAFETY: the initialisers of these libraries only register C++ globals; a library that a user put in their place is the user's to
    // trust, as any library on the loader's path is.
    unsafe { Unix::open(Some(path), RTLD_NOW | RTLD_LOCAL) }
        .map(Into::into)
        .map_err(|e| unusable(path, &e, bundle))
}

#[cfg(windows)]
pub(crate) fn open_library(path: &Path, bundle: &Bundle) -> Result<Library> {
    use libloading::os::windows::{LOAD_WITH_ALTERED_SEARCH_PATH, Library as Windows};
    // SAFETY: as above; the altered search path makes sherpa-onnx find the ONNX Runtime beside it and not the one in System32.
    unsafe { Windows::load_with_flags(path, LOAD_WITH_ALTERED_SEARCH_PATH) }
        .map(Into::into)
        .map_err(|e| unusable(path, &e, bundle))
}

pub(crate) fn unusable(path: &Path, error: &dyn std::error::Error, bundle: &Bundle) -> Error {
    // The loader's own words, such as the name of a missing function, come as the error's source.
    let sources = std::iter::successors(error.source(), |e| e.source());
    let why = sources.fold(error.to_string(), |text, source| format!("{text}: {source}"));
    not_ours(path, &why, bundle)
}

pub(crate) fn not_ours(path: &Path, why: &str, bundle: &Bundle) -> Error {
    Error::new(
        ErrorKind::WrongVersion,
        format!(
            "{} cannot be used: {why}; remove it, or set {} to where {} is",
            path.display(),
            bundle.variable,
            bundle.what
        ),
    )
}

pub(crate) fn expect_version(
    path: &Path,
    what: &str,
    found: &str,
    wanted: &str,
    variable: &str,
) -> Result<()> {
    if found == wanted {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::WrongVersion,
        format!(
            "{} is {what} {found}, but exactly {wanted} is needed; remove it, or set {variable} to where {wanted} is",
            path.display()
        ),
    ))
}

fn ort_version(library: &Library, path: &Path) -> Result<String> {
    // SAFETY: `OrtGetApiBase` has had this signature since ONNX Runtime 1.0, and `GetVersionString` is the second member of its result.
    unsafe {
        let get = library
            .get::<unsafe extern "C" fn() -> *const ort::sys::OrtApiBase>(b"OrtGetApiBase")
            .map_err(|e| unusable(path, &e, &ENGINES))?;
        let base = get();
        if base.is_null() {
            return Err(not_ours(path, "OrtGetApiBase returned nothing", &ENGINES));
        }
        Ok(text(((*base).GetVersionString)()))
    }
}

fn sherpa_version(library: &Library, path: &Path) -> Result<String> {
    // SAFETY: the function takes nothing and returns a static string in every release that has it.
    unsafe {
        let get = library
            .get::<unsafe extern "C" fn() -> *const c_char>(b"SherpaOnnxGetVersionStr")
            .map_err(|e| unusable(path, &e, &ENGINES))?;
        Ok(text(get()))
    }
}

/// # Safety
/// `string` is null or points to a string that ends in a zero byte.
unsafe fn text(string: *const c_char) -> String {
    if string.is_null() {
        return "of unknown version".to_owned();
    }
    // SAFETY: not null, and by the caller's promise terminated.
    unsafe { CStr::from_ptr(string) }.to_string_lossy().into_owned()
}

/// Refuses a process that already holds another copy of ONNX Runtime, to which sherpa-onnx would have bound by its name.
#[cfg(target_os = "linux")]
fn expect_one_ort(ours: &Path) -> Result<()> {
    let ours = ours.canonicalize().map_err(|e| Error::io("cannot resolve", ours, &e))?;
    let Ok(maps) = std::fs::read_to_string("/proc/self/maps") else { return Ok(()) };
    let paths = maps.lines().filter_map(|line| line.find('/').map(|at| Path::new(&line[at..])));
    let other =
        paths.into_iter().find(|path| path.file_name() == Some(OsStr::new(ORT_FILE)) && *path != ours);
    match other {
        None => Ok(()),
        Some(other) => Err(Error::new(
            ErrorKind::WrongVersion,
            format!(
                "this process has already loaded another ONNX Runtime, {}; let Duologue load first, or set DUOLOGUE_NATIVES to that directory",
                other.display()
            ),
        )),
    }
}

#[cfg(not(target_os = "linux"))]
fn expect_one_ort(_ours: &Path) -> Result<()> {
    Ok(())
}
