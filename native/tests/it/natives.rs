//! Finding, fetching and loading the two libraries. Each load happens in a process of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use duologue_fetch::FetchOptions;
use duologue_native::{ErrorKind, LoadOptions, Source, fetch, load, load_with, locate, verify};
use tempfile::TempDir;

#[cfg(unix)]
use crate::compile::compile;
use crate::{child, common};

/// The directory of the cache that holds the libraries, or `None` (said aloud) where there is none and no network, or where the environment
/// names another directory.
fn filled() -> Option<PathBuf> {
    let natives = common::natives()?;
    if natives.source() != Source::Cache {
        println!("SKIPPED: the libraries are not from the cache, but {}", natives.source());
        return None;
    }
    Some(natives.dir().to_owned())
}

fn libraries(dir: &Path) -> Vec<PathBuf> {
    let is_library =
        |path: &PathBuf| path.extension().is_some_and(|e| e == "so" || e == "dylib" || e == "dll");
    let mut all: Vec<_> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).filter(is_library).collect();
    all.sort();
    all
}

/// Copies both libraries into a directory.
fn copy_to(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for path in libraries(from) {
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

/// A cache root that holds a copy of the fetched directory under its own name.
fn copied_cache(from: &Path) -> (TempDir, PathBuf) {
    let root = TempDir::new().unwrap();
    let dir = root.path().join("natives").join(from.file_name().unwrap());
    copy_to(from, &dir);
    (root, dir)
}

/// Options with this cache.
fn cached_in(cache: &Path) -> LoadOptions {
    FetchOptions { cache: Some(cache.into()), ..FetchOptions::default() }.into()
}

/// The same without a network.
fn offline(options: &LoadOptions) -> LoadOptions {
    let fetch = FetchOptions { offline: true, ..options.fetch.clone() };
    LoadOptions { fetch, ..options.clone() }
}

/// Not a test by itself: loads with the environment that the parent gives.
#[test]
#[ignore = "run by other tests of this file"]
fn child_loads() {
    if !child::is_one() {
        return;
    }
    let first = load();
    if let Ok(natives) = &first {
        assert_eq!((natives.ort_version(), natives.sherpa_version()), ("1.28.2", "2.0.1"));
        assert!(natives.ort_path().is_file() && natives.sherpa_path().is_file());
        println!("\nSOURCE {:?}", natives.source());
        assert!(std::ptr::eq(load().unwrap(), *natives), "loaded twice");
    }
    child::tell(first.map_err(|e| format!("{:?} {e}", e.kind())));
}

fn load_in_child(steer: impl FnOnce(&mut Command)) -> String {
    let mut command = child::command("natives::child_loads");
    steer(&mut command);
    child::outcome(&mut command)
}

#[test]
fn missing_libraries_are_named_when_offline() {
    let cache = TempDir::new().unwrap();
    let outcome = load_in_child(|c| {
        c.env("DUOLOGUE_CACHE", cache.path()).env("DUOLOGUE_OFFLINE", "1");
    });
    assert!(outcome.starts_with("Offline"), "{outcome}");
    for word in ["duologue fetch", "DUOLOGUE_NATIVES", cache.path().to_str().unwrap()] {
        assert!(outcome.contains(word), "{word}: {outcome}");
    }
    assert!(fs::read_dir(cache.path()).unwrap().next().is_none(), "offline wrote to the cache");
}

#[test]
fn named_directory_without_libraries_is_named_and_nothing_is_fetched() {
    let (dir, cache) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let outcome = load_in_child(|c| {
        c.env("DUOLOGUE_NATIVES", dir.path()).env("DUOLOGUE_CACHE", cache.path());
    });
    assert!(outcome.starts_with("NativesMissing"), "{outcome}");
    assert!(
        outcome.contains("DUOLOGUE_NATIVES") && outcome.contains(dir.path().to_str().unwrap()),
        "{outcome}"
    );
    assert!(fs::read_dir(cache.path()).unwrap().next().is_none());
}

#[test]
fn named_directory_is_not_passed_over() {
    let Some(from) = filled() else { return };
    let (dir, cache) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    copy_to(&from, dir.path());
    let outcome = load_in_child(|c| {
        c.env("DUOLOGUE_NATIVES", dir.path()).env("DUOLOGUE_CACHE", cache.path());
    });
    assert_eq!(outcome, "Ok");
}

#[test]
#[cfg(unix)]
fn library_of_another_version_is_refused() {
    let Some(from) = filled() else { return };
    let ort = |version: &str| {
        format!(
            "struct base {{ void *api; const char *(*version)(void); }};\n\
             static const char *version(void) {{ return \"{version}\"; }}\n\
             static const struct base base = {{ 0, version }};\n\
             const struct base *OrtGetApiBase(void) {{ return &base; }}\n"
        )
    };
    let sherpa =
        |version: &str| format!("const char *SherpaOnnxGetVersionStr(void) {{ return \"{version}\"; }}\n");
    let cases = [
        ("onnxruntime", ort("1.27.0"), "1.27.0"),
        ("onnxruntime", "int nothing;\n".to_owned(), "OrtGetApiBase"),
        ("sherpa", sherpa("1.12.9"), "1.12.9"),
        ("sherpa", "int nothing;\n".to_owned(), "SherpaOnnxGetVersionStr"),
        // Says it is the right one, and lacks every function.
        ("sherpa", sherpa("2.0.1"), "SherpaOnnx"),
    ];
    for (name, source, word) in cases {
        let dir = TempDir::new().unwrap();
        copy_to(&from, dir.path());
        let library = libraries(dir.path()).into_iter().find(|p| p.to_str().unwrap().contains(name)).unwrap();
        fs::remove_file(&library).unwrap();
        if compile(&source, &library).is_none() {
            return;
        }
        let outcome = load_in_child(|c| {
            c.env("DUOLOGUE_NATIVES", dir.path());
        });
        assert!(outcome.starts_with("WrongVersion") && outcome.contains(word), "{source}{outcome}");
        assert!(outcome.contains("1.28.2") || outcome.contains("2.0.1"), "{outcome}");
    }
}

#[test]
fn file_that_is_no_library_is_refused() {
    let Some(from) = filled() else { return };
    for at in 0..2 {
        let dir = TempDir::new().unwrap();
        copy_to(&from, dir.path());
        let library = &libraries(dir.path())[at];
        fs::write(library, "no library").unwrap();
        let outcome = load_in_child(|c| {
            c.env("DUOLOGUE_NATIVES", dir.path());
        });
        assert!(outcome.starts_with("WrongVersion"), "{outcome}");
        assert!(outcome.contains(library.to_str().unwrap()), "{outcome}");
    }
}

#[test]
fn failure_is_not_remembered() {
    let Some(from) = filled() else { return };
    let bad = TempDir::new().unwrap();
    let error = locate(&LoadOptions { dir: Some(bad.path().into()), ..LoadOptions::default() }).unwrap();
    assert!(error.found().is_none());
    // This process has loaded already; a later call returns that, whatever it names.
    let again = load_with(&LoadOptions { dir: Some(bad.path().into()), ..LoadOptions::default() }).unwrap();
    assert_eq!(again.dir(), from);
}

#[test]
fn damaged_cache_is_repaired() {
    let Some(from) = filled() else { return };
    let (root, dir) = copied_cache(&from);
    let options = cached_in(root.path());
    assert_eq!(fetch(&options).unwrap(), dir, "a copied cache was not accepted");
    for damage in [truncate as fn(&Path), flip_a_byte, |path| fs::remove_file(path).unwrap()] {
        damage(&libraries(&dir)[0]);
        let search = locate(&options).unwrap();
        let problem = search.candidates.last().unwrap().problem.as_ref().expect("damage was not noticed");
        assert!(matches!(problem.kind(), ErrorKind::Corrupt | ErrorKind::NativesMissing), "{problem}");
        let offline = fetch(&offline(&options)).unwrap_err();
        assert!(matches!(offline.kind(), ErrorKind::Corrupt | ErrorKind::Offline), "{offline}");
        match fetch(&options) {
            Ok(repaired) => assert_eq!(repaired, dir),
            Err(e) if e.kind() == ErrorKind::Network => return println!("SKIPPED: {e}"),
            Err(e) => panic!("{e}"),
        }
        verify(&dir, &options).unwrap();
    }
}

fn truncate(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}

fn flip_a_byte(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn program_moved_with_its_libraries_needs_no_cache() {
    let Some(from) = filled() else { return };
    for (bin, libs, source) in [("bin", "bin", Source::BesideExecutable), ("bin", "lib", Source::Lib)] {
        let (root, cache) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        fs::create_dir(root.path().join(bin)).unwrap();
        copy_to(&from, &root.path().join(libs));
        let program = root.path().join(bin).join("program");
        fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        let mut command = Command::new(program);
        child::prepare(&mut command, "natives::child_loads");
        command.env("DUOLOGUE_CACHE", cache.path()).env("DUOLOGUE_OFFLINE", "1");
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            text.contains(&format!("SOURCE {source:?}")),
            "{text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn processes_racing_on_an_empty_cache_do_not_fail() {
    let cache = TempDir::new().unwrap();
    let children: Vec<_> = (0..3)
        .map(|_| {
            let mut command = child::command("natives::child_loads");
            command.env("DUOLOGUE_CACHE", cache.path());
            std::thread::spawn(move || child::outcome(&mut command))
        })
        .collect();
    for outcome in children.into_iter().map(|c| c.join().unwrap()) {
        if outcome.starts_with("Network") {
            return println!("SKIPPED: {outcome}");
        }
        assert_eq!(outcome, "Ok");
    }
    // The lock, and one directory: no process left work behind.
    assert_eq!(fs::read_dir(cache.path().join("natives")).unwrap().count(), 2);
}

#[test]
fn killed_fetch_leaves_no_obstacle() {
    let Some(from) = filled() else { return };
    let (root, dir) = copied_cache(&from);
    let left = root.path().join("natives").join(".work-1-0");
    fs::create_dir_all(left.join("new")).unwrap();
    fs::remove_file(&libraries(&dir)[0]).unwrap();
    match fetch(&cached_in(root.path())) {
        Ok(_) => assert!(!left.exists()),
        Err(e) if e.kind() == ErrorKind::Network => println!("SKIPPED: {e}"),
        Err(e) => panic!("{e}"),
    }
}

#[test]
fn machine_without_python_can_fetch() {
    let cache = TempDir::new().unwrap();
    let options = LoadOptions::from(FetchOptions {
        cache: Some(cache.path().into()),
        python: Some("/nonexistent/python3".into()),
        ..FetchOptions::default()
    });
    match fetch(&options) {
        Ok(dir) => verify(&dir, &options).unwrap(),
        Err(e) if e.kind() == ErrorKind::Network => println!("SKIPPED: {e}"),
        Err(e) => panic!("{:?} {e}", e.kind()),
    }
}

#[test]
#[cfg(target_os = "linux")]
fn second_onnx_runtime_is_not_tolerated() {
    let Some(from) = filled() else { return };
    let dir = TempDir::new().unwrap();
    copy_to(&from, dir.path());
    // This process has one already: opening a copy puts a second into it.
    let outcome = load_in_child(|c| {
        let other =
            libraries(dir.path()).into_iter().find(|p| p.to_str().unwrap().contains("onnxruntime")).unwrap();
        c.env("LD_PRELOAD", other).env("DUOLOGUE_NATIVES", &from);
    });
    assert!(outcome.starts_with("WrongVersion") && outcome.contains("another ONNX Runtime"), "{outcome}");
}
