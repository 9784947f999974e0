//! Fetches a wheel with the user's pip, which knows the user's index, proxy and certificates.
//!
//! Python runs isolated (`-I`) and in the work folder: neither a `pip.py` of the current directory nor `PYTHONPATH` is run. Its parent's end,
//! by whatever signal, ends it, and the work folder goes with it (`guarded_pip.py`).

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    child,
    error::{Error, ErrorKind},
    options::FetchOptions,
    wheel::Wheel,
};

const SCRIPT: &str = include_str!("guarded_pip.py");

/// Why pip did not deliver.
pub(crate) enum Failure {
    /// Another way would fail too, or must not be tried.
    Final(Error),
    /// There is no Python, no pip, or pip could not reach its index.
    TryAnotherWay(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

impl From<child::Failure> for Failure {
    fn from(failure: child::Failure) -> Self {
        match failure {
            child::Failure::Ours(error) => Self::Final(error),
            child::Failure::Theirs(why) => Self::TryAnotherWay(why),
        }
    }
}

/// Downloads the wheel into `work`; pip checks the SHA-256 itself.
pub(crate) fn download(wheel: &Wheel<'_>, work: &Path, options: &FetchOptions) -> Result<PathBuf, Failure> {
    let work = std::path::absolute(work).map_err(|e| Error::io("cannot resolve", work, e))?;
    let requirements = work.join("requirements.txt");
    let pinned = format!("{}=={} --hash=sha256:{}\n", wheel.package, wheel.version, wheel.sha256);
    fs::write(&requirements, pinned).map_err(|e| Error::io("cannot write", &requirements, e))?;
    let mut command = Command::new(child::program(&options.python()));
    command
        .args(["-I", "-c", SCRIPT])
        .arg(&work)
        .args(["download", "--quiet", "--no-input", "--disable-pip-version-check", "--retries", "2"])
        .args(["--no-deps", "--only-binary=:all:", "--require-hashes"])
        .args(["--implementation", "py", "--abi", "none", "--platform", wheel.tag])
        .arg("--dest")
        .arg(&work)
        .arg("--requirement")
        .arg(&requirements);
    let outcome = child::run(command, &work)?;
    if !outcome.status.success() {
        return Err(judge(&outcome.said, &work));
    }
    let path = work.join(wheel.file_name());
    if path.is_file() {
        return Ok(path);
    }
    Err(Failure::TryAnotherWay(format!("pip delivered no {}", wheel.file_name())))
}

/// What pip's complaint means for the caller.
fn judge(said: &str, work: &Path) -> Failure {
    let tail = child::last_lines(said);
    if said.to_lowercase().contains("do not match the hashes") {
        let message = format!("pip refused the package, because its SHA-256 is not the pinned one: {tail}");
        return Failure::Final(Error::new(ErrorKind::Corrupt, message).with_remedy("try another index"));
    }
    if child::tells_full_disk(said) {
        return Failure::Final(Error::disk_full(work, tail));
    }
    Failure::TryAnotherWay(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(said: &str) -> Option<ErrorKind> {
        match judge(said, Path::new("/somewhere")) {
            Failure::Final(error) => Some(error.kind()),
            Failure::TryAnotherWay(_) => None,
        }
    }

    #[test]
    fn full_disk_is_not_called_a_network_error() {
        assert_eq!(
            kind("ERROR: Could not install: [Errno 28] No space left on device"),
            Some(ErrorKind::DiskFull)
        );
    }

    #[test]
    fn changed_package_is_not_fetched_another_way() {
        let said = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.";
        assert_eq!(kind(said), Some(ErrorKind::Corrupt));
    }

    #[test]
    fn python_without_pip_is_no_dead_end() {
        assert_eq!(kind("/usr/bin/python3: No module named pip"), None);
    }

    #[test]
    fn password_in_an_index_address_is_not_shown() {
        let shown = child::last_lines("WARNING: cannot reach https://me:secret@index.example/simple/x/");
        assert!(!shown.contains("secret"), "{shown}");
    }
}
