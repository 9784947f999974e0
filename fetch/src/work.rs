//! Directories for half-finished work.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{error::Result, store};

/// A directory for half-finished work, removed when dropped. It lies beside the final place, so that a rename suffices.
pub(crate) struct WorkDir(PathBuf);

impl WorkDir {
    const PREFIX: &'static str = ".work-";

    pub(crate) fn new(root: &Path) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("{}{}-{}", Self::PREFIX, std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = root.join(name);
        store::create_dir(&path)?;
        Ok(Self(path))
    }

    pub(crate) fn is_one(name: &OsStr) -> bool {
        name.to_str().is_some_and(|name| name.starts_with(Self::PREFIX))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        // Best effort: the next holder of the lock removes what stays.
        let _ = fs::remove_dir_all(&self.0);
    }
}
