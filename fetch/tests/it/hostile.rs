//! What must not happen: code of the current directory that is run, processes and folders that outlive us, strangers who change files.
#![cfg(unix)]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use duologue_fetch::{
    ErrorKind, Pin, Verifier,
    trust::{Owners, refuse_strangers},
};
use tempfile::TempDir;

use crate::{
    child,
    index::{Behaviour, Package},
    wheel::{configure, pip},
};

#[test]
fn no_module_of_the_current_directory_is_run() {
    let Some(python) = pip() else { return };
    let (package, here, dir) = (Package::new(10_000), TempDir::new().unwrap(), TempDir::new().unwrap());
    let index = package.serve(Behaviour::Html);
    for module in ["pip", "runpy", "shutil", "threading", "sitecustomize"] {
        let trap = format!("open({:?}, 'w').close()\n", here.path().join("trapped"));
        fs::write(here.path().join(format!("{module}.py")), trap).unwrap();
    }
    let mut command = child::command("wheel::child_fetches");
    configure(&mut command, &package, &index, dir.path());
    command.env("TEST_PYTHON", python).env("PYTHONPATH", here.path()).current_dir(here.path());
    assert_eq!(child::outcome(&mut command), "Ok");
    assert!(!here.path().join("trapped").exists(), "a module of the current directory was run");
}

#[test]
fn end_by_signal_ends_pip_and_removes_the_work_folder() {
    let Some(python) = pip() else { return };
    // Who starts the tests in the background may have told them to ignore INT, and so their children.
    let signals =
        [("TERM", 15), ("INT", 2), ("KILL", 9)].into_iter().filter(|(_, number)| !is_ignored(*number));
    for (signal, _) in signals {
        let (package, dir) = (Package::new(100_000), TempDir::new().unwrap());
        let index = package.serve(Behaviour::Stalls);
        let mut command = child::command("wheel::child_fetches");
        configure(&mut command, &package, &index, dir.path());
        command.env("TEST_PYTHON", python).stdout(Stdio::null()).stderr(Stdio::null());
        let mut fetching = command.spawn().unwrap();
        // The index has been asked for the file, so pip is in the midst of it.
        index.asked.recv_timeout(Duration::from_secs(60)).expect("pip never asked");
        let pid = fetching.id().to_string();
        assert!(!work_folders(dir.path()).is_empty());
        assert!(Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap().success());
        fetching.wait().unwrap();
        // The last thing that pip's process does is to remove the folder.
        let deadline = Instant::now() + Duration::from_secs(30);
        while !work_folders(dir.path()).is_empty() {
            assert!(Instant::now() < deadline, "{signal}: {:?} is left", work_folders(dir.path()));
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Whether this process, and so its children, ignores the signal of that number. Where that is not told: no.
fn is_ignored(number: u32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask =
        status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    mask.unwrap_or(0) >> (number - 1) & 1 == 1
}

fn work_folders(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(".work-")).collect()
}

#[test]
fn folder_above_that_everybody_may_write_is_refused() {
    let dir = TempDir::new().unwrap();
    let inner = dir.path().join("open/closed");
    fs::create_dir_all(&inner).unwrap();
    fs::write(inner.join("lib.so"), "x").unwrap();
    refuse_strangers(&inner.join("lib.so"), Owners::Us).unwrap();
    fs::set_permissions(dir.path().join("open"), PermissionsExt::from_mode(0o777)).unwrap();
    let error = refuse_strangers(&inner.join("lib.so"), Owners::Us).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Untrusted);
    assert!(error.to_string().contains("/open can be changed by everybody"), "{error}");
}

#[test]
fn stamp_of_a_file_vouches_for_no_other() {
    let (cache, dir) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (verifier, path) = (Verifier::new(cache.path()), dir.path().join("model"));
    fs::write(&path, "right").unwrap();
    let sum = crate::index::sum(b"right");
    let pin = Pin { bytes: 5, sha256: &sum };
    verifier.check(&path, pin).unwrap();
    // Another file under the same name, of the same size: another inode.
    fs::write(dir.path().join("other"), "wrong").unwrap();
    fs::rename(dir.path().join("other"), &path).unwrap();
    assert_eq!(verifier.check(&path, pin).unwrap_err().kind(), ErrorKind::Corrupt);
}
