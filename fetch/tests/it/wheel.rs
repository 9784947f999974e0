//! Files out of wheels, from an index on this machine.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::Ordering,
    thread,
    time::Duration,
};

use duologue_fetch::{ErrorKind, FetchOptions, Patience, SILERO_VAD, WheelFile, fetch_wheel_file};
use tempfile::TempDir;

use crate::{
    child,
    index::{Behaviour, Index, MEMBER, Package},
};

/// Pauses too short to wait for.
fn quick() -> Patience {
    Patience { pause: Duration::from_millis(1), ..Patience::default() }
}

/// No Python, so that this crate asks the index itself.
fn without_python(index_url: &str) -> FetchOptions {
    FetchOptions {
        python: Some("/nonexistent/python3".into()),
        index_url: Some(index_url.to_owned()),
        patience: quick(),
        ..FetchOptions::default()
    }
}

fn leftovers(dir: &TempDir) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path());
    entries.filter(|path| path.file_name().is_none_or(|name| name != ".lock")).collect()
}

#[test]
fn machine_without_python_is_no_dead_end() {
    for behaviour in [Behaviour::Html, Behaviour::Json] {
        let (package, dir) = (Package::new(10_000), TempDir::new().unwrap());
        let index = package.serve(behaviour);
        let options = without_python(&index.url);
        let path = fetch_wheel_file(&package.file(), dir.path(), &options).unwrap();
        assert_eq!(fs::read(&path).unwrap(), package.content, "{behaviour:?}");
        assert_eq!(leftovers(&dir), [path]);
        fetch_wheel_file(&package.file(), dir.path(), &options).unwrap();
        assert_eq!(index.downloads.load(Ordering::Relaxed), 1, "fetched again");
    }
}

#[test]
fn bad_download_leaves_nothing_behind() {
    let cases = [
        (Behaviour::WrongBytes, ErrorKind::Corrupt, "SHA-256"),
        (Behaviour::Truncated, ErrorKind::Network, "cannot fetch"),
        (Behaviour::TruncatedSilently, ErrorKind::Corrupt, "SHA-256"),
        (Behaviour::NotFound, ErrorKind::NotFound, "404"),
        (Behaviour::OtherVersion, ErrorKind::NotFound, "has no duo_test-1.0"),
    ];
    for (behaviour, kind, word) in cases {
        let (package, dir) = (Package::new(100_000), TempDir::new().unwrap());
        let index = package.serve(behaviour);
        let error = fetch_wheel_file(&package.file(), dir.path(), &without_python(&index.url)).unwrap_err();
        assert_eq!(error.kind(), kind, "{behaviour:?}: {error}");
        assert!(error.to_string().contains(word), "{behaviour:?}: {error}");
        assert_eq!(leftovers(&dir), [] as [PathBuf; 0], "{behaviour:?}");
    }
}

#[test]
fn wrong_member_is_refused() {
    let (package, dir) = (Package::new(1_000), TempDir::new().unwrap());
    let index = package.serve(Behaviour::Html);
    let other = "0".repeat(64);
    for file in [
        WheelFile { member_sha256: &other, ..package.file() },
        WheelFile { member: "duo_test/nothing", ..package.file() },
    ] {
        let error = fetch_wheel_file(&file, dir.path(), &without_python(&index.url)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert_eq!(leftovers(&dir), [] as [PathBuf; 0]);
    }
}

#[test]
fn damaged_file_is_not_kept() {
    let (package, dir) = (Package::new(1_000), TempDir::new().unwrap());
    let options = without_python(&package.serve(Behaviour::Html).url);
    let path = fetch_wheel_file(&package.file(), dir.path(), &options).unwrap();
    fs::write(&path, "damaged").unwrap();
    fetch_wheel_file(&package.file(), dir.path(), &options).unwrap();
    assert_eq!(fs::read(&path).unwrap(), package.content);
}

#[test]
fn closed_port_is_a_network_error() {
    // Bound and dropped: nobody listens there now.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (package, dir) = (Package::new(1_000), TempDir::new().unwrap());
    let options = without_python(&format!("http://me:secret@127.0.0.1:{port}/simple"));
    let error = fetch_wheel_file(&package.file(), dir.path(), &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network, "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[test]
fn offline_opens_no_socket() {
    let (package, dir) = (Package::new(1_000), TempDir::new().unwrap());
    let index = package.serve(Behaviour::Html);
    let options = FetchOptions { offline: true, ..without_python(&index.url) };
    assert_eq!(
        fetch_wheel_file(&package.file(), dir.path(), &options).unwrap_err().kind(),
        ErrorKind::Offline
    );
    assert_eq!(index.downloads.load(Ordering::Relaxed), 0);
}

#[test]
fn racing_fetches_do_not_fetch_twice_or_fail() {
    let (package, dir) = (Package::new(200_000), TempDir::new().unwrap());
    let index = package.serve(Behaviour::Html);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                fetch_wheel_file(&package.file(), dir.path(), &without_python(&index.url)).unwrap()
            });
        }
    });
    assert_eq!(index.downloads.load(Ordering::Relaxed), 1);
}

#[test]
fn silero_pins_are_not_stale() {
    let dir = TempDir::new().unwrap();
    match fetch_wheel_file(&SILERO_VAD, dir.path(), &FetchOptions::default()) {
        Ok(path) => assert_eq!(fs::metadata(path).unwrap().len(), 1_289_603),
        Err(e) if matches!(e.kind(), ErrorKind::Network | ErrorKind::Offline) => println!("SKIPPED: {e}"),
        Err(e) => panic!("{e}"),
    }
}

/// Not a test by itself: fetches the package that the parent serves, into the parent's directory.
#[test]
#[ignore = "run by other tests of this file"]
fn child_fetches() {
    if !child::is_one() {
        return;
    }
    let variable = |name: &str| std::env::var(name).unwrap();
    let (wheel_sha256, member_sha256) = (variable("TEST_WHEEL"), variable("TEST_MEMBER"));
    let file = WheelFile {
        package: "duo-test",
        version: "1.0",
        wheel_sha256: &wheel_sha256,
        member: MEMBER,
        member_sha256: &member_sha256,
    };
    let options = FetchOptions {
        python: std::env::var_os("TEST_PYTHON").map(PathBuf::from),
        index_url: Some(variable("PIP_INDEX_URL")),
        ..FetchOptions::default()
    };
    let fetched = fetch_wheel_file(&file, variable("TEST_DIR").as_ref(), &options);
    child::tell(fetched.map_err(|e| format!("{:?} {e}", e.kind())));
}

/// Lets a child fetch `package`; `shell` is what a shell does before, if anything, with `$DIR` as the directory.
fn fetch_in_child(
    package: &Package,
    behaviour: Behaviour,
    python: Option<&str>,
    shell: Option<&str>,
) -> (String, TempDir) {
    let (index, dir) = (package.serve(behaviour), TempDir::new().unwrap());
    let mut command = match shell {
        None => child::command("wheel::child_fetches"),
        Some(before) => {
            let mut command = std::process::Command::new("sh");
            command
                .args(["-c", &format!("{before} && exec \"$0\" \"$@\"")])
                .arg(std::env::current_exe().unwrap());
            child::prepare(&mut command, "wheel::child_fetches");
            command
        }
    };
    configure(&mut command, package, &index, dir.path());
    if let Some(python) = python {
        command.env("TEST_PYTHON", python);
    }
    (child::outcome(&mut command), dir)
}

/// Tells a child what to fetch, from where, and where to put it.
pub fn configure(command: &mut std::process::Command, package: &Package, index: &Index, dir: &Path) {
    command
        .env("TEST_WHEEL", &package.wheel_sha256)
        .env("TEST_MEMBER", &package.member_sha256)
        .env("TEST_DIR", dir)
        .env("DIR", dir)
        .env("PIP_INDEX_URL", &index.url)
        .env("PIP_NO_CACHE_DIR", "1")
        .env("PIP_RETRIES", "0")
        .env_remove("PIP_FIND_LINKS")
        .env_remove("PIP_EXTRA_INDEX_URL");
}

/// A Python with pip, or `None` (said aloud).
pub fn pip() -> Option<&'static str> {
    let python = if cfg!(windows) { "python" } else { "python3" };
    let runs = std::process::Command::new(python)
        .args(["-m", "pip", "--version"])
        .output()
        .is_ok_and(|o| o.status.success());
    if !runs {
        println!("SKIPPED: {python} has no pip");
    }
    runs.then_some(python)
}

#[test]
fn pip_is_not_passed_over() {
    let Some(python) = pip() else { return };
    let package = Package::new(10_000);
    let (outcome, dir) = fetch_in_child(&package, Behaviour::Html, Some(python), None);
    assert_eq!(outcome, "Ok");
    assert_eq!(fs::read(dir.path().join("model.onnx")).unwrap(), package.content);
}

#[test]
fn pip_with_a_changed_package_is_refused() {
    let Some(python) = pip() else { return };
    let mut package = Package::new(10_000);
    package.wheel_sha256 = "0".repeat(64);
    let (outcome, dir) = fetch_in_child(&package, Behaviour::Html, Some(python), None);
    assert!(outcome.starts_with("Corrupt"), "{outcome}");
    assert_eq!(leftovers(&dir), [] as [PathBuf; 0]);
}

#[test]
fn python_without_pip_is_no_dead_end() {
    if cfg!(windows) {
        println!("SKIPPED: needs a shell script");
        return;
    }
    let script = TempDir::new().unwrap();
    let python = script.path().join("python3");
    fs::write(&python, "#!/bin/sh\necho \"$0: No module named pip\" >&2\nexit 1\n").unwrap();
    #[cfg(unix)]
    fs::set_permissions(&python, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let (outcome, _dir) = fetch_in_child(&Package::new(1_000), Behaviour::Html, python.to_str(), None);
    assert_eq!(outcome, "Ok");
}

#[test]
#[cfg(unix)]
fn full_disk_is_named_and_leaves_nothing_behind() {
    let package = Package::new(3_000_000);
    // A limit on the size of files stands in for a full disk; it is given in blocks of 512 or 1024 bytes.
    let limited = "trap '' XFSZ && ulimit -f 1024";
    for python in [Some("/nonexistent/python3"), pip()].into_iter().flatten() {
        let (outcome, dir) = fetch_in_child(&package, Behaviour::Html, Some(python), Some(limited));
        assert!(outcome.starts_with("DiskFull"), "{python}: {outcome}");
        assert!(outcome.contains("DUOLOGUE_CACHE"), "{outcome}");
        assert_eq!(leftovers(&dir), [] as [PathBuf; 0], "{python}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn full_file_system_is_named() {
    let may_mount = std::process::Command::new("unshare")
        .args(["-rm", "sh", "-c", "mount -t tmpfs -o size=1m none /mnt"])
        .output()
        .is_ok_and(|o| o.status.success());
    if !may_mount {
        println!("SKIPPED: no small file system may be mounted here");
        return;
    }
    let package = Package::new(3_000_000);
    // The shell runs in its own mount name space, so the directory is full for the child alone.
    for python in [Some("/nonexistent/python3"), pip()].into_iter().flatten() {
        let (index, dir) = (package.serve(Behaviour::Html), TempDir::new().unwrap());
        let mut command = std::process::Command::new("unshare");
        command.args([
            "-rm",
            "sh",
            "-c",
            "mount -t tmpfs -o size=1m none \"$TEST_DIR\" && exec \"$0\" \"$@\"",
        ]);
        command.arg(std::env::current_exe().unwrap());
        child::prepare(&mut command, "wheel::child_fetches");
        command
            .env("TEST_WHEEL", &package.wheel_sha256)
            .env("TEST_MEMBER", &package.member_sha256)
            .env("TEST_DIR", dir.path())
            .env("TEST_PYTHON", python)
            .env("PIP_INDEX_URL", &index.url)
            .env("PIP_NO_CACHE_DIR", "1");
        let outcome = child::outcome(&mut command);
        assert!(outcome.starts_with("DiskFull"), "{python}: {outcome}");
    }
}
