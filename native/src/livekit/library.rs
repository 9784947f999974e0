//! Finds, opens and starts the engine, once per process.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
};

use libloading::Library;

use super::{
    event::{self, Event},
    ffi::{self, Functions},
    request::Lent,
};
use crate::{
    error::{Error, ErrorKind, Result},
    fetch::fetch_bundle,
    library::{expect_version, open_library, unusable},
    locate::{Candidate, Search, Source, search, writable_by_others},
    options::LoadOptions,
    platform::{LIVEKIT, LIVEKIT_FILE, LIVEKIT_VERSION},
};

static ENGINE: OnceLock<Engine> = OnceLock::new();
static LOADING: Mutex<()> = Mutex::new(());
static CALLBACK: OnceLock<Box<dyn Fn(Event) + Send + Sync>> = OnceLock::new();

/// The loaded engine.
pub struct Engine {
    path: PathBuf,
    source: Source,
    functions: Functions,
    lent: Mutex<HashMap<u64, Lent>>,
    _library: Library,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("path", &self.path)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// Looks for the engine in the documented order; opens no library and no socket. The directory of a candidate is the file itself where one
/// is named.
///
/// # Errors
/// [`ErrorKind::Io`] if there is no cache directory. A library that is not found is no error: see [`Search::found`].
pub fn locate(options: &LoadOptions) -> Result<Search> {
    let Some((path, name)) = options.explicit_livekit() else {
        return search(&LIVEKIT, options);
    };
    let missing = || {
        let message = format!(
            "{name} names {}, but {LIVEKIT_FILE} is not there; correct it, or unset it so that the engine is fetched",
            path.display()
        );
        Error::new(ErrorKind::NativesMissing, message)
    };
    let file = file_in(&path);
    let problem = if file.is_file() { writable_by_others(&file) } else { Some(missing()) };
    Ok(Search { candidates: vec![Candidate { source: Source::Named, dir: path, problem }] })
}

/// Makes sure that the engine is somewhere, without loading it, and says where. Fetches it into the cache if it is not found.
///
/// # Errors
/// As [`fetch`](crate::fetch()) of the other libraries.
pub fn fetch(options: &LoadOptions) -> Result<PathBuf> {
    fetch_bundle(&LIVEKIT, locate(options)?, options).map(|path| file_in(&path))
}

/// Hashes the engine in the cache, whatever its stamp says; `path` is what [`fetch`] returned.
///
/// # Errors
/// [`ErrorKind::NativesMissing`], [`ErrorKind::Corrupt`], [`ErrorKind::Io`], [`ErrorKind::UnsupportedPlatform`].
pub fn verify(path: &Path, options: &LoadOptions) -> Result<()> {
    let dir = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    Ok(LIVEKIT.verify(dir, &options.fetch.cache()?)?)
}

/// Finds the engine, fetches it if it is nowhere, and opens it. Later calls return what the first one opened, whatever their options; after
/// an error a later call tries again.
///
/// # Errors
/// [`ErrorKind::WrongVersion`] (it is another version, or no such library at all), and everything that [`fetch`] says.
pub fn load(options: &LoadOptions) -> Result<&'static Engine> {
    let _one_at_a_time = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(engine) = ENGINE.get() {
        return Ok(engine);
    }
    let found = locate(options)?.found().map(|candidate| (file_in(&candidate.dir), candidate.source));
    let (path, source) = match found {
        Some(found) => found,
        None => (fetch(options)?, Source::Cache),
    };
    let engine = open(&path, source)?;
    Ok(ENGINE.get_or_init(|| engine))
}

/// The library that a path names by itself or by its directory.
fn file_in(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(LIVEKIT_FILE) } else { path.to_owned() }
}

fn open(path: &Path, source: Source) -> Result<Engine> {
    // An absolute path, because the loader would look a bare name up in its own places.
    let path = std::path::absolute(path).map_err(|e| Error::io("cannot resolve", path, &e))?;
    let library = open_library(&path, &LIVEKIT)?;
    let version = ffi::version(&library).map_err(|e| unusable(&path, &*e, &LIVEKIT))?;
    expect_version(&path, "LiveKit's engine", &version, LIVEKIT_VERSION, LIVEKIT.variable)?;
    // SAFETY: the version was just checked, and the library is kept in the same struct as its functions.
    let functions =
        unsafe { Functions::from_library(&library) }.map_err(|e| unusable(&path, &e, &LIVEKIT))?;
    Ok(Engine { path, source, functions, lent: Mutex::default(), _library: library })
}

impl Engine {
    /// The file that was loaded.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why that file was chosen.
    pub fn source(&self) -> Source {
        self.source
    }

    /// The version that the library reported.
    pub fn version(&self) -> &'static str {
        LIVEKIT_VERSION
    }

    /// Starts the engine's threads; from now on `callback` is called on them with all that the engine tells. It must return soon.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] if it was started before.
    pub fn start(&'static self, callback: impl Fn(Event) + Send + Sync + 'static) -> Result<()> {
        let mut first = false;
        CALLBACK.get_or_init(|| {
            first = true;
            Box::new(callback)
        });
        if !first {
            return Err(Error::argument("LiveKit's engine was already started in this process"));
        }
        let version = concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast();
        // SAFETY: both texts end in a zero byte and are static; the callback never blocks for long and never unwinds.
        unsafe { (self.functions.initialize)(on_event, true, c"rust".as_ptr(), version) };
        Ok(())
    }

    pub(super) fn is_started(&self) -> bool {
        CALLBACK.get().is_some()
    }

    pub(super) fn functions(&self) -> &Functions {
        &self.functions
    }

    /// Keeps memory until [`returned`](Self::returned).
    pub(super) fn lend(&self, async_id: u64, memory: Lent) {
        self.lent.lock().unwrap_or_else(PoisonError::into_inner).insert(async_id, memory);
    }

    pub(super) fn returned(&self, async_id: u64) {
        self.lent.lock().unwrap_or_else(PoisonError::into_inner).remove(&async_id);
    }
}

/// # Safety
/// The engine calls it with `len` bytes at `data`, valid during the call.
unsafe extern "C" fn on_event(data: *const u8, len: usize) {
    if data.is_null() {
        return;
    }
    // SAFETY: by the caller's promise.
    let bytes = unsafe { std::slice::from_raw_parts(data, len) };
    // Unwinding into the engine's frames would end the process. The panic hook has told of it already.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        if let (Some(engine), Some(callback)) = (ENGINE.get(), CALLBACK.get()) {
            event::read(engine, bytes, &mut |event| callback(event));
        }
    }));
}
