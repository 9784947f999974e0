//! Finding and loading LiveKit's engine. Each load happens in a process of its own.

use std::{fs, path::PathBuf, process::Command};

use duologue_fetch::FetchOptions;
use duologue_native::{ErrorKind, LoadOptions, livekit};
use tempfile::TempDir;

use crate::child;
#[cfg(unix)]
use crate::compile::compile;

/// The engine in the cache, fetched if need be; `None`, said aloud, where there is no network.
fn fetched() -> Option<PathBuf> {
    match livekit::fetch(&LoadOptions::default()) {
        Ok(path) => Some(path),
        Err(e) if e.kind() == ErrorKind::Network => {
            eprintln!("SKIPPED: {e}");
            None
        }
        Err(e) => panic!("{e}"),
    }
}

/// Not a test by itself: loads with the environment that the parent gives, twice.
#[test]
#[ignore = "run by other tests of this file"]
fn child_loads() {
    if !child::is_one() {
        return;
    }
    let first = livekit::load(&LoadOptions::default());
    if let Ok(engine) = &first {
        assert_eq!(engine.version(), "0.13.2");
        assert!(engine.path().is_file());
        println!("\nSOURCE {:?}", engine.source());
        assert!(std::ptr::eq(livekit::load(&LoadOptions::default()).unwrap(), *engine), "loaded twice");
    }
    child::tell(first.map_err(|e| format!("{:?} {e}", e.kind())));
}

fn load_in_child(steer: impl FnOnce(&mut Command)) -> String {
    let mut command = child::command("livekit::child_loads");
    command.env_remove("LIVEKIT_LIB_PATH");
    steer(&mut command);
    child::outcome(&mut command)
}

fn assert_says(outcome: &str, kind: &str, words: &[&str]) {
    assert!(outcome.starts_with(kind), "{outcome}");
    for word in words {
        assert!(outcome.contains(word), "{word}: {outcome}");
    }
}

#[test]
fn missing_engine_is_named_when_offline() {
    let cache = TempDir::new().unwrap();
    let outcome = load_in_child(|c| {
        c.env("DUOLOGUE_CACHE", cache.path()).env("DUOLOGUE_OFFLINE", "1");
    });
    let place = cache.path().to_str().unwrap();
    assert_says(&outcome, "Offline", &["duologue fetch", "LIVEKIT_LIB_PATH", "0.13.2", place]);
    assert!(fs::read_dir(cache.path()).unwrap().next().is_none(), "offline wrote to the cache");
}

#[test]
fn named_place_without_an_engine_is_named_and_nothing_is_fetched() {
    let (dir, cache) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    for path in [dir.path().to_owned(), dir.path().join("none.so")] {
        let outcome = load_in_child(|c| {
            c.env("LIVEKIT_LIB_PATH", &path).env("DUOLOGUE_CACHE", cache.path());
        });
        assert_says(&outcome, "NativesMissing", &["LIVEKIT_LIB_PATH", path.to_str().unwrap()]);
    }
    assert!(fs::read_dir(cache.path()).unwrap().next().is_none());
}

#[test]
fn engine_is_taken_from_where_it_is_named() {
    let Some(from) = fetched() else { return };
    let (dir, cache) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let file = dir.path().join(from.file_name().unwrap());
    fs::copy(&from, &file).unwrap();
    for path in [dir.path(), file.as_path()] {
        let outcome = load_in_child(|c| {
            c.env("LIVEKIT_LIB_PATH", path).env("DUOLOGUE_CACHE", cache.path());
        });
        assert_eq!(outcome, "Ok");
    }
}

#[test]
fn program_moved_with_its_engine_needs_no_cache() {
    let Some(from) = fetched() else { return };
    let (root, cache) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let program = root.path().join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    fs::copy(&from, root.path().join(from.file_name().unwrap())).unwrap();
    let mut command = Command::new(program);
    child::prepare(&mut command, "livekit::child_loads");
    command.env_remove("LIVEKIT_LIB_PATH").env("DUOLOGUE_CACHE", cache.path()).env("DUOLOGUE_OFFLINE", "1");
    assert_eq!(child::outcome(&mut command), "Ok");
}

#[test]
#[cfg(unix)]
fn engine_of_another_version_is_refused() {
    let says = |contract: u32, version: &str| {
        format!(
            "struct buffer {{ unsigned long long capacity, len; const char *data; }};\n\
             unsigned ffi_livekit_ffi_uniffi_contract_version(void) {{ return {contract}; }}\n\
             struct buffer uniffi_livekit_ffi_fn_func_build_version(void *status) {{\n\
                 struct buffer b = {{ {len}, {len}, \"{version}\" }}; (void)status; return b;\n\
             }}\n\
             void ffi_livekit_ffi_rustbuffer_free(struct buffer b, void *status) {{ (void)b; (void)status; }}\n",
            len = version.len()
        )
    };
    let cases = [
        (says(30, "0.12.44"), "0.12.44"),
        (says(29, "0.13.2"), "29"),
        ("int nothing;\n".to_owned(), "uniffi_contract_version"),
        // Says it is the right one, and lacks every function.
        (says(30, "0.13.2"), "livekit_ffi_initialize"),
    ];
    for (source, word) in cases {
        let dir = TempDir::new().unwrap();
        let library = dir.path().join("liblivekit_ffi.so");
        if compile(&source, &library).is_none() {
            return;
        }
        let outcome = load_in_child(|c| {
            c.env("LIVEKIT_LIB_PATH", &library);
        });
        assert_says(&outcome, "WrongVersion", &[word, "0.13.2", library.to_str().unwrap()]);
    }
}

#[test]
fn file_that_is_no_library_is_refused() {
    let dir = TempDir::new().unwrap();
    let library = dir.path().join("some.so");
    fs::write(&library, "no library").unwrap();
    let outcome = load_in_child(|c| {
        c.env("LIVEKIT_LIB_PATH", &library);
    });
    assert_says(&outcome, "WrongVersion", &[library.to_str().unwrap()]);
}

#[test]
fn damaged_engine_in_the_cache_is_repaired() {
    let Some(from) = fetched() else { return };
    let root = TempDir::new().unwrap();
    let dir = root.path().join("natives").join(from.parent().unwrap().file_name().unwrap());
    fs::create_dir_all(&dir).unwrap();
    let copy = dir.join(from.file_name().unwrap());
    let mut bytes = fs::read(&from).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&copy, bytes).unwrap();
    let fetch = FetchOptions { cache: Some(root.path().into()), ..FetchOptions::default() };
    let options = LoadOptions::from(fetch.clone());
    let problem = livekit::locate(&options).unwrap().candidates.pop().unwrap().problem.unwrap();
    assert_eq!(problem.kind(), ErrorKind::Corrupt, "{problem}");
    let offline = livekit::fetch(&FetchOptions { offline: true, ..fetch }.into()).unwrap_err();
    assert_eq!(offline.kind(), ErrorKind::Corrupt, "{offline}");
    match livekit::fetch(&options) {
        Ok(repaired) => {
            assert_eq!(repaired, copy);
            livekit::verify(&repaired, &options).unwrap();
        }
        Err(e) if e.kind() == ErrorKind::Network => eprintln!("SKIPPED: {e}"),
        Err(e) => panic!("{e}"),
    }
}
