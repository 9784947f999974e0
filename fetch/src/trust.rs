//! Whether somebody else could change a file that is about to be loaded.
//!
//! A file counts as ours alone if it and every folder above it belong to this user or to the system's administrator (root), and none of them
//! is writable by others. A folder such as `/tmp`, in which everybody may write but only owners may rename (the sticky bit), is no danger to
//! what lies in a folder of ours below it. A group may write if it is the owner's private one, as most Linux distributions make it (group
//! number = user number). On Windows nothing is checked here: a user's folders are closed to others by default there.

use std::path::Path;

use crate::error::Result;

/// Whose files are accepted beside our own and root's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owners<'a> {
    /// Nobody's.
    Us,
    /// Those of the owner of this file: the program that runs already, say.
    AlsoOwnerOf(&'a Path),
    /// Everybody's: the user has named the place.
    Anybody,
}

/// Refuses `path` (a file or folder) if somebody else could change it.
///
/// # Errors
/// [`ErrorKind::Untrusted`](crate::ErrorKind::Untrusted), naming the file or folder and the remedy, and
/// [`ErrorKind::Io`](crate::ErrorKind::Io). What does not exist is no error.
#[cfg(not(unix))]
pub fn refuse_strangers(path: &Path, owners: Owners<'_>) -> Result<()> {
    let _ = (path, owners);
    Ok(())
}

/// Refuses `path` (a file or folder) if somebody else could change it.
///
/// # Errors
/// [`ErrorKind::Untrusted`](crate::ErrorKind::Untrusted), naming the file or folder and the remedy, and
/// [`ErrorKind::Io`](crate::ErrorKind::Io). What does not exist is no error.
#[cfg(unix)]
pub fn refuse_strangers(path: &Path, owners: Owners<'_>) -> Result<()> {
    use crate::error::Error;
    let real = match path.canonicalize() {
        Ok(real) => real,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::io("cannot resolve", path, e)),
    };
    let policy = unix::Policy::new(owners)?;
    real.ancestors().enumerate().try_for_each(|(depth, place)| policy.check(place, depth > 0))
}

#[cfg(unix)]
mod unix {
    use std::{
        fs::{self, Metadata},
        os::unix::fs::MetadataExt,
        path::Path,
    };

    use super::Owners;
    use crate::error::{Error, ErrorKind, Result};

    const ROOT: u32 = 0;
    const STICKY: u32 = 0o1000;
    const GROUP_WRITES: u32 = 0o020;
    const OTHERS_WRITE: u32 = 0o002;

    pub(super) struct Policy {
        us: u32,
        also: Option<u32>,
        anybody: bool,
    }

    impl Policy {
        pub(super) fn new(owners: Owners<'_>) -> Result<Self> {
            let also = match owners {
                Owners::AlsoOwnerOf(path) => Some(stat(path)?.uid()),
                Owners::Us | Owners::Anybody => None,
            };
            let us = rustix::process::geteuid().as_raw();
            Ok(Self { us, also, anybody: owners == Owners::Anybody })
        }

        /// `above` is whether what is to be loaded lies below `place`.
        pub(super) fn check(&self, place: &Path, above: bool) -> Result<()> {
            let meta = stat(place)?;
            let owner = meta.uid();
            if !self.anybody && owner != ROOT && owner != self.us && Some(owner) != self.also {
                return Err(untrusted(
                    place,
                    &format!("belongs to user {owner}, not to user {} or root", self.us),
                ));
            }
            match who_else_writes(&meta, above) {
                None => Ok(()),
                Some(who) => Err(untrusted(place, &format!("can be changed by {who}"))),
            }
        }
    }

    fn who_else_writes(meta: &Metadata, above: bool) -> Option<&'static str> {
        let mode = meta.mode();
        if above && mode & STICKY != 0 {
            return None;
        }
        if mode & OTHERS_WRITE != 0 {
            return Some("everybody");
        }
        let private = meta.gid() == meta.uid() || meta.gid() == ROOT;
        (mode & GROUP_WRITES != 0 && !private).then_some("its group")
    }

    fn stat(path: &Path) -> Result<Metadata> {
        fs::metadata(path).map_err(|e| Error::io("cannot read", path, e))
    }

    fn untrusted(path: &Path, why: &str) -> Error {
        let path = path.display();
        Error::new(ErrorKind::Untrusted, format!("{path} {why}, so what is in it is not loaded")).with_remedy(format!(
            "run `chmod go-w {path}` and `chown` it to yourself, or set DUOLOGUE_CACHE to a folder of your own"
        ))
    }

    #[cfg(test)]
    mod tests {
        use std::os::unix::fs::PermissionsExt;

        use tempfile::TempDir;

        use super::super::{Owners, refuse_strangers};
        use crate::error::ErrorKind;

        fn with_modes(folder: u32, file: u32) -> crate::error::Result<()> {
            let dir = TempDir::new().unwrap();
            let (inner, path) = (dir.path().join("inner"), dir.path().join("inner/file"));
            std::fs::create_dir(&inner).unwrap();
            std::fs::write(&path, "x").unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(file)).unwrap();
            std::fs::set_permissions(&inner, PermissionsExt::from_mode(folder)).unwrap();
            refuse_strangers(&path, Owners::Us)
        }

        #[test]
        fn what_everybody_may_write_is_refused() {
            for (folder, file) in [(0o755, 0o646), (0o757, 0o644), (0o777, 0o666)] {
                let error = with_modes(folder, file).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Untrusted);
                assert!(error.to_string().contains("chmod go-w"), "{error}");
            }
        }

        #[test]
        fn what_only_we_may_write_is_accepted() {
            with_modes(0o755, 0o644).unwrap();
            with_modes(0o700, 0o600).unwrap();
        }

        #[test]
        fn what_is_not_there_is_no_danger() {
            refuse_strangers("/nowhere/at/all".as_ref(), Owners::Us).unwrap();
        }

        #[test]
        fn what_belongs_to_somebody_else_is_refused() {
            if rustix::process::geteuid().as_raw() != super::ROOT {
                println!("SKIPPED: only root can give a file away");
                return;
            }
            let dir = TempDir::new().unwrap();
            let path = dir.path().join("file");
            std::fs::write(&path, "x").unwrap();
            std::os::unix::fs::chown(&path, Some(4_711), None).unwrap();
            let error = refuse_strangers(&path, Owners::Us).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Untrusted);
            assert!(error.to_string().contains("4711"), "{error}");
            refuse_strangers(&path, Owners::AlsoOwnerOf(&path)).unwrap();
            refuse_strangers(&path, Owners::Anybody).unwrap();
        }
    }
}
