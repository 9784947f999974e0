use super::*;

const ZIPFORMER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/material/stt/zipformer-3.3m-en");
const SPIKE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/builtin/artefacts");

/// A directory of files; those given a path are copies of it.
fn directory(files: &[(&str, Option<&Path>)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, from) in files {
        match from {
            Some(from) => drop(fs::copy(from, dir.path().join(name)).unwrap()),
            None => fs::write(dir.path().join(name), "").unwrap(),
        }
    }
    dir
}

fn there(path: &str) -> bool {
    let there = Path::new(path).is_dir();
    if !there {
        eprintln!("SKIPPED: {path} is not there");
    }
    there
}

#[test]
fn a_role_is_not_read_into_another_name() {
    for (name, role, fits) in [
        ("encoder.onnx", "encoder", true),
        ("encoder-epoch-99-avg-1.int8.onnx", "encoder", true),
        ("tiny.en-encoder.int8.onnx", "encoder", true),
        ("uncached_decode.int8.onnx", "cached_decode", false),
        ("uncached_decode.int8.onnx", "uncached_decode", true),
        ("encoder.int8.onnx", "encode", false),
        ("encoder_model.ort", "encoder_model", true),
        ("encoder_model.ort", "model", false),
        ("model.onnx", "model", true),
        ("encoder.txt", "encoder", false),
        ("preprocess.onnx", "preprocess", true),
    ] {
        assert_eq!(plays(name, role), fits, "{name} as {role}");
    }
}

#[test]
fn a_directory_without_a_recogniser_is_refused_in_words() {
    for (files, named) in [
        (&[][..], "it is empty"),
        (&[("notes.md", None)], "notes.md"),
        (&[("joiner.onnx", None)], "encoder"),
        (&[("joiner.onnx", None), ("encoder.onnx", None)], "decoder"),
    ] {
        let dir = directory(files);
        let error = ModelDir::open(dir.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(error.to_string().contains(named), "{error}");
    }
    assert_eq!(ModelDir::open(Path::new("/no/such/model")).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn an_empty_file_is_not_a_model() {
    for name in ["model.onnx", "encoder.onnx"] {
        let dir = directory(&[(name, None), ("tokens.txt", None)]);
        let error = ModelDir::open(dir.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn a_choice_between_files_is_not_made_in_silence() {
    let dir = directory(&[("joiner-a.onnx", None), ("joiner-b.onnx", None)]);
    let error = ModelDir::open(dir.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("joiner-a.onnx, joiner-b.onnx"), "{error}");
    fs::write(dir.path().join("model.toml"), "joiner = \"joiner-c.onnx\"").unwrap();
    let error = ModelDir::open(dir.path()).unwrap_err();
    assert!(error.to_string().contains("joiner-c.onnx"), "{error}");
}

#[test]
fn a_transducer_is_found() {
    if !there(ZIPFORMER) {
        return;
    }
    let found = ModelDir::open(Path::new(ZIPFORMER)).unwrap();
    let Found::Online { model: OnlineModel::Transducer { encoder, decoder, .. }, window } = found.found
    else {
        panic!("{found:?}");
    };
    assert!(encoder.ends_with("encoder.int8.onnx") && decoder.ends_with("decoder.onnx"));
    assert_eq!((found.name.as_str(), window), ("zipformer-3.3m-en", 45));
}

#[test]
fn model_toml_is_not_ignored() {
    if !there(ZIPFORMER) {
        return;
    }
    let from = |name: &str| Path::new(ZIPFORMER).join(name);
    let (encoder, decoder, joiner, tokens) =
        (from("encoder.int8.onnx"), from("decoder.onnx"), from("joiner.int8.onnx"), from("tokens.txt"));
    let dir = directory(&[
        ("encoder-1.onnx", Some(&encoder)),
        ("encoder-2.onnx", None),
        ("decoder.onnx", Some(&decoder)),
        ("joiner.onnx", Some(&joiner)),
        ("words.txt", Some(&tokens)),
    ]);
    fs::write(
        dir.path().join("model.toml"),
        "name = \"mine\"\nencoder = \"encoder-1.onnx\"\ntokens = \"words.txt\"\npaths = 4",
    )
    .unwrap();
    let found = ModelDir::open(dir.path()).unwrap();
    assert_eq!((found.name.as_str(), found.toml.paths), ("mine", Some(4)));
    assert!(found.tokens.ends_with("words.txt"));
}

#[test]
fn the_built_in_format_is_found() {
    if !there(SPIKE) {
        return;
    }
    let from = |name: &str| Path::new(SPIKE).join(name);
    let dir = directory(&[
        ("model.int8.onnx", Some(&from("stt.int8.onnx"))),
        ("model.onnx", Some(&from("stt.fp32.onnx"))),
        ("tokens.txt", Some(&from("stt.tokens.txt"))),
    ]);
    let found = ModelDir::open(dir.path()).unwrap();
    let Found::Online { model: OnlineModel::NemoCtc { model }, window: 16 } = found.found else {
        panic!("{found:?}")
    };
    assert!(model.ends_with("model.int8.onnx"));
}

#[test]
fn a_voice_is_not_taken_for_a_recogniser() {
    if !there(SPIKE) {
        return;
    }
    let voice = Path::new(SPIKE).join("tts.f16.onnx");
    let dir = directory(&[("model.onnx", Some(&voice)), ("tokens.txt", None)]);
    let error = ModelDir::open(dir.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("not a recogniser"), "{error}");
}
