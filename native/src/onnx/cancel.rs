//! Ending a run from another thread.

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering, fence},
    },
};

use ort::session::RunOptions;

use crate::{
    error::{Error, ErrorKind, Result},
    onnx::api,
};

/// A switch that ends runs. Clones share one switch; once thrown it stays thrown, so make a new one per turn.
///
/// [`cancel`](Self::cancel) costs two stores and never waits. ONNX Runtime looks at the switch between the nodes of a graph, so a run ends
/// when its current node does.
///
/// ```
/// use duologue_native::onnx::Cancel;
///
/// let cancel = Cancel::new();
/// let other = cancel.clone();
/// other.cancel();
/// assert!(cancel.is_cancelled());
/// assert!(!Cancel::never().is_cancelled());
/// ```
#[derive(Clone)]
pub struct Cancel(Option<Arc<Switch>>);

#[derive(Default)]
struct Switch {
    thrown: AtomicBool,
    /// Made by the first run, because it needs the library to be loaded.
    options: OnceLock<RunOptions>,
}

impl Cancel {
    /// A switch that is not thrown.
    pub fn new() -> Self {
        Self(Some(Arc::default()))
    }

    /// A switch that cannot be thrown, for runs that nobody cancels; costs nothing.
    pub const fn never() -> Self {
        Self(None)
    }

    /// Throws the switch: runs in progress end with [`ErrorKind::Cancelled`] and later ones don't begin. Does nothing on a
    /// [`never`](Self::never) switch.
    pub fn cancel(&self) {
        let Some(switch) = &self.0 else { return };
        switch.thrown.store(true, Ordering::Relaxed);
        // Pairs with the fence in `begin`: either this thread sees the options, or the runner sees that the switch is thrown.
        fence(Ordering::SeqCst);
        if let Some(options) = switch.options.get() {
            // It cannot fail: it stores a flag. Were it to fail, the run would end by itself and later ones would not begin.
            let _ = options.terminate();
        }
    }

    /// Whether the switch is thrown.
    pub fn is_cancelled(&self) -> bool {
        self.0.as_ref().is_some_and(|switch| switch.thrown.load(Ordering::Acquire))
    }

    /// What a run passes to ONNX Runtime; `None` for a switch that cannot be thrown.
    pub(super) fn begin(&self) -> Result<Option<&RunOptions>> {
        let Some(switch) = &self.0 else { return Ok(None) };
        let options = match switch.options.get() {
            Some(options) => options,
            None => {
                let new = RunOptions::new().map_err(|e| api::runtime(&e))?;
                switch.options.get_or_init(|| new)
            }
        };
        fence(Ordering::SeqCst);
        if switch.thrown.load(Ordering::Relaxed) {
            return Err(cancelled());
        }
        Ok(Some(options))
    }

    /// The error of a run that failed while the switch was thrown.
    pub(super) fn explain(&self, error: Error) -> Error {
        if self.is_cancelled() { cancelled() } else { error }
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cancel").field(&self.is_cancelled()).finish()
    }
}

impl Default for Cancel {
    fn default() -> Self {
        Self::new()
    }
}

fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "the run was cancelled")
}
