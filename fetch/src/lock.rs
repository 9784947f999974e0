//! One process at a time may write to a directory of the cache.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use crate::{
    error::{Error, ErrorKind, Result},
    options::FetchOptions,
    progress::{self, Progress},
    work::WorkDir,
};

const FILE: &str = ".lock";
/// Longer than a fetch may take, so that waiting for another process's fetch never ends early.
const DEADLINE: Duration = Duration::from_secs(20 * 60);
const PAUSE: Duration = Duration::from_millis(50);

/// Holds the lock until dropped; the system frees it when a process dies.
pub(crate) struct Lock(#[expect(dead_code, reason = "the open file is the lock")] Option<File>);

/// Waits for the lock of `root`.
pub(crate) fn acquire(root: &Path, options: &FetchOptions) -> Result<Lock> {
    let path = root.join(FILE);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|e| Error::io("cannot open", &path, e))?;
    let start = Instant::now();
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => {
                remove_leftovers(root);
                return Ok(Lock(Some(file)));
            }
            // Some network file systems have no locks; the rename into place still keeps readers safe.
            Err(TryLockError::Error(_)) => return Ok(Lock(None)),
            Err(TryLockError::WouldBlock) if start.elapsed() > DEADLINE => {
                let minutes = DEADLINE.as_secs() / 60;
                let message = format!("another process has held {} for {minutes} minutes", path.display());
                return Err(Error::new(ErrorKind::Timeout, message).with_remedy("end it and try again"));
            }
            Err(TryLockError::WouldBlock) => {
                if !told {
                    progress::tell(options, Progress::Waiting);
                    told = true;
                }
                thread::sleep(PAUSE);
            }
        }
    }
}

/// Removes the work directories of processes that died: whoever holds the lock is the only living one.
fn remove_leftovers(root: &Path) {
    let Ok(entries) = fs::read_dir(root) else { return };
    for entry in entries.flatten().filter(|e| WorkDir::is_one(&e.file_name())) {
        // Best effort: what stays is tried again next time.
        let _ = fs::remove_dir_all(entry.path());
    }
}
