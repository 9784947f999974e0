use std::fs;

use super::*;

/// SHA-256 of `abc`.
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn registry(cache: &Path) -> Registry {
    Registry::new(RegistryOptions { cache: Some(cache.into()), offline: true, builtin: None }).unwrap()
}

/// A registry of one small pinned model called `tiny`, in `cache`.
fn tiny(cache: &Path) -> Registry {
    let text = format!(
        r#"
        [[model]]
        name = "tiny"
        kind = "stt"
        family = "transducer"
        source = "url"
        licence = "MIT"
        about = "tiny"
        files = [{{ path = "sub/a.bin", bytes = 3, sha256 = "{ABC}", url = "https://example.org/a.bin" }}]
        "#
    );
    Registry { entries: entry::parse(&text, "test").unwrap(), ..registry(cache) }
}

#[test]
fn the_checked_in_list_is_not_malformed() {
    let entries = entry::parse(LIST, "registry.toml").unwrap();
    assert!(entries.iter().any(|e| e.kind == ModelKind::Turn));
    for entry in &entries {
        assert!(
            !entry.licence.is_empty() && !entry.about.is_empty() && !entry.family.is_empty(),
            "{}",
            entry.name
        );
    }
}

#[test]
fn a_wheel_model_is_not_pinned_two_ways() {
    let cache = tempfile::tempdir().unwrap();
    for entry in registry(cache.path()).list().iter().filter(|e| e.origin == Origin::Wheel) {
        let wheel = wheel_file(&entry.name);
        let [file] = entry.files.as_slice() else { panic!("{}: one file", entry.name) };
        assert_eq!(file.sha256, wheel.member_sha256);
        assert!(wheel.member.ends_with(&format!("/{}", file.path)));
    }
}

#[test]
fn a_malformed_list_is_not_read() {
    let one = |name: &str, path: &str, sha: &str, url: &str| {
        format!(
            "[[model]]\nname = {name:?}\nkind = \"stt\"\nfamily = \"x\"\nsource = \"url\"\nlicence = \"MIT\"\nabout = \"x\"\n\
             files = [{{ path = {path:?}, bytes = 3, sha256 = {sha:?}, url = {url:?} }}]\n"
        )
    };
    let good = one("a", "x", ABC, "https://x");
    assert!(entry::parse(&good, "t").is_ok());
    for (text, named) in [
        (format!("{good}{good}"), "twice"),
        (one("A b", "x", ABC, "https://x"), "name"),
        (one("a", "../x", ABC, "https://x"), "path"),
        (one("a", "x", "abc", "https://x"), "sha256"),
        (one("a", "x", ABC, "http://x"), "https"),
        (good.replace("\"stt\"", "\"sst\""), "sst"),
        (good.replace("about", "abuot"), "abuot"),
        (good.replace("bytes = 3", "bytes = 0"), "bytes"),
        ("[[model]]".into(), "name"),
        ("nonsense".into(), "t:"),
    ] {
        let error = entry::parse(&text, "t").expect_err(named);
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(named), "{named}: {error}");
    }
}

#[test]
fn an_unknown_name_is_not_left_without_advice() {
    let cache = tempfile::tempdir().unwrap();
    let error = registry(cache.path()).resolve("zipformer-en-20").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("zipformer-en-20m"), "{error}");
    let error = registry(cache.path()).resolve("qqqqqqqqqqqqqqqqqq").unwrap_err();
    assert!(error.to_string().contains("models list"), "{error}");
}

#[test]
fn an_absent_model_does_not_pretend_to_be_downloadable() {
    let cache = tempfile::tempdir().unwrap();
    for name in ["kokoro", "zipformer-en", "tiny"] {
        let registry = if name == "tiny" { tiny(cache.path()) } else { registry(cache.path()) };
        let error = registry.resolve(name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let text = error.to_string();
        assert!(text.contains("not supported yet") && text.contains("https://"), "{text}");
        assert!(text.contains(&registry.path(name).unwrap().display().to_string()), "{text}");
        assert!(!registry.is_present(name));
    }
}

#[test]
fn a_placed_model_is_not_handed_out_damaged() {
    let cache = tempfile::tempdir().unwrap();
    let registry = tiny(cache.path());
    let file = registry.path("tiny").unwrap().join("sub/a.bin");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "abc").unwrap();
    let found = registry.resolve("tiny").unwrap();
    assert_eq!(found.dir, registry.path("tiny").unwrap());
    assert_eq!(registry.verify("tiny").unwrap(), Verified { files: 1, bytes: 3 });
    assert!(registry.is_present("tiny"));

    for damage in ["abd", "ab", ""] {
        fs::write(&file, damage).unwrap();
        assert_eq!(registry.resolve("tiny").unwrap_err().kind(), ErrorKind::Invalid, "{damage:?}");
        assert_eq!(registry.verify("tiny").unwrap_err().kind(), ErrorKind::Invalid, "{damage:?}");
    }
    fs::write(&file, "abc").unwrap();
    registry.resolve("tiny").unwrap();
}

#[test]
fn a_stamp_does_not_hide_a_changed_file_from_a_full_check() {
    let cache = tempfile::tempdir().unwrap();
    let registry = tiny(cache.path());
    let file = registry.path("tiny").unwrap().join("sub/a.bin");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "abc").unwrap();
    registry.resolve("tiny").unwrap();
    let time = fs::metadata(&file).unwrap().modified().unwrap();
    fs::write(&file, "abd").unwrap();
    fs::File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
    registry.resolve("tiny").expect("size and time are as they were: the cheap check cannot see it");
    assert_eq!(registry.verify("tiny").unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(registry.resolve("tiny").unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn a_model_of_another_kind_is_not_swapped_in() {
    let cache = tempfile::tempdir().unwrap();
    let error = registry(cache.path()).resolve_as("kokoro", ModelKind::Stt).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("tts"), "{error}");
}

#[test]
fn a_directory_is_not_taken_for_a_name() {
    let cache = tempfile::tempdir().unwrap();
    let registry = registry(cache.path());
    let dir = cache.path().join("my model");
    fs::create_dir(&dir).unwrap();
    let plain = registry.resolve(dir.to_str().unwrap()).unwrap();
    assert_eq!((plain.name.as_str(), plain.entry.as_ref()), ("my model", None));
    let address = format!("file://{}", dir.display().to_string().replace(' ', "%20"));
    assert_eq!(registry.resolve(&address).unwrap().dir, dir);
    for wrong in
        ["file://relative", "file:///%zz", "file:///%", "https://example.org/m", "/no/such/dir", "./", "x/"]
    {
        let outcome = registry.resolve(wrong);
        if wrong != "./" {
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::NotFound, "{wrong}");
        }
    }
}

#[test]
fn offline_does_not_fetch_silero() {
    let cache = tempfile::tempdir().unwrap();
    let error = registry(cache.path()).resolve("silero-vad").unwrap_err();
    assert!(error.to_string().contains("offline"), "{error}");
    assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 0);
}

#[test]
fn a_copied_silero_is_not_fetched_again() {
    let copy = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/material/vad/silero_vad_v6.2.1_16k_op15.onnx"
    ));
    if !copy.is_file() {
        eprintln!("SKIPPED: {} is not there", copy.display());
        return;
    }
    let cache = tempfile::tempdir().unwrap();
    let registry = registry(cache.path());
    let dir = registry.path("silero-vad").unwrap();
    fs::create_dir_all(&dir).unwrap();
    fs::copy(copy, dir.join("silero_vad_16k_op15.onnx")).unwrap();
    assert_eq!(registry.resolve("silero-vad").unwrap().dir, dir);
    assert_eq!(registry.verify("silero-vad").unwrap().files, 1);
}
