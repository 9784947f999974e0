//! Real recognisers on real speech, and on files that are not what they say.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use duologue_models::registry::{ModelKind, Registry, RegistryOptions};
use duologue_models::stt::{OfflineStt, StreamingStt, Stt, SttOptions, SttStream, Transcript};
use duologue_models::{Error, ErrorKind};

const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
const ZIPFORMER: &str = "material/stt/zipformer-3.3m-en";
const PUSH: usize = 320;

fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(SHARED).join(path);
    if !path.exists() {
        eprintln!("SKIPPED: {} is not there", path.display());
        return None;
    }
    Some(path)
}

/// Loads a recogniser, or says that it cannot be tested here because there are no shared libraries.
fn load(dir: &Path, options: &SttOptions) -> Option<Result<StreamingStt, Error>> {
    match StreamingStt::load(dir, options) {
        Err(e) if e.kind() == ErrorKind::Natives => {
            eprintln!("SKIPPED: no shared libraries: {e}");
            None
        }
        outcome => Some(outcome),
    }
}

fn zipformer() -> Option<StreamingStt> {
    let beam = SttOptions { paths: Some(4), ..SttOptions::default() };
    Some(load(&shared(ZIPFORMER)?, &beam)?.unwrap())
}

/// A mono recording at 16 kHz; 8 kHz ones are doubled by linear interpolation.
fn read(path: &Path) -> Vec<f32> {
    let mut wav = hound::WavReader::open(path).unwrap();
    let samples: Vec<f32> = wav.samples::<i16>().map(|s| f32::from(s.unwrap()) / 32_768.0).collect();
    match wav.spec().sample_rate {
        16_000 => samples,
        8_000 => samples.windows(2).flat_map(|w| [w[0], (w[0] + w[1]) / 2.0]).collect(),
        other => panic!("{}: {other} Hz", path.display()),
    }
}

fn decode(stream: &mut dyn SttStream, samples: &[f32]) -> Transcript {
    samples.chunks(PUSH).for_each(|piece| stream.push(piece).unwrap());
    stream.finish().unwrap()
}

/// Words that differ (Levenshtein), per word of the reference.
fn wer(reference: &str, found: &str) -> f64 {
    let (a, b): (Vec<&str>, Vec<&str>) = (reference.split(' ').collect(), found.split(' ').collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            let best = replaced.min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], best);
        }
    }
    row[b.len()] as f64 / a.len() as f64
}

const JFK: &str = "and so my fellow americans ask not what your country can do for you ask what you can do for your country";

#[test]
fn partials_do_not_wait_for_the_end() {
    let (Some(stt), Some(jfk)) = (zipformer(), shared("material/speech/jfk.wav")) else { return };
    let (mut stream, samples) = (stt.stream().unwrap(), read(&jfk));
    let mut changes = Vec::new();
    for (i, piece) in samples.chunks(PUSH).enumerate() {
        stream.push(piece).unwrap();
        let partial = stream.partial();
        if changes.last().is_none_or(|(_, text)| *text != partial.text) {
            changes.push((i * PUSH, partial.text));
        }
    }
    assert!(changes.len() > 10, "{changes:?}");
    let halfway = changes.iter().rfind(|(at, _)| *at < samples.len() / 2).unwrap();
    assert!(halfway.1.starts_with("and so my fellow americans"), "{halfway:?}");
    let text = stream.finish().unwrap().text;
    // Two of 22 words, or three where the processor has no VNNI, whose 8-bit products do not saturate.
    assert!(wer(JFK, &text) <= 0.15, "{text}");
}

#[test]
fn the_last_word_is_not_lost() {
    let (Some(stt), Some(jfk)) = (zipformer(), shared("material/speech/jfk.wav")) else { return };
    let samples = read(&jfk);
    // Cut hard after the last word: nothing but finish's own silence follows.
    let end = samples.iter().rposition(|x| x.abs() > 0.05).unwrap();
    let text = decode(&mut *stt.stream().unwrap(), &samples[..end]).text;
    assert!(text.ends_with("your country"), "{text}");
}

#[test]
fn words_are_not_out_of_place() {
    let (Some(stt), Some(jfk)) = (zipformer(), shared("material/speech/jfk.wav")) else { return };
    let samples = read(&jfk);
    let found = decode(&mut *stt.stream().unwrap(), &samples);
    let texts: Vec<&str> = found.words.iter().map(|w| w.text.as_str()).collect();
    assert_eq!(texts.join(" "), found.text);
    assert!(found.words.windows(2).all(|w| w[0].span.end <= w[1].span.start), "{found:?}");
    assert!(found.words.iter().all(|w| w.span.end <= samples.len() as u64));
    // By ear, "americans" is said between 1.4 s and 2.2 s, the last word after 9.8 s.
    let at = |text: &str| found.words.iter().find(|w| w.text == text).unwrap().span.start as f64 / 16_000.0;
    assert!((1.4..2.8).contains(&at("americans")), "{}", at("americans"));
    assert!(found.words.last().unwrap().span.start > 9 * 16_000, "{found:?}");
}

#[test]
fn a_used_stream_does_not_hear_differently() {
    let (Some(stt), Some(jfk)) = (zipformer(), shared("material/speech/jfk.wav")) else { return };
    let samples = read(&jfk);
    let mut stream = stt.stream().unwrap();
    let first = decode(&mut *stream, &samples);
    assert_eq!(stream.partial(), first);
    assert_eq!(stream.finish().unwrap(), first);
    assert_eq!(stream.push(&samples[..PUSH]).unwrap_err().kind(), ErrorKind::Inference);
    stream.reset();
    assert!(stream.partial().is_empty());
    assert_eq!(decode(&mut *stream, &samples), first);
    stream.reset();
    assert!(stream.finish().unwrap().is_empty());
    stream.reset();
    stream.push(&samples[..40_000]).unwrap();
    stream.reset();
    assert_eq!(decode(&mut *stream, &samples), first);
}

#[test]
fn the_pieces_size_does_not_change_the_text() {
    let (Some(stt), Some(jfk)) = (zipformer(), shared("material/speech/jfk.wav")) else { return };
    let samples = read(&jfk);
    let first = decode(&mut *stt.stream().unwrap(), &samples);
    for size in [1_601, samples.len()] {
        let mut stream = stt.stream().unwrap();
        samples.chunks(size).for_each(|piece| stream.push(piece).unwrap());
        assert_eq!(stream.finish().unwrap().text, first.text);
    }
}

#[test]
fn streams_on_many_threads_do_not_mix() {
    let (Some(stt), Some(jfk)) = (zipformer(), shared("material/speech/jfk.wav")) else { return };
    let Some(other) = shared("material/speech/whatstheweatherlike.wav") else { return };
    let (jfk, other) = (read(&jfk), read(&other));
    let alone = [&jfk, &other].map(|samples| decode(&mut *stt.stream().unwrap(), samples));
    std::thread::scope(|scope| {
        for i in 0..4 {
            let (stt, samples, alone) = (&stt, [&jfk, &other][i % 2], &alone[i % 2]);
            scope.spawn(move || assert_eq!(decode(&mut *stt.stream().unwrap(), samples), *alone));
        }
    });
}

#[test]
fn samples_that_are_no_numbers_are_not_more_than_silence() {
    let (Some(stt), Some(jfk)) = (zipformer(), shared("material/speech/jfk.wav")) else { return };
    let mut stream = stt.stream().unwrap();
    let silence = decode(&mut *stream, &[0.0; 16_000]);
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        stream.reset();
        assert_eq!(decode(&mut *stream, &[bad; 16_000]), silence);
    }
    stream.reset();
    stream.push(&[f32::NAN; PUSH]).unwrap();
    let text = decode(&mut *stream, &read(&jfk)).text;
    assert!(wer(JFK, &text) <= 0.1, "{text}");
}

#[test]
fn an_empty_utterance_is_not_a_word() {
    let Some(stt) = zipformer() else { return };
    let mut stream = stt.stream().unwrap();
    assert!(stream.finish().unwrap().is_empty());
    stream.reset();
    stream.push(&[]).unwrap();
    assert!(stream.finish().unwrap().is_empty());
}

/// The spike's recogniser, laid out as a model's directory.
fn spike() -> Option<tempfile::TempDir> {
    let artefacts = shared("builtin/artefacts")?;
    let dir = tempfile::tempdir().unwrap();
    fs::copy(artefacts.join("stt.int8.onnx"), dir.path().join("model.int8.onnx")).unwrap();
    fs::copy(artefacts.join("stt.tokens.txt"), dir.path().join("tokens.txt")).unwrap();
    Some(dir)
}

#[test]
fn the_built_in_format_does_not_write_unknown_words() {
    let (Some(dir), Some(digits)) = (spike(), shared("material/speech/digits")) else { return };
    let Some(stt) = load(dir.path(), &SttOptions::default()) else { return };
    let (stt, mut right, mut all) = (stt.unwrap(), 0, 0);
    let names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    let names: HashMap<char, &str> = ('0'..='9').zip(names).collect();
    let mut stream = stt.stream().unwrap();
    for entry in fs::read_dir(digits).unwrap() {
        let path = entry.unwrap().path();
        let digit = path.file_name().unwrap().to_str().unwrap().chars().next().unwrap();
        let found = decode(&mut *stream, &read(&path));
        assert!(!found.text.contains("UNK"), "{found:?}");
        right += usize::from(found.text == names[&digit]);
        all += 1;
        stream.reset();
    }
    // An under-trained spike: this guards the plumbing, not the accuracy.
    assert!(right * 4 > all, "{right} of {all}");
}

/// A copy of the zipformer with some files replaced.
fn broken(replace: &[(&str, &[u8])]) -> Option<tempfile::TempDir> {
    let good = shared(ZIPFORMER)?;
    let dir = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(good).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), dir.path().join(entry.file_name())).unwrap();
    }
    for (name, contents) in replace {
        fs::write(dir.path().join(name), contents).unwrap();
    }
    Some(dir)
}

#[test]
fn damaged_or_swapped_files_are_refused_in_words() {
    let Some(good) = shared(ZIPFORMER) else { return };
    let file = |name: &str| fs::read(good.join(name)).unwrap();
    let (encoder, decoder, joiner) =
        (file("encoder.int8.onnx"), file("decoder.onnx"), file("joiner.int8.onnx"));
    let half = &encoder[..encoder.len() / 2];
    let short = b"<blk> 0\n<sos/eos> 1\n".as_slice();
    type Replaced<'a> = &'a [(&'a str, &'a [u8])];
    let cases: [(&str, Replaced<'_>); 8] = [
        ("encoder cut in half", &[("encoder.int8.onnx", half)]),
        ("joiner empty", &[("joiner.int8.onnx", b"")]),
        ("decoder is text", &[("decoder.onnx", b"once upon a time")]),
        ("encoder and joiner swapped", &[("encoder.int8.onnx", &joiner), ("joiner.int8.onnx", &encoder)]),
        ("joiner and decoder swapped", &[("decoder.onnx", &joiner), ("joiner.int8.onnx", &decoder)]),
        ("tokens of another model", &[("tokens.txt", short)]),
        ("tokens are a model", &[("tokens.txt", &decoder)]),
        ("tokens empty", &[("tokens.txt", b"")]),
    ];
    for (case, replace) in cases {
        let dir = broken(replace).unwrap();
        let Some(outcome) = load(dir.path(), &SttOptions::default()) else { return };
        let error = outcome.err().unwrap_or_else(|| panic!("{case}: accepted"));
        assert_eq!(error.kind(), ErrorKind::Invalid, "{case}: {error}");
        assert!(replace.iter().any(|(name, _)| error.to_string().contains(name)), "{case}: {error}");
    }
}

#[test]
fn a_missing_file_is_refused_in_words() {
    for name in ["decoder.onnx", "tokens.txt", "encoder.int8.onnx"] {
        let Some(dir) = broken(&[]) else { return };
        fs::remove_file(dir.path().join(name)).unwrap();
        let error = StreamingStt::load(dir.path(), &SttOptions::default()).err().expect("refused");
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(error.to_string().contains(name.split('.').next().unwrap()), "{error}");
    }
}

#[test]
fn wrong_options_do_not_reach_the_engine() {
    let Some(dir) = spike() else { return };
    let beam = SttOptions { paths: Some(4), ..SttOptions::default() };
    let Some(outcome) = load(dir.path(), &beam) else { return };
    assert_eq!(outcome.err().expect("CTC models decode greedily").kind(), ErrorKind::Config);
    let none = SttOptions { threads: 0, ..SttOptions::default() };
    assert_eq!(StreamingStt::load(dir.path(), &none).err().unwrap().kind(), ErrorKind::Config);
}

#[test]
fn a_hotword_is_heard_where_another_word_would_be() {
    let (Some(dir), Some(jfk)) = (shared(ZIPFORMER), shared("material/speech/jfk.wav")) else { return };
    let samples = read(&jfk);
    let heard = |options: &SttOptions| {
        let stt = StreamingStt::load(&dir, options).unwrap();
        decode(&mut *stt.stream().unwrap(), &samples).text
    };
    let beam = SttOptions { paths: Some(4), ..SttOptions::default() };
    let preferring = SttOptions { hotwords: vec!["ask not".into()], ..beam.clone() };
    let (plain, preferred) = (heard(&beam), heard(&preferring));
    assert!(
        !plain.contains("americans ask not") && preferred.contains("americans ask not"),
        "{plain:?} → {preferred:?}"
    );
}

#[test]
fn a_hotword_that_cannot_be_used_is_not_ignored() {
    let hotwords = |word: &str| SttOptions { hotwords: vec![word.into()], ..SttOptions::default() };
    if let Some(dir) = shared(ZIPFORMER) {
        let error = StreamingStt::load(&dir, &hotwords("Zürich")).err().unwrap();
        assert!(error.to_string().contains("\"Zürich\"") && error.to_string().contains("'Ü'"), "{error}");
    }
    let Some(dir) = spike() else { return };
    let Some(outcome) = load(dir.path(), &hotwords("yes")) else { return };
    let error = outcome.err().expect("CTC models have no use for hotwords");
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("recogniser.hotwords"), "{error}");
}

#[test]
fn a_streaming_model_is_not_loaded_as_another() {
    let Some(dir) = shared(ZIPFORMER) else { return };
    let error = OfflineStt::load(&dir, &SttOptions::default()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("a streaming model"), "{error}");
}

#[test]
fn the_built_in_recogniser_does_not_mishear_its_caller() {
    let cache = tempfile::tempdir().unwrap();
    let options = RegistryOptions { cache: Some(cache.path().into()), offline: true, builtin: None };
    let registry = Registry::new(options).unwrap();
    let model = registry.resolve_as("builtin-stt", ModelKind::Stt).unwrap();
    let Some(stt) = load(&model.dir, &SttOptions::default()) else { return };
    let (stt, caller) = (stt.unwrap(), registry.caller().unwrap());
    let list: toml::Table = fs::read_to_string(caller.join("caller.toml")).unwrap().parse().unwrap();
    let clips = list["clip"].as_array().unwrap();
    let (mut stream, mut differ) = (stt.stream().unwrap(), Vec::new());
    for clip in clips {
        // A word at the very start is missed: 0.3 s of silence before it, as a pre-roll has.
        stream.push(&[0.0; 4_800]).unwrap();
        let found = decode(&mut *stream, &read(&caller.join(clip["file"].as_str().unwrap())));
        if found.text != clip["heard"].as_str().unwrap() {
            differ.push((found.text, clip));
        }
        stream.reset();
    }
    // Another processor's 8-bit arithmetic may turn a close call.
    assert!(differ.len() * 5 <= clips.len(), "{differ:?}");
}
