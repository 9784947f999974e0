//! Files that sherpa-onnx would end the process on. That this program still runs is half of each test.

use std::{
    fs,
    path::{Path, PathBuf},
};

use duologue_native::{
    Error, ErrorKind,
    onnx_file::inspect,
    sherpa::{OfflineConfig, OfflineModel, OfflineRecognizer, OnlineConfig, OnlineModel, OnlineRecognizer},
};
use tempfile::TempDir;

use crate::common;

const ENCODER: &str = "encoder.int8.onnx";
const DECODER: &str = "decoder.onnx";
const JOINER: &str = "joiner.int8.onnx";
const TOKENS: &str = "tokens.txt";

/// A copy of the zipformer, to damage.
fn copy() -> Option<TempDir> {
    common::natives()?;
    let (from, to) = (common::zipformer()?, TempDir::new().unwrap());
    for name in [ENCODER, DECODER, JOINER, TOKENS] {
        fs::copy(from.join(name), to.path().join(name)).unwrap();
    }
    Some(to)
}

fn refusal(dir: &Path) -> Error {
    OnlineRecognizer::new(&OnlineConfig::new(common::zipformer_model(dir), dir.join(TOKENS)))
        .expect_err("a bad model was accepted")
}

fn expect(error: &Error, kind: ErrorKind, words: &[&str]) {
    assert_eq!(error.kind(), kind, "{error}");
    words.iter().for_each(|word| assert!(error.to_string().contains(word), "{word}: {error}"));
}

/// Replaces bytes by as many others, so that the file stays well-formed.
fn patch(path: &Path, from: &[u8], to: &[u8]) {
    assert_eq!(from.len(), to.len());
    let mut bytes = fs::read(path).unwrap();
    let at = bytes
        .windows(from.len())
        .rposition(|window| window == from)
        .expect("the bytes to patch are not there");
    bytes[at..at + to.len()].copy_from_slice(to);
    fs::write(path, bytes).unwrap();
}

#[test]
fn truncated_model_does_not_end_the_process() {
    for name in [ENCODER, DECODER, JOINER] {
        let Some(dir) = copy() else { return };
        let path = dir.path().join(name);
        let whole = fs::read(&path).unwrap();
        for part in [0, 1, 100, whole.len() / 2, whole.len() - 1] {
            fs::write(&path, &whole[..part]).unwrap();
            expect(&refusal(dir.path()), ErrorKind::ModelInvalid, &[name, "pull it again"]);
        }
    }
}

#[test]
fn missing_file_is_named() {
    for name in [ENCODER, DECODER, JOINER, TOKENS] {
        let Some(dir) = copy() else { return };
        fs::remove_file(dir.path().join(name)).unwrap();
        expect(&refusal(dir.path()), ErrorKind::ModelMissing, &[name, "pull the model"]);
    }
}

#[test]
fn swapped_files_do_not_end_the_process() {
    for (a, b) in [(ENCODER, DECODER), (ENCODER, JOINER), (DECODER, JOINER), (TOKENS, JOINER)] {
        let Some(dir) = copy() else { return };
        let (a, b, c) = (dir.path().join(a), dir.path().join(b), dir.path().join("c"));
        fs::rename(&a, &c).unwrap();
        fs::rename(&b, &a).unwrap();
        fs::rename(&c, &b).unwrap();
        expect(&refusal(dir.path()), ErrorKind::ModelInvalid, &[]);
    }
}

#[test]
fn another_kind_of_file_does_not_end_the_process() {
    let strangers = [
        "material/vad/silero_vad_v6.2.1_16k_op15.onnx",
        "material/wake/embedding_model.onnx",
        "builtin/artefacts/stt.int8.onnx",
        "builtin/artefacts/tts.f16.onnx",
        "material/speech/jfk.wav",
        "kokoro-graph/tokens.txt",
    ];
    for stranger in strangers {
        for name in [ENCODER, DECODER, JOINER, TOKENS] {
            let (Some(dir), Some(stranger)) = (copy(), common::shared(stranger)) else { return };
            fs::copy(&stranger, dir.path().join(name)).unwrap();
            expect(&refusal(dir.path()), ErrorKind::ModelInvalid, &[]);
        }
    }
}

#[test]
fn missing_metadata_does_not_end_the_process() {
    let cases: [(&str, &[u8], &[u8], &str); 5] = [
        (ENCODER, b"decode_chunk_len", b"decode_chunk_lex", "decode_chunk_len"),
        (ENCODER, b"64,32,16,8,16,32", b"64,32,16,8,16,xx", "left_context_len"),
        (ENCODER, b"model_type\x12\x0azipformer2", b"model_type\x12\x0azapformer2", "zapformer2"),
        (DECODER, b"vocab_size", b"vocab_sizf", "vocab_size"),
        (DECODER, b"context_size", b"context_sizf", "context_size"),
    ];
    for (name, from, to, word) in cases {
        let Some(dir) = copy() else { return };
        patch(&dir.path().join(name), from, to);
        expect(&refusal(dir.path()), ErrorKind::ModelInvalid, &[name, word]);
    }
}

#[test]
fn tokens_of_another_model_do_not_end_the_process() {
    let Some(dir) = copy() else { return };
    let path = dir.path().join(TOKENS);
    let whole = fs::read_to_string(&path).unwrap();
    let without_last: String = whole.lines().take(499).flat_map(|line| [line, "\n"]).collect();
    let doubled = format!("{whole}X 7\n");
    let malformed = whole.replace(" 250\n", " 250 x\n");
    for bad in [without_last, doubled, malformed, String::new()] {
        fs::write(&path, bad).unwrap();
        expect(&refusal(dir.path()), ErrorKind::ModelInvalid, &[TOKENS]);
    }
}

fn built_in() -> Option<(TempDir, PathBuf, PathBuf)> {
    common::natives()?;
    let (from, to) = (common::shared("builtin/artefacts")?, TempDir::new().unwrap());
    let (model, tokens) = (to.path().join("stt.int8.onnx"), to.path().join("stt.tokens.txt"));
    fs::copy(from.join("stt.int8.onnx"), &model).unwrap();
    fs::copy(from.join("stt.tokens.txt"), &tokens).unwrap();
    Some((to, model, tokens))
}

fn nemo_refusal(model: &Path, tokens: &Path) -> Error {
    let model = OnlineModel::NemoCtc { model: model.into() };
    OnlineRecognizer::new(&OnlineConfig::new(model, tokens)).expect_err("a bad model was accepted")
}

#[test]
fn damaged_ctc_model_does_not_end_the_process() {
    let cases: [(&[u8], &[u8], &str); 6] = [
        (b"window_size", b"window_sizf", "window_size"),
        (b"chunk_shift", b"chunk_shifs", "chunk_shift"),
        (b"subsampling_factor", b"subsampling_factop", "subsampling_factor"),
        (b"vocab_size\x12\x03122", b"vocab_size\x12\x03121", "vocab_size"),
        (
            b"cache_last_channel_dim3\x12\x03192",
            b"cache_last_channel_dim3\x12\x03191",
            "cache_last_channel_dim3",
        ),
        (b"cache_last_time_dim2\x12\x016", b"cache_last_time_dim2\x12\x010", "cache_last_time_dim2"),
    ];
    for (from, to, word) in cases {
        let Some((_dir, model, tokens)) = built_in() else { return };
        patch(&model, from, to);
        expect(&nemo_refusal(&model, &tokens), ErrorKind::ModelInvalid, &["stt.int8.onnx", word]);
    }
}

#[test]
fn ctc_tokens_without_a_blank_do_not_end_the_process() {
    let Some((_dir, model, tokens)) = built_in() else { return };
    let text = fs::read_to_string(&tokens).unwrap();
    for bad in [text.replace("<blk>", "<blank>"), text.replace("<blk> 122", "<blk> 0")] {
        fs::write(&tokens, bad).unwrap();
        expect(&nemo_refusal(&model, &tokens), ErrorKind::ModelInvalid, &["stt.tokens.txt"]);
    }
}

#[test]
fn streaming_model_given_as_another_kind_does_not_end_the_process() {
    let (Some(dir), Some((_b, ctc, ctc_tokens))) = (copy(), built_in()) else { return };
    let file = |name: &str| dir.path().join(name);
    let (encoder, decoder, joiner) = (file(ENCODER), file(DECODER), file(JOINER));
    let models = [
        OfflineModel::Whisper {
            encoder: encoder.clone(),
            decoder: decoder.clone(),
            language: None,
            task: Default::default(),
        },
        OfflineModel::MoonshineV1 {
            preprocessor: encoder.clone(),
            encoder: encoder.clone(),
            uncached_decoder: decoder.clone(),
            cached_decoder: decoder.clone(),
        },
        OfflineModel::MoonshineV2 { encoder: encoder.clone(), merged_decoder: decoder.clone() },
        OfflineModel::NemoTransducer {
            encoder: encoder.clone(),
            decoder: decoder.clone(),
            joiner: joiner.clone(),
        },
        OfflineModel::Transducer { encoder: encoder.clone(), decoder, joiner },
        OfflineModel::SenseVoice { model: encoder.clone(), language: None, inverse_text_normalization: true },
        OfflineModel::ZipformerCtc { model: encoder.clone() },
        OfflineModel::NemoCtc { model: encoder.clone() },
    ];
    for model in models {
        let error = OfflineRecognizer::new(&OfflineConfig::new(model, file(TOKENS))).expect_err("accepted");
        expect(&error, ErrorKind::ModelInvalid, &[]);
    }
    for model in [OnlineModel::Zipformer2Ctc { model: ctc }, OnlineModel::Zipformer2Ctc { model: encoder }] {
        let error = OnlineRecognizer::new(&OnlineConfig::new(model, &ctc_tokens)).expect_err("accepted");
        expect(&error, ErrorKind::ModelInvalid, &[]);
    }
}

#[test]
fn summary_does_not_differ_from_what_onnx_runtime_says() {
    if common::natives().is_none() {
        return;
    }
    for file in [
        "material/stt/zipformer-3.3m-en/encoder.int8.onnx",
        "builtin/artefacts/stt.int8.onnx",
        "material/vad/silero_vad_v6.2.1_16k_op15.onnx",
    ] {
        let Some(path) = common::shared(file) else { return };
        let summary = inspect(&path).unwrap();
        let session = duologue_native::onnx::Session::load(&path, &Default::default()).unwrap();
        assert_eq!(summary.inputs, session.inputs(), "{file}");
        assert_eq!(
            summary.outputs.iter().map(|o| &o.name).collect::<Vec<_>>(),
            session.outputs().iter().map(|o| &o.name).collect::<Vec<_>>()
        );
        for (key, value) in &summary.metadata {
            assert_eq!(session.metadata(key).as_ref(), Some(value), "{file}: {key}");
        }
    }
}

#[test]
fn metadata_that_does_not_fit_the_graph_does_not_end_the_process() {
    let cases: [(&str, &[u8], &[u8], &str); 6] = [
        // Fewer heads than the graph has, a longer memory of tokens, another window, longer and shorter states.
        (ENCODER, b"4,4,4,8,4,4", b"1,1,1,1,1,1", "cached_key_0"),
        (ENCODER, b"4,4,4,8,4,4", b"4,4,4,8,4,-", "num_heads"),
        (ENCODER, b"64,32,16,8,16,32", b"32,32,16,8,16,32", "cached_key_0"),
        (ENCODER, b"31,31,15,15,15,31", b"31,31,15,15,15,33", "cached_conv1_5"),
        (ENCODER, b"\x12\x0245", b"\x12\x0244", "T"),
        (DECODER, b"context_size\x12\x012", b"context_size\x12\x013", "context_size"),
    ];
    for (name, from, to, word) in cases {
        let Some(dir) = copy() else { return };
        patch(&dir.path().join(name), from, to);
        expect(&refusal(dir.path()), ErrorKind::ModelInvalid, &[name, word]);
    }
    for (from, to, word) in [
        (&b"chunk_shift\x12\x0216"[..], &b"chunk_shift\x12\x0299"[..], "chunk_shift"),
        (b"window_size\x12\x0216", b"window_size\x12\x02-6", "window_size"),
        (b"subsampling_factor\x12\x014", b"subsampling_factor\x12\x010", "subsampling_factor"),
    ] {
        let Some((_dir, model, tokens)) = built_in() else { return };
        patch(&model, from, to);
        expect(&nemo_refusal(&model, &tokens), ErrorKind::ModelInvalid, &["stt.int8.onnx", word]);
    }
}

#[test]
#[cfg(unix)]
fn pipe_and_device_are_not_read() {
    for name in [ENCODER, TOKENS] {
        for device in [None, Some("/dev/zero")] {
            let Some(dir) = copy() else { return };
            let path = dir.path().join(name);
            fs::remove_file(&path).unwrap();
            match device {
                None => assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success()),
                Some(device) => std::os::unix::fs::symlink(device, &path).unwrap(),
            }
            expect(&refusal(dir.path()), ErrorKind::ModelInvalid, &[name, "no plain file"]);
        }
    }
}

#[test]
fn endless_tokens_are_not_read() {
    let Some(dir) = copy() else { return };
    fs::write(dir.path().join(TOKENS), "a 1\n".repeat(5 << 20)).unwrap();
    expect(&refusal(dir.path()), ErrorKind::ModelInvalid, &[TOKENS, "longer than"]);
}
