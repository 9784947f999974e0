//! What several test files need.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::path::PathBuf;

use duologue_native as native;

/// The libraries, or `None` (said aloud) on a machine that has none and cannot fetch them.
pub fn natives() -> Option<&'static native::Natives> {
    match native::load() {
        Ok(natives) => Some(natives),
        Err(e)
            if matches!(
                e.kind(),
                native::ErrorKind::Network
                    | native::ErrorKind::Offline
                    | native::ErrorKind::UnsupportedPlatform
            ) =>
        {
            println!("SKIPPED: {e}");
            None
        }
        Err(e) => panic!("{:?}: {e}", e.kind()),
    }
}

/// A file or directory of the shared material, or `None` (said aloud) where it is absent.
pub fn shared(path: &str) -> Option<PathBuf> {
    let full = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")).join(path);
    if !full.exists() {
        println!("SKIPPED: {} is not here", full.display());
        return None;
    }
    Some(full)
}
