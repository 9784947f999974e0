//! Fetches a wheel with the user's pip, which knows the user's index, proxy and certificates.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    error::{Error, ErrorKind},
    options::LoadOptions,
    wheel::Wheel,
};

/// A wheel of 17 MB in this time needs 30 kB/s.
const DEADLINE: Duration = Duration::from_secs(10 * 60);
const PAUSE: Duration = Duration::from_millis(10);

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

/// Downloads the wheel into `work`; pip checks the SHA-256 itself.
pub(crate) fn download(
    wheel: &Wheel<'_>,
    work: &Path,
    options: &LoadOptions,
) -> std::result::Result<PathBuf, Failure> {
    let (requirements, log) = (work.join("requirements.txt"), work.join("pip.log"));
    let pinned = format!("{}=={} --hash=sha256:{}\n", wheel.package, wheel.version, wheel.sha256);
    fs::write(&requirements, pinned).map_err(|e| Error::io("cannot write", &requirements, &e))?;
    let stderr = File::create(&log).map_err(|e| Error::io("cannot create", &log, &e))?;
    let python = options.python();
    let child = Command::new(&python)
        .args([
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-input",
            "--disable-pip-version-check",
            "--retries",
            "2",
        ])
        .args([
            "--no-deps",
            "--only-binary=:all:",
            "--require-hashes",
            "--implementation",
            "py",
            "--abi",
            "none",
        ])
        .args(["--platform", wheel.tag, "--dest"])
        .arg(work)
        .arg("--requirement")
        .arg(&requirements)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr)
        .spawn()
        .map_err(|e| Failure::TryAnotherWay(format!("{} cannot be started: {e}", python.display())))?;
    let status = wait(child, &python)?;
    let said = String::from_utf8_lossy(&fs::read(&log).unwrap_or_default()).into_owned();
    if !status.success() {
        return Err(judge(&said, work));
    }
    let path = work.join(wheel.file_name());
    if path.is_file() {
        return Ok(path);
    }
    Err(Failure::TryAnotherWay(format!("pip delivered no {}", wheel.file_name())))
}

fn wait(mut child: Child, python: &Path) -> std::result::Result<ExitStatus, Failure> {
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if start.elapsed() < DEADLINE => thread::sleep(PAUSE),
            Ok(None) => {
                end(&mut child);
                return Err(Failure::TryAnotherWay(format!(
                    "pip took longer than {} minutes",
                    DEADLINE.as_secs() / 60
                )));
            }
            Err(e) => {
                end(&mut child);
                return Err(Failure::TryAnotherWay(format!("{} was lost: {e}", python.display())));
            }
        }
    }
}

fn end(child: &mut Child) {
    // It may have ended by itself in between; then there is nothing to kill, only to collect.
    let _ = child.kill();
    let _: io::Result<ExitStatus> = child.wait();
}

/// What pip's complaint means for the caller.
fn judge(said: &str, work: &Path) -> Failure {
    let lower = said.to_lowercase();
    let has = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
    let tail = last_lines(said);
    if has(&["do not match the hashes"]) {
        return Failure::Final(Error::new(
            ErrorKind::Corrupt,
            format!(
                "pip refused the package, because its SHA-256 is not the pinned one; try another index. pip said: {tail}"
            ),
        ));
    }
    // By number too, because the system's words are translated.
    if has(&[
        "errno 28]",
        "errno 27]",
        "errno 122]",
        "no space left",
        "file too large",
        "disk quota exceeded",
    ]) {
        return Failure::Final(Error::disk_full(work, tail));
    }
    Failure::TryAnotherWay(tail)
}

/// The end of pip's complaint, on one line, without the addresses' passwords.
fn last_lines(said: &str) -> String {
    let lines: Vec<_> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let tail = lines[lines.len().saturating_sub(3)..].join(" / ");
    crate::index::without_secrets(&tail)
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
        let shown = last_lines("WARNING: cannot reach https://me:secret@index.example/simple/x/");
        assert!(!shown.contains("secret"), "{shown}");
    }
}
